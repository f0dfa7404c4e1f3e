"""One order becomes two that live at the broker, under one reference and two perm ids, after a change over a bad link.

Here the second one is seen by its perm id and cancelled, nothing is opened in the instrument meanwhile, and nothing is changed
over a link that is not proven.
"""

from support.field import Field
from support.field_trader import AAPL, FieldTrader

from atlas.bus.orders import AccountRequest
from atlas.domain import OrderEventKind, OrderStatus
from ib_gateway.simulator.faults import Drop, ForkOrder, HalfOpen


def test_a_second_order_is_seen_alarmed_and_cancelled_and_the_books_say_what_is_left(tmp_path):
    async def scenario(field):
        trader = FieldTrader(field, tmp_path)
        await trader.begin()
        order = await trader.working()
        lost = field.inject(Drop(message="CancelOrder", direction="request"))
        field.inject(ForkOrder())
        trader.engine.on_link_up()
        key = f"fork:{order.id}"
        await field.until(lambda: trader.alarms.is_raised(key))
        blocked = (await trader.ask(AccountRequest())).blocked
        assert "works twice at the broker" in blocked["EUR.USD@IDEALPRO"]
        assert (await trader.submit(trader.order())).denial.rule == "blocked"
        assert (await trader.submit(trader.resting(instrument=AAPL, quantity=10))).status is OrderStatus.PENDING
        field.gateway.faults.clear(lost)
        trader.engine.on_link_up()
        await field.until(lambda: not trader.alarms.is_raised(key))
        await trader.ready()
        alive = [one for one in (await trader.broker.snapshot()).value.open_orders if one.order_id == order.id]
        assert len(alive) == (trader.status(order) is OrderStatus.WORKING)
        assert len([number for _, number in trader.placed]) == len({number for _, number in trader.placed})
        assert (await trader.submit(trader.order())).status is OrderStatus.PENDING
        await trader.end()

    Field(hours="always").run(scenario)


def test_nothing_is_changed_over_a_link_that_is_not_proven(tmp_path):
    async def scenario(field):
        trader = FieldTrader(field, tmp_path, probe_after_seconds=1.0)
        await trader.begin(request_timeout_seconds=2.0, heartbeat_seconds=1000.0)
        order = await trader.working()
        field.inject(HalfOpen(sockets="existing", for_seconds=30))
        await field.until(lambda: field.clock.now_ns() - trader.broker.last_heard_ns > 2 * 10**9)
        placed = len(trader.placed)
        await trader.modify(order, quantity=30_000.0)
        await field.until(lambda: refusals(trader))
        assert "not sent" in refusals(trader)[0]
        assert len(trader.placed) == placed
        assert trader.state(order).order.quantity == 20_000
        await trader.end()

    Field(hours="always").run(scenario)


def refusals(trader):
    return [event.reason for event in trader.store.all_events() if event.kind is OrderEventKind.REFUSED]
