"""A robot and its journal: every event is written before it is applied, every decision before it leaves."""

from pathlib import Path

import structlog

from atlas.bus.robots import RobotReport
from atlas.domain import (
    Action,
    Cancel,
    Clock,
    Instrument,
    Modify,
    OrderEvent,
    OrderEventKind,
    Quote,
    action_id,
    orders_of,
)
from atlas.journal import Journal
from atlas.robot import Decided, RobotRecord, RobotState, Runtime, load_strategy, replay, started
from atlas.robot.events import RobotEvent
from atlas.service.settings import RobotSettings

log = structlog.get_logger("atlas.strategy")


class RobotHost:
    """Runs one robot. Made by one thread, then used by one thread."""

    def __init__(self, settings: RobotSettings, folder: Path, journals: Path) -> None:
        self.id = settings.id
        self.settings = settings
        self.runtime = Runtime(load_strategy(folder / f"{settings.strategy}.py"))
        self.quotes = 0
        self.bars = 0
        self.orders = 0
        self.events = 0
        self._journal: Journal[RobotRecord] = Journal.open(journals / settings.id, RobotRecord)
        self._unsent: list[Action] = []

    def recover(self) -> None:
        """Apply what the journal holds; afterwards the robot stands where it stood when its process ended."""
        lived = replay(self.runtime.strategy_type, self._journal.read())
        self.runtime = lived.runtime
        if lived.unrecorded is not None:  # killed between an event and the writing of what came of it
            self.runtime.apply(self._journal.append(lived.unrecorded), lived.unrecorded)
            self._journal.sync()
        if self.runtime.last_sequence:
            log.info("robot recovered", robot=self.id, events=self.runtime.last_sequence)

    def begin(self, instruments: tuple[Instrument, ...], clock: Clock) -> None:
        """Start the robot if it is new, or anew if its strategy, parameters or instruments have changed.

        Raises:
            ConfigurationError: the parameters do not fit the strategy.
        """
        fresh = started(
            self.id,
            self.settings.strategy,
            self.runtime.strategy_type,
            self.settings.parameters,
            instruments,
            clock.now_ns(),
        )
        last = self.runtime.started
        same = last is not None and (last.strategy, last.parameters, last.instruments) == (
            fresh.strategy,
            fresh.parameters,
            fresh.instruments,
        )
        if not same or self.runtime.state in (RobotState.STOPPED, RobotState.ERROR):
            self.handle(fresh)

    def handle(self, event: RobotEvent) -> None:
        """Write and apply an event; what it makes the robot want waits in `take`."""
        self.events += 1
        self.quotes += isinstance(event, Quote)
        sequence = self._journal.append(event)
        actions = self.runtime.apply(sequence, event)
        if actions:
            self._journal.append(Decided(sequence, tuple(actions)))
            self._unsent += actions
            self.orders += sum(len(orders_of(action)) for action in actions)

    def take(self) -> list[Action]:
        """What is to be sent, once the journal up to here is on disk."""
        if not self._unsent:
            return []
        self._journal.sync()
        unsent, self._unsent = self._unsent, []
        return unsent

    def give_up(self, action: Action, reason: str, now_ns: int) -> None:
        """An action that certainly never reached the trader, and never will: the robot is told, and may decide anew."""
        log.warning("not sent", robot=self.id, action=action_id(action), reason=reason)
        if isinstance(action, Modify | Cancel):
            self.handle(OrderEvent(0, action.order_id, self.id, OrderEventKind.REFUSED, now_ns, reason=reason))
        for order in orders_of(action):
            self.handle(OrderEvent(0, order.id, self.id, OrderEventKind.DENIED, now_ns, reason=reason, order=order))

    def sync(self) -> None:
        """Bring the journal to disk."""
        self._journal.sync()

    def report(self) -> RobotReport:
        """The robot's state for people."""
        view = self.runtime.view()
        return RobotReport(
            id=self.id,
            strategy=self.settings.strategy,
            state=view.state.value,
            error=view.error,
            instruments=list(self.settings.instruments),
            quotes=self.quotes,
            bars=self.bars,
            orders=self.orders,
            working=len(view.orders),
            positions=view.positions,
            last_sequence=view.last_sequence,
            last_trader_sequence=view.last_trader_sequence,
        )

    def close(self) -> None:
        """Sync and close the journal."""
        self._journal.close()
