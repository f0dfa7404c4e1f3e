"""From a client's ticket to the order that the exchange understands: kinds, times, prices, conditions.

Raises `Turned` with IB's code for what cannot be understood. Sources: TWS API, "Order Types", "Order Conditioning".
"""

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import NamedTuple

from atlas.domain import BadInput, OcaType, Order, OrderKind, Share, Side, TimeInForce, TriggerMethod
from ib_gateway.simulator.broker.floor import LOGIN_ZONE
from ib_gateway.simulator.broker.orders.codes import Code, Objection
from ib_gateway.simulator.broker.times import client_time
from ib_gateway.simulator.instruments import Listing
from ib_gateway.simulator.messages import Ticket

SIDES: Mapping[str, Side] = {"BUY": Side.BUY, "SELL": Side.SELL, "SSHORT": Side.SELL}
TIMES_IN_FORCE: Mapping[str, TimeInForce] = {one.name: one for one in TimeInForce}
OCA_TYPES: Mapping[int, OcaType] = {1: OcaType.CANCEL_WITH_BLOCK, 2: OcaType.REDUCE_WITH_BLOCK, 3: OcaType.REDUCE}
TRIGGER_METHODS: Mapping[int, TriggerMethod] = {
    0: TriggerMethod.DEFAULT,
    1: TriggerMethod.DOUBLE_BID_ASK,
    2: TriggerMethod.LAST,
    3: TriggerMethod.DOUBLE_LAST,
    4: TriggerMethod.BID_ASK,
    7: TriggerMethod.LAST_OR_BID_ASK,
    8: TriggerMethod.MIDPOINT,
}


class Turned(BadInput):
    """What a broker turns down: a ticket that cannot become an order, a change that cannot be."""

    def __init__(self, objection: Objection) -> None:
        super().__init__(objection.text)
        self.objection = objection


class Prices(NamedTuple):
    """What an order says about prices; None says nothing."""

    limit: float | None = None
    stop: float | None = None
    trail_amount: float | None = None
    trail_percent: float | None = None
    offset: float | None = None


class Shape(NamedTuple):
    """An order type: the exchange's kind, where on the ticket its prices are, and the times in force it goes with."""

    kind: OrderKind
    prices: Callable[[Ticket, float | None], Prices]
    times: frozenset[TimeInForce] = frozenset(TimeInForce) - {TimeInForce.OPG}
    waits_for_trigger: bool = False


def _need(value: float | None, what: Code = Code.NO_PRICE) -> float:
    """A price that must be there and above zero; clients write 0 for none, too."""
    if not value or value <= 0:
        raise Turned(what.say())
    return value


def _given(value: float | None) -> float | None:
    return value or None


def _trail(ticket: Ticket) -> Prices:
    if not ticket.trailing_percent and not ticket.aux_price:
        raise Turned(Code.INCOMPLETE.say(what="a trailing order needs a trailing amount or percent"))
    if ticket.trailing_percent:
        percent = _need(ticket.trailing_percent)
        if percent >= 100:
            raise Turned(Code.PERCENT_OFFSET.say())
        return Prices(stop=_given(ticket.trail_stop_price), trail_percent=percent)
    return Prices(stop=_given(ticket.trail_stop_price), trail_amount=_need(ticket.aux_price))


def _trail_limit(ticket: Ticket) -> Prices:
    """The limit lies `limit_price_offset` beyond the stop; or it is given with the first stop price, and keeps its distance."""
    trail = _trail(ticket)
    if ticket.limit_price_offset is not None:
        return trail._replace(offset=ticket.limit_price_offset)
    if not ticket.limit_price or trail.stop is None:
        raise Turned(Code.INCOMPLETE.say(what="a trailing limit order needs a limit offset, or a stop and a limit price"))
    beyond = Decimal(repr(ticket.limit_price)) - Decimal(repr(trail.stop))
    return trail._replace(offset=float(beyond * SIDES[ticket.action].sign))


def _pegged(ticket: Ticket) -> Prices:
    offset = ticket.aux_price or ticket.mid_offset_at_whole or 0.0
    return Prices(limit=_given(ticket.limit_price), offset=offset)


def _relative(ticket: Ticket, touch: float | None) -> Prices:
    """The offset is an amount, or a part of the price it is relative to; as both may be zero, nothing given is no error."""
    percent = ticket.percent_offset
    if percent is None:
        return Prices(limit=_given(ticket.limit_price), offset=ticket.aux_price or 0.0)
    if not 0 <= percent <= 100:
        raise Turned(Code.PERCENT_OFFSET.say())
    if percent and touch is None:
        raise Turned(Code.NO_OFFSET.say())
    return Prices(limit=_given(ticket.limit_price), offset=(touch or 0.0) * percent / 100)


_AUCTION = frozenset({TimeInForce.DAY, TimeInForce.OPG})
_DAY = frozenset({TimeInForce.DAY})
_LASTING = frozenset({TimeInForce.DAY, TimeInForce.GTC, TimeInForce.GTD})
_ANY = frozenset(TimeInForce)

SHAPES: Mapping[str, Shape] = {
    "MKT": Shape(OrderKind.MARKET, lambda _t, _p: Prices(), _ANY),
    "LMT": Shape(OrderKind.LIMIT, lambda t, _: Prices(limit=_need(t.limit_price)), _ANY),
    "STP": Shape(OrderKind.STOP, lambda t, _: Prices(stop=_need(t.aux_price)), waits_for_trigger=True),
    "STP LMT": Shape(
        OrderKind.STOP_LIMIT, lambda t, _: Prices(_need(t.limit_price), _need(t.aux_price)), waits_for_trigger=True
    ),
    "MIT": Shape(OrderKind.MARKET_IF_TOUCHED, lambda t, _: Prices(stop=_need(t.aux_price)), _LASTING, waits_for_trigger=True),
    "LIT": Shape(
        OrderKind.LIMIT_IF_TOUCHED,
        lambda t, _: Prices(_need(t.limit_price), _need(t.aux_price)),
        _LASTING,
        waits_for_trigger=True,
    ),
    "TRAIL": Shape(OrderKind.TRAILING_STOP, lambda t, _: _trail(t), _LASTING, waits_for_trigger=True),
    "TRAIL LIMIT": Shape(OrderKind.TRAILING_STOP_LIMIT, lambda t, _: _trail_limit(t), _LASTING, waits_for_trigger=True),
    "MOC": Shape(OrderKind.MARKET_ON_CLOSE, lambda _t, _p: Prices(), _DAY),
    "LOC": Shape(OrderKind.LIMIT_ON_CLOSE, lambda t, _: Prices(limit=_need(t.limit_price)), _DAY),
    "MIDPRICE": Shape(OrderKind.MIDPRICE, lambda t, _: Prices(limit=_given(t.limit_price)), _LASTING),
    "PEG MID": Shape(OrderKind.PEGGED_TO_MIDPOINT, lambda t, _: _pegged(t), _LASTING),
    "REL": Shape(OrderKind.RELATIVE, _relative, _LASTING),
}
"""Order types as clients name them."""

_BY_TIGHT_NAME = {name.replace(" ", ""): name for name in SHAPES} | {
    "STOP": "STP",
    "STOPLIMIT": "STP LMT",
    "TRAILLMT": "TRAIL LIMIT",
}


def order_type(text: str) -> str:
    """The name of an order type as IB writes it; some clients write it without the space."""
    return _BY_TIGHT_NAME.get(text.upper().replace(" ", ""), text.upper())


class Links(NamedTuple):
    """What an order has to do with others: the exchange's name of its parent, its OCA group, its accounts."""

    parent: str = ""
    oca_group: str = ""
    shares: tuple[Share, ...] = ()


def to_order(
    exchange_id: str, listing: Listing, ticket: Ticket, conditions: tuple[object, ...], links: Links, touch: float | None
) -> Order:
    """The order that a completed ticket means. `touch` is the best price of the order's own side now, if there is one.

    Raises:
        Turned: something on the ticket makes no sense.
    """
    shape = SHAPES.get(ticket.order_type)
    if shape is None:
        raise Turned(Code.UNSUPPORTED_KIND.say(kind=f"'{ticket.order_type}'"))
    prices = shape.prices(ticket, touch)
    quantity = sum(share.quantity for share in links.shares) or ticket.quantity
    return Order(
        id=exchange_id,
        robot=ticket.order_ref,
        instrument=listing.instrument.id,
        side=SIDES[ticket.action],
        quantity=quantity,
        kind=shape.kind,
        limit_price=prices.limit,
        time_in_force=time_in_force(ticket, shape),
        account="" if links.shares else ticket.account,
        stop_price=prices.stop,
        trail_amount=prices.trail_amount,
        trail_percent=prices.trail_percent,
        limit_offset=prices.offset,
        trigger_method=trigger_method(ticket.trigger_method),
        good_till_ns=_good_till(ticket, listing),
        good_after_ns=_moment(ticket.good_after_time, listing),
        outside_rth=ticket.outside_rth,
        all_or_none=ticket.all_or_none,
        min_quantity=float(ticket.min_quantity or 0),
        parent_id=links.parent,
        oca_group=links.oca_group,
        oca_type=OCA_TYPES.get(ticket.oca_type, OcaType.REDUCE),
        conditions=conditions,  # type: ignore[arg-type]  # typed by the module that reads them
        conditions_cancel=ticket.conditions_cancel_order,
        conditions_outside_rth=ticket.conditions_ignore_rth,
        shares=links.shares,
    )


def time_in_force(ticket: Ticket, shape: Shape) -> TimeInForce:
    """The time in force, if it goes with the order type.

    Raises:
        Turned: it is none, or does not.
    """
    found = TIMES_IN_FORCE.get(ticket.time_in_force)
    if found is None:
        raise Turned(Code.BAD_TIF.say(tif=ticket.time_in_force))
    if found not in shape.times:
        if shape.times == _DAY:
            raise Turned(Code.CLOSE_TIF.say())
        raise Turned(Code.TIF_AND_TYPE.say(tif=ticket.time_in_force, kind=ticket.order_type))
    return found


def trigger_method(number: int) -> TriggerMethod:
    """The trigger method of IB's number.

    Raises:
        Turned: there is none.
    """
    if number not in TRIGGER_METHODS:
        raise Turned(Code.TRIGGER_METHOD.say())
    return TRIGGER_METHODS[number]


def _good_till(ticket: Ticket, listing: Listing) -> int:
    if ticket.time_in_force != "GTD":
        return 0
    if not ticket.good_till_date:
        raise Turned(Code.BAD_GTD.say())
    text = ticket.good_till_date.strip()
    whole_day = len(text) == 8 and text.isdigit()
    return _moment(f"{text} 23:59:59 {listing.instrument.time_zone}" if whole_day else text, listing)


def _moment(text: str, _listing: Listing) -> int:
    if not text.strip():
        return 0
    try:
        return client_time(text, LOGIN_ZONE)
    except ValueError as error:
        raise Turned(Code.BAD_TIME.say(cause=error)) from None
