"""What one currency is worth in another, from the last quotes of currency pairs, else from reference rates."""

from collections.abc import Iterable, Mapping

from atlas.domain import Instrument, InstrumentKind, Quote


class Rates:
    """Conversion into one base currency. Looks at `quotes` (last quote by instrument id) whenever it is asked."""

    def __init__(
        self, base: str, instruments: Iterable[Instrument], quotes: Mapping[str, Quote], reference: Mapping[str, float]
    ) -> None:
        self.base = base
        self._quotes = quotes
        self._reference = reference
        self._pairs: dict[str, tuple[str, bool]] = {}
        for instrument in instruments:
            self.note(instrument)

    @property
    def pairs(self) -> list[str]:
        """The instruments by whose quotes currencies are converted."""
        return sorted(name for name, _ in self._pairs.values())

    def note(self, instrument: Instrument) -> None:
        """Look at this instrument's quotes, too, if it is a pair with the base currency."""
        if instrument.kind is not InstrumentKind.CASH:
            return
        if instrument.currency == self.base:
            self._pairs[instrument.symbol] = (instrument.id, False)
        elif instrument.symbol == self.base:
            self._pairs[instrument.currency] = (instrument.id, True)

    def rate(self, currency: str) -> float | None:
        """Units of the base currency for one unit of `currency`; None while nobody has said."""
        if currency == self.base:
            return 1.0
        pair, inverted = self._pairs.get(currency, ("", False))
        quote = self._quotes.get(pair)
        if quote is None or quote.bid <= 0 or quote.ask <= 0:
            return self._reference.get(currency)
        return 1.0 / quote.mid if inverted else quote.mid

    def cross(self, source: str, target: str) -> float:
        """Units of `target` for one unit of `source`; 1.0 while nobody has said what either is worth."""
        if source == target:
            return 1.0
        source_rate, target_rate = self.rate(source), self.rate(target)
        return source_rate / target_rate if source_rate and target_rate else 1.0
