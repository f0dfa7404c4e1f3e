"""What an order would do to its account, without placing it."""

from atlas.domain import Order
from atlas.exchange import Exchange
from ib_gateway.simulator.messages import Contract, Ticket, replies


def what_if(
    exchange: Exchange, client_id: int, order_id: int, contract: Contract, ticket: Ticket, order: Order
) -> replies.OpenOrder:
    """The answer to a what-if order: margin before, after and the change, and the commission."""
    answer = exchange.what_if(order)
    before, after = answer.before, answer.after
    state = replies.OrderState(
        "PreSubmitted",
        initial_before=round(before.initial, 2),
        maintenance_before=round(before.maintenance, 2),
        equity_before=round(before.equity, 2),
        initial_change=round(after.initial - before.initial, 2),
        maintenance_change=round(after.maintenance - before.maintenance, 2),
        equity_change=round(after.equity - before.equity, 2),
        initial_after=round(after.initial, 2),
        maintenance_after=round(after.maintenance, 2),
        equity_after=round(after.equity, 2),
        commission=answer.commission,
        commission_currency=answer.currency,
    )
    return replies.OpenOrder(order_id, client_id, 0, contract, ticket, state)
