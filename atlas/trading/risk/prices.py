"""The last quotes, and what they make of positions and currencies. Pure."""

import math
from collections.abc import Mapping

from atlas.domain import Instrument, InstrumentKind, Quote


class Prices:
    """The last quote of each instrument. `instruments` may grow."""

    def __init__(self, instruments: Mapping[str, Instrument]) -> None:
        self._instruments = instruments
        self._quotes: dict[str, Quote] = {}

    def on_quote(self, quote: Quote) -> None:
        """The market says `quote`. One that came before the last one changes nothing, nor does one without both prices."""
        last = self._quotes.get(quote.instrument)
        if _is_readable(quote) and (last is None or quote.receive_ns >= last.receive_ns):
            self._quotes[quote.instrument] = quote

    def quote(self, instrument: str) -> Quote | None:
        """The last one, or None."""
        return self._quotes.get(instrument)

    def unit_value(self, instrument: Instrument, *, short: bool = False) -> float | None:
        """What one unit is worth, in the instrument's currency; None without a quote.

        An option that is sold short counts with its strike, if that is more: that is what a put may cost at most, and it
        stands for the underlying of a call, whose loss has no bound.
        """
        quote = self._quotes.get(instrument.id)
        if quote is None:
            return None
        price = abs(quote.mid)
        if short and instrument.kind is InstrumentKind.OPTION:
            price = max(price, instrument.strike)
        return price * instrument.multiplier

    def rate(self, currency: str, base: str) -> float | None:
        """Units of `base` for one unit of `currency`, from a pair of the two in either direction; None if none has a quote."""
        if currency == base:
            return 1.0
        for instrument in self._instruments.values():
            if instrument.kind is not InstrumentKind.CASH:
                continue
            quote = self._quotes.get(instrument.id)
            if quote is None or quote.mid <= 0:
                continue
            if (instrument.symbol, instrument.currency) == (currency, base):
                return quote.mid
            if (instrument.symbol, instrument.currency) == (base, currency):
                return 1.0 / quote.mid
        return None


def _is_readable(quote: Quote) -> bool:
    return all(math.isfinite(price) for price in (quote.bid, quote.ask)) and quote.bid > 0 and quote.ask > 0
