"""The trader's core takes the paper broker for a real one: whatever happens, both say the same, and nothing is an anomaly."""

import asyncio
from collections import deque

from hypothesis import given, settings
from hypothesis import strategies as st
from support.paper import AAPL, ES, KNOWN, NOON, Desk, kill, order

from atlas.domain import Cancel, ManualClock, Modify, OrderKind, OrderStatus, Side, TimeInForce
from atlas.paper import PaperTerms
from atlas.trading.broker import Known
from atlas.trading.desk import Desk as TradersDesk
from atlas.trading.effects import AskBroker, CancelEverything, CancelOrder, ChangeOrder, PlaceOrder, RaiseAlarm
from atlas.trading.risk import DESK, Gate, Limits, LimitTree

BUY, SELL = Side.BUY, Side.SELL
LOOSE = Limits(max_order_quantity=10_000_000, max_position=10_000_000, max_working_orders=1000)


class Trader:
    """The trader's core, with a paper broker behind it, and no wires."""

    def __init__(self, folder, terms):
        self.clock = ManualClock(NOON)
        self.folder, self.terms = folder, terms
        self.paper = Desk(folder, self.clock, terms, 50).open(*KNOWN.values())
        self.desk = TradersDesk("DUPAPER", dict(KNOWN), Gate(LimitTree({DESK: LOOSE}), "DUPAPER", dict(KNOWN)), self.clock)
        self.queue = deque()
        self.alarms = []
        self.next_id = 1

    async def settle(self):
        """Until nothing is to be sent, and nothing to be heard."""
        while True:
            for report in await self.paper.heard():
                self.decided(self.desk.on_report(report))
            if not self.queue:
                return
            await self.do(self.queue.popleft())

    def decided(self, decision):
        self.queue += decision.effects

    async def do(self, effect):
        broker = self.paper.broker
        match effect:
            case PlaceOrder() | ChangeOrder():
                reason = self.desk.may_send(effect)
                if reason:
                    self.decided(self.desk.not_sent(effect, reason))
                    return
                transmit = effect.transmit if isinstance(effect, PlaceOrder) else True
                await broker.place(effect.order, effect.broker_order_id, parent_id=effect.parent_id, transmit=transmit)
                self.decided(self.desk.sent(effect))
            case CancelOrder():
                if not self.desk.may_send(effect):
                    await broker.cancel(effect.broker_order_id)
                    self.decided(self.desk.sent(effect))
            case CancelEverything():
                await broker.cancel_all()
            case AskBroker():
                await self.reconcile()
            case RaiseAlarm():
                self.alarms.append(effect)

    async def reconcile(self):
        asked_ns = self.clock.now_ns()
        answer = await self.paper.broker.snapshot()
        assert isinstance(answer, Known)
        for report in self.paper.told:
            self.decided(self.desk.on_report(report))
        self.paper.told.clear()
        self.decided(self.desk.reconcile(answer, asked_ns))

    def submit(self, *orders):
        self.decided(self.desk.submit(orders, self.next_id))
        self.next_id += len(orders)

    def restart_broker(self):
        kill(self.paper)
        self.paper = Desk(self.folder, self.clock, self.terms, 50).open()


def bracket(number, side, quantity, price):
    lasting = {"time_in_force": TimeInForce.GTC}
    parent = order(AAPL, side, quantity, price, id=f"b-{number}-0", account="DUPAPER", **lasting)
    child = {"parent_id": parent.id, "account": "DUPAPER", **lasting}
    take = order(AAPL, side.opposite, quantity, round(price + side.sign, 2), id=f"b-{number}-1", **child)
    stop = order(
        AAPL, side.opposite, quantity, id=f"b-{number}-2", kind=OrderKind.STOP, stop_price=round(price - side.sign, 2), **child
    )
    return parent, take, stop


_STEPS = st.lists(
    st.tuples(
        st.sampled_from(
            ["market", "limit", "stop", "ioc", "huge", "bracket", "modify", "cancel", "all", "quote", "time", "kill"]
        ),
        st.integers(1, 60),
        st.integers(-20, 20),
    ),
    max_size=40,
)


@given(_STEPS, st.sampled_from([0, 200]), st.booleans())
@settings(max_examples=120, deadline=None)
def test_desk_and_paper_broker_agree_after_anything(tmp_path_factory, steps, latency, partial):
    terms = PaperTerms(hours="always", latency_ms=latency, partial_fills=partial, fees="ib")

    async def run():
        trader = Trader(tmp_path_factory.mktemp("account"), terms)
        await trader.reconcile()
        await trader.settle()
        placed = []
        for number, (what, size, offset) in enumerate(steps, 1):
            trader.clock.advance(30_000_000 + size)
            await step(trader, placed, number, what, size, offset)
            await trader.settle()
        for _ in range(2):  # what is on its way arrives
            trader.paper.pass_time(1)
            await trader.settle()
        trader.clock.advance(1)
        await trader.reconcile()
        await trader.settle()
        check(trader, (await trader.paper.snapshot()))
        trader.paper.broker.close()

    asyncio.run(run())


async def step(trader, placed, number, what, size, offset):
    price = round(100.0 + offset / 10, 2)
    side = BUY if size % 2 else SELL
    terms = {
        "limit": {"limit": price},
        "ioc": {"limit": price, "time_in_force": TimeInForce.IOC},
        "stop": {"kind": OrderKind.STOP, "stop_price": price},
    }
    if what == "quote":
        trader.paper.quote(AAPL, price, round(price + 0.1, 2), size, size)
    elif what == "time":
        trader.paper.pass_time(size / 30)
    elif what == "kill":
        trader.restart_broker()
        await trader.reconcile()
    elif what == "bracket":
        legs = bracket(number, side, float(size), price)
        placed += legs
        trader.submit(*legs)
    elif what == "all":
        trader.decided(trader.desk.cancel_all())
    elif what in ("modify", "cancel") and placed:
        chosen = placed[size % len(placed)]
        if what == "cancel":
            trader.decided(trader.desk.cancel(Cancel(f"c-{number}", chosen.id)))
        elif chosen.kind is OrderKind.LIMIT and not chosen.parent_id:
            trader.decided(trader.desk.modify(Modify(f"m-{number}", chosen.id, quantity=float(size), limit_price=price)))
    elif what in ("market", "limit", "stop", "ioc", "huge"):
        quantity = float(size) * (100_000 if what == "huge" else 1)
        wish = order(AAPL, side, quantity, id=f"o-{number}-0", account="DUPAPER", **terms.get(what, {}))
        placed.append(wish)
        trader.submit(wish)


def check(trader, found):
    desk = trader.desk
    assert desk.anomalies == 0, trader.alarms
    assert desk.breaks == {}
    assert not desk.in_doubt
    held = {name: one.quantity for name, one in desk.held().items()}
    assert held == found.positions.get("DUPAPER", {})
    assert sorted(state.order.id for state in desk.working()) == sorted(one.order_id for one in found.open_orders)
    assert OrderStatus.UNKNOWN not in {state.status for state in desk.states.values()}
    filled = {}
    for execution in found.executions:
        filled[execution.order_id] = filled.get(execution.order_id, 0.0) + execution.quantity
    assert {name: state.filled for name, state in desk.states.items() if state.filled} == filled


async def test_a_rejection_reaches_the_robots_with_the_brokers_code_and_words(tmp_path):
    trader = Trader(tmp_path, PaperTerms(hours="always"))
    await trader.reconcile()
    await trader.settle()
    trader.clock.advance(1)
    trader.paper.quote(ES, 5000.0, 5000.25)
    trader.submit(order(ES, BUY, 1000, id="o-1-0", account="DUPAPER"))
    await trader.settle()
    state = trader.desk.states["o-1-0"]
    assert (state.status, state.code) == (OrderStatus.REJECTED, 201)
    assert "INITIAL MARGIN" in state.reason
    trader.paper.broker.close()
