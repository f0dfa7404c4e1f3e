"""Option chains by rule: for each month of a series and each strike of a grid a call and a put.

Con ids are counted: the same option has the same one in every run, as long as the step of the grid stays. A chain takes up to
20 million of them from that of its series on.
"""

from collections.abc import Iterator, Mapping

import msgspec

from atlas.domain import BadInput, Instrument, InstrumentKind, OptionRight, option_id
from atlas.exchange import CommissionRule
from ib_gateway.simulator.instruments.catalogue import Listing
from ib_gateway.simulator.instruments.hours import Hours
from ib_gateway.simulator.instruments.months import MONTH_CODES, last_trade_day, months_of, split_month
from ib_gateway.simulator.instruments.rows import ChainRow

_STRIKES_PER_MONTH = 20_000


def chain(
    row: ChainRow, underlyings: Mapping[str, Listing], hours: tuple[Hours, Hours], increments: tuple[tuple[float, float], ...]
) -> Iterator[Listing]:
    """All options of a chain whose underlying is listed; `underlyings` by instrument id, `increments` those of prices.

    Raises:
        BadInput: there is no underlying, or the grid of strikes makes no sense.
    """
    strikes = _grid(row)
    found = False
    for month, number in months_of(row.series, f"options on {row.underlying}"):
        under = underlyings.get(row.underlying) or underlyings.get(f"{row.underlying}-{month}@{row.exchange}")
        if under is None:
            continue
        found = True
        for step, strike in strikes:
            for right in OptionRight:
                offset = (number * _STRIKES_PER_MONTH + step) * 2 + (right is OptionRight.PUT)
                yield _option(row, under, month, strike, right, row.series.con_id + offset, hours, increments)
    if not found:
        raise BadInput(f"options on {row.underlying}: it is not listed; list it, or correct `underlying`")


def _grid(row: ChainRow) -> list[tuple[int, float]]:
    """The strikes, each with how many steps it is from nought."""
    first, last, step = row.strikes.first, row.strikes.last, row.strikes.step
    if not (0 < first <= last and step > 0) or round(last / step) >= _STRIKES_PER_MONTH:
        raise BadInput(f"options on {row.underlying}: strikes from {first:g} to {last:g} by {step:g} are no grid")
    return [(n, round(n * step, 6)) for n in range(round(first / step), round(last / step) + 1)]


def _option(
    row: ChainRow,
    under: Listing,
    month: str,
    strike: float,
    right: OptionRight,
    con_id: int,
    hours: tuple[Hours, Hours],
    increments: tuple[tuple[float, float], ...],
) -> Listing:
    base = under.instrument
    on_future = base.kind is InstrumentKind.FUTURE
    year, number = split_month(month, f"options on {row.underlying}")
    day = row.moved.get(month) or last_trade_day("third-friday", year, number).strftime("%Y%m%d")
    trading_class = row.trading_class or base.symbol
    cents = round(strike * 1000)
    local = f"{base.symbol:<6}{day[2:]}{right.value}{cents:08}"
    if on_future:
        local = f"{trading_class}{MONTH_CODES[number - 1]}{year % 10} {right.value}{strike:g}"
    return Listing(
        Instrument(
            option_id(base.symbol, day, strike, right, row.exchange, base.currency), InstrumentKind.OPTION, base.symbol,
            row.exchange, base.currency, con_id, row.tick_size, row.multiplier, time_zone=hours[0].time_zone,
            local_symbol=local, trading_class=trading_class, expiry=day, long_name=base.long_name, strike=strike, right=right,
            underlying=base.id,
        ),
        "FOP" if on_future else "OPT", trading_class, ",".join(row.venues or [row.exchange]),
        row.market_rule, *hours,
        msgspec.structs.replace(under.model, spread_ticks=row.spread_ticks, lot=row.lot, trade_share=row.trade_share),
        venue_rule=row.venue_rule, increments=increments, agg_group=2147483647 if on_future else 2, under_con_id=base.con_id,
        under_symbol=base.local_symbol if on_future else base.symbol, under_sec_type=under.sec_type, contract_month=month,
        last_trade_time=row.last_trade_time,
        commission=CommissionRule(**msgspec.structs.asdict(row.commission)) if row.commission else None,
    )  # fmt: skip
