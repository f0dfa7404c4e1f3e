"""What an instruments file may hold: every field, its type and its default. An unknown field is an error."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

_Positive = Annotated[float, Meta(gt=0, lt=1e12)]
_NotNegative = Annotated[float, Meta(ge=0, lt=1e12)]
_Share = Annotated[float, Meta(ge=0, le=1)]
_Ticks = Annotated[int, Meta(ge=1, le=10_000)]
_ConId = Annotated[int, Meta(ge=0, lt=2**31)]
_Day = Annotated[str, Meta(pattern=r"^20\d\d(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])$")]
_Month = Annotated[str, Meta(pattern=r"^20\d\d(0[1-9]|1[0-2])$")]
_Clock = Annotated[str, Meta(pattern=r"^(([01]\d|2[0-3]):[0-5]\d)?$")]
_Name = Annotated[str, Meta(pattern=r"^[ -~]+$", max_length=40)]


class Row(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A part of the file."""


class HoursRow(Row, frozen=True):
    """A week of sessions, the calendar of `exchange_calendars`, and the days (MM-DD) of every year without sessions."""

    time_zone: str
    trading: list[str]
    liquid: list[str]
    calendar: str = ""
    holidays: list[str] = []


class ModelRow(Row, frozen=True):
    """How the seeded generator lets a price behave; see `MarketModel`."""

    price: _Positive
    volatility: Annotated[float, Meta(gt=0, le=5)] = 0.2
    spread_ticks: _Ticks = 1
    lot: _Positive = 1.0
    trade_share: _Share = 0.0


class SpotRow(Row, frozen=True):
    """A currency pair."""

    id: str
    con_id: _ConId
    tick_size: _Positive
    market_rule: int
    market: ModelRow
    long_name: str = ""
    hours: str = "forex"
    min_size: _Positive = 1.0
    size_step: _Positive = 1.0


class StockRow(Row, frozen=True):
    """A stock or a fund. `venues` are the exchanges that trade it, the one that it is listed under by default first."""

    id: str
    con_id: _ConId
    primary_exchange: str
    market: ModelRow
    tick_size: _Positive = 0.01
    market_rule: int = 26
    trading_class: str = ""
    long_name: str = ""
    hours: str = "us_stocks"
    isin: str = ""
    stock_type: str = "COMMON"
    industry: str = ""
    category: str = ""
    subcategory: str = ""
    min_size: _Positive = 1.0
    size_step: _Positive = 1.0
    venues: list[_Name] = []


class IndexRow(Row, frozen=True):
    """An index: quoted, not traded."""

    id: str
    con_id: _ConId
    tick_size: _Positive
    market_rule: int
    hours: str
    market: ModelRow
    long_name: str = ""
    category: str = ""


class MarginRow(Row, frozen=True):
    """Parts of the notional."""

    initial: _NotNegative
    maintenance: _NotNegative


class CommissionRow(Row, frozen=True):
    """One line of a price list; see `CommissionRule`."""

    per_unit: _NotNegative = 0.0
    of_value: _NotNegative = 0.0
    minimum: _NotNegative = 0.0
    maximum_of_value: _NotNegative = 0.0
    currency: str = ""


class SeriesRow(Row, frozen=True):
    """Contract months by rule: those of `months` (letters as FHJ) from `first` to `last`, con ids counted from `con_id` on."""

    con_id: _ConId
    first: _Month
    last: _Month
    months: Annotated[str, Meta(pattern=r"^[FGHJKMNQUVXZ]+$")] = "FGHJKMNQUVXZ"


LastTradeRule = Literal[
    "third-friday", "third-last-weekday", "eighth-last-weekday", "monday-before-third-wednesday", "third-weekday-before-25th"
]


class FamilyRow(Row, frozen=True):
    """Futures of one kind. `contracts` gives con ids by month, `series` those of other months.

    `moved` gives the last trading day (YYYYMMDD) of months in which it is not by the rule, since that is a holiday.
    """

    symbol: str
    exchange: str
    tick_size: _Positive
    multiplier: _Positive
    hours: str
    market_rule: int
    market: ModelRow
    last_trade_rule: LastTradeRule
    contracts: dict[_Month, _ConId] = {}
    series: SeriesRow | None = None
    moved: dict[_Month, _Day] = {}
    trading_class: str = ""
    last_trade_time: _Clock = ""
    currency: str = "USD"
    long_name: str = ""
    under_con_id: _ConId = 0
    margin: MarginRow | None = None
    commission: CommissionRow | None = None


class StrikesRow(Row, frozen=True):
    """A grid of strikes: from `first` to `last` in steps."""

    first: _Positive
    last: _Positive
    step: _Positive


class ChainRow(Row, frozen=True):
    """Options on a stock, fund or index (`underlying`: its id) or on a family of futures (its symbol), by month of `series`.

    `spread_ticks`, `lot` and `trade_share` are as in a market model; all else of it is the underlying's.
    """

    underlying: str
    exchange: str
    tick_size: _Positive
    multiplier: _Positive
    hours: str
    market_rule: int
    series: SeriesRow
    strikes: StrikesRow
    venue_rule: int = 0
    moved: dict[_Month, _Day] = {}
    trading_class: str = ""
    last_trade_time: _Clock = ""
    venues: list[_Name] = []
    spread_ticks: _Ticks = 2
    lot: _Positive = 10.0
    trade_share: _Share = 0.1
    commission: CommissionRow | None = None


class File(Row, frozen=True):
    """An instruments file."""

    hours: dict[str, HoursRow]
    market_rules: dict[int, Annotated[list[tuple[_NotNegative, _Positive]], Meta(min_length=1)]]
    reference_rates: dict[str, _Positive] = {}
    spot: list[SpotRow] = []
    stocks: list[StockRow] = []
    indices: list[IndexRow] = []
    futures: list[FamilyRow] = []
    options: list[ChainRow] = []
