"""Which order an event of the exchange is about."""

from atlas.exchange import Accepted, ExchangeEvent, Executed, Modified, Rejected, Settled


def order_id_of(event: ExchangeEvent) -> str:
    """The exchange's name of the order that an event is about; empty if it is about none."""
    match event:
        case Accepted() | Modified() | Rejected():
            return event.order.id
        case Executed() | Settled():
            return event.execution.order_id
        case _:
            return event.order_id
