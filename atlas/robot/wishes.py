"""What a strategy may wish of an order, and how a wish becomes one: on the price grid, in whole seconds, well formed. Pure."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, NamedTuple, TypedDict

import msgspec
from msgspec.structs import replace

from atlas.domain import (
    NS_PER_SECOND,
    BadInput,
    Condition,
    Instrument,
    OcaType,
    Order,
    OrderKind,
    TimeCondition,
    TimeInForce,
    TriggerMethod,
    fitted,
)
from atlas.domain.order_form import malformed_order


class EntryWishes(TypedDict, total=False):
    """What the entry of a bracket can say besides its price; `Order` and `OrderKind` say what it means."""

    kind: OrderKind
    stop_price: float | None
    limit_offset: float | None
    trigger_method: TriggerMethod
    good_till_ns: int
    good_after_ns: int
    outside_rth: bool
    all_or_none: bool
    min_quantity: float
    parent_id: str
    oca_group: str
    oca_type: OcaType
    conditions: Sequence[Condition]
    conditions_cancel: bool
    conditions_outside_rth: bool
    algo: str
    algo_parameters: Sequence[tuple[str, str]]
    advisor_group: str
    advisor_method: str


class Wishes(EntryWishes, total=False):
    """What any order can say besides instrument, side, quantity, limit and time in force."""

    trail_amount: float | None
    trail_percent: float | None


class Bracket(NamedTuple):
    """The ids of the orders of a bracket; `target` is empty where there is none."""

    entry: str
    stop: str
    target: str = ""


class Exits(NamedTuple):
    """Where a position is left: at a stop that stands still or trails, and perhaps at a target."""

    stop: float | None = None
    trail_amount: float | None = None
    trail_percent: float | None = None
    target: float | None = None


def wished(order: Order, instrument: Instrument) -> Order:
    """`order` as it can be sent.

    Prices move onto the grid in the safe direction, see `atlas.domain.order_prices`. The broker knows whole seconds: what ends
    does so up to a second earlier, what begins up to a second later, so that nothing lasts longer than was wished.

    Raises:
        BadInput: it makes no sense; the text says why.
    """
    order = _plain(order)
    order = replace(
        order,
        good_till_ns=_earlier(order.good_till_ns),
        good_after_ns=_later(order.good_after_ns),
        conditions=tuple(_in_seconds(one) for one in order.conditions),
    )
    _need_form(order)
    fits = fitted(order, instrument)
    if fits is not order:
        _need_form(fits)
    return fits


def exits(entry: Order, leave: Exits, time_in_force: TimeInForce, ids: tuple[str, str]) -> list[Order]:
    """The orders that close what `entry` opens: attached to it, and together in a group in which one's fill reduces the other.

    Raises:
        BadInput: there is no stop, or it or the target lies on the wrong side.
    """
    _need_sense(entry, leave)
    common = Order(
        id=ids[0],
        robot=entry.robot,
        instrument=entry.instrument,
        side=entry.side.opposite,
        quantity=entry.quantity,
        time_in_force=time_in_force,
        account=entry.account,
        cause_ns=entry.cause_ns,
        outside_rth=entry.outside_rth,
        parent_id=entry.id,
        advisor_group=entry.advisor_group,
        advisor_method=entry.advisor_method,
    )
    if leave.target is not None:
        common = replace(common, oca_group=f"{entry.id}:exits", oca_type=OcaType.REDUCE_WITH_BLOCK)
    trails = leave.stop is None
    legs = [
        replace(
            common,
            kind=OrderKind.TRAILING_STOP if trails else OrderKind.STOP,
            stop_price=leave.stop,
            trail_amount=leave.trail_amount,
            trail_percent=leave.trail_percent,
        )
    ]
    if leave.target is not None:
        legs.append(replace(common, id=ids[1], kind=OrderKind.LIMIT, limit_price=leave.target))
    return legs


def _need_sense(entry: Order, leave: Exits) -> None:
    ways = [one for one in (leave.stop, leave.trail_amount, leave.trail_percent) if one is not None]
    if len(ways) != 1:
        raise BadInput(f"a bracket needs one stop: give stop, trail_amount or trail_percent, and not {len(ways)} of them")
    sign, opens = entry.side.sign, entry.limit_price if entry.limit_price is not None else entry.stop_price
    ladder = [("stop", leave.stop), ("entry", opens), ("target", leave.target)]
    known = [(name, price) for name, price in ladder if price is not None]
    for (below, low), (above, high) in pairwise(known):
        if (high - low) * sign <= 0:
            raise BadInput(
                f"the {below} at {low!r} of a bracket that opens with a {entry.side.name.lower()} must be "
                f"{'below' if sign > 0 else 'above'} its {above} at {high!r}"
            )


def _need_form(order: Order) -> None:
    wrong = malformed_order(order)
    if wrong:
        raise BadInput(wrong)


def _plain(order: Order) -> Order:
    """The same of plain numbers, whatever kinds of numbers they were: a journal gives back no others."""
    try:
        return msgspec.msgpack.decode(msgspec.msgpack.encode(order, enc_hook=_number), type=Order)
    except (msgspec.ValidationError, TypeError, ValueError, OverflowError) as error:
        raise BadInput(f"order {order.id} cannot be written down: {error}") from None


def _number(value: Any) -> Any:
    return value.item() if hasattr(value, "item") else float(value)


def _earlier(at_ns: int) -> int:
    return at_ns - at_ns % NS_PER_SECOND


def _later(at_ns: int) -> int:
    return at_ns + -at_ns % NS_PER_SECOND


def _in_seconds(condition: Condition) -> Condition:
    if not isinstance(condition, TimeCondition):
        return condition
    return replace(condition, at_ns=(_later if condition.after else _earlier)(condition.at_ns))
