"""What a client asks about the past of a market."""

from ib_gateway.simulator.messages.contract import Contract
from ib_gateway.simulator.messages.requests.base import Numbered


class HistoricalData(Numbered, frozen=True):
    """Bars of the past."""

    contract: Contract
    include_expired: bool
    end: str
    bar_size: str
    duration: str
    use_rth: bool
    what_to_show: str
    format_date: int
    keep_up_to_date: bool
    options: str = ""


class CancelHistoricalData(Numbered, frozen=True):
    """End of `HistoricalData`."""


class HeadTimestamp(Numbered, frozen=True):
    """When the data of a contract begins."""

    contract: Contract
    include_expired: bool
    use_rth: bool
    what_to_show: str
    format_date: int


class CancelHeadTimestamp(Numbered, frozen=True):
    """End of `HeadTimestamp`."""


class HistoricalTicks(Numbered, frozen=True):
    """Up to 1000 ticks from a time on, or up to a time: exactly one of `start` and `end` is given."""

    contract: Contract
    include_expired: bool
    start: str
    end: str
    count: int
    what_to_show: str
    use_rth: bool
    ignore_size: bool = False
    options: str = ""


class Histogram(Numbered, frozen=True):
    """How much was traded at which price, over a period as "3 days"."""

    contract: Contract
    include_expired: bool
    use_rth: bool
    period: str


class CancelHistogram(Numbered, frozen=True):
    """End of `Histogram`."""
