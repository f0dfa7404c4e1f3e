"""The last quotes, and what they make of positions and currencies. Pure."""

import math
from collections.abc import Mapping

from atlas.domain import Instrument, InstrumentKind, Quote

BELOW_ZERO = frozenset({InstrumentKind.FUTURE})
"""What may trade at zero and below: energy has, and spreads of months do."""


class Prices:
    """The last quote of each instrument. `instruments` may grow."""

    def __init__(self, instruments: Mapping[str, Instrument]) -> None:
        self._instruments = instruments
        self._quotes: dict[str, Quote] = {}

    def on_quote(self, quote: Quote) -> bool:
        """The market says `quote`. False if it changes nothing: it came before the last one, or lacks one of its prices."""
        last = self._quotes.get(quote.instrument)
        if not self._is_readable(quote) or (last is not None and quote.receive_ns < last.receive_ns):
            return False
        self._quotes[quote.instrument] = quote
        return True

    def quote(self, instrument: str) -> Quote | None:
        """The last one, or None."""
        return self._quotes.get(instrument)

    def mid(self, instrument: str) -> float | None:
        """The middle of the last one, or None."""
        quote = self._quotes.get(instrument)
        return None if quote is None else quote.mid

    def mids(self) -> dict[str, float]:
        """The middles of all last quotes."""
        return {name: quote.mid for name, quote in self._quotes.items()}

    def unit_value(self, instrument: Instrument, *, short: bool) -> float | None:
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
            if quote is None:
                continue
            if (instrument.symbol, instrument.currency) == (currency, base):
                return quote.mid
            if (instrument.symbol, instrument.currency) == (base, currency):
                return 1.0 / quote.mid
        return None

    def _is_readable(self, quote: Quote) -> bool:
        """Whether both prices are there. One at zero or below stands for none where nothing is offered at it."""
        instrument = self._instruments.get(quote.instrument)
        below_zero = instrument is not None and instrument.kind in BELOW_ZERO
        sides = ((quote.bid, quote.bid_size), (quote.ask, quote.ask_size))
        return all(math.isfinite(price) and (price > 0 or (below_zero and size > 0)) for price, size in sides)
