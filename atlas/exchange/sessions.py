"""When an order may be filled, and when its time is over.

The trading day of an instrument runs from closed to closed; its regular session lies within. Day orders end with the regular
session they belong to, or with the extended one if they may be filled there; auctions are at the beginning and the end of the
regular session.

Source: TWS API, "Order" reference: tif (DAY, GTC, GTD, OPG), outsideRth, goodAfterTime; IBKR order types "Market-on-Close",
"Market-on-Open".
"""

from atlas.domain import Order, OrderKind, TimeInForce
from atlas.exchange.calendar import NEVER_NS, Calendar, Phase

ON_CLOSE = frozenset({OrderKind.MARKET_ON_CLOSE, OrderKind.LIMIT_ON_CLOSE})
"""The kinds that are filled in the closing auction."""

AT_ONCE = frozenset({TimeInForce.IOC, TimeInForce.FOK})
"""The times in force that leave nothing standing."""

FOR_NEXT_PRICE = AT_ONCE | {TimeInForce.OPG}
"""The times in force of which an order that still stands waits for the first price of its session."""

_MOST_CHANGES = 1000  # of phase before the next regular session; a calendar with more has none


def span(order: Order, at_ns: int, calendar: Calendar) -> tuple[int, int]:
    """From when on `order`, placed at `at_ns`, may be filled, 0 for at once, and when its time is over; or NEVER_NS."""
    name, after = order.instrument, max(at_ns, order.good_after_ns)
    if order.time_in_force is TimeInForce.OPG:
        opening = _opening_after(name, after, calendar)
        return opening, _end_of(name, opening, Phase.REGULAR, calendar)
    ends = NEVER_NS
    if order.kind in ON_CLOSE:
        ends = _end_of(name, after, Phase.REGULAR, calendar)
    elif order.time_in_force is TimeInForce.GTD:
        ends = order.good_till_ns
    elif order.time_in_force is TimeInForce.DAY:
        ends = _end_of(name, after, Phase.EXTENDED if order.outside_rth else Phase.REGULAR, calendar)
    return order.good_after_ns, ends


def admits(order: Order, phase: Phase) -> bool:
    """Whether a market in `phase` takes `order`: outside regular hours only those that want it, closed none."""
    if order.kind in ON_CLOSE:
        return False
    if phase is Phase.EXTENDED:
        return order.outside_rth and order.time_in_force is not TimeInForce.OPG
    return phase is Phase.REGULAR


def _opening_after(name: str, at_ns: int, calendar: Calendar) -> int:
    """When the next regular session after `at_ns` begins; one that has begun does not count."""
    for _ in range(_MOST_CHANGES):
        at_ns = calendar.next_change(name, at_ns)
        if at_ns >= NEVER_NS or calendar.phase(name, at_ns) is Phase.REGULAR:
            return at_ns
    return NEVER_NS


def _end_of(name: str, at_ns: int, phase: Phase, calendar: Calendar) -> int:
    """When the session that `at_ns` lies in, or the next one, is over: the regular one, or with it the extended hours."""
    if at_ns >= NEVER_NS:
        return NEVER_NS
    within = {Phase.REGULAR} if phase is Phase.REGULAR else {Phase.REGULAR, Phase.EXTENDED}
    entered = calendar.phase(name, at_ns) in within
    for _ in range(_MOST_CHANGES):
        at_ns = calendar.next_change(name, at_ns)
        if at_ns >= NEVER_NS:
            return NEVER_NS
        inside = calendar.phase(name, at_ns) in within
        if entered and not inside:
            return at_ns
        entered = entered or inside
    return NEVER_NS
