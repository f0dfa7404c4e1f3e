"""What the gateway says about the past of a market."""

from collections.abc import Sequence

import msgspec

from ib_gateway.simulator.messages.replies.base import Moment, Reply


class Bar(msgspec.Struct, frozen=True):
    """A historical bar; `date` as the request wants it written. Volume, average and count are -1 for bars of quotes."""

    date: Moment | int | str
    open: float
    high: float
    low: float
    close: float
    volume: float
    average: float
    count: int


class HistoricalData(Reply, frozen=True):
    """Bars of the past."""

    req_id: int
    start: Moment
    end: Moment
    bars: Sequence[Bar]


class HistoricalDataUpdate(Reply, frozen=True):
    """The newest bar of a request that is kept up to date."""

    req_id: int
    bar: Bar


class HeadTimestamp(Reply, frozen=True):
    """When data begins."""

    req_id: int
    time: Moment | int
