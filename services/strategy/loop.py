"""The one loop in which all logic of the robots runs, on a thread of its own. Everything reaches it through one mailbox."""

import threading
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import structlog

from atlas.bus import Delivery, Mailbox
from atlas.bus.orders import ORDER_EVENTS
from atlas.bus.robots import RobotReport
from atlas.domain import (
    NS_PER_SECOND,
    Action,
    AtlasError,
    BadInput,
    Bar,
    Cancel,
    Clock,
    MarketEvent,
    Modify,
    OrderEvent,
    Unavailable,
    action_id,
)
from atlas.robot import Control, Timer
from atlas.trading.outcome import Verdict
from services.strategy.host import RobotHost
from services.strategy.link import GIVE_UP_SECONDS, REQUEST_SECONDS, OrderEvents, TraderLink

log = structlog.get_logger("atlas.strategy")

IDLE_SECONDS = 0.1
FETCH_EVERY_SECONDS = 0.5
SYNC_EVERY_SECONDS = 1.0


RobotMailbox = Mailbox[MarketEvent | OrderEvent, Control | OrderEvents]


@dataclass(frozen=True, slots=True)
class _Asked:
    host: RobotHost
    action: Action
    first_ns: int


class RobotLoop(threading.Thread):
    """Applies what comes to the mailbox to the robots, and sends what they want to the trader.

    An action whose receipt does not come is sent again under the same id, which the trader recognises, and given up when it
    is too old to be meant: then the trader is asked whether it ever had it.
    """

    def __init__(self, hosts: Sequence[RobotHost], mailbox: RobotMailbox, link: TraderLink, clock: Clock) -> None:
        super().__init__(name="robots", daemon=True)
        self.hosts = hosts
        self.failure: BaseException | None = None
        self.missed = 0
        self._mailbox = mailbox
        self._link = link
        self._clock = clock
        self._by_instrument: dict[str, list[RobotHost]] = defaultdict(list)
        self._by_id = {host.id: host for host in hosts}
        for host in hosts:
            for name in host.settings.instruments:
                self._by_instrument[name].append(host)
        self._waiting: dict[str, _Asked] = {}  # by action id
        self._settled: dict[str, _Asked] = {}  # the trader has them, and may not have answered yet
        self._to_resend: list[_Asked] = []
        self._trader_sequence = min((host.runtime.last_trader_sequence for host in hosts), default=0)
        self._end = threading.Event()
        self._trader_there = True
        self._behind = False
        self._fetched_at = 0.0
        self._lock = threading.Lock()
        self._synced_at = 0.0

    @property
    def trader_connected(self) -> bool:
        """Whether the trader is there, as far as this loop knows."""
        return self._trader_there

    @property
    def waiting(self) -> int:
        """Actions that the trader has not acknowledged yet."""
        return len(self._waiting) + len(self._to_resend)

    def reports(self) -> list[RobotReport]:
        """All robots as they stand between two turns of the loop. For other threads."""
        with self._lock:
            return [host.report() for host in self.hosts]

    # Before the thread runs

    def catch_up(self) -> None:
        """Settle what was open when the process ended last: events of the trader, and actions without an answer.

        Raises:
            Unavailable: the trader does not answer.
        """
        self._fetch_events()
        for host in self.hosts:
            for action in host.runtime.unanswered:
                self._settle(_Asked(host, action, self._clock.now_ns()), "decided before a restart and never sent")

    @property
    def trader_sequence(self) -> int:
        """The number of the last order event that was seen."""
        return self._trader_sequence

    # The thread

    def run(self) -> None:
        """Work until `stop`."""
        try:
            while not self._end.is_set():
                self._turn()
        except BaseException as error:  # noqa: BLE001 # the service ends with it and says so
            self.failure = error

    def stop(self) -> None:
        """End the thread, and wait for it."""
        self._end.set()
        self.join(timeout=REQUEST_SECONDS + 1.0)

    def _turn(self) -> None:
        deliveries = self._mailbox.receive(self._patience())
        with self._lock:
            self._work(deliveries)

    def _work(self, deliveries: Sequence[Delivery[MarketEvent | OrderEvent] | Control | OrderEvents]) -> None:
        for delivery in deliveries:
            if isinstance(delivery, Control):
                self._on_control(delivery)
            elif isinstance(delivery, OrderEvents):
                self._on_order_events(delivery.first, delivery.events)
            elif delivery.topic == ORDER_EVENTS:
                self._on_order_events(delivery.sequence, [e for e in delivery.events if isinstance(e, OrderEvent)])
            else:
                self.missed += delivery.missed
                self._on_market([e for e in delivery.events if not isinstance(e, OrderEvent)])
        self._trader_there = self._link.connected
        self._fetch_what_is_missing()
        self._fire_timers()
        self._read_receipts()
        self._resend()
        for host in self.hosts:
            for action in host.take():
                self._send(_Asked(host, action, self._clock.now_ns()))
            for notice in host.runtime.take_notices():
                log.error("robot notice", robot=host.id, text=notice.text)
        if time.monotonic() - self._synced_at > SYNC_EVERY_SECONDS:
            self._synced_at = time.monotonic()
            for host in self.hosts:
                host.sync()

    def _patience(self) -> float:
        due = [host.runtime.next_timer_ns for host in self.hosts if host.runtime.next_timer_ns is not None]
        if not due:
            return IDLE_SECONDS
        return min(IDLE_SECONDS, max(0.0, (min(due) - self._clock.now_ns()) / NS_PER_SECOND))

    def _on_market(self, events: Sequence[MarketEvent]) -> None:
        for event in events:
            for host in self._by_instrument[event.instrument]:
                host.handle(event)
                host.bars += isinstance(event, Bar)

    def _on_order_events(self, first: int, events: Sequence[OrderEvent]) -> None:
        """Events of the trader carry numbers without gaps; behind a gap nothing is applied before the gap is filled."""
        if first > self._trader_sequence + 1:
            self._behind = True
        for event in events if not self._behind else ():
            self._apply_order_event(event)

    def _apply_order_event(self, event: OrderEvent) -> None:
        if event.sequence <= self._trader_sequence:
            return
        self._trader_sequence = event.sequence
        host = self._by_id.get(event.robot)
        if host is not None:
            host.handle(event)

    def _fetch_what_is_missing(self) -> None:
        if not (self._behind and self._trader_there) or time.monotonic() - self._fetched_at < FETCH_EVERY_SECONDS:
            return
        self._fetched_at = time.monotonic()
        try:
            self._fetch_events()
        except AtlasError as error:
            log.warning("order events are missing and cannot be fetched yet", reason=str(error))
        else:
            self._behind = False

    def _fetch_events(self) -> None:
        while True:
            answer = self._link.events_since(self._trader_sequence)
            for event in answer.events:
                self._apply_order_event(event)
            if not answer.events or answer.events[-1].sequence >= answer.last_sequence:
                self._trader_sequence = max(self._trader_sequence, answer.last_sequence)
                return

    def _on_control(self, control: Control) -> None:
        target = control.arguments.get("robot")
        for host in self.hosts:
            if target in (None, host.id):
                host.handle(control)

    def _fire_timers(self) -> None:
        now = self._clock.now_ns()
        for host in self.hosts:
            due = host.runtime.next_timer_ns
            if due is not None and due <= now:
                host.handle(Timer(now))

    # Orders out

    def _send(self, asked: _Asked) -> None:
        try:
            self._link.post(asked.host.id, asked.action)
        except Unavailable:
            self._to_resend.append(asked)
        else:
            self._waiting[action_id(asked.action)] = asked

    def _read_receipts(self) -> None:
        for asked_id, answer in self._link.receive():
            asked = self._waiting.pop(asked_id, None) or self._settled.pop(asked_id, None)
            if asked is None:
                continue
            if isinstance(answer, BadInput):
                asked.host.give_up(asked.action, str(answer), self._clock.now_ns())
            elif isinstance(answer, AtlasError):
                self._to_resend.append(asked)
            elif isinstance(asked.action, Modify | Cancel) and (answer.reason or answer.verdict is not Verdict.ACCEPTED):
                asked.host.give_up(asked.action, answer.reason, self._clock.now_ns())

    def _resend(self) -> None:
        overdue, self._to_resend = self._to_resend, []
        for asked in overdue:
            if self._clock.now_ns() - asked.first_ns < GIVE_UP_SECONDS * NS_PER_SECOND:
                self._send(asked)
            elif not (self._trader_there and self._is_settled(asked)):
                self._to_resend.append(asked)

    def _is_settled(self, asked: _Asked) -> bool:
        try:
            self._settle(asked, "the trader could not be reached")
        except AtlasError:
            return False
        return True

    def _settle(self, asked: _Asked, reason: str) -> None:
        """Find out whether the trader has an action, or will get it. If not, the robot is told that it never will."""
        if self._link.settle(asked.host.id, asked.action):
            self._settled[action_id(asked.action)] = asked
        else:
            asked.host.give_up(asked.action, reason, self._clock.now_ns())
