"""Between our orders and the client library's, both ways: everything that an order can say, as tables.

What travels is all of `Order` except who thought of it and why (`robot`, `cause_ns`) and the explicit `shares` of accounts, for
which the protocol has no field: an advisor names a group of accounts, and the broker divides. Times go in UTC and whole
seconds, minimum quantities as whole numbers. Source: TWS API, "Available Orders", "Order Class".
"""

import math
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from atlas.domain import OcaType, OrderKind, Side, TimeInForce
from atlas.domain import Order as AtlasOrder
from atlas.ib import conditions, times
from atlas.ib.conditions import TRIGGER_METHODS, TRIGGER_METHODS_BY_NUMBER, Named, NameOf, NoWords
from atlas.ib.library import UNSET_DOUBLE, Order, library


class _Kind(NamedTuple):
    """An order type by IB's name, and which of its fields holds which of our prices."""

    name: str
    prices: Mapping[str, str]
    zero_is_none: frozenset[str] = frozenset()
    """Prices that the broker writes as 0 when there are none."""


_LIMIT = {"limit_price": "lmtPrice"}
_STOP = {"stop_price": "auxPrice"}
_TRAIL = {"trail_amount": "auxPrice", "trail_percent": "trailingPercent", "stop_price": "trailStopPrice"}
_PEGGED = {"limit_price": "lmtPrice", "limit_offset": "auxPrice"}

_KINDS: Mapping[OrderKind, _Kind] = {
    OrderKind.MARKET: _Kind("MKT", {}),
    OrderKind.LIMIT: _Kind("LMT", _LIMIT),
    OrderKind.STOP: _Kind("STP", _STOP),
    OrderKind.STOP_LIMIT: _Kind("STP LMT", _LIMIT | _STOP),
    OrderKind.MARKET_IF_TOUCHED: _Kind("MIT", _STOP),
    OrderKind.LIMIT_IF_TOUCHED: _Kind("LIT", _LIMIT | _STOP),
    OrderKind.TRAILING_STOP: _Kind("TRAIL", _TRAIL, frozenset(_TRAIL)),
    OrderKind.TRAILING_STOP_LIMIT: _Kind("TRAIL LIMIT", _TRAIL | {"limit_offset": "lmtPriceOffset"}, frozenset(_TRAIL)),
    OrderKind.MARKET_ON_CLOSE: _Kind("MOC", {}),
    OrderKind.LIMIT_ON_CLOSE: _Kind("LOC", _LIMIT),
    OrderKind.MIDPRICE: _Kind("MIDPRICE", _LIMIT, frozenset(_LIMIT)),
    OrderKind.PEGGED_TO_MIDPOINT: _Kind("PEG MID", _PEGGED, frozenset(_PEGGED)),
    OrderKind.RELATIVE: _Kind("REL", _PEGGED, frozenset(_PEGGED)),
}
_KIND_BY_NAME = {row.name.replace(" ", ""): kind for kind, row in _KINDS.items()} | {"STPLIMIT": OrderKind.STOP_LIMIT}
_SIDE_BY_ACTION = {"BUY": Side.BUY, "SELL": Side.SELL, "SSHORT": Side.SELL, "SLONG": Side.SELL}
_OCA_TYPES = {OcaType.CANCEL_WITH_BLOCK: 1, OcaType.REDUCE_WITH_BLOCK: 2, OcaType.REDUCE: 3}
_OCA_BY_NUMBER = {number: kind for kind, number in _OCA_TYPES.items()}
_UNSET_INTEGER = 2**31 - 1

_AS_THEY_ARE = {
    "account": "account",
    "id": "orderRef",
    "outside_rth": "outsideRth",
    "all_or_none": "allOrNone",
    "oca_group": "ocaGroup",
    "conditions_cancel": "conditionsCancelOrder",
    "conditions_outside_rth": "conditionsIgnoreRth",
    "algo": "algoStrategy",
    "advisor_group": "faGroup",
    "advisor_method": "faMethod",
}
"""Our fields and the library's that mean and hold the same."""


class Place(NamedTuple):
    """What an order says only to the broker: its number there, its parent's, and whether it leaves the gateway at once."""

    broker_order_id: int
    parent_id: int = 0
    transmit: bool = True


def to_ib(order: AtlasOrder, place: Place, named: Named) -> Any:
    """The library's order.

    Raises:
        KeyError: a condition is on an instrument that `named` does not know.
    """
    row = _KINDS[order.kind]
    prices = {theirs: getattr(order, ours) for ours, theirs in row.prices.items() if getattr(order, ours) is not None}
    return Order(
        orderId=place.broker_order_id,
        parentId=place.parent_id,
        transmit=place.transmit,
        action=order.side.name,
        totalQuantity=order.quantity,
        orderType=row.name,
        tif=order.time_in_force.name,
        goodTillDate=times.to_ib(order.good_till_ns),
        goodAfterTime=times.to_ib(order.good_after_ns),
        minQty=int(order.min_quantity) if order.min_quantity else _UNSET_INTEGER,
        triggerMethod=TRIGGER_METHODS[order.trigger_method],
        ocaType=_OCA_TYPES[order.oca_type] if order.oca_group else 0,
        conditions=conditions.to_ib(order.conditions, named),
        algoParams=[library.TagValue(name, value) for name, value in order.algo_parameters],
        **prices,
        **{theirs: getattr(order, ours) for ours, theirs in _AS_THEY_ARE.items()},
    )


def from_ib(order: Any, instrument: str, name_of: NameOf, parent_of: Callable[[int], str]) -> AtlasOrder:
    """Our order, as the broker has it. A trailing stop comes back where it is now, not where it began.

    Args:
        order: the library's.
        instrument: the id of what it is about.
        name_of: names the instruments of its conditions.
        parent_of: the order reference of a broker order id.

    Raises:
        NoWords: it says what ours cannot: another order type, a time in no known form.
    """
    kind = _KIND_BY_NAME.get(order.orderType.upper().replace(" ", ""))
    side = _SIDE_BY_ACTION.get(order.action.upper())
    if kind is None or side is None:
        raise NoWords(f"an order {order.action} {order.orderType}")
    grouped = bool(order.ocaGroup)
    return AtlasOrder(
        robot="",
        instrument=instrument,
        side=side,
        quantity=float(order.totalQuantity),
        kind=kind,
        time_in_force=_time_in_force(order.tif),
        trigger_method=_trigger_method(int(order.triggerMethod or 0)),
        good_till_ns=_moment(order.goodTillDate),
        good_after_ns=_moment(order.goodAfterTime),
        min_quantity=float(order.minQty) if 0 < (order.minQty or 0) < _UNSET_INTEGER else 0.0,
        parent_id=parent_of(order.parentId) if order.parentId else "",
        oca_type=_OCA_BY_NUMBER.get(order.ocaType, OcaType.REDUCE) if grouped else OcaType.CANCEL_WITH_BLOCK,
        conditions=conditions.from_ib(order.conditions, name_of),
        algo_parameters=tuple((one.tag, one.value) for one in order.algoParams or ()),
        **_prices(order, _KINDS[kind]),
        **{ours: _plain(getattr(order, theirs)) for ours, theirs in _AS_THEY_ARE.items()},
    )


def number(value: Any) -> float | None:
    """A number of the library's, None where it is one of its ways to say that there is none: unset, infinite, not a number."""
    if value is None or value == "":
        return None
    found = float(value)
    return found if math.isfinite(found) and abs(found) < UNSET_DOUBLE else None


def _prices(order: Any, row: _Kind) -> dict[str, Any]:
    found = {ours: number(getattr(order, theirs)) for ours, theirs in row.prices.items()}
    given = {ours: price for ours, price in found.items() if price is not None and (price or ours not in row.zero_is_none)}
    if "trail_percent" in given:
        given.pop("trail_amount", None)  # the broker shows the amount that the percentage comes to at the moment
    return given


def _plain(value: Any) -> Any:
    return "" if value in (None, "?") else value


def _time_in_force(text: str) -> TimeInForce:
    try:
        return TimeInForce[text.upper() or "DAY"]
    except KeyError:
        raise NoWords(f"time in force {text}") from None


def _trigger_method(number: int) -> Any:
    if number not in TRIGGER_METHODS_BY_NUMBER:
        raise NoWords(f"trigger method {number}")
    return TRIGGER_METHODS_BY_NUMBER[number]


def _moment(text: str) -> int:
    at_ns = times.from_ib(text)
    if at_ns is None:
        raise NoWords(f"the time {text!r}")
    return at_ns
