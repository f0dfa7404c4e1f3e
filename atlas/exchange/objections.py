"""What is wrong with an order by itself, said as Interactive Brokers says it where its words are known. Pure.

Sources: TWS API, "Message Codes" (interactivebrokers.github.io/tws-api/message_codes.html) for the words; the order types' own
pages for what each needs.
"""

from collections.abc import Callable, Container
from decimal import Decimal

from atlas.domain import Instrument, InstrumentKind, Order, OrderKind, TimeInForce, exact
from atlas.exchange.allocation import accounts_of, parts_of
from atlas.exchange.conditions import instruments_of
from atlas.exchange.events import Reason
from atlas.exchange.sessions import ON_CLOSE
from atlas.exchange.standing import Standing
from atlas.exchange.trailing import TRAILING
from atlas.exchange.triggers import TRIGGERED

_MOST = 1e12  # of a quantity or a price; what is beyond cannot be computed with to the last digit
_NEEDS_LIMIT = frozenset({OrderKind.LIMIT, OrderKind.STOP_LIMIT, OrderKind.LIMIT_IF_TOUCHED, OrderKind.LIMIT_ON_CLOSE})
_NEEDS_STOP = TRIGGERED - TRAILING
_OFF_TICK = "The price does not conform to the minimum price variation for this contract."
_FIXED = ("instrument", "side", "account", "kind", "parent_id", "oca_group", "oca_type")

Found = tuple[Reason, str] | None


def order_objection(order: Order, instrument: Instrument, accounts: Container[str], known: Container[str], at_ns: int) -> Found:
    """Why `order` cannot stand at all, or None. `known` are the instruments that its conditions may look at."""
    for check in _CHECKS:
        found = check(order, instrument)
        if found:
            return found
    for account in accounts_of(order):
        if account not in accounts:
            return Reason.UNKNOWN_ACCOUNT, f"there is no account {account!r}"
    for name in sorted(instruments_of(order.conditions)):
        if name not in known:
            return Reason.BAD_CONDITION, f"The condition is on an instrument that is not listed: {name}."
    if order.time_in_force is TimeInForce.GTD and order.good_till_ns <= max(at_ns, order.good_after_ns):
        return Reason.BAD_TIME, "The time of a good-till-date order must lie in the future and after its good-after time."
    return None


def change_objection(order: Order, standing: Standing) -> Found:
    """Why the standing order cannot get the terms of `order`, or None."""
    old = standing.order
    for name in _FIXED:
        if getattr(order, name) != getattr(old, name):
            return Reason.BAD_CHANGE, f"Order being modified does not match original order: {name.replace('_', ' ')}."
    at_once = {TimeInForce.IOC, TimeInForce.FOK, TimeInForce.OPG}
    if order.time_in_force is not old.time_in_force and at_once & {order.time_in_force, old.time_in_force}:
        return Reason.BAD_CHANGE, "Order being modified does not match original order: time in force."
    if exact(order.quantity) <= standing.filled:
        return Reason.BAD_QUANTITY, f"{float(standing.filled):g} are filled already"
    for account, part in standing.parts.items():
        if parts_of(order).get(account, Decimal(0)) < part.filled:
            return Reason.BAD_SHARES, f"{account} has {float(part.filled):g} of it already"
    return None


def _tradable(_order: Order, instrument: Instrument) -> Found:
    return (Reason.NOT_TRADABLE, "No trading permissions.") if instrument.kind is InstrumentKind.INDEX else None


def _quantity(order: Order, instrument: Instrument) -> Found:
    if not instrument.min_size <= order.quantity <= _MOST or exact(order.quantity) % exact(instrument.size_step):
        return Reason.BAD_QUANTITY, (
            f"{order.quantity:g} is not a quantity of {instrument.id}: at least {instrument.min_size:g}, "
            f"in steps of {instrument.size_step:g}"
        )
    if not 0 <= order.min_quantity <= order.quantity:
        return Reason.BAD_QUANTITY, "The minimum quantity must not be larger than the order size."
    return None


def _shares(order: Order, _instrument: Instrument) -> Found:
    if not order.shares:
        return None
    parts = parts_of(order)
    if len(parts) < len(order.shares) or any(part <= 0 for part in parts.values()):
        return Reason.BAD_SHARES, "Invalid allocation: each account needs one share above zero."
    if sum(parts.values(), Decimal(0)) != exact(order.quantity):
        return Reason.BAD_SHARES, "Invalid allocation: the shares do not add up to the order size."
    return None


def _limit(order: Order, instrument: Instrument) -> Found:
    if order.limit_price is None:
        return (Reason.NO_LIMIT_PRICE, "a limit order needs a limit price above zero") if order.kind in _NEEDS_LIMIT else None
    if order.kind not in _NEEDS_LIMIT and order.kind in _NO_LIMIT:
        return None
    if not 0 < order.limit_price <= _MOST:
        return Reason.NO_LIMIT_PRICE, "a limit order needs a limit price above zero"
    return None if instrument.on_tick(order.limit_price) else (Reason.OFF_TICK, _OFF_TICK)


_NO_LIMIT = frozenset(OrderKind) - _NEEDS_LIMIT - {
    OrderKind.MIDPRICE, OrderKind.PEGGED_TO_MIDPOINT, OrderKind.RELATIVE, OrderKind.TRAILING_STOP_LIMIT
}  # fmt: skip


def _stop(order: Order, instrument: Instrument) -> Found:
    if order.kind not in TRIGGERED:
        return None
    if order.stop_price is None:
        return (Reason.NO_STOP_PRICE, "The order needs a stop price above zero.") if order.kind in _NEEDS_STOP else None
    if not 0 < order.stop_price <= _MOST:
        return Reason.NO_STOP_PRICE, "The order needs a stop price above zero."
    return None if instrument.on_tick(order.stop_price) else (Reason.OFF_TICK, _OFF_TICK)


def _trail(order: Order, instrument: Instrument) -> Found:
    if order.kind not in TRAILING:
        return None
    amount, percent = order.trail_amount or 0.0, order.trail_percent or 0.0
    if (amount > 0) is (percent > 0) or amount < 0 or not 0 <= percent < 100 or amount > _MOST:
        return Reason.NO_TRAIL, "A trailing order needs either a trailing amount or a trailing percentage above zero."
    if order.kind is not OrderKind.TRAILING_STOP_LIMIT:
        return None
    if order.limit_offset is not None and instrument.on_tick(order.limit_offset):
        return None
    if order.limit_offset is None and order.limit_price is not None and order.stop_price is not None:
        return None
    return Reason.NO_LIMIT_PRICE, "A trailing stop limit order needs a limit offset, or a stop and a limit price."


def _time_in_force(order: Order, _instrument: Instrument) -> Found:
    tif, kind = order.time_in_force, order.kind
    if tif is TimeInForce.OPG and kind not in {OrderKind.MARKET, OrderKind.LIMIT}:
        return Reason.BAD_TIME_IN_FORCE, f"Invalid time in force: OPG does not go with {kind.value}."
    if kind in ON_CLOSE and tif not in {TimeInForce.DAY, TimeInForce.GTC}:
        return Reason.BAD_TIME_IN_FORCE, f"Invalid time in force: {tif.value} does not go with {kind.value}."
    return None


_CHECKS: tuple[Callable[[Order, Instrument], Found], ...] = (
    _tradable,
    _quantity,
    _shares,
    _limit,
    _stop,
    _trail,
    _time_in_force,
)
