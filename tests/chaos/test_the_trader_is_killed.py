"""The trader is killed at every step of the way of an order and of a fill. After its restart the books agree."""

import contextlib

import pytest
from support.desks import EURUSD, OrderClient, desk_of, until

from atlas.bus.orders import Command
from atlas.domain import Books, Order, OrderEventKind, OrderStatus, Side, Submit, Unavailable, fold
from atlas.session.audit import read_database

pytestmark = pytest.mark.timeout(240)

NOT_TAKEN, NEVER_SENT, FILLED = None, OrderStatus.DENIED, OrderStatus.FILLED


@pytest.mark.parametrize(
    ("point", "outcome"),
    [
        ("send.1_checked", NOT_TAKEN),
        ("send.2_journaled", NEVER_SENT),
        ("send.3_receipted", NEVER_SENT),
        ("send.4_written", NEVER_SENT),
        ("send.5_probed", NEVER_SENT),
        ("send.6_leaving", NEVER_SENT),
        ("send.7_sent", FILLED),
        ("send.8_noted", FILLED),
        ("fill.1_received", FILLED),
        ("fill.2_journaled", FILLED),
        ("fill.3_order_written", FILLED),
        ("fill.4_trade_written", FILLED),
        ("fill.5_event_written", FILLED),
        ("fill.6_published", FILLED),
    ],
)
async def test_the_books_agree_after_a_kill(tmp_path, point, outcome):
    order = Order("robot-1-0", "robot", EURUSD, Side.BUY, 20_000.0)
    async with desk_of(tmp_path, ["trader"], {"ATLAS_TRADER__FAULT_POINT": point}, instruments=(EURUSD,)) as desk:
        client = OrderClient(desk)
        with contextlib.suppress(Unavailable):  # killed before its receipt
            await client.ask(Command(Submit(order)), order.id)
        trader = desk.supervisor.processes[-1]
        await trader.handle.wait()
        assert trader.exit_code == -9

        desk.supervisor.processes.remove(trader)
        await desk.launch("trader", trader__fault_point="")

        async def is_over():
            answer = await client.events()
            return [event for event in answer if event.kind is OrderEventKind.COMMISSIONED] or outcome is not FILLED

        await until(is_over)
        events = await client.events()
        assert [event.sequence for event in events] == list(range(1, len(events) + 1))

        state = None
        for event in events:
            state = fold(state, event)
        assert (state.status if state is not None else None) is outcome

        broker = (await desk.broker_snapshot()).value
        database = await read_database(desk.database)
        robot = Books()
        instrument = await desk.instrument(EURUSD)
        for event in events:
            if event.execution:
                robot.execute(event.execution, instrument)
            if event.commission:
                robot.charge(event.commission)

        assert broker.positions == database.positions == robot.positions()
        assert len(broker.executions) == database.fills == robot.executions
        assert database.uncharged == 0
        assert len({execution.id for execution in broker.executions}) == len(broker.executions)
        assert sum(execution.quantity for execution in broker.executions) == (20_000 if outcome is FILLED else 0)
        client.close()
