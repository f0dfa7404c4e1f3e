"""The instruments file: YAML in, listings out. An unknown field, a wrong type or a con id given twice is named in the error."""

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import msgspec

from atlas.domain import BadInput, Instrument, InstrumentKind, parse_instrument_id
from atlas.exchange import CommissionRule, MarginRate
from ib_gateway.simulator import yaml_file
from ib_gateway.simulator.instruments.catalogue import Catalogue, Listing, MarketModel
from ib_gateway.simulator.instruments.chains import chain
from ib_gateway.simulator.instruments.holidays import Holidays
from ib_gateway.simulator.instruments.hours import Hours
from ib_gateway.simulator.instruments.months import MONTH_CODES, last_trade_day, months_of, split_month
from ib_gateway.simulator.instruments.rows import FamilyRow, File, HoursRow, IndexRow, ModelRow, SpotRow, StockRow

__all__ = ["load"]

DEFAULT = Path(__file__).with_name("instruments.yaml")

_STOCK_VENUES = (
    "SMART,AMEX,NYSE,CBOE,PHLX,ISE,CHX,ARCA,NASDAQ,ISLAND,DRCTEDGE,BEX,BATS,EDGEA,BYX,IEX,EDGX,PEARL,NYSENAT,MEMX,PSX"
)


def load(path: Path | None = None) -> Catalogue:
    """The catalogue that an instruments file describes; the shipped one by default.

    Raises:
        BadInput: the file is missing, is not YAML, has an unknown or ill-typed field, an unknown reference or a duplicate.
    """
    return _shipped() if path is None else _load(path)


@cache
def _shipped() -> Catalogue:
    """The catalogue of the shipped file: nothing changes it, so all gateways of a process share it."""
    return _load(DEFAULT)


def _load(path: Path) -> Catalogue:
    file = yaml_file.read(path, "the instruments file").convert(File)
    try:
        return Catalogue(list(_listings(file, check=path != DEFAULT)), file.market_rules, file.reference_rates)
    except BadInput as error:
        raise BadInput(f"the instruments file {path}: {error}") from error


def _listings(file: File, *, check: bool) -> Iterator[Listing]:
    hours = {name: _hours(row, check=check) for name, row in file.hours.items()}
    underlyings: dict[str, Listing] = {}
    for outright in _outright(file, hours):
        listing = msgspec.structs.replace(outright, increments=tuple(file.market_rules[outright.market_rule]))
        underlyings[listing.instrument.id] = listing
        yield listing
    for options in file.options:
        owner = f"options on {options.underlying}"
        for rule in (options.market_rule, options.venue_rule or options.market_rule):
            _known(file.market_rules, rule, owner, "market rule")
        increments = tuple(file.market_rules[options.market_rule])
        yield from chain(options, underlyings, _known(hours, options.hours, owner, "hours"), increments)


def _outright(file: File, hours: dict[str, tuple[Hours, Hours]]) -> Iterator[Listing]:
    """Everything but options."""
    for spot in file.spot:
        yield _spot(spot, _known(hours, spot.hours, spot.id, "hours"), file)
    for stock in file.stocks:
        yield _stock(stock, _known(hours, stock.hours, stock.id, "hours"), file)
    for index in file.indices:
        yield _index(index, _known(hours, index.hours, index.id, "hours"), file)
    for family in file.futures:
        contracts = dict(family.contracts)
        if family.series:
            for month, number in months_of(family.series, family.symbol):
                contracts.setdefault(month, family.series.con_id + number)
        for month, con_id in sorted(contracts.items()):
            yield _future(family, month, con_id, _known(hours, family.hours, family.symbol, "hours"), file)


def _hours(row: HoursRow, *, check: bool) -> tuple[Hours, Hours]:
    """Trading and liquid hours. `check` looks the calendar's name up, which takes a second: the shipped file is known good."""
    holidays = Holidays(row.calendar, row.holidays)
    if check:
        holidays.check()
    return Hours(row.time_zone, row.trading, holidays), Hours(row.time_zone, row.liquid, holidays)


def _known(table: dict[Any, Any], key: object, owner: str, what: str) -> Any:
    if key not in table:
        raise BadInput(f"{owner} refers to {what} {key!r}, which the file does not have")
    return table[key]


def _spot(row: SpotRow, hours: tuple[Hours, Hours], file: File) -> Listing:
    spec = parse_instrument_id(row.id)
    pair = f"{spec.symbol}.{spec.currency}"
    _known(file.market_rules, row.market_rule, row.id, "market rule")
    return Listing(
        Instrument(
            row.id, InstrumentKind.CASH, spec.symbol, spec.exchange, spec.currency, row.con_id, row.tick_size,
            size_step=row.size_step, min_size=row.min_size, time_zone=hours[0].time_zone, local_symbol=pair,
            trading_class=pair, long_name=row.long_name,
        ),
        "CASH", pair, spec.exchange, row.market_rule, *hours, _model(row.market), agg_group=4,
    )  # fmt: skip


def _stock(row: StockRow, hours: tuple[Hours, Hours], file: File) -> Listing:
    spec = parse_instrument_id(row.id)
    _known(file.market_rules, row.market_rule, row.id, "market rule")
    return Listing(
        Instrument(
            row.id, InstrumentKind.STOCK, spec.symbol, spec.exchange, spec.currency, row.con_id, row.tick_size,
            size_step=row.size_step, min_size=row.min_size, time_zone=hours[0].time_zone, local_symbol=spec.symbol,
            trading_class=row.trading_class or spec.symbol, primary_exchange=row.primary_exchange, long_name=row.long_name,
        ),
        "STK", row.trading_class or spec.symbol, ",".join(row.venues) or _STOCK_VENUES, row.market_rule, *hours,
        _model(row.market),
        agg_group=1, suggested_size=100.0, stock_type=row.stock_type, industry=row.industry, category=row.category,
        subcategory=row.subcategory, security_ids=(("ISIN", row.isin),) if row.isin else (),
    )  # fmt: skip


def _index(row: IndexRow, hours: tuple[Hours, Hours], file: File) -> Listing:
    spec = parse_instrument_id(row.id)
    _known(file.market_rules, row.market_rule, row.id, "market rule")
    return Listing(
        Instrument(
            row.id, InstrumentKind.INDEX, spec.symbol, spec.exchange, spec.currency, row.con_id, row.tick_size,
            time_zone=hours[0].time_zone, local_symbol=spec.symbol, trading_class=spec.symbol, long_name=row.long_name,
        ),
        "IND", spec.symbol, spec.exchange, row.market_rule, *hours, _model(row.market), industry="Indices",
        category=row.category, subcategory="*",
    )  # fmt: skip


def _future(row: FamilyRow, month: str, con_id: int, hours: tuple[Hours, Hours], file: File) -> Listing:
    suffix = "" if row.currency == "USD" else f":{row.currency}"
    spec = parse_instrument_id(f"{row.symbol}-{month}@{row.exchange}{suffix}")
    _known(file.market_rules, row.market_rule, spec.id, "market rule")
    year, number = split_month(month, spec.id)
    last_day = row.moved.get(month) or last_trade_day(row.last_trade_rule, year, number).strftime("%Y%m%d")
    trading_class = row.trading_class or row.symbol
    return Listing(
        Instrument(
            spec.id, InstrumentKind.FUTURE, row.symbol, row.exchange, row.currency, con_id, row.tick_size, row.multiplier,
            time_zone=hours[0].time_zone, local_symbol=f"{trading_class}{MONTH_CODES[number - 1]}{year % 10}",
            trading_class=trading_class, expiry=last_day, long_name=row.long_name,
        ),
        "FUT", trading_class, row.exchange, row.market_rule, *hours, _model(row.market),
        under_con_id=row.under_con_id, under_symbol=row.symbol, under_sec_type="IND", contract_month=month,
        last_trade_time=row.last_trade_time,
        margin=MarginRate(row.margin.initial, row.margin.maintenance) if row.margin else None,
        commission=CommissionRule(**msgspec.structs.asdict(row.commission)) if row.commission else None,
    )  # fmt: skip


def _model(row: ModelRow) -> MarketModel:
    return MarketModel(**msgspec.structs.asdict(row))
