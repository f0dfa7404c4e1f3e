"""What an instruments file may hold: every field, its type and its default. An unknown field is an error."""

from typing import Literal

import msgspec


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

    price: float
    volatility: float = 0.2
    spread_ticks: int = 1
    lot: float = 1.0
    trade_share: float = 0.0


class SpotRow(Row, frozen=True):
    """A currency pair."""

    id: str
    con_id: int
    tick_size: float
    market_rule: int
    market: ModelRow
    long_name: str = ""
    hours: str = "forex"
    min_size: float = 1.0
    size_step: float = 1.0


class StockRow(Row, frozen=True):
    """A stock or a fund. `venues` are the exchanges that trade it, the one that it is listed under by default first."""

    id: str
    con_id: int
    primary_exchange: str
    market: ModelRow
    tick_size: float = 0.01
    market_rule: int = 26
    trading_class: str = ""
    long_name: str = ""
    hours: str = "us_stocks"
    isin: str = ""
    stock_type: str = "COMMON"
    industry: str = ""
    category: str = ""
    subcategory: str = ""
    min_size: float = 1.0
    size_step: float = 1.0
    venues: list[str] = []


class IndexRow(Row, frozen=True):
    """An index: quoted, not traded."""

    id: str
    con_id: int
    tick_size: float
    market_rule: int
    hours: str
    market: ModelRow
    long_name: str = ""
    category: str = ""


class MarginRow(Row, frozen=True):
    """Parts of the notional."""

    initial: float
    maintenance: float


class CommissionRow(Row, frozen=True):
    """One line of a price list; see `CommissionRule`."""

    per_unit: float = 0.0
    of_value: float = 0.0
    minimum: float = 0.0
    maximum_of_value: float = 0.0
    currency: str = ""


class SeriesRow(Row, frozen=True):
    """Contract months by rule: those of `months` (letters as FHJ) from `first` to `last`, con ids counted from `con_id` on."""

    con_id: int
    first: str
    last: str
    months: str = "FGHJKMNQUVXZ"


LastTradeRule = Literal[
    "third-friday", "third-last-weekday", "eighth-last-weekday", "monday-before-third-wednesday", "third-weekday-before-25th"
]


class FamilyRow(Row, frozen=True):
    """Futures of one kind. `contracts` gives con ids by month, `series` those of other months.

    `moved` gives the last trading day (YYYYMMDD) of months in which it is not by the rule, since that is a holiday.
    """

    symbol: str
    exchange: str
    tick_size: float
    multiplier: float
    hours: str
    market_rule: int
    market: ModelRow
    last_trade_rule: LastTradeRule
    contracts: dict[str, int] = {}
    series: SeriesRow | None = None
    moved: dict[str, str] = {}
    trading_class: str = ""
    last_trade_time: str = ""
    currency: str = "USD"
    long_name: str = ""
    under_con_id: int = 0
    margin: MarginRow | None = None
    commission: CommissionRow | None = None


class StrikesRow(Row, frozen=True):
    """A grid of strikes: from `first` to `last` in steps."""

    first: float
    last: float
    step: float


class ChainRow(Row, frozen=True):
    """Options on a stock, fund or index (`underlying`: its id) or on a family of futures (its symbol), by month of `series`.

    `spread_ticks`, `lot` and `trade_share` are as in a market model; all else of it is the underlying's.
    """

    underlying: str
    exchange: str
    tick_size: float
    multiplier: float
    hours: str
    market_rule: int
    series: SeriesRow
    strikes: StrikesRow
    venue_rule: int = 0
    moved: dict[str, str] = {}
    trading_class: str = ""
    last_trade_time: str = ""
    venues: list[str] = []
    spread_ticks: int = 2
    lot: float = 10.0
    trade_share: float = 0.1
    commission: CommissionRow | None = None


class File(Row, frozen=True):
    """An instruments file."""

    hours: dict[str, HoursRow]
    market_rules: dict[int, list[tuple[float, float]]]
    reference_rates: dict[str, float] = {}
    spot: list[SpotRow] = []
    stocks: list[StockRow] = []
    indices: list[IndexRow] = []
    futures: list[FamilyRow] = []
    options: list[ChainRow] = []
