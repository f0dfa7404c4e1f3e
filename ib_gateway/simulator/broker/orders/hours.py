"""Orders that are placed while their market is closed: until when they wait, in IB's words."""

from datetime import datetime
from zoneinfo import ZoneInfo

from atlas.domain import Order, to_datetime
from atlas.exchange import NEVER_NS, Calendar, Phase
from ib_gateway.simulator.broker.orders import checks
from ib_gateway.simulator.broker.orders.codes import Objection
from ib_gateway.simulator.instruments import Listing

_MOST_PHASES = 32


def opens_at(calendar: Calendar, order: Order, now_ns: int) -> int:
    """When the market opens for `order`: `now_ns` if it is open, NEVER_NS if nobody knows."""
    wanted = (Phase.REGULAR, Phase.EXTENDED) if order.outside_rth else (Phase.REGULAR,)
    at_ns = now_ns
    for _ in range(_MOST_PHASES):
        if calendar.phase(order.instrument, at_ns) in wanted:
            return at_ns
        at_ns = calendar.next_change(order.instrument, at_ns)
        if at_ns >= NEVER_NS:
            break
    return NEVER_NS


def waiting(calendar: Calendar, order: Order, listing: Listing, now_ns: int) -> Objection | None:
    """The warning (399) that an order waits for its market to open; None if the market is open for it."""
    opens_ns = opens_at(calendar, order, now_ns)
    if opens_ns <= now_ns or opens_ns >= NEVER_NS:
        return None
    local: datetime = to_datetime(opens_ns).astimezone(ZoneInfo(listing.instrument.time_zone))
    when = f"{local:%Y-%m-%d %H:%M:%S} {listing.instrument.time_zone}"
    return checks.order_message(order, listing, f"your order will not be placed at the exchange until {when}")
