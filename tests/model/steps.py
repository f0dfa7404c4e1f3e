"""What can happen to the desk, as values: a state machine chooses them, and a run can be replayed step by step."""

import random
from collections.abc import Callable
from typing import Any, NamedTuple

from model.agreement import ACCOUNT
from model.robot import ROBOT
from model.world import QUOTES, World

from atlas.bus.orders import CancelAll, SetTradingState
from atlas.domain import NS_PER_SECOND, Cancel, Modify, Order, OrderKind, Side, Submit, SubmitGroup, TimeInForce, orders_of
from atlas.trading.trading_state import TradingState
from ib_gateway.simulator import faults
from ib_gateway.simulator.messages import Contract, Ticket
from services.trader.faults import FAULT_POINTS

INSTRUMENTS = tuple(QUOTES)
_UNITS = {"EUR.USD@IDEALPRO": 25_000.0, "AAPL@SMART": 10.0}
_CON_IDS = {"EUR.USD@IDEALPRO": (12087792, "IDEALPRO"), "AAPL@SMART": (265598, "SMART")}
_TOLD = ("OrderStatus", "OpenOrder", "Execution", "CommissionReport")
_ASKED = ("PlaceOrder", "CancelOrder")
_KINDS = (OrderKind.LIMIT, OrderKind.LIMIT, OrderKind.LIMIT, OrderKind.MARKET, OrderKind.STOP)
_TIMES = (TimeInForce.DAY, TimeInForce.GTC, TimeInForce.IOC)


class Step(NamedTuple):
    """One step: its name and the numbers that say what of."""

    name: str
    numbers: tuple[int, ...]

    def __repr__(self) -> str:
        return f"Step({self.name!r}, {self.numbers!r})"


class Kind(NamedTuple):
    """A kind of step: how it is done, how often it is drawn, and the bounds of its numbers (from 0 up to below)."""

    do: Callable[..., None]
    weight: int
    bounds: tuple[int, ...]


KINDS: dict[str, Kind] = {}


def _step(weight: int, *bounds: int) -> Callable[[Callable[..., None]], Callable[..., None]]:
    def enter(do: Callable[..., None]) -> Callable[..., None]:
        KINDS[do.__name__] = Kind(do, weight, bounds)
        return do

    return enter


def perform(world: World, step: Step) -> None:
    """Do one step, and let some time pass."""
    KINDS[step.name].do(world, *step.numbers)


def drawn(chance: random.Random, count: int) -> list[Step]:
    """So many steps by chance."""
    names = list(KINDS)
    chosen = chance.choices(names, [KINDS[name].weight for name in names], k=count)
    return [Step(name, tuple(chance.randrange(bound) for bound in KINDS[name].bounds)) for name in chosen]


# What the robot wants.


def _price(world: World, instrument: str, ticks: int) -> float:
    _, tick, _ = QUOTES[instrument]
    return round(world.market.bids[instrument] + ticks * tick, 8)


def _order(world: World, instrument: str, side: Side, kind: OrderKind, quantity: float, ticks: int, **values: Any) -> Order:
    world.orders += 1
    name = f"{ROBOT}-{world.orders}-0"
    price = _price(world, instrument, ticks)
    prices: dict[OrderKind, dict[str, float]] = {
        OrderKind.MARKET: {},
        OrderKind.LIMIT: {"limit_price": price},
        OrderKind.STOP: {"stop_price": price},
    }
    return Order(name, ROBOT, instrument, side, quantity, kind, cause_ns=world.clock.now_ns(), **prices[kind], **values)


@_step(24, 2, 2, 5, 4, 12, 3)
def submit(world: World, instrument: int, side: int, kind: int, units: int, ticks: int, time_in_force: int) -> None:
    """The robot wants an order."""
    name = INSTRUMENTS[instrument]
    order = _order(
        world, name, tuple(Side)[side], _KINDS[kind], (units + 1) * _UNITS[name], ticks - 6,
        time_in_force=_TIMES[time_in_force],
    )  # fmt: skip
    world.robot.ask(Submit(order))
    world.pass_time(0.05)


@_step(5, 2, 2, 3, 12)
def submit_bracket(world: World, instrument: int, side: int, units: int, ticks: int) -> None:
    """The robot wants an entry with its target and its stop."""
    name, way = INSTRUMENTS[instrument], tuple(Side)[side]
    quantity = (units + 1) * _UNITS[name]
    entry = _order(world, name, way, OrderKind.LIMIT, quantity, ticks - 6)
    target = _order(world, name, way.opposite, OrderKind.LIMIT, quantity, 20 * way.sign, parent_id=entry.id)
    stop = _order(world, name, way.opposite, OrderKind.STOP, quantity, -20 * way.sign, parent_id=entry.id)
    world.robot.ask(SubmitGroup((entry, target, stop)))
    world.pass_time(0.05)


@_step(8, 50, 4, 12)
def modify(world: World, which: int, units: int, ticks: int) -> None:
    """The robot wants a working order to be another one."""
    order = world.pick_working(which)
    if order is not None:
        price = _price(world, order.instrument, ticks - 6)
        world.changes += 1
        by_kind: dict[OrderKind, dict[str, float]] = {
            OrderKind.LIMIT: {"limit_price": price, "quantity": (units + 1) * _UNITS[order.instrument]},
            OrderKind.STOP: {"stop_price": price},
        }
        world.robot.ask(Modify(f"{ROBOT}-m{world.changes}", order.id, **by_kind.get(order.kind, {"quantity": order.quantity})))
    world.pass_time(0.05)


@_step(8, 50)
def cancel(world: World, which: int) -> None:
    """The robot wants an order no more."""
    order = world.pick_working(which)
    if order is not None:
        world.changes += 1
        world.robot.ask(Cancel(f"{ROBOT}-c{world.changes}", order.id))
    world.pass_time(0.05)


@_step(4, 50)
def repeat(world: World, which: int) -> None:
    """A command of the robot's comes once more."""
    asked = [one for one in world.robot.asked if orders_of(one)]
    if asked:
        world.robot.repeat(asked[which % len(asked)])
    world.pass_time(0.05)


@_step(4, 4, 3)
def lose_on_the_line(world: World, what: int, count: int) -> None:
    """Messages between robot and trader are lost, or come twice."""
    name = ("lost_requests", "lost_answers", "lost_events", "doubled_events")[what]
    setattr(world.robot.line, name, count + 1)


# The market and the broker.


@_step(14, 2, 25, 3)
def quote(world: World, instrument: int, ticks: int, size: int) -> None:
    """The market moves, and displays little or much."""
    name = INSTRUMENTS[instrument]
    _, tick, most = QUOTES[name]
    bid = _price(world, name, ticks - 12)
    world.market.quote(name, bid, round(bid + tick, 8), (0.1 * most, most / 2, most)[size])
    world.gateway.feed.wake()
    world.pass_time(0.02)


@_step(4, 50, 7)
def correct(world: World, which: int, ticks: int) -> None:
    """The exchange corrects the price of an execution."""
    fills = world.gateway.terminal.executions()
    if fills:
        one = fills[which % len(fills)]
        price = round(one.price + (ticks - 3) * QUOTES[one.instrument][1], 8)
        world.inject(faults.CorrectExecution(execution_id=one.execution_id, price=price))


@_step(2, 50)
def bust(world: World, which: int) -> None:
    """The exchange takes an execution back."""
    fills = world.gateway.terminal.executions()
    if fills:
        world.inject(faults.BustExecution(execution_id=fills[which % len(fills)].execution_id))


@_step(2, 50)
def fork(world: World, which: int) -> None:
    """An order becomes two that live."""
    ours = [one for one in world.gateway.terminal.orders() if one.order_ref and one.status in ("Submitted", "PreSubmitted")]
    if ours:
        one = ours[which % len(ours)]
        if world.inject(faults.ForkOrder(client_id=one.client_id, order_id=one.order_id)):
            world.forked.add(one.order_ref)


@_step(3, 2, 2, 2, 12)
def hand_order(world: World, instrument: int, side: int, market: int, ticks: int) -> None:
    """A person enters an order at the broker's own terminal."""
    name = INSTRUMENTS[instrument]
    con_id, exchange = _CON_IDS[name]
    price = None if market else _price(world, name, ticks - 6)
    ticket = Ticket(
        action=("BUY", "SELL")[side], quantity=_UNITS[name], order_type="MKT" if market else "LMT", limit_price=price,
        time_in_force="DAY", account=ACCOUNT,
    )  # fmt: skip
    world.attempt(lambda: world.gateway.terminal.enter_order(Contract(con_id=con_id, exchange=exchange), ticket))


@_step(2, 50)
def hand_cancel(world: World, which: int) -> None:
    """A person cancels an order at the broker's own terminal."""
    standing = [one for one in world.gateway.terminal.orders() if one.status in ("Submitted", "PreSubmitted")]
    if standing:
        world.attempt(lambda: world.gateway.terminal.cancel_order(standing[which % len(standing)].perm_id))


@_step(1, 2, 2)
def move_position(world: World, instrument: int, side: int) -> None:
    """The broker books units in or out without a trade."""
    name = INSTRUMENTS[instrument]
    quantity = _UNITS[name] * tuple(Side)[side].sign
    world.moved[name] = world.moved.get(name, 0.0) + quantity
    world.move_position(name, quantity)


# What goes wrong between broker and trader.


@_step(4, 4, 3)
def lose_messages(world: World, kind: int, count: int) -> None:
    """What the gateway says is not heard."""
    world.inject(faults.Drop(message=_TOLD[kind], count=count + 1, for_seconds=20.0))


@_step(3, 2)
def lose_requests(world: World, kind: int) -> None:
    """What the trader asks is not acted upon."""
    world.inject(faults.Drop(message=_ASKED[kind], direction="request", count=1, for_seconds=20.0))


@_step(2, 2, 6)
def delay_requests(world: World, kind: int, seconds: int) -> None:
    """What the trader asks arrives late; what it asks later overtakes it."""
    late = 0.5 + 2 * seconds
    world.inject(faults.Delay(message=_ASKED[kind], direction="request", delay_seconds=late, count=1, for_seconds=20.0))


@_step(4, 4, 3)
def double_messages(world: World, kind: int, copies: int) -> None:
    """What the gateway says comes more than once."""
    world.inject(faults.Duplicate(message=_TOLD[kind], copies=copies + 1, for_seconds=10.0))


@_step(4, 4, 5)
def delay_messages(world: World, kind: int, seconds: int) -> None:
    """What the gateway says comes late; others overtake it."""
    world.inject(faults.Delay(message=_TOLD[kind], delay_seconds=0.3 * (seconds + 1), jitter_seconds=0.5, for_seconds=10.0))


@_step(3, 4, 3)
def reorder_messages(world: World, kind: int, behind: int) -> None:
    """What the gateway says falls behind what comes after it."""
    world.inject(faults.Reorder(message=_TOLD[kind], behind=behind + 1, for_seconds=10.0))


@_step(2, 3)
def reject(world: World, which: int) -> None:
    """The broker turns the next order down."""
    code, text = ((201, "Order rejected - reason:margin"), (110, "price variation"), (10147, "not found"))[which]
    message = "CancelOrder" if code == 10147 else "PlaceOrder"
    world.inject(faults.AnswerError(message=message, code=code, text=text, count=1, for_seconds=20.0))


@_step(3, 2)
def disconnect(world: World, reset: int) -> None:
    """The socket closes."""
    world.inject(faults.Disconnect(reset=bool(reset)))


@_step(3, 2, 2, 2, 8)
def lose_ib(world: World, data: int, requests: int, tell_missed: int, seconds: int) -> None:
    """1100, silence, and 1101 or 1102."""
    world.inject(
        faults.ConnectivityLost(
            data=("maintained", "lost")[data],
            requests=("held", "lost")[requests],
            tell_missed=bool(tell_missed),
            for_seconds=1.0 + 2 * seconds,
        )
    )


@_step(1, 2)
def restored(world: World, data: int) -> None:
    """1101 or 1102 out of the blue."""
    world.inject(faults.ConnectivityRestored(data=("maintained", "lost")[data]))


@_step(2, 5)
def restart_gateway(world: World, seconds: int) -> None:
    """The nightly restart."""
    world.inject(faults.Restart(down_seconds=1.0 + 3 * seconds))


@_step(2, 6)
def freeze(world: World, seconds: int) -> None:
    """The gateway stands still."""
    world.inject(faults.Freeze(for_seconds=1.0 + 4 * seconds))


@_step(1, 6)
def half_open(world: World, seconds: int) -> None:
    """Sockets swallow what is written."""
    world.inject(faults.HalfOpen(sockets="all", for_seconds=1.0 + 4 * seconds))


@_step(1, 4)
def hold_client_id(world: World, seconds: int) -> None:
    """The client id stays taken for a while after its client is gone."""
    world.inject(faults.StuckClientId(for_seconds=2.0 + 4 * seconds))


@_step(1, 4)
def read_only(world: World, seconds: int) -> None:
    """The API takes no orders."""
    world.inject(faults.ReadOnly(for_seconds=2.0 + 3 * seconds))


@_step(2, 6)
def partition(world: World, seconds: int) -> None:
    """Nothing arrives on either side, and nobody is told."""
    world.network.partition()
    world.after(1.0 + 3 * seconds, world.network.heal)


# What goes wrong around the trader.


@_step(4)
def kill(world: World) -> None:
    """SIGKILL."""
    world.kill()


@_step(8, len(FAULT_POINTS), 3)
def kill_at(world: World, point: int, nth: int) -> None:
    """SIGKILL, the nth time that the trader comes to a named step."""
    if world.trader is not None:
        world.trader.fault_point.arm(FAULT_POINTS[point], nth + 1)


@_step(5, 3, 6)
def lose_database(world: World, how: int, seconds: int) -> None:
    """The database is away: before, after or in the middle of what it is asked."""
    world.store.outage = ("before", "after", "part")[how]
    world.after(0.5 + 2 * seconds, lambda: setattr(world.store, "outage", ""))


@_step(2, 5)
def fill_disk(world: World, seconds: int) -> None:
    """The disk is full."""
    world.disk.full = True
    world.after(0.5 + 2 * seconds, lambda: setattr(world.disk, "full", False))


@_step(1, 6)
def jump_clock(world: World, seconds: int) -> None:
    """The machine's clock is set, forwards or backwards."""
    world.clock.jump((-600, -30, -2, 2, 30, 600)[seconds] * NS_PER_SECOND)


# People and time.


@_step(2, 3)
def set_state(world: World, state: int) -> None:
    """A person halts, reduces or resumes."""
    world.operate(SetTradingState(tuple(TradingState)[state], "the model says so"))


@_step(1)
def cancel_all(world: World) -> None:
    """A person cancels everything."""
    world.operate(CancelAll())


@_step(10, 8)
def wait(world: World, seconds: int) -> None:
    """Time passes."""
    world.pass_time(0.2 * 2**seconds)
