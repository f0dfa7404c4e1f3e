from atlas.domain import (
    Cancel,
    Instrument,
    InstrumentKind,
    Order,
    OrderEvent,
    OrderEventKind,
    OrderStatus,
    Side,
    Submit,
)
from atlas.robot.ledger import Ledger

EURUSD = Instrument("EUR.USD@IDEALPRO", InstrumentKind.CASH, "EUR", "IDEALPRO", "USD", 12087792, 0.00005)
K = OrderEventKind


def test_a_cancellation_that_came_too_early_does_not_hide_the_order_that_the_trader_takes_later():
    ledger = Ledger()
    ledger.instruments[EURUSD.id] = EURUSD
    order = Order("bot-1-0", "bot", EURUSD.id, Side.BUY, 10.0)
    ledger.ask(Submit(order))
    ledger.ask(Cancel("bot-2-0", order.id))
    ledger.fold(OrderEvent(0, order.id, "bot", K.REFUSED, 1, reason="there is no order bot-1-0"))  # made up by our own side
    ledger.fold(OrderEvent(1, order.id, "bot", K.PENDING, 2, order=order))
    ledger.fold(OrderEvent(2, order.id, "bot", K.SENT, 3))
    assert ledger.orders[order.id].status is OrderStatus.SENT
    assert list(ledger.working) == [order.id]
