"""Robots and lists of orders over recorded events."""

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from atlas import Bar, Context, OrderEvent, Parameters, Quote, Strategy, Trade
from atlas.backtest import Backtest, Scripted
from atlas.domain import (
    BadInput,
    Cancel,
    Instrument,
    InstrumentKind,
    Modify,
    Order,
    OrderEventKind,
    OrderKind,
    Side,
    Submit,
    SubmitGroup,
    TimeInForce,
)
from atlas.exchange import Exchange, Terms
from atlas.robot import Decided, RobotState, Runtime, Timer, replay, started

EURUSD = Instrument("EUR.USD@IDEALPRO", InstrumentKind.CASH, "EUR", "IDEALPRO", "USD", 1, 0.00005)
AAPL = Instrument("AAPL@SMART", InstrumentKind.STOCK, "AAPL", "SMART", "USD", 2, 0.01)
SECOND = 1_000_000_000


def quote(second, bid, ask, instrument=AAPL, size=0.0):
    return Quote(instrument.id, bid, ask, size, size, int(second * SECOND), int(second * SECOND))


def trade(second, price, instrument=AAPL):
    return Trade(instrument.id, price, 1.0, int(second * SECOND), int(second * SECOND))


def order(number, side=Side.BUY, quantity=10.0, limit=None, **more):
    kind = OrderKind.MARKET if limit is None else OrderKind.LIMIT
    values = {"kind": kind, "limit_price": limit, "time_in_force": TimeInForce.GTC} | more
    return Order(f"desk-{number}-0", "desk", AAPL.id, side, quantity, **values)


def backtest(latency_ns=0, bar_seconds=(), **terms):
    exchange = Exchange([EURUSD, AAPL], {"DU1": {"USD": 1_000_000.0}}, Terms(**terms))
    return Backtest(exchange, "DU1", latency_ns, bar_seconds)


def fills(result):
    return [(one.execution.side.value, one.execution.quantity, one.execution.price, one.event) for one in result.fills]


def kinds(result, order_id):
    return [event.kind.value for event in result.events if event.order_id == order_id]


MARKET = [quote(1, 100.0, 100.2), quote(2, 101.0, 101.2), quote(3, 99.0, 99.2), quote(4, 102.0, 102.2)]


def test_an_order_is_filled_by_the_tick_upon_which_it_was_decided_and_by_none_before():
    result = backtest().run(MARKET, [Scripted(2, Submit(order(1)))])
    assert fills(result) == [("buy", 10, 101.2, 2)]


def test_an_order_that_is_on_its_way_is_filled_by_what_it_finds():
    result = backtest(latency_ns=SECOND + 1).run(MARKET, [Scripted(1, Submit(order(1)))])
    assert fills(result) == [("buy", 10, 101.2, 3)]


def test_events_of_an_order_are_those_that_a_trader_tells():
    result = backtest().run(MARKET, [Scripted(1, Submit(order(1))), Scripted(1, Submit(order(2, limit=50.0)))])
    assert kinds(result, "desk-1-0") == ["pending", "sent", "working", "executed", "commissioned"]
    assert kinds(result, "desk-2-0") == ["pending", "sent", "working"]
    assert [event.sequence for event in result.events] == list(range(1, len(result.events) + 1))


def test_orders_are_changed_and_cancelled():
    resting = order(1, limit=90.0)
    script = [
        Scripted(1, Submit(resting)),
        Scripted(2, Modify("m", resting.id, limit_price=99.2)),
        Scripted(2, Submit(order(2, limit=91.0))),
        Scripted(3, Cancel("c", "desk-2-0")),
        Scripted(3, Cancel("d", "desk-1-0")),
        Scripted(3, Cancel("e", "nobody")),
    ]
    result = backtest().run(MARKET, script)
    assert fills(result) == [("buy", 10, 99.2, 3)]
    assert kinds(result, "desk-2-0")[-2:] == ["cancel_requested", "cancelled"]
    assert kinds(result, "desk-1-0")[-2:] == ["cancel_requested", "refused"]


def test_a_group_of_which_one_leg_is_turned_down_comes_to_nothing():
    parent = order(1, limit=100.0)
    child = order(2, Side.SELL, limit=101.001, parent_id=parent.id)
    result = backtest().run(MARKET, [Scripted(1, SubmitGroup((parent, child)))])
    assert fills(result) == []
    assert kinds(result, parent.id)[-1] == "cancelled"
    assert kinds(result, child.id)[-1] == "rejected"


def test_a_bracket_takes_its_profit_and_drops_its_stop():
    parent = order(1)
    take = order(2, Side.SELL, limit=102.0, parent_id=parent.id)
    stop = order(3, Side.SELL, kind=OrderKind.STOP, stop_price=98.0, parent_id=parent.id)
    result = backtest().run(MARKET, [Scripted(1, SubmitGroup((parent, take, stop)))])
    assert fills(result) == [("buy", 10, 100.2, 1), ("sell", 10, 102.0, 4)]
    assert kinds(result, stop.id)[-1] == "cancelled"
    assert result.positions == {}


def test_final_books_are_the_sum_of_the_fills():
    script = [Scripted(1, Submit(order(1))), Scripted(3, Submit(order(2, Side.SELL, 4.0)))]
    result = backtest(commissions={}).run(MARKET, script)
    assert result.positions[AAPL.id].quantity == 6
    assert result.cash == {"USD": Decimal(1_000_000) - 10 * Decimal("100.2") + 4 * Decimal("99.0")}
    assert result.equity == pytest.approx(1_000_000 - 1002 + 396 + 6 * 102.1)


_TOLD = ["pending", "sent", "working", "executed", "commissioned"]


class Follower(Strategy):
    """Buys after a rise, closes after a fall, and keeps what it heard."""

    class Values(Parameters, frozen=True):
        quantity: float = 10.0

    parameters: Values

    def __init__(self, parameters):
        super().__init__(parameters)
        self.heard = []
        self.last = None

    def on_start(self, ctx: Context) -> None:
        ctx.timer("once", after_ns=int(2.5 * SECOND))

    def on_timer(self, ctx: Context, name: str) -> None:
        self.heard.append((name, ctx.now_ns))

    def on_quote(self, ctx: Context, quote: Quote) -> None:
        self.heard.append(("quote", quote.exchange_ns))
        if self.last is not None and quote.mid > self.last and not ctx.expected_position(AAPL.id):
            ctx.buy(AAPL.id, self.parameters.quantity)
        elif self.last is not None and quote.mid < self.last:
            ctx.close(AAPL.id)
        self.last = quote.mid

    def on_bar(self, _ctx: Context, bar: Bar) -> None:
        self.heard.append(("bar", bar.end_ns))

    def on_order(self, _ctx: Context, event: OrderEvent) -> None:
        self.heard.append((event.kind.value, event.at_ns))


def run_follower(market=MARKET, **values):
    test = backtest(**values)
    test.add(Follower, "f", [AAPL])
    return test, test.run(market)


def test_a_robot_trades_on_what_it_hears_and_hears_what_became_of_it():
    test, result = run_follower()
    assert fills(result) == [("buy", 10, 101.2, 2), ("sell", 10, 99.0, 3), ("buy", 10, 102.2, 4)]
    (robot,) = test._robots
    whats = [what for what, _ in robot.runtime.strategy.heard]
    assert whats == ["quote", "quote", *_TOLD, "quote", *_TOLD, "once", "quote", *_TOLD]
    assert result.robots["f"].positions == {"DU1": {AAPL.id: 10.0}}


def test_timers_fire_at_their_times_between_the_ticks():
    test, _ = run_follower()
    assert ("once", int(3.5 * SECOND)) in test._robots[0].runtime.strategy.heard


def test_a_robot_sees_a_tick_before_the_fills_that_it_caused():
    class Rester(Follower):
        def on_quote(self, ctx, quote):
            self.heard.append(("quote", quote.exchange_ns))
            if quote.exchange_ns == SECOND:
                ctx.buy(AAPL.id, 1, limit_price=99.2)

    test = backtest()
    test.add(Rester, "r", [AAPL])
    test.run(MARKET)
    heard = test._robots[0].runtime.strategy.heard
    assert heard.index(("executed", 3 * SECOND)) == heard.index(("quote", 3 * SECOND)) + 1


def test_bars_are_told_before_the_tick_that_closed_them_but_orders_on_them_meet_that_tick():
    class OnBars(Follower):
        def on_quote(self, ctx, quote):
            pass

        def on_trade(self, _ctx, trade):
            self.heard.append(("trade", trade.exchange_ns))

        def on_bar(self, ctx, bar):
            self.heard.append(("bar", bar.end_ns))
            ctx.buy(EURUSD.id, 20_000)

    ticks = [quote(1, 1.10, 1.1001, EURUSD), quote(6, 1.20, 1.2001, EURUSD), trade(6, 100.0), trade(12, 100.0)]
    test = backtest(bar_seconds=(5,))
    test.add(OnBars, "b", [EURUSD, AAPL])
    result = test.run(ticks)
    assert [one.execution.price for one in result.fills] == [1.2001, 1.2001]  # closed by the second and by the last tick
    assert [one.event for one in result.fills] == [2, 4]


def test_bars_of_the_recording_are_told_likewise():
    class OnBars(Follower):
        def on_quote(self, _ctx, quote):
            self.heard.append(("quote", quote.exchange_ns))

        def on_bar(self, ctx, bar):
            self.heard.append(("bar", bar.end_ns))
            ctx.buy(AAPL.id, 1)

    bar = Bar(AAPL.id, 0, 5 * SECOND, 1, 1, 1, 1, 0, 1, 6 * SECOND)
    test = backtest()
    test.add(OnBars, "b", [AAPL])
    result = test.run([quote(1, 100.0, 100.2), bar, quote(6, 101.0, 101.2)])
    assert fills(result) == [("buy", 1, 101.2, 3)]
    assert [what for what, _ in test._robots[0].runtime.strategy.heard] == ["quote", "once", "bar", "quote", *_TOLD]


def test_a_robot_that_raises_is_told_of_and_the_run_goes_on():
    class Raiser(Follower):
        def on_quote(self, _ctx, _quote):
            raise ValueError("no")

    test = backtest()
    test.add(Raiser, "bad", [AAPL])
    test.add(Follower, "good", [AAPL])
    result = test.run(MARKET)
    assert result.robots["bad"].state is RobotState.ERROR
    assert "ValueError: no" in result.notices["bad"][0].text
    assert len(result.fills) == 3


def test_two_robots_of_one_name_are_refused():
    test = backtest()
    test.add(Follower, "f", [AAPL])
    with pytest.raises(BadInput, match="two robots"):
        test.add(Follower, "f", [AAPL])


def test_a_robot_orders_the_same_under_the_same_ids_as_when_its_journal_is_replayed():
    """The journal of a live robot that heard the same, decisions and all, gives the orders of the backtest."""
    _, result = run_follower()
    start = started("f", "Follower", Follower, {}, (AAPL,), SECOND, "DU1")
    runtime, journal, number = Runtime(Follower), [], 0
    told = {event.sequence: event for event in result.events}
    nexts = iter(sorted(told))

    def hear(event):
        nonlocal number
        number += 1
        journal.append((number, event))
        cause, actions = number, runtime.apply(number, event)
        if actions:
            number += 1
            journal.append((number, Decided(cause, tuple(actions))))
        return [action.order.id for action in actions]

    orders = hear(start)
    for tick in MARKET:
        for_this = hear(tick)
        orders += for_this
        for _ in for_this:
            for _ in range(5):
                orders += hear(told[next(nexts)])
        if tick is MARKET[2]:
            orders += hear(Timer(int(3.5 * SECOND)))
    expected = [event.order_id for event in result.events if event.kind is OrderEventKind.PENDING]
    assert orders == expected
    assert replay(Follower, journal).first_difference is None


_TICKS = st.lists(st.tuples(st.integers(0, 3), st.integers(9_900, 10_100), st.integers(1, 20), st.integers(0, 30)), max_size=60)


@given(_TICKS, st.sampled_from([0, SECOND // 2, 2 * SECOND]))
@settings(deadline=None, max_examples=100)
def test_a_backtest_is_a_function_of_its_events_and_no_fill_precedes_its_decision(ticks, latency):
    market, at = [], 1.0
    for pause, bid, spread, size in ticks:
        at += pause / 4
        market.append(quote(at, bid / 100, (bid + spread) / 100, size=float(size)))
    first, second = (run_follower(market, latency_ns=latency)[1] for _ in range(2))
    assert (first.fills, first.events, first.positions, first.cash) == (
        second.fills,
        second.events,
        second.positions,
        second.cash,
    )
    decided = {event.order_id: event.at_ns for event in first.events if event.kind is OrderEventKind.PENDING}
    for one in first.fills:
        assert one.execution.at_ns >= decided[one.execution.order_id] + latency
