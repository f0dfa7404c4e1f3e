"""Why the broker does not take an order is told with its code, whether the code or the order's status comes first."""

import pytest
from support.field import Field
from support.field_trader import AAPL, FieldTrader

from atlas.bus.orders import OrderQuery
from atlas.domain import OrderEventKind, OrderKind, OrderStatus
from atlas.trading.broker import BrokerError, BrokerOrder, BrokerStatus
from atlas.trading.outcome import Verdict, outcome_of

TOO_MUCH = {"instrument": AAPL, "quantity": 10_000_000.0, "kind": OrderKind.LIMIT, "limit_price": 100.0}


def in_turn(trader, first, then):
    """Let the broker say what `then` picks only after what `first` picks."""
    told, held = [], []

    def hear(report):
        if then(report) and not told:
            held.append(report)
            return
        trader.engine.on_report(report)
        if first(report):
            told.append(report)
            while held:
                trader.engine.on_report(held.pop(0))

    trader.listener = hear


def is_status(report):
    return isinstance(report, BrokerOrder) and report.status is BrokerStatus.INACTIVE


def is_code(report):
    return isinstance(report, BrokerError) and report.code == 201


@pytest.mark.parametrize(("first", "then"), [(is_status, is_code), (is_code, is_status)], ids=["status first", "code first"])
def test_the_last_event_and_the_receipt_have_code_and_words(tmp_path, first, then):
    async def scenario(field):
        trader = FieldTrader(field, tmp_path)
        await trader.begin()
        in_turn(trader, first, then)
        order = trader.order(**TOO_MUCH)
        await trader.submit(order)
        await trader.until_status(order, OrderStatus.REJECTED)
        outcome = outcome_of(trader.state(order))
        assert (outcome.verdict, outcome.code) == (Verdict.REJECTED, 201)
        assert outcome.text.startswith("201: Order rejected - reason:")
        again = await trader.submit(order)
        assert (again.verdict, again.code, again.reason) == (Verdict.REJECTED, 201, outcome.text)
        last = (await trader.ask(OrderQuery(order.id))).events[-1]
        assert (last.kind, last.code, last.reason) == (OrderEventKind.REJECTED, 201, outcome.text)
        await trader.end()

    Field(hours="always").run(scenario)
