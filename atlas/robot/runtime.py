"""A robot at work: applies events to a strategy, one after the other, and hands back what the strategy wants.

Pure: no clock, no I/O, no randomness. The same events with the same numbers give the same actions, to the last byte, wherever
this runs. Whoever runs it writes every event to the journal before applying it, writes the actions as a `Decided` right
after, and brings both to disk before an action leaves:

    sequence = journal.append(event)
    actions = runtime.apply(sequence, event)
    if actions:
        journal.append(Decided(sequence, tuple(actions)))
    journal.sync()
    send(actions)
"""

import enum
import traceback
from collections.abc import Callable
from typing import Any

from atlas.domain import (
    MARKET_KINDS,
    Action,
    BadInput,
    Bar,
    Books,
    IllegalTransition,
    Instrument,
    OrderEvent,
    OrderState,
    Quote,
    Trade,
    UnknownInstrument,
)
from atlas.domain._struct import Value
from atlas.robot.context import Context
from atlas.robot.events import ROBOT_ID, Control, Decided, RobotRecord, Started, Stopped, Timer
from atlas.robot.ledger import Ledger
from atlas.robot.strategy import Strategy, make_parameters, plain_parameters, wants


class RobotState(enum.Enum):
    """What a robot is doing. Orders and positions are folded in every state.

    Strategy code runs in RUNNING; in PAUSED, only what answers a command or a stop; in the others, none.
    """

    INSTALLED = "installed"
    RUNNING = "running"
    PAUSED = "paused"
    STOPPED = "stopped"
    ERROR = "error"


class Notice(Value, frozen=True):
    """Something about a robot that a person should hear, once."""

    sequence: int
    text: str


class RobotView(Value, frozen=True):
    """A robot's state as plain values, for status pages and for comparing two runs."""

    robot: str
    state: RobotState
    error: str
    last_sequence: int
    last_trader_sequence: int
    positions: dict[str, dict[str, float]]
    orders: tuple[OrderState, ...]


def started(
    robot: str,
    strategy: str,
    strategy_type: type[Strategy],
    parameters: dict[str, Any],
    instruments: tuple[Instrument, ...],
    at_ns: int,
    account: str = "",
) -> Started:
    """The event that starts a robot, checked, with every default of the parameters written out.

    Raises:
        ConfigurationError: the parameters do not fit the strategy.
        BadInput: the robot's id cannot be one.
    """
    if not ROBOT_ID.fullmatch(robot):
        raise BadInput(f"{robot!r} cannot be a robot's id; use 1 to 32 of a-z, 0-9, _ and -")
    complete = plain_parameters(make_parameters(strategy_type, parameters))
    return Started(robot, strategy, complete, tuple(instruments), at_ns, account)


def _tick_methods(strategy: Strategy) -> dict[type, Callable[[Context, Any], None]]:
    """Only those that the strategy has of its own: a tick that nobody looks at costs next to nothing."""
    methods: dict[type, Callable[[Context, Any], None]] = {
        Quote: strategy.on_quote,
        Trade: strategy.on_trade,
        Bar: strategy.on_bar,
    }
    wanted = wants(type(strategy))
    return {kind: method for kind, method in methods.items() if MARKET_KINDS[kind] in wanted}


class Runtime:
    """One robot. Begins as INSTALLED and knows nothing; its first event is a `Started`."""

    def __init__(self, strategy_type: type[Strategy]) -> None:
        self.strategy_type = strategy_type
        self.strategy: Strategy | None = None
        self.state = RobotState.INSTALLED
        self.robot = ""
        self.started: Started | None = None  # how it was started last
        self.error = ""
        self.last_sequence = 0
        self._ledger = Ledger()
        self._context = Context(self._ledger)
        self._notices: list[Notice] = []
        self._on_tick: dict[type, Callable[[Context, Any], None]] = {}
        self._others: dict[type, Callable[[int, Any], list[Action]]] = {
            OrderEvent: self._order_event,
            Timer: self._timer,
            Control: self._control,
            Started: self._start,
            Stopped: self._stop,
            Decided: self._decided,
        }

    # What happens

    def apply(self, sequence: int, event: RobotRecord) -> list[Action]:
        """Let `event`, record number `sequence` of the journal, happen. Returns what the strategy wants now, in order.

        A `Decided` record is taken as the truth about what was sent: it changes nothing where it equals what was wanted.

        Raises:
            BadInput: `sequence` is not higher than the last one.
        """
        if sequence <= self.last_sequence:
            raise BadInput(f"robot {self.robot}: event {sequence} comes after {self.last_sequence}; events must be numbered up")
        self.last_sequence = sequence
        if isinstance(event, (Quote, Trade, Bar)):
            callback = self._on_tick.get(type(event))
            if callback is None or self.state is not RobotState.RUNNING:
                return []
            return self._run(sequence, event.receive_ns, callback, event)
        return self._others[type(event)](sequence, event)

    def disown(self, cause: int) -> None:
        """Forget what the strategy wanted upon event `cause`, the last one applied: it is known that it was never sent."""
        if self._context._sequence == cause:
            self._context._drop()

    def _run(self, sequence: int, now_ns: int, callback: Callable[..., None], *arguments: object) -> list[Action]:
        """Run strategy code. If it raises, the robot goes to ERROR and nothing comes out of this event."""
        context = self._context
        context._begin(sequence, now_ns)
        try:
            callback(context, *arguments)
        except (Exception, SystemExit) as error:  # noqa: BLE001 - foreign code; what it raises stays its own trouble
            context._drop()
            self._fail(sequence, error)
            return []
        return context._actions()

    def _fail(self, sequence: int, error: BaseException) -> None:
        self.state = RobotState.ERROR
        self.error = "".join(traceback.format_exception(error))
        said = " ".join(str(error).split())
        self._notices.append(Notice(sequence, f"robot {self.robot} is in ERROR: {type(error).__name__}: {said}"))

    def _start(self, sequence: int, event: Started) -> list[Action]:
        if self.robot and event.robot != self.robot:
            raise BadInput(
                f"a journal of robot {self.robot} cannot start robot {event.robot}; give each robot a journal of its own"
            )
        instruments = {instrument.id: instrument for instrument in event.instruments}
        self.robot = event.robot
        self.started = event
        self._ledger.instruments.update(instruments)
        self._context._start(event.robot, event.account, instruments)
        try:
            strategy = self.strategy_type(make_parameters(self.strategy_type, event.parameters))
        except (Exception, SystemExit) as error:  # noqa: BLE001 - the making of a strategy is foreign code as well
            self.strategy = None
            self._fail(sequence, error)
            return []
        self._on_tick = _tick_methods(strategy)
        self.strategy = strategy
        self.state = RobotState.RUNNING
        self.error = ""
        return self._run(sequence, event.at_ns, strategy.on_start)

    def _stop(self, sequence: int, event: Stopped) -> list[Action]:
        if self.strategy is None or self.state not in (RobotState.RUNNING, RobotState.PAUSED):
            return []
        self.state = RobotState.STOPPED
        return self._run(sequence, event.at_ns, self.strategy.on_stop)

    def _order_event(self, sequence: int, event: OrderEvent) -> list[Action]:
        if not self._ledger.is_news(event):
            return []
        if event.robot != self.robot:
            self._ledger.last_trader_sequence = max(self._ledger.last_trader_sequence, event.sequence)
            return []
        try:
            self._ledger.fold(event)
        except UnknownInstrument as error:
            self._notices.append(Notice(sequence, f"robot {self.robot}: its positions are not whole: {error}"))
        except IllegalTransition as error:
            self._notices.append(Notice(sequence, f"robot {self.robot}: not applied: {error}"))
        if self.strategy is None or self.state is not RobotState.RUNNING:
            return []
        return self._run(sequence, event.at_ns, self.strategy.on_order, event)

    def _timer(self, sequence: int, event: Timer) -> list[Action]:
        if self.strategy is None or self.state is not RobotState.RUNNING:
            return []
        return self._run(sequence, event.at_ns, self._fire_timers, self.strategy)

    @staticmethod
    def _fire_timers(context: Context, strategy: Strategy) -> None:
        """Those that are due now; a timer set meanwhile fires with a later event, even if it is due already."""
        due = []
        while (name := context._due_timer(context.now_ns)) is not None:
            due.append(name)
        for name in due:
            strategy.on_timer(context, name)

    def _control(self, sequence: int, event: Control) -> list[Action]:
        if event.command == "pause":
            self.state = RobotState.PAUSED if self.state is RobotState.RUNNING else self.state
        elif event.command == "resume":
            self.state = RobotState.RUNNING if self.state is RobotState.PAUSED else self.state
        elif self.strategy is not None and self.state in (RobotState.RUNNING, RobotState.PAUSED):
            return self._run(sequence, event.at_ns, self.strategy.on_control, event.command, event.arguments)
        return []

    def _decided(self, _sequence: int, record: Decided) -> list[Action]:
        context = self._context
        if context._sequence == record.cause:
            if tuple(context._actions()) == record.actions:
                return []
            context._drop()
        for action in record.actions:
            self._ledger.ask(action)
        return []

    # What is so

    @property
    def account(self) -> str:
        """The account that the robot was started for; empty where the trader chooses."""
        return self._context._account

    @property
    def books(self) -> Books:
        """The robot's own positions and cash changes."""
        return self._ledger.books

    @property
    def last_trader_sequence(self) -> int:
        """The number of the newest order event that was counted: ask the trader for those after it."""
        return self._ledger.last_trader_sequence

    @property
    def next_timer_ns(self) -> int | None:
        """When the next `Timer` event is due; None while no timer is set or no strategy code runs."""
        timers = self._context._timers
        return timers[0][0] if timers and self.state is RobotState.RUNNING else None

    @property
    def unanswered(self) -> list[Action]:
        """What the robot asked for and has had no answer to, oldest first. The trader knows a repeated action by its id."""
        return list(self._ledger.unanswered.values())

    def take_notices(self) -> list[Notice]:
        """What people should hear since the last call."""
        notices, self._notices = self._notices, []
        return notices

    def view(self) -> RobotView:
        """The state as plain values. `error` is the traceback of the strategy, if it raised."""
        return RobotView(
            self.robot,
            self.state,
            self.error,
            self.last_sequence,
            self.last_trader_sequence,
            self.books.positions(),
            tuple(self._ledger.working.values()),
        )
