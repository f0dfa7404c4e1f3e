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
    time: Moment | int | str


class HistoricalTick(msgspec.Struct, frozen=True, gc=False):
    """A mid point of the past, at a second since the epoch."""

    seconds: int
    price: float
    size: float


class HistoricalTicks(Reply, frozen=True):
    """Mid points of the past; `done` says that no more are to come."""

    req_id: int
    ticks: Sequence[HistoricalTick]
    done: bool


class HistoricalTickBidAsk(msgspec.Struct, frozen=True, gc=False):
    """A quote of the past. Mask 1 is an ask past the day's high, 2 a bid past the day's low."""

    seconds: int
    bid: float
    ask: float
    bid_size: float
    ask_size: float
    mask: int = 0


class HistoricalTicksBidAsk(Reply, frozen=True):
    """Quotes of the past."""

    req_id: int
    ticks: Sequence[HistoricalTickBidAsk]
    done: bool


class HistoricalTickLast(msgspec.Struct, frozen=True, gc=False):
    """A trade of the past. Mask 1 is past the limit, 2 unreported."""

    seconds: int
    price: float
    size: float
    exchange: str = ""
    conditions: str = ""
    mask: int = 0


class HistoricalTicksLast(Reply, frozen=True):
    """Trades of the past."""

    req_id: int
    ticks: Sequence[HistoricalTickLast]
    done: bool


class Histogram(Reply, frozen=True):
    """Price and size of each step."""

    req_id: int
    points: Sequence[tuple[float, float]]


class HistoricalSession(msgspec.Struct, frozen=True):
    """A trading session: begin and end as 20260605-09:30:00 in the schedule's time zone, and its date as 20260605."""

    start: str
    end: str
    date: str


class HistoricalSchedule(Reply, frozen=True):
    """Trading sessions; times as in `HistoricalSession`."""

    req_id: int
    start: str
    end: str
    time_zone: str
    sessions: Sequence[HistoricalSession]
