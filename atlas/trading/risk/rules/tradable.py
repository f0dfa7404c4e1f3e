"""What can be traded at all."""

from typing import ClassVar

from atlas.domain import Denial, Instrument, InstrumentKind, Order


class Tradable:
    """An index has a price, and nobody trades it."""

    name: ClassVar[str] = "instrument"

    def check(self, order: Order, instrument: Instrument) -> Denial | None:
        """See `Check`."""
        if instrument.kind is InstrumentKind.INDEX:
            return Denial(self.name, f"{order.instrument} is an index: it has a price, and nobody trades it")
        return None
