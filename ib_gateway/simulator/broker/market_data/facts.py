"""What is known of an instrument beside its quotes and trades: how it closed, and how its year was."""

from typing import NamedTuple, Protocol

from ib_gateway.simulator.broker.market_data.subscriptions import Face
from ib_gateway.simulator.broker.slices import Sliced


class Year(NamedTuple):
    """The last year of an instrument: low and high of 13, 26 and 52 weeks, average daily volume, volatility per year."""

    weeks_13: tuple[float, float]
    weeks_26: tuple[float, float]
    weeks_52: tuple[float, float]
    average_volume: float
    volatility: float


class Today(NamedTuple):
    """What a trading day had brought before the market was played: volume, money and number of the trades of all sessions.

    Open, high and low are of the regular session if `regular`, else of all; `regular_close` is 0.0 before there was any.
    """

    open: float
    high: float
    low: float
    volume: float
    money: float
    trades: int
    regular: bool
    regular_close: float


class Facts(Protocol):
    """Where the desk asks for what was before today, and today before the market was played."""

    def today(self, instrument: str, at_ns: int) -> Today | None:
        """The trading day of `at_ns` as far as it was not played; None if nothing of it is known."""
        ...

    def close_before(self, instrument: str, at_ns: int) -> float:
        """The last price of the trading day before that of `at_ns`; 0.0 if nobody knows."""
        ...

    def earlier(self, instrument: str, at_ns: int, now_ns: int) -> Face | None:
        """What it showed at `at_ns`, before the market was played; None if nobody knows, or it was played then."""
        ...

    def last_quote(self, instrument: str, at_ns: int) -> tuple[float, float] | None:
        """The last bid and ask before `at_ns`; None if nobody knows."""
        ...

    def look_up_year(self, instrument: str, at_ns: int) -> Sliced[None]:
        """Work out what `year` says, in slices, so that it is known at once afterwards."""
        ...

    def year(self, instrument: str, at_ns: int) -> Year | None:
        """The year up to `at_ns`; None if nobody knows."""
        ...
