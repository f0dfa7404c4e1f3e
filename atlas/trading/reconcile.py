"""Bringing the desk in line with what the broker knows. Pure.

A snapshot is either `Known`, and the whole truth at the time it was asked for, or `Unknown`, and says nothing: then every state
stays as it is and nothing is opened until an answer comes. Whatever has to be made up (an adopted order, an ending that nobody
reported) is made of the broker's facts only, so that doing it twice, or after a restart, makes nothing new.
"""

from collections.abc import Iterable
from dataclasses import replace

from atlas.domain import NS_PER_SECOND, Execution, OrderEventKind, OrderState, OrderStatus, execution_base, execution_revision
from atlas.trading.adoption import Adoption, by_order
from atlas.trading.blotter import Blotter
from atlas.trading.broker import BrokerOrder, BrokerSnapshot, BrokerStatus, Known, Unknown
from atlas.trading.effects import NOTHING, CancelSurplus, Decision, joined
from atlas.trading.forks import LIVE, Forks
from atlas.trading.groups import Groups
from atlas.trading.lost_fills import GIVEN_UP, LostFills
from atlas.trading.positions import Positions
from atlas.trading.reports import Reports
from atlas.trading.troubles import EVERYTHING, Troubles

_K, _S = OrderEventKind, OrderStatus
UNANSWERED = "reconciliation"
"""The key of the trouble that there is no answer."""
HORIZON_NS = 10 * 60 * NS_PER_SECOND
"""So long an order that nobody confirmed may still turn up."""


class Reconciliation:
    """Takes snapshots. Until the first one is taken, nothing is opened."""

    def __init__(
        self,
        blotter: Blotter,
        troubles: Troubles,
        reports: Reports,
        forks: Forks,
        groups: Groups,
        adoption: Adoption,
        horizon_ns: int,
    ) -> None:
        self._blotter = blotter
        self._troubles = troubles
        self._reports = reports
        self._forks = forks
        self._groups = groups
        self._adoption = adoption
        self.positions = Positions(blotter, troubles)
        self._lost = LostFills(blotter, troubles)
        self._unconfirmed_changes: dict[str, int] = {}
        self._missing: dict[str, tuple[int, int]] = {}  # what was not listed the last time: since when, and in which session
        self._horizon_ns = horizon_ns
        self.sessions = 0
        """How often what the broker told was called in doubt: with each session at the least."""
        self._first = True

    @property
    def in_doubt(self) -> bool:
        """Whether something is there that the next answer may explain."""
        unknown = any(state.status is _S.UNKNOWN for state in self._blotter.working())
        return bool(unknown or self._unconfirmed_changes or self._reports.waiting() or self._troubles.blocking)

    def reconcile(self, answer: Known[BrokerSnapshot] | Unknown, asked_ns: int) -> Decision:
        """Take the broker's answer to a question that was put at `asked_ns`; what happened since is left to its own reports."""
        if isinstance(answer, Unknown):
            text = f"the broker does not say what orders and positions there are: {answer.reason}"
            return self._troubles.begin(UNANSWERED, text, blocks=EVERYTHING)
        snapshot = self._without_anothers(answer.value)
        decisions = [self._adoption.resume()] if self._first else []
        self._first = False
        before = {state.order.id: state for state in self._blotter.working() if state.at_ns < asked_ns}
        traded_since = self._blotter.traded_since(asked_ns)
        theirs = snapshot.positions.get(self._blotter.account, {})
        costs = snapshot.costs.get(self._blotter.account, {})
        self._lost.begin(theirs, costs, traded_since)
        living = {order.perm_id for order in snapshot.open_orders}
        decisions.append(self._forks.keep(living))
        decisions.append(self._adopt(snapshot))
        decisions.append(self._on_executions(snapshot, asked_ns))
        decisions.append(self._on_orders(snapshot, before, asked_ns))
        decisions += [Decision(self._reports.on_commission(commission)) for commission in snapshot.commissions]
        decisions.append(self._on_missing(before.keys() - self._listed(snapshot)))
        decisions += [self._lost.settle(), self._groups.settle(), self._adoption.settle(living)]
        decisions.append(self.positions.compare(theirs, traded_since, costs))
        return joined([*decisions, self._troubles.end(UNANSWERED)])

    def _without_anothers(self, snapshot: BrokerSnapshot) -> BrokerSnapshot:
        """What the broker says without the orders of other accounts that have the ids of ours."""
        is_anothers = self._reports.is_anothers
        return replace(
            snapshot,
            open_orders=tuple(one for one in snapshot.open_orders if not is_anothers(one)),
            completed_orders=tuple(one for one in snapshot.completed_orders if not is_anothers(one)),
            executions=tuple(one for one in snapshot.executions if not is_anothers(one)),
        )

    # What is foreign

    def _adopt(self, snapshot: BrokerSnapshot) -> Decision:
        """Adopt what the broker lists and nobody knows: all that works, and of what is done that which was filled.

        Orders of ours are known by their numbers for good from here on: executions may name nothing else.
        """
        for report in (*snapshot.completed_orders, *snapshot.open_orders):
            if (state := self._reports.find(report)) is not None:
                self._blotter.link(report.perm_id, state.order.id)
        executed = {execution.perm_id for execution in (*snapshot.executions, *self._reports.waiting())}
        done = (order for order in snapshot.completed_orders if order.perm_id in executed)
        decisions = []
        for report in (*sorted(done, key=_by_perm_id), *sorted(snapshot.open_orders, key=_by_perm_id)):
            account = report.terms.account if report.terms is not None else ""
            if self._reports.find(report) is None and self._reports.concerns_us(account):
                decisions.append(self._adoption.adopt(report))
            if self._reports.find(report) is None:
                self._reports.explain(report.perm_id)
        return joined(decisions)

    def _on_executions(self, snapshot: BrokerSnapshot, asked_ns: int) -> Decision:
        """Count the broker's executions, and those that waited for this answer."""
        executions = _newest((*snapshot.executions, *self._reports.take_waiting(asked_ns)))
        strange = [one for one in executions if self._is_strange(one)]
        decisions = [self._adoption.adopt_executed(of_one_order) for of_one_order in by_order(strange)]
        decisions += [self._reports.on_execution(execution, ask=False) for execution in executions]
        return joined(decisions)

    def _is_strange(self, execution: Execution) -> bool:
        if not self._reports.concerns_us(execution.account):
            return False
        return self._reports.find_executed(execution) is None

    # What is listed

    def _listed(self, snapshot: BrokerSnapshot) -> set[str]:
        found = map(self._reports.find, (*snapshot.completed_orders, *snapshot.open_orders))
        return {state.order.id for state in found if state is not None}

    def _on_orders(self, snapshot: BrokerSnapshot, before: dict[str, OrderState], asked_ns: int) -> Decision:
        decisions, alive = list[Decision](), set[str]()
        for report in sorted(snapshot.completed_orders, key=_by_perm_id):
            decisions.append(self._reports.on_order(report, ask=False))
            state = self._reports.find(report)
            if state is not None and state.order.id in before and report.status is BrokerStatus.FILLED:
                decisions.append(self._on_filled(state, report))
        never_left = self._never_left(snapshot)
        for told in sorted(snapshot.open_orders, key=_by_perm_id):
            state = self._reports.find(told)
            report = self._without_its_group(told, state, never_left)
            if state is not None and _contradicts(state, report, asked_ns):
                alive.add(f"zombie:{state.order.id}")
                decisions.append(self._on_zombie(state, report))
                continue
            decisions.append(self._reports.on_order(report, ask=False))
            if state is not None and state.order.id in before:
                decisions.append(self._on_unchanged(state.order.id))
        decisions.append(self._forks.cancel(snapshot.open_orders, asked_ns))
        decisions += [self._troubles.end(key) for key in self._troubles.keys("zombie:") if key not in alive]
        return joined(decisions)

    def _never_left(self, snapshot: BrokerSnapshot) -> set[str]:
        """Orders that an earlier run wrote down and did not get to send."""
        written = {one.order.id for one in self._blotter.working() if one.status is _S.PENDING}
        return (written & self._blotter.inherited) - self._listed(snapshot)

    def _without_its_group(self, report: BrokerOrder, state: OrderState | None, never_left: set[str]) -> BrokerOrder:
        """A leg that the gateway holds, for the one that was to release it never left, is inactive: that is no rejection."""
        if state is None or report.status is not BrokerStatus.INACTIVE:
            return report
        if not any(one.order.id in never_left for one in self._groups.of(state.order.id)):
            return report
        return replace(report, status=BrokerStatus.RECEIVED)

    def _on_filled(self, state: OrderState, report: BrokerOrder) -> Decision:
        """The broker has it as filled. Its executions were counted before: is anything of it left?"""
        if state.status.is_final:
            return NOTHING
        if state.filled and report.quantity == state.filled:  # made smaller, which nobody told
            return Decision(self._reports.on_values(state.order.id, report))
        if any(execution_revision(fill.id) > 1 for fill in state.fills):
            reason = "filled, and corrected since: nothing is left of it at the broker"
            return Decision(self._blotter.record(_K.CANCELLED, state.order.id, reason=reason))
        if state.status is _S.UNKNOWN:
            return self._lost.note(state, "the broker has filled")
        reason = "the broker has it as filled, and did not tell all of its executions"
        return Decision(self._blotter.record(_K.UNKNOWN, state.order.id, reason=reason))

    def _on_zombie(self, state: OrderState, report: BrokerOrder) -> Decision:
        order_id = state.order.id
        text = f"order {order_id} is {state.status.value} in our books and works at the broker"
        decision = Decision(self._blotter.anomaly(order_id, text))
        decision += self._troubles.begin(
            f"zombie:{order_id}", f"{text}: it is to be cancelled", blocks=state.order.instrument, critical=True
        )
        if report.ours and report.broker_order_id > 0 and not state.adopted and report.status is not BrokerStatus.CANCELLING:
            decision += Decision(effects=(CancelSurplus(order_id, report.broker_order_id, report.perm_id),))
        return decision

    def _on_unchanged(self, order_id: str) -> Decision:
        """A change that was asked for and of which the broker shows nothing, twice, or that was asked for by an earlier run."""
        state = self._blotter.states[order_id]
        if not state.requested_quantity or state.cancel_requested or state.status.is_final:
            self._unconfirmed_changes.pop(order_id, None)
            return NOTHING
        seen = self._unconfirmed_changes.get(order_id) == state.sequence
        if not seen and order_id not in self._blotter.inherited:
            self._unconfirmed_changes[order_id] = state.sequence
            return NOTHING
        self._unconfirmed_changes.pop(order_id, None)
        reason = "the broker shows nothing of the change"
        return Decision(self._blotter.record(_K.REFUSED, order_id, reason=reason))

    # What is not listed

    def _on_missing(self, order_ids: Iterable[str]) -> Decision:
        """Orders that were under way before the question, and that the answer does not name.

        The first time nobody knows what became of them, the second time they are over.
        """
        decisions, missing = list[Decision](), dict[str, tuple[int, int]]()
        for order_id in sorted(order_ids):
            state = self._blotter.states[order_id]
            if state.status.is_final or (state.status is _S.PENDING and order_id not in self._blotter.inherited):
                continue  # over by its executions, or on its way to be sent
            if (turned_down := self._reports.turned_down.get(order_id)) is not None:
                decisions.append(self._reports.on_order(turned_down, ask=False))
                continue
            missing[order_id] = self._missing.get(order_id, (self._blotter.clock.now_ns(), self.sessions))
            if state.status is _S.UNKNOWN and order_id not in self._missing:
                continue
            if state.status is _S.UNKNOWN and self._lost.is_open(state.order.instrument):
                continue
            if state.status is _S.UNKNOWN and self._lost.explains(state):
                decisions.append(self._lost.note(state, "the broker has a position that can come of"))
                continue
            if state.status is _S.UNKNOWN and not self._is_given_up(state, *missing[order_id]):
                decisions.append(self._lost.name_unheard(state))
                continue
            kind, reason = _fate(state)
            decisions.append(Decision(self._blotter.record(kind, order_id, reason=reason)))
            if kind is _K.DENIED or not (state.perm_id or state.filled or kind is _K.UNKNOWN):
                decisions.append(self._groups.on_failed(order_id, reason))
        self._missing = missing
        return joined(decisions)

    def _is_given_up(self, state: OrderState, since_ns: int, session: int) -> bool:
        """Whether an order that is not listed will never be: the broker had it once, or has had long enough to name it.

        What was sent and never confirmed can still be on its way. It has had long enough when a fresh session does not list it
        after the horizon, or the same session for three times as long.
        """
        if state.filled or state.perm_id:
            return True
        waited_ns = self._blotter.clock.now_ns() - since_ns
        is_fresh = session != self.sessions or state.order.id in self._blotter.inherited
        return waited_ns >= self._horizon_ns * (1 if is_fresh else 3)


def _fate(state: OrderState) -> tuple[OrderEventKind, str]:
    """What becomes of an order that the broker does not list."""
    if state.status is _S.PENDING:
        return _K.DENIED, "written but never sent: the trader stopped in between"
    if state.status is not _S.UNKNOWN:
        return _K.UNKNOWN, "sent, but the broker does not list it"
    if state.filled:
        return _K.CANCELLED, "partly filled, and the broker knows nothing of the rest"
    if state.perm_id:
        return _K.CANCELLED, "the broker had it and does not know it any more: it ended unseen"
    return (
        _K.CANCELLED,
        f"{GIVEN_UP}: sent, and the broker never confirmed nor listed it; the broker did not reject it",
    )


def _contradicts(state: OrderState, report: BrokerOrder, asked_ns: int) -> bool:
    """Whether the broker lists as working what was over, but not filled, before it was asked."""
    return (
        state.status.is_final
        and state.status is not _S.FILLED
        and state.at_ns < asked_ns
        and report.status in LIVE
        and report.perm_id in (0, state.perm_id or report.perm_id)
    )


def _by_perm_id(report: BrokerOrder) -> tuple[int, int, str]:
    return report.perm_id, report.broker_order_id, report.order_id


def _newest(executions: Iterable[Execution]) -> list[Execution]:
    """Of each execution the last correction, in the order of their times."""
    newest: dict[str, Execution] = {}
    for one in executions:
        base = execution_base(one.id)
        if base not in newest or execution_revision(newest[base].id) < execution_revision(one.id):
            newest[base] = one
    return sorted(newest.values(), key=lambda one: (one.at_ns, one.id))
