"""The three fronts of the one exchange, made alike: the paper broker, the simulated gateway over a socket, the backtest.

The gateway keeps the broker's price list by contract and never lets an order beyond what a quote displays. So the others are
given the same fees, the same sizes and the same hours (none), and the gateway a list without special prices.
"""

import asyncio
import csv
import itertools
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import yaml
from support.ib_desk import IbDesk, ib_desk

from atlas.backtest import Backtest, Scripted
from atlas.domain import (
    NS_PER_SECOND,
    Cancel,
    Commission,
    Execution,
    Instrument,
    ManualClock,
    Modify,
    Order,
    Quote,
    Submit,
    SubmitGroup,
    Trade,
)
from atlas.exchange import Exchange, Terms
from atlas.paper import PaperBroker, PaperTerms
from atlas.trading.broker import BrokerError, BrokerOrder, BrokerStatus
from atlas.trading.broker_codes import Meaning, meaning_of
from ib_gateway.simulator import SimulatedGateway, SimulatorOptions, instruments
from ib_gateway.simulator.instruments import load
from ib_gateway.simulator.rules import Rules

ACCOUNT = "DU1000001"
CASH = 1_000_000.0
EURUSD, GC = "EUR.USD@IDEALPRO", "GC-201312@COMEX"

Tick = Quote | Trade


class Place(NamedTuple):
    """Place these orders, in one go: an order, or a bracket, its parent first."""

    orders: tuple[Order, ...]


class Change(NamedTuple):
    """Give an order, by its place among all that were placed, another size and limit."""

    which: int
    quantity: float
    limit_price: float | None


class Drop(NamedTuple):
    """Cancel an order, likewise."""

    which: int


Step = tuple[int, Place | Change | Drop]
"""After so many ticks, do that."""


class Filled(NamedTuple):
    """One fill, as every front must tell it. `second` is the whole second of the tick upon which it happened."""

    second: int
    order_id: str
    side: str
    quantity: float
    price: float
    commission: float
    currency: str


def filled(execution: Execution, commission: Commission) -> Filled:
    return Filled(
        execution.at_ns // NS_PER_SECOND,
        execution.order_id,
        execution.side.value,
        execution.quantity,
        execution.price,
        commission.amount,
        commission.currency,
    )


def told(reports: Sequence[Any]) -> list[Filled]:
    """The fills of a broker's reports."""
    commissions = {one.execution_id: one for one in reports if isinstance(one, Commission)}
    return [filled(one, commissions[one.id]) for one in reports if isinstance(one, Execution)]


@dataclass(frozen=True)
class World:
    """What is listed, as the gateway lists it: its file, and the definitions and rates in it."""

    file: Path
    instruments: dict[str, Instrument]
    reference_rates: dict[str, float]


def new_world(folder: Path) -> World:
    """The shipped list, without prices and margins of single contracts."""
    shipped = Path(instruments.__file__).with_name("instruments.yaml")
    listed = yaml.safe_load(shipped.read_text(encoding="utf-8"))
    for rows in (listed["stocks"], listed["futures"]):
        for row in rows:
            row.pop("commission", None)
            row.pop("margin", None)
    file = folder / "instruments.yaml"
    file.write_text(yaml.safe_dump(listed), encoding="utf-8")
    catalogue = load(file)
    known = {one.id: one for one in catalogue.instruments() if one.id in (EURUSD, GC)}
    assert len(known) == 2
    return World(file, known, dict(catalogue.reference_rates))


# The backtest.


def by_backtest(world: World, ticks: Sequence[Tick], steps: Sequence[Step]) -> list[Filled]:
    exchange = Exchange(world.instruments.values(), {ACCOUNT: {"USD": CASH}}, Terms(reference_rates=world.reference_rates))
    placed: list[Order] = []
    script = []
    ids = itertools.count(1)
    for after, step in steps:
        match step:
            case Place(orders):
                placed += orders
                script.append(Scripted(after, SubmitGroup(orders) if len(orders) > 1 else Submit(orders[0])))
            case Change(which, quantity, limit_price):
                script.append(Scripted(after, Modify(f"change-{next(ids)}", placed[which].id, quantity, limit_price)))
            case Drop(which):
                script.append(Scripted(after, Cancel(f"cancel-{next(ids)}", placed[which].id)))
    result = Backtest(exchange, ACCOUNT).run(ticks, script)
    for fill in result.fills:  # the event that a fill is booked to is the one that it happened upon, or time before it
        before = ticks[fill.event - 2].receive_ns if fill.event > 1 else 0
        assert before <= fill.execution.at_ns <= ticks[fill.event - 1].receive_ns
    return [filled(fill.execution, fill.commission) for fill in result.fills]


# Brokers: the paper one, and the gateway's.


def is_turned_down(reports: Sequence[Any], number: int) -> bool:
    """Whether the broker has turned down the order of that number."""
    return any(
        meaning_of(one.code) is Meaning.REJECTED
        if isinstance(one, BrokerError)
        else isinstance(one, BrokerOrder) and one.status is BrokerStatus.INACTIVE
        for one in reports
        if getattr(one, "broker_order_id", 0) == number
    )


async def drive(broker: Any, reports: Sequence[Any], steps: Sequence[Step], reach: Any) -> None:
    """Do all steps at a broker, each once `reach` has let the market come to it.

    Of a bracket all legs stand or none, which is for whoever places it to see to, as the trader does.
    """
    numbers = itertools.count(broker.next_order_id())
    placed: list[tuple[int, Order]] = []
    for after, step in steps:
        await reach(after)
        match step:
            case Place(orders):
                legs = [(next(numbers), order) for order in orders]
                for number, order in legs:
                    parent = legs[0][0] if number != legs[0][0] else 0
                    await broker.place(order, number, parent_id=parent, transmit=order is orders[-1])
                await broker.round_trip()
                await asyncio.sleep(0)
                placed += legs
                if len(legs) > 1 and any(is_turned_down(reports, number) for number, _ in legs):
                    for number, _ in legs:
                        await broker.cancel(number)
            case Change(which, quantity, limit_price):
                number, order = placed[which]
                changed = Modify("change", order.id, quantity, limit_price).changed(order)
                placed[which] = (number, changed)
                await broker.place(changed, number)
            case Drop(which):
                await broker.cancel(placed[which][0])
        await broker.round_trip()
        await asyncio.sleep(0)


async def by_paper(world: World, folder: Path, ticks: Sequence[Tick], steps: Sequence[Step]) -> list[Filled]:
    clock = ManualClock(ticks[0].receive_ns)
    terms = PaperTerms(
        account=ACCOUNT,
        cash={"USD": CASH},
        fees="ib",
        partial_fills=True,
        hours="always",
        reference_rates=world.reference_rates,
    )
    reports: list[Any] = []

    async def find(instrument: str) -> Instrument:
        return world.instruments[instrument]

    broker = PaperBroker(folder, terms, clock, reports.append, find=find)
    broker.open()
    broker.learn(world.instruments)
    seen = 0

    async def reach(count: int) -> None:
        nonlocal seen
        for tick in ticks[seen:count]:
            clock.set(tick.receive_ns)
            broker.on_market(tick)
        seen = max(seen, count)

    await drive(broker, reports, steps, reach)
    await reach(len(ticks))
    await asyncio.sleep(0)
    broker.close()
    return told(reports)


def write_recording(path: Path, ticks: Sequence[Tick]) -> Path:
    """The ticks as a file that the gateway plays."""
    with path.open("w", newline="", encoding="ascii") as stream:
        rows = csv.writer(stream)
        rows.writerow(["time", "instrument", "bid", "ask", "bid_size", "ask_size", "price", "size"])
        for tick in ticks:
            if isinstance(tick, Quote):
                rows.writerow([tick.exchange_ns, tick.instrument, tick.bid, tick.ask, tick.bid_size, tick.ask_size, "", ""])
            else:
                rows.writerow([tick.exchange_ns, tick.instrument, "", "", "", "", tick.price, tick.size])
    return path


@asynccontextmanager
async def gateway_at_rest(world: World, recording: Path) -> AsyncIterator[tuple[SimulatedGateway, IbDesk]]:
    """A gateway whose time stands before the first tick, and a client of it."""
    options = SimulatorOptions(
        port=0,
        instruments=world.file,
        recording=recording,
        paused=True,
        speed=0,
        hours="always",
        cash=CASH,
        accounts=(ACCOUNT,),
        rules=Rules(messages_per_second=0),
    )
    async with SimulatedGateway(options) as gateway, ib_desk(gateway) as desk:
        desk.broker.learn(world.instruments)
        yield gateway, desk


async def by_gateway(world: World, recording: Path, ticks: Sequence[Tick], steps: Sequence[Step]) -> list[Filled]:
    async with gateway_at_rest(world, recording) as (gateway, desk):

        async def reach(count: int) -> None:
            await gateway.time.advance((ticks[count - 1].exchange_ns - gateway.time.now_ns) / NS_PER_SECOND)
            assert gateway.time.now_ns == ticks[count - 1].exchange_ns

        await drive(desk.broker, desk.reports, steps, reach)
        await reach(len(ticks))
        await desk.broker.round_trip()
        found = told(desk.reports)
        snapshot = await desk.snapshot()
        assert len(snapshot.executions) == len(found)
        return found


def is_step_possible(ticks: Sequence[Tick], after: int) -> bool:
    """Whether a client can act between this tick and the next: two of one moment come together.

    Not after those of the first moment: the gateway's time stands there at first, and they come once it passes.
    """
    now_ns = ticks[after - 1].exchange_ns
    return now_ns > ticks[0].exchange_ns and (after == len(ticks) or ticks[after].exchange_ns > now_ns)
