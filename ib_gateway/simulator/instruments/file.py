"""The instruments file: YAML in, listings out. An unknown field, a wrong type or a con id given twice is named in the error."""

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any, Literal

import msgspec
import yaml

from atlas.domain import BadInput, Instrument, InstrumentKind, parse_instrument_id
from atlas.exchange import CommissionRule, MarginRate
from ib_gateway.simulator.instruments.catalogue import Catalogue, Listing, MarketModel
from ib_gateway.simulator.instruments.holidays import Holidays
from ib_gateway.simulator.instruments.hours import Hours

__all__ = ["MarketModel", "load"]

DEFAULT = Path(__file__).with_name("instruments.yaml")

_ORDER_TYPES = "ACTIVETIM,AD,ADJUST,ALERT,ALLOC,AVGCOST,BASKET,COND,CONDORDER,DAY,DEACT,GTC,IOC,LMT,MKT,NONALGO,WHATIF"
_STOCK_VENUES = (
    "SMART,AMEX,NYSE,CBOE,PHLX,ISE,CHX,ARCA,NASDAQ,ISLAND,DRCTEDGE,BEX,BATS,EDGEA,BYX,IEX,EDGX,PEARL,NYSENAT,MEMX,PSX"
)
_MONTH_CODES = "FGHJKMNQUVXZ"


class _Row(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    pass


class _Hours(_Row, frozen=True):
    time_zone: str
    trading: list[str]
    liquid: list[str]
    calendar: str = ""
    holidays: list[str] = []


class _Model(_Row, frozen=True):
    price: float
    volatility: float = 0.2
    spread_ticks: int = 1
    lot: float = 1.0
    trade_share: float = 0.0


class _Spot(_Row, frozen=True):
    id: str
    con_id: int
    tick_size: float
    market_rule: int
    market: _Model
    long_name: str = ""
    hours: str = "forex"
    min_size: float = 1.0
    size_step: float = 1.0


class _Stock(_Row, frozen=True):
    id: str
    con_id: int
    primary_exchange: str
    market: _Model
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


class _Margin(_Row, frozen=True):
    initial: float
    maintenance: float


class _Commission(_Row, frozen=True):
    per_unit: float = 0.0
    of_value: float = 0.0
    minimum: float = 0.0
    maximum_of_value: float = 0.0
    currency: str = ""


class _Family(_Row, frozen=True):
    symbol: str
    exchange: str
    tick_size: float
    multiplier: float
    hours: str
    market_rule: int
    contracts: dict[str, int]
    market: _Model
    last_trade_rule: Literal["third-friday", "third-last-weekday"]
    last_trade_time: str = ""
    currency: str = "USD"
    long_name: str = ""
    under_con_id: int = 0
    margin: _Margin | None = None
    commission: _Commission | None = None


class _File(_Row, frozen=True):
    hours: dict[str, _Hours]
    market_rules: dict[int, list[tuple[float, float]]]
    reference_rates: dict[str, float] = {}
    spot: list[_Spot] = []
    stocks: list[_Stock] = []
    futures: list[_Family] = []


def load(path: Path | None = None) -> Catalogue:
    """The catalogue that an instruments file describes; the shipped one by default.

    Raises:
        BadInput: the file is missing, is not YAML, has an unknown or ill-typed field, an unknown reference or a duplicate.
    """
    path = path or DEFAULT
    try:
        raw: Any = yaml.safe_load(path.read_text(encoding="utf-8"))
        file = msgspec.convert(raw, _File)
    except OSError as error:
        raise BadInput(f"the instruments file {path} cannot be read: {error.strerror}") from error
    except yaml.YAMLError as error:
        raise BadInput(f"the instruments file {path} is not YAML: {' '.join(str(error).split())}") from error
    except msgspec.ValidationError as error:
        raise BadInput(f"the instruments file {path}: {error}; correct that field") from error
    try:
        return Catalogue(list(_listings(file, check=path != DEFAULT)), file.market_rules, file.reference_rates)
    except BadInput as error:
        raise BadInput(f"the instruments file {path}: {error}") from error


def _listings(file: _File, *, check: bool) -> Iterator[Listing]:
    hours = {name: _hours(row, check=check) for name, row in file.hours.items()}
    for spot in file.spot:
        yield _spot(spot, _known(hours, spot.hours, spot.id, "hours"), file)
    for stock in file.stocks:
        yield _stock(stock, _known(hours, stock.hours, stock.id, "hours"), file)
    for family in file.futures:
        for month, con_id in family.contracts.items():
            yield _future(family, month, con_id, _known(hours, family.hours, family.symbol, "hours"), file)


def _hours(row: _Hours, *, check: bool) -> tuple[Hours, Hours]:
    """Trading and liquid hours. `check` looks the calendar's name up, which takes a second: the shipped file is known good."""
    holidays = Holidays(row.calendar, row.holidays)
    if check:
        holidays.check()
    return Hours(row.time_zone, row.trading, holidays), Hours(row.time_zone, row.liquid, holidays)


def _known(table: dict[Any, Any], key: object, owner: str, what: str) -> Any:
    if key not in table:
        raise BadInput(f"{owner} refers to {what} {key!r}, which the file does not have")
    return table[key]


def _spot(row: _Spot, hours: tuple[Hours, Hours], file: _File) -> Listing:
    spec = parse_instrument_id(row.id)
    pair = f"{spec.symbol}.{spec.currency}"
    _known(file.market_rules, row.market_rule, row.id, "market rule")
    return Listing(
        Instrument(
            row.id, InstrumentKind.CASH, spec.symbol, spec.exchange, spec.currency, row.con_id, row.tick_size,
            size_step=row.size_step, min_size=row.min_size, time_zone=hours[0].time_zone, local_symbol=pair,
            trading_class=pair, long_name=row.long_name,
        ),
        "CASH", pair, _ORDER_TYPES + ",CASHQTY", spec.exchange, row.market_rule, *hours, _model(row.market), agg_group=4,
    )  # fmt: skip


def _stock(row: _Stock, hours: tuple[Hours, Hours], file: _File) -> Listing:
    spec = parse_instrument_id(row.id)
    _known(file.market_rules, row.market_rule, row.id, "market rule")
    return Listing(
        Instrument(
            row.id, InstrumentKind.STOCK, spec.symbol, spec.exchange, spec.currency, row.con_id, row.tick_size,
            size_step=row.size_step, min_size=row.min_size, time_zone=hours[0].time_zone, local_symbol=spec.symbol,
            trading_class=row.trading_class or spec.symbol, primary_exchange=row.primary_exchange, long_name=row.long_name,
        ),
        "STK", row.trading_class or spec.symbol, _ORDER_TYPES, _STOCK_VENUES, row.market_rule, *hours, _model(row.market),
        agg_group=1, suggested_size=100.0, stock_type=row.stock_type, industry=row.industry, category=row.category,
        subcategory=row.subcategory, security_ids=(("ISIN", row.isin),) if row.isin else (),
    )  # fmt: skip


def _future(row: _Family, month: str, con_id: int, hours: tuple[Hours, Hours], file: _File) -> Listing:
    suffix = "" if row.currency == "USD" else f":{row.currency}"
    spec = parse_instrument_id(f"{row.symbol}-{month}@{row.exchange}{suffix}")
    _known(file.market_rules, row.market_rule, spec.id, "market rule")
    year, number = int(month[:4]), int(month[4:])
    if not 1 <= number <= 12:
        raise BadInput(f"{spec.id}: {month!r} is not a contract month; write YYYYMM")
    last_day = last_trade_day(row.last_trade_rule, year, number).strftime("%Y%m%d")
    return Listing(
        Instrument(
            spec.id, InstrumentKind.FUTURE, row.symbol, row.exchange, row.currency, con_id, row.tick_size, row.multiplier,
            time_zone=hours[0].time_zone, local_symbol=f"{row.symbol}{_MONTH_CODES[number - 1]}{year % 10}",
            trading_class=row.symbol, expiry=last_day, long_name=row.long_name,
        ),
        "FUT", row.symbol, _ORDER_TYPES, row.exchange, row.market_rule, *hours, _model(row.market),
        under_con_id=row.under_con_id, under_symbol=row.symbol, under_sec_type="IND", contract_month=month,
        last_trade_time=row.last_trade_time,
        margin=MarginRate(row.margin.initial, row.margin.maintenance) if row.margin else None,
        commission=CommissionRule(**msgspec.structs.asdict(row.commission)) if row.commission else None,
    )  # fmt: skip


def _model(row: _Model) -> MarketModel:
    return MarketModel(**msgspec.structs.asdict(row))


def last_trade_day(rule: str, year: int, month: int) -> date:
    """The day on which a contract of `year` and `month` stops trading. Holidays are not considered."""
    first = date(year, month, 1)
    if rule == "third-friday":
        return first + timedelta(days=(4 - first.weekday()) % 7 + 14)
    after = date(year + month // 12, month % 12 + 1, 1)
    weekdays = [day for n in range(1, 8) if (day := after - timedelta(days=n)).weekday() < 5]
    return weekdays[2]
