"""Runs robots, or a list of orders, over recorded events. Pure and deterministic: the same events give the same result.

Each tick reaches the exchange first: it fills the orders that stand. Then the robots see it, and after it what it filled. What
they decide goes to the exchange after `latency_ns`, at the earliest upon that very tick: no decision is filled by what came
before it. This is the order of a live day, where the exchange knows of a tick before anybody else.

A robot's events are numbered as in its journal, decisions included, so its orders carry the ids that they would carry live.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from atlas.backtest.venue import Venue
from atlas.domain import (
    Action,
    BadInput,
    Bar,
    Commission,
    Execution,
    Instrument,
    InstrumentKind,
    MarketEvent,
    OrderEvent,
    OrderEventKind,
    Position,
    Quote,
)
from atlas.exchange import Exchange
from atlas.market import BarBuilder
from atlas.robot import Decided, Notice, RobotEvent, RobotView, Runtime, Strategy, Timer, started


@dataclass(frozen=True, slots=True)
class Scripted:
    """An action that somebody decides once `after` events of the market have been seen."""

    after: int
    action: Action


@dataclass(frozen=True, slots=True)
class Fill:
    """One execution, what it cost, and the number of the market's event upon which it happened, from 1."""

    execution: Execution
    commission: Commission
    event: int


@dataclass(frozen=True, slots=True)
class Result:
    """What came of a backtest.

    Attributes:
        fills: In the order in which they happened. What ends with its instrument is not among them.
        events: Every order event.
        positions: What is held at the end, by instrument.
        cash: Cash at the end, by currency.
        equity: What the account is worth at the end, in its base currency, at the last quotes.
        robots: How each robot stands at the end.
        notices: What people should hear, by robot.
    """

    fills: tuple[Fill, ...]
    events: tuple[OrderEvent, ...]
    positions: dict[str, Position]
    cash: dict[str, Decimal]
    equity: float
    robots: dict[str, RobotView]
    notices: dict[str, tuple[Notice, ...]]


class _Robot:
    """A robot and the numbers of its events."""

    def __init__(self, strategy: type[Strategy]) -> None:
        self.runtime = Runtime(strategy)
        self.notices: list[Notice] = []
        self._sequence = 0

    def hear(self, event: RobotEvent) -> list[Action]:
        """Let `event` happen to it; what it wants."""
        self._sequence += 1
        cause = self._sequence
        actions = self.runtime.apply(cause, event)
        self.notices += self.runtime.take_notices()
        if actions:
            self._sequence += 1
            self.runtime.apply(self._sequence, Decided(cause, tuple(actions)))
        return actions


@dataclass
class Backtest:
    """A run over recorded events, once.

    Args:
        exchange: a fresh one, with the account and the terms that are wanted.
        account: which of its accounts trades.
        latency_ns: from a decision to its arrival at the exchange, in the market's time.
        bar_seconds: bars of these lengths are built from the ticks, as the watcher builds them; besides those recorded.
    """

    exchange: Exchange
    account: str
    latency_ns: int = 0
    bar_seconds: tuple[int, ...] = ()
    _robots: list[_Robot] = field(default_factory=list, init=False)
    _starts: list[tuple[str, str, type[Strategy], dict[str, Any], tuple[Instrument, ...]]] = field(
        default_factory=list, init=False
    )
    _builders: dict[str, BarBuilder] = field(default_factory=dict, init=False)
    _held: list[Bar] = field(default_factory=list, init=False)
    _fills: list[Fill] = field(default_factory=list, init=False)
    _events: list[OrderEvent] = field(default_factory=list, init=False)
    _count: int = field(default=0, init=False)
    _now_ns: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        """Open the venue."""
        self._venue = Venue(self.exchange, self.account, self.latency_ns)

    def add(
        self, strategy: type[Strategy], robot: str, instruments: Sequence[Instrument], parameters: dict[str, Any] | None = None
    ) -> None:
        """Have a robot of that name take part; it is started when the first event comes.

        Raises:
            BadInput: the name is taken.
        """
        if robot in (start[0] for start in self._starts):
            raise BadInput(f"two robots are called {robot}")
        self._starts.append((robot, strategy.__name__, strategy, parameters or {}, tuple(instruments)))

    def run(self, market: Iterable[MarketEvent], script: Iterable[Scripted] = ()) -> Result:
        """Play `market`, in the order in which it was received, to all robots, with the actions of `script` in between.

        Raises:
            ConfigurationError: parameters do not fit their strategy.
            BadInput: a robot's name cannot be one.
        """
        waiting = sorted(script, key=lambda one: one.after)
        waiting.reverse()
        for event in market:
            if not self._count:
                self._begin(event.receive_ns)
            self._count += 1
            self._pass_time(max(event.receive_ns, self._now_ns))
            self._play(event)
            while waiting and waiting[-1].after <= self._count:
                self._venue.act(waiting.pop().action, self._now_ns)
                self._deliver()
        self._release_bars()
        self._deliver()
        return self._result()

    # One event after the other.

    def _begin(self, at_ns: int) -> None:
        self._now_ns = at_ns
        for robot, name, strategy, parameters, instruments in self._starts:
            one = _Robot(strategy)
            self._robots.append(one)
            self._act(one.hear(started(robot, name, strategy, parameters, instruments, at_ns, self.account)))
        self._deliver()

    def _pass_time(self, until_ns: int) -> None:
        """Timers that are due before the next event fire, each at its own time."""
        if self._held and until_ns > self._held[-1].receive_ns:
            self._release_bars()
            self._deliver()
        while (due := self._next_timer()) is not None and due[0] <= until_ns:
            self._now_ns = max(self._now_ns, due[0])
            self._venue.on_time(self._now_ns)
            self._deliver()
            self._act(due[1].hear(Timer(self._now_ns)))
            self._deliver()
        self._now_ns = until_ns

    def _next_timer(self) -> tuple[int, _Robot] | None:
        timers = [(one.runtime.next_timer_ns, number) for number, one in enumerate(self._robots)]
        due = min(((ns, number) for ns, number in timers if ns is not None), default=None)
        return None if due is None else (due[0], self._robots[due[1]])

    def _play(self, event: MarketEvent) -> None:
        if isinstance(event, Bar):
            self._held.append(event)  # a bar is told before the tick that closed it, which the exchange knows first
            return
        self._venue.on_market(event)
        self._held += self._bars(event)
        self._release_bars()
        self._hear(event)
        self._deliver()

    def _bars(self, tick: MarketEvent) -> list[Bar]:
        instrument = self.exchange.instruments.get(tick.instrument)
        if not self.bar_seconds or instrument is None:
            return []
        builder = self._builders.setdefault(tick.instrument, BarBuilder(tick.instrument, self.bar_seconds))
        if isinstance(tick, Quote):  # bars of what has trades are of trades
            return builder.on_quote(tick) if instrument.kind is InstrumentKind.CASH else []
        return [] if isinstance(tick, Bar) or instrument.kind is InstrumentKind.CASH else builder.on_trade(tick)

    def _release_bars(self) -> None:
        """Tell the robots the bars that were held back until the exchange knew what they know."""
        held, self._held = self._held, []
        for bar in held:
            self._now_ns = max(self._now_ns, bar.receive_ns)
            self._hear(bar)

    def _hear(self, event: RobotEvent) -> None:
        for robot in self._robots:
            self._act(robot.hear(event))

    def _act(self, actions: Iterable[Action]) -> None:
        for action in actions:
            self._venue.act(action, self._now_ns)

    def _deliver(self) -> None:
        """Tell the robots what became of orders, until nothing more follows."""
        while told := self._venue.take():
            for event in told:
                self._note(event)
                self._hear(event)

    def _note(self, event: OrderEvent) -> None:
        self._events.append(event)
        if event.kind is OrderEventKind.COMMISSIONED and event.commission is not None:
            execution = self._events[-2].execution  # the venue tells them together
            assert execution is not None  # noqa: S101
            self._fills.append(Fill(execution, event.commission, self._count))

    def _result(self) -> Result:
        exchange, account = self.exchange, self.account
        return Result(
            tuple(self._fills),
            tuple(self._events),
            exchange.ledger.positions(account),
            exchange.ledger.cash(account),
            exchange.margin(account).equity,
            {one.runtime.robot: one.runtime.view() for one in self._robots},
            {one.runtime.robot: tuple(one.notices) for one in self._robots if one.notices},
        )
