"""Values of every reply: filled in so that no two fields say the same, empty, and at the edges of what fits.

Nothing here is chosen by hand unless a message wants it so: a new reply has samples as soon as it is declared.
"""

import types
import typing
from collections.abc import Sequence
from typing import Any, Union, get_args, get_origin

import msgspec

from atlas.domain import Quote, Trade
from ib_gateway.simulator.messages import ComboLeg, Condition, Contract, TagValue, Ticket
from ib_gateway.simulator.messages import replies as say

NOON = 1_780_671_600_000_000_000  # 2026-06-05 15:00 UTC

CONDITIONS = (
    Condition(1, ("a", "1", "150.25", "265598", "SMART", "2")),
    Condition(3, ("o", "0", "20260605 15:30:00 US/Eastern")),
    Condition(4, ("a", "1", "30")),
    Condition(5, ("o", "STK", "SMART", "AAPL")),
    Condition(6, ("a", "0", "100000", "265598", "SMART")),
    Condition(7, ("o", "1", "2.5", "265598", "SMART")),
)
LEGS = (
    ComboLeg(265598, 1, "BUY", "SMART", 1, 2, "NYSE", 3),
    ComboLeg(272093, 2, "SELL", "ISLAND"),
)
FANCY = "Soci\u00e9t\u00e9 G\u00e9n\u00e9rale \u2013 \u682a\u5f0f\u4f1a\u793e " + "x" * 300

_BY_NAME: dict[str, Any] = {
    "con_id": 265598, "sec_type": "STK", "right": "C", "expiry": "20260918", "last_trade": "20260918 08:30 US/Central",
    "maturity": "20300115", "time_zone": "US/Central", "coupon": 5.0, "ev_multiplier": 3, "yield_redemption_date": 20300115,
    "perm_id": 2_147_483_646, "order_id": 2_000_000_001, "order_type": "LMT", "what_if": False, "continuous_update": 1,
    "combo_legs": LEGS, "combo_legs_description": "", "conditions": CONDITIONS,
    "seconds": 1_780_671_600, "time_ms": 1_780_671_600_123,
}  # fmt: skip
"""Fields whose values mean something to decoders."""


def filled(struct: type[msgspec.Struct], odd: int = 0, **given: Any) -> Any:
    """A value with something of its own in every field; `odd` 1 turns every boolean round."""
    hints = typing.get_type_hints(struct)
    values = {}
    for at, field in enumerate(struct.__struct_fields__):
        known = _BY_NAME.get(field)
        fits = known is not None and (hints[field] is str) == isinstance(known, str)
        values[field] = given[field] if field in given else known if fits else _value(hints[field], field, at, odd)
    return struct(**values)


def _value(kind: Any, name: str, at: int, odd: int) -> Any:
    if kind is str:
        return f"{name}.{at}"
    if kind is bool:
        return (at + odd) % 2 == 0
    if kind is int:
        return 100 + at
    if kind is float:
        return 10.25 + at
    if kind is say.Moment:
        return say.Moment(NOON + at * 1_000_000_000, "US/Eastern")
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        return filled(kind, odd)
    origin, parts = get_origin(kind), get_args(kind)
    if origin in (Union, types.UnionType):
        return _value(next(part for part in parts if part is not type(None)), name, at, odd)
    if origin is tuple and parts[-1] is not Ellipsis:
        return tuple(_value(part, name, at * 10 + inner, odd) for inner, part in enumerate(parts))
    if origin in (tuple, Sequence):
        return tuple(_value(parts[0], f"{name}{index}", at * 10 + index, odd) for index in range(2))
    raise AssertionError(f"no sample for {name}: {kind}; give one in _BY_NAME")


def bare(struct: type[msgspec.Struct], **given: Any) -> Any:
    """A value with nothing in it: zeros, empty texts and lists, unset numbers."""
    hints = typing.get_type_hints(struct)
    return struct(**{name: given[name] if name in given else _nothing(hints[name]) for name in struct.__struct_fields__})


def _nothing(kind: Any) -> Any:
    if kind in (str, bool, int, float):
        return kind()
    if kind is say.Moment:
        return say.Moment(NOON, "UTC")
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        return bare(kind)
    if get_origin(kind) in (Union, types.UnionType):
        return None if type(None) in get_args(kind) else _nothing(get_args(kind)[0])
    return ()


def extreme(struct: type[msgspec.Struct]) -> Any:
    """A value with the largest numbers, tiny and negative prices, and texts beyond ASCII."""
    whole = filled(struct)
    changes: dict[str, Any] = {}
    for at, (name, kind) in enumerate(typing.get_type_hints(struct).items()):
        parts = get_args(kind) if get_origin(kind) in (Union, types.UnionType) else (kind,)
        if name in _BY_NAME or say.Moment in parts:
            continue
        if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
            changes[name] = extreme(kind)
        elif str in parts:
            changes[name] = FANCY + str(at)
        elif float in parts:
            changes[name] = (-0.0000125, 123456789.123, 1e11 + 0.5, 99_999_999.0)[at % 4]
        elif int in parts:
            changes[name] = 2_147_483_646 - at
    return msgspec.structs.replace(whole, **changes)


def _ticket(**changes: Any) -> Ticket:
    return msgspec.structs.replace(Ticket("BUY", 100.0, "LMT", 150.25), **changes)


def order(**changes: Any) -> say.OpenOrder:
    """An open order with a plain ticket and some changes."""
    return say.OpenOrder(7, 3, 1_000_000_001, Contract(265598, "AAPL", "STK", exchange="SMART", currency="USD"),
                         _ticket(**changes), say.OrderState("Submitted"))  # fmt: skip


def done(**changes: Any) -> say.CompletedOrder:
    """A completed order with a plain ticket and some changes."""
    contract = Contract(265598, "AAPL", "STK", exchange="SMART", currency="USD")
    return say.CompletedOrder(
        1_000_000_001, contract, _ticket(**changes), "Filled", 100.0, say.Moment(NOON, "US/Eastern"), "Filled Size: 100"
    )


_GROUPS: tuple[dict[str, Any], ...] = (
    {"order_type": "MKT", "limit_price": None, "what_if": True},
    {"conditions": CONDITIONS, "conditions_ignore_rth": True},
    {"conditions": CONDITIONS[2:3], "conditions_cancel_order": True},
    {"algo_strategy": "Adaptive", "algo_params": (TagValue("adaptivePriority", "Normal"), TagValue("x", ""))},
    {"algo_strategy": "Vwap"},
    {"delta_neutral_order_type": "None"},
    {"delta_neutral_order_type": "MKT", "delta_neutral_con_id": 12, "delta_neutral_open_close": "O",
     "delta_neutral_short_sale": True},
    {"has_delta_neutral_contract": True, "delta_neutral_contract_id": 5, "delta_neutral_contract_delta": 0.5,
     "delta_neutral_contract_price": 101.5},
    {"scale_init_level_size": 10, "scale_price_increment": 0.05, "scale_auto_reset": True, "scale_random_percent": True},
    {"hedge_type": "B", "hedge_param": "1.5"},
    {"order_type": "PEG BENCH", "reference_contract_id": 4, "pegged_change_amount": 0.25, "reference_exchange_id": "ISLAND",
     "is_pegged_change_amount_decrease": True},
    {"order_type": "TRAIL", "trail_stop_price": 148.5, "trailing_percent": 1.5},
    {"order_type": "PEG BEST", "compete_against_best_offset": float("inf"), "mid_offset_at_whole": 0.01,
     "mid_offset_at_half": 0.02},
)  # fmt: skip
"""The groups of an order that are there only sometimes."""


def _quotes(kind: str) -> say.TickByTick:
    events = (
        Quote("A", 1.10215, 1.1022, 1e6, 2.5e6, NOON, NOON),
        Trade("A", 150.25, 7.0, NOON, NOON),
        Quote("B", 1, 2, 3, 4, NOON, NOON),
    )
    maps = {name: {"A": 9} if name == kind else {} for name in ("bid_ask", "mid_point", "last", "all_last")}
    return say.TickByTick(events, **maps)


def _combination(reply: Any) -> Any:
    """The same order on a combination."""
    contract = msgspec.structs.replace(reply.contract, sec_type="BAG", combo_legs=LEGS, combo_legs_description="1xA,-2xB")
    ticket = msgspec.structs.replace(
        reply.ticket, order_combo_prices=(1.25, None), smart_combo_params=(TagValue("NonGuaranteed", "1"), TagValue("a", "b"))
    )
    return msgspec.structs.replace(reply, contract=contract, ticket=ticket)


def _history(date: Any, zone: str) -> say.HistoricalData:
    bars = tuple(say.Bar(date, 1.5 + n, 2.5, 1.25, 2.0, volume, 1.75, n) for n, volume in enumerate((-1.0, 1000.0, 12.5)))
    return say.HistoricalData(5, say.Moment(NOON - 10**15, zone), say.Moment(NOON, zone), bars)


_EXTRA: dict[type[say.Reply], tuple[say.Reply, ...]] = {
    say.OpenOrder: (
        *(order(**group) for group in _GROUPS),
        _combination(order()),
        _combination(order(conditions=CONDITIONS)),
    ),
    say.CompletedOrder: (*(done(**group) for group in _GROUPS), _combination(done())),
    say.HistoricalData: (
        _history(say.Moment(NOON, "Asia/Tokyo"), "Asia/Tokyo"),
        _history(NOON // 10**9, "UTC"),
        _history("20260605", "US/Eastern"),
    ),
    say.HeadTimestamp: (say.HeadTimestamp(5, NOON // 10**9),),
    say.Execution: (filled(say.Execution, req_id=-1, time=say.Moment(NOON, "Europe/Berlin")),),
    say.Error: (
        say.Error(-1, 2104, "Market data farm connection is OK:usfarm"),
        say.Error(7, 201, "Order rejected", '{"a":"\u00e9"}'),
    ),
    say.TickPrice: tuple(say.TickPrice(3, 1, 1.5, 2.0, mask) for mask in range(8)),
    say.OptionComputation: (say.OptionComputation(3, 13, 1, 0.2, -0.5, 3.25, 0.0, 0.01, 0.5, -0.03, 150.0),),
}


def samples(struct: type[say.Reply]) -> list[say.Reply]:
    """Every sample of a reply."""
    if struct is say.TickByTick:
        return [_quotes(kind) for kind in ("bid_ask", "mid_point", "last", "all_last")]
    return [filled(struct), filled(struct, 1), bare(struct), extreme(struct), *_EXTRA.get(struct, ())]
