"""What a paper broker tells of what happens to its orders, in the words and the order in which the real one does.

An order that works, or has new terms: the order. A fill: the execution, the order, the commission. What was turned down: the
code and its words, and the order as it stands now. What was cancelled: the order, and the code for that.
"""

from atlas.exchange import (
    Accepted,
    Cancelled,
    ExchangeEvent,
    Executed,
    Expired,
    Modified,
    Refused,
    Rejected,
    Settled,
)
from atlas.paper import codes
from atlas.paper.records import PaperOrder
from atlas.trading.broker import BrokerError, BrokerOrder, BrokerReport, BrokerStatus


def reference_of(event: ExchangeEvent) -> str:
    """The reference of the order that an event is about; "" if it is about none."""
    match event:
        case Accepted() | Modified() | Rejected():
            return event.order.id
        case Executed() | Settled():
            return event.execution.order_id
        case _:
            return event.order_id


def of_order(one: PaperOrder, client_id: int) -> BrokerOrder:
    """An order as the broker has it."""
    status = BrokerStatus.CANCELLING if one.cancelling and not one.done_ns else one.status
    order = one.order
    return BrokerOrder(
        order_id=order.id,
        broker_order_id=one.number,
        perm_id=one.perm_id,
        status=status,
        quantity=order.quantity,
        limit_price=order.limit_price,
        reason=one.text,
        terms=order,
        client_id=client_id,
    )


def cancelled(one: PaperOrder, client_id: int) -> list[BrokerReport]:
    """An order is off."""
    return [of_order(one, client_id), BrokerError(one.number, codes.CANCELLED, f"Order Canceled - reason:{one.text}")]


def of_event(event: ExchangeEvent, one: PaperOrder | None, client_id: int) -> list[BrokerReport]:
    """What is told of `event`, which has happened to `one`."""
    if isinstance(event, (Executed, Settled)):
        told: list[BrokerReport] = [event.execution, event.commission]
        return told if one is None else [event.execution, of_order(one, client_id), event.commission]
    if one is None:
        return []
    match event:
        case Accepted() | Modified() | Expired():
            return [of_order(one, client_id)]
        case Rejected():
            return [BrokerError(one.number, one.code, one.text), of_order(one, client_id)]
        case Refused():
            objection = codes.objection_to(event)
            return [BrokerError(one.number, objection.code, objection.text), of_order(one, client_id)]
        case Cancelled():
            return cancelled(one, client_id)
        case _:
            return []
