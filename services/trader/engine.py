"""The trader without its wires: commands and reports in, orders out, everything written down before it is told.

The way of an order: form, risk gate, journal synced, receipt, store, proof that the broker is there, closing times, the
broker's queue, the broker. The way of a report: desk, journal synced, store, listeners. What is not in the store was never
sent; what the broker says is written before anyone hears of it.

It knows ports only: a broker, a store, a journal, listeners, a clock. `services.trader.service` wires them to sockets, MongoDB
and the gateway; tests run the very same engine in one process on virtual time.
"""

import asyncio
import contextlib
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

import structlog

from atlas.bus import orders as messages
from atlas.domain import (
    NS_PER_SECOND,
    Clock,
    Denial,
    Instrument,
    OrderEventKind,
    Quote,
    Unavailable,
)
from atlas.service.alarms import Alarm, Alarms, Severity
from atlas.service.metrics import Figures
from atlas.trading.broker import BrokerPort, BrokerReport
from atlas.trading.desk import Desk
from atlas.trading.effects import AskBroker, ChangeOrder, ClearAlarm, Decision, PlaceOrder, RaiseAlarm
from atlas.trading.lease import Lease
from atlas.trading.risk import Gate
from atlas.trading.risk.gate import OPERATOR
from atlas.trading.trading_state import refused
from services.trader.answers import Answers
from services.trader.closer import Closer
from services.trader.filing import Filing
from services.trader.lease_keeper import LeaseKeeper
from services.trader.ledger import Ledger, Sending
from services.trader.orders import Orders
from services.trader.ports import Faults, JournalPort, Outlet, Restored, Store
from services.trader.reconciler import Reconciler
from services.trader.risk_watch import RiskWatch
from services.trader.sender import Sender
from services.trader.steady import SteadyClock
from services.trader.steering import Steering, limits_in_force
from services.trader.takeover import agreed, file_decisions, highest_number, take_over
from services.trader.values import EngineValues, never_closing
from services.trader.worth import Worth

__all__ = ["Engine", "EngineValues", "never_closing"]

_K = OrderEventKind
_REMEMBERED_NS = 3 * 86_400 * NS_PER_SECOND  # final orders stay in memory so long: commissions and late fills still find them
_TICK_SECONDS = 1.0
CLOCK_ALARM = "clock-set-back"
_STOP_SECONDS = 2.0

log = structlog.get_logger("atlas.trader")


class Engine:
    """Trades one account. What happens to it before `start` has taken over what was is asked of the broker again.

    Args:
        broker: reports go to `on_report`, the state of the link to `on_link_down` and `on_link_up`.
        journal: opened by the caller; the engine closes it.
        closing: why no order may leave now, or "": the broker is about to restart.
        reopen: opens the journal again after it broke.
        on_failure: told once why the engine cannot go on.
        wants: told each instrument that is traded, again and again: the risk rules look at its quotes.
    """

    def __init__(
        self,
        values: EngineValues,
        broker: BrokerPort,
        store: Store,
        journal: JournalPort,
        outlet: Outlet,
        clock: Clock,
        alarms: Alarms,
        faults: Faults,
        *,
        closing: Callable[[int], str] = never_closing,
        reopen: Callable[[], JournalPort] | None = None,
        on_failure: Callable[[BaseException], None] | None = None,
        wants: Callable[[str], None] | None = None,
    ) -> None:
        self.values = values
        self._broker = broker
        self._store = store
        self._journal = journal
        self._outlet = outlet
        self._clock = SteadyClock(clock)
        self._alarms = alarms
        self._faults = faults
        self._closing = closing
        self._on_failure = on_failure
        self._wants = wants or (lambda _instrument: None)
        self._tasks: set[asyncio.Task[None]] = set()
        self._started = False
        self._link_problem = ""
        self._filing = Filing(values.retry_seconds, alarms)
        self._ledger = Ledger(
            journal, store, outlet, alarms, faults, self._leave, retry_seconds=values.retry_seconds, reopen=reopen
        )
        alarms.sink = self._on_alarm
        wanted = Lease(values.account, values.holder, values.login, values.message_share)
        self._lease = LeaseKeeper(wanted, values.reserved_share, store, clock, alarms)
        self._instruments: dict[str, Instrument] = {}

    # Lifecycle

    async def start(self) -> None:
        """Take over what was written down, and begin to work. Orders are taken once the first reconciliation succeeded.

        Raises:
            Refused: another trader trades the account; it is named.
            Unavailable: the store does not answer.
        """
        await self._lease.take()
        await file_decisions(self._store, self._ledger.decided())
        restored = await self._store.restore(self.values.account, self._clock.now_ns() - _REMEMBERED_NS)
        journaled = self._ledger.journaled_after(restored.last_sequence)
        highest = highest_number(restored)
        restored, unwritten = await agreed(self._store, restored, journaled)
        self._clock.at_least(max((state.at_ns for state in restored.states), default=0))
        self._assemble(restored, highest)
        take_over(restored, journaled, unwritten, self._desk, self._risk, self._ledger, self._orders)
        for name in {*self._desk.held(), *(state.order.instrument for state in self._desk.working())}:
            self._wants(name)
        self._started = True
        for job in (
            self._lease.run(),
            self._filing.run(),
            self._ledger.run(),
            self._ledger.run_journal(),
            self._sender.run(),
            self._reconciler.run(),
            self._risk.run(),
            self._tick(),
        ):
            self._keep(job)
        self._risk.close_on()
        self._steering.flatten()

    async def stop(self) -> None:
        """Write what is under way, as far as the store takes it, and end. The journal is closed."""
        if self._started:
            await self._closer.stop()
            await self._worth.stop()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._ledger.drained(), _STOP_SECONDS)
            if self._ledger.backlog:
                log.warning("stopped with events in the journal only", count=self._ledger.backlog)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._lease.release()
        self._ledger.close()

    def _assemble(self, restored: Restored, last_sequence: int) -> None:
        values, take = self.values, self.take
        self._instruments.update(restored.instruments)
        self._broker.learn(self._instruments)
        limits = limits_in_force(values.limits, restored.limits, self._alarms)
        self._gate = Gate(limits, values.account, self._instruments, values.days)
        if restored.trading_state is not None:
            self._gate.set_state(restored.trading_state)
        self._desk = Desk(
            values.account,
            self._instruments,
            self._gate,
            self._clock,
            last_sequence=last_sequence,
            used_ids=restored.used_ids,
            policy=values.policy,
            horizon_ns=int(values.unheard_minutes * 60 * NS_PER_SECOND),
        )
        self._sender = Sender(
            self._broker,
            self._desk,
            self._clock,
            self._faults,
            take=take,
            objection=self._objection,
            probe_after_seconds=values.probe_after_seconds,
        )
        self._reconciler = Reconciler(
            self._broker,
            self._desk,
            self._clock,
            self._faults,
            take=take,
            on_done=self._on_reconciled,
            learned=self._learned,
            reconcile_seconds=values.reconcile_seconds,
            recheck_seconds=values.recheck_seconds,
        )
        self._orders = Orders(
            self._desk,
            self._gate,
            self._broker,
            self._clock,
            self._faults,
            self,
            take=take,
            learned=self._learned,
            wants=self._wants,
        )
        desk, gate, clock, alarms = self._desk, self._gate, self._clock, self._alarms
        self._closer = Closer(desk, gate, self._orders, clock, alarms, no_orders=self.no_orders, on_flat=self._on_flat)
        self._worth = Worth(self._broker, self._gate, values.account)
        self._risk = RiskWatch(
            desk, gate, self._broker, self._worth, self._store, self._filing, self._closer, clock, alarms, take=take
        )
        self._steering = Steering(
            desk,
            gate,
            self._broker,
            self._worth,
            self._store,
            self._filing,
            self._closer,
            self._sender,
            clock,
            alarms,
            values.operators,
            take=take,
            nothing_durable=self.nothing_durable,
            note=self._ledger.note,
        )
        self._answers = Answers(
            self._desk, self._gate, self._broker, self._store, self._orders, self._steering, self._ledger, self._clock
        )

    # What comes in

    async def on_request(self, request: messages.Request, peer: str) -> messages.Reply:
        """Answer a request of the order socket. `peer` is the caller's name by its key; it decides what only operators may do.

        Raises:
            BadInput: the request cannot be carried out as it is; nothing was written.
            Refused: the peer may not ask for this.
            Unavailable: nothing can be written down just now; nothing was done.
        """
        if not self._started:
            raise Unavailable("the trader is starting")
        return await self._answers.answer(request, peer)

    def on_report(self, report: BrokerReport) -> None:
        """Take a report of the broker: the sink to make the broker with."""
        if not self._started:
            return  # the first reconciliation asks for all of it again
        decision = self._desk.on_report(report)
        if any(event.kind is _K.EXECUTED for event in decision.events):
            self._faults.reached("fill.1_received")
        self.take(decision)

    def on_link_down(self, reason: str) -> None:
        """The broker cannot be reached: nothing is sent, and what was is in doubt until `on_link_up`."""
        self._link_problem = reason
        if self._started:
            self._reconciler.doubt(f"the link to the broker was lost ({reason}); orders are not reconciled yet")

    def on_link_up(self) -> None:
        """The broker can be reached again (a new session, 1101 or 1102): everything is reconciled, then orders are taken."""
        self._link_problem = ""
        if self._started:
            self._reconciler.doubt("the link to the broker is back; orders are not reconciled yet")
            self._reconciler.ask("the link to the broker is back")

    def on_quote(self, quote: Quote) -> None:
        """Take a quote, for the rules that look at the market."""
        if self._started:
            self._gate.on_quote(quote)

    def take(self, decision: Decision) -> asyncio.Future[None]:
        """Have a decision written, told and carried out. The future is done when its events are durable."""
        sendings: list[Sending] = []
        for effect in decision.effects:
            match effect:
                case RaiseAlarm(key=key, text=text, critical=critical):
                    self._alarms.raise_(key, text, Severity.CRITICAL if critical else Severity.WARNING)
                case ClearAlarm(key=key):
                    self._alarms.clear(key)
                case AskBroker(reason=reason):
                    self._reconciler.ask(reason)
                case _:
                    sendings.append(effect)
        self._risk.on_events(decision.events)
        events = [(event, self._desk.states.get(event.order_id)) for event in decision.events]
        return self._ledger.enter(events, tuple(sendings))

    # How it stands

    def no_orders(self) -> Denial | None:
        """Why nothing that is new or changed can be sent now, exits neither."""
        if not self._broker.is_up:
            return Denial("link", self._link_problem or "the broker is not connected", temporary=True)
        if not self._reconciler.count:
            return Denial("reconciliation", self._reconciler.problem, temporary=True)
        if closing := self._closing(self._clock.now_ns()):
            return Denial("closing_time", f"{closing}; nothing is sent into it", temporary=True)
        if self._ledger.store_problem:
            return Denial("database", self._ledger.store_problem, temporary=True)
        if self._lease.problem:
            return Denial("lease", self._lease.problem, temporary=True)
        return None

    def no_openings(self) -> Denial | None:
        """Why nothing is opened now. What is in doubt at the broker, the gate knows from the desk."""
        if self._ledger.disk_problem:
            return Denial("journal", self._ledger.disk_problem, temporary=True)
        return None

    def nothing_durable(self) -> str:
        """Why nothing at all can be written down now, or ""."""
        if self._ledger.disk_problem and self._ledger.store_problem:
            return f"nothing can be written down: {self._ledger.disk_problem}; {self._ledger.store_problem}"
        return ""

    def problems(self) -> list[str]:
        """Why orders are not taken, and every alarm that is raised."""
        if not self._started:
            return ["starting"]
        denials = [denial.text for denial in (self.no_orders(), self.no_openings()) if denial is not None]
        raised = [alarm.text for alarm in self._alarms.raised.values()]
        return list(dict.fromkeys([*denials, *([self._reconciler.problem] if self._reconciler.problem else []), *raised]))

    def figures(self) -> Figures:
        """Counts of orders and executions, what waits, and how long ticks take to become orders."""
        if not self._started:
            return {}
        desk = self._desk
        return {
            "account": desk.account,
            "trading_state": self._gate.trading_state.at(self._clock.now_ns()).value,
            "orders_known": len(desk.states),
            "orders_working": len(desk.working()),
            "events": desk.last_sequence,
            "backlog": self._ledger.backlog,
            "to_send": self._sender.waiting,
            "reconciliations": self._reconciler.count,
            "alarms": len(self._alarms.raised),
            "executions": desk.books.executions,
            "executions_uncharged": desk.books.uncharged,
            **self._orders.latency.figures(),
            **self._sender.latency.figures(),
        }

    async def settled(self) -> None:
        """Wait until everything that was entered is written and told, and everything that may leave has left."""
        while self._ledger.backlog or self._sender.waiting:
            await self._ledger.drained()
            await self._sender.idle()
        await self._filing.empty()

    # How it is done

    def _leave(self, sendings: Sequence[Sending]) -> None:
        self._sender.put(sendings)

    def _objection(self, sending: PlaceOrder | ChangeOrder) -> str:
        """Why what was let through before must not leave now: the world may have changed while it waited."""
        if self._lease.problem:
            return self._lease.problem
        if (denial := self.no_orders()) is not None and denial.rule != "database":  # it stands there by now
            return denial.text
        now_ns, order = self._clock.now_ns(), sending.order
        is_exit = self._gate.is_exit(order, self._desk, replacing=order.id)
        if (denial := refused(self._gate.trading_state, now_ns, is_exit=is_exit)) is not None:
            return "" if is_exit and order.robot == OPERATOR else denial.text
        waited = (now_ns - self._desk.states[order.id].at_ns) / NS_PER_SECOND
        if isinstance(sending, PlaceOrder) and not is_exit and waited > self.values.send_within_seconds:
            return f"it waited for {waited:.0f} s, longer than {self.values.send_within_seconds:g} s, and may be out of date"
        return ""

    def _on_alarm(self, alarm: Alarm) -> None:
        self._filing.put(lambda: self._store.save_alarm(alarm), "alarms")

    def _learned(self, instrument: Instrument) -> None:
        self._instruments[instrument.id] = instrument
        self._broker.learn({instrument.id: instrument})
        self._filing.put(lambda: self._store.save_instrument(instrument), "instruments")

    def _on_flat(self) -> None:
        self._steering.on_flat()

    def _on_reconciled(self) -> None:
        self._orders.offer_broker_order_id(self._broker.next_order_id())
        self.take(self._desk.to_resend())

    async def _tick(self) -> None:
        """Every second: the heartbeat of the events, the limits of the day, orders of which nothing was heard for too long."""
        while True:
            self._outlet.heartbeat(self._ledger.published_sequence)
            self._risk.look()
            self._look_at_the_clock()
            overdue_ns = self._clock.now_ns() - int(self.values.in_flight_seconds * NS_PER_SECOND)
            self.take(self._desk.overdue(overdue_ns))
            await asyncio.sleep(_TICK_SECONDS)

    def _look_at_the_clock(self) -> None:
        """Say that the clock was set back; ages go by the loop's time until it has caught up."""
        if behind := self._clock.behind_ns // NS_PER_SECOND:
            text = f"the clock was set back by {behind} s; the trader goes on by its own time until it has caught up"
            self._alarms.raise_(CLOCK_ALARM, text, Severity.CRITICAL)
        else:
            self._alarms.clear(CLOCK_ALARM)

    def _keep(self, job: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(job)
        self._tasks.add(task)
        task.add_done_callback(self._on_task_done)

    def _on_task_done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None and self._on_failure is not None:
            self._on_failure(error)
