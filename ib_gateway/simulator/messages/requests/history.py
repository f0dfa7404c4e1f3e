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
