"""What the broker says unasked, made into events of our orders. Pure.

Reports come late, twice and in any order; whatever the order is already, they do not repeat. A report of an order that is not
known is never made into an order: it waits until the broker has been asked (`atlas.trading.reconcile`).
"""

from decimal import Decimal
from typing import Any

import msgspec

from atlas.domain import (
    Commission,
    Execution,
    OrderEvent,
    OrderEventKind,
    OrderKind,
    OrderState,
    OrderStatus,
    exact,
    execution_base,
    execution_revision,
)
from atlas.trading.blotter import Blotter
from atlas.trading.broker import BrokerError, BrokerOrder, BrokerReport, BrokerStatus
from atlas.trading.broker_codes import Meaning, meaning_of
from atlas.trading.effects import NOTHING, AskBroker, CancelOrder, Decision
from atlas.trading.forks import LIVE, Forks
from atlas.trading.groups import Groups
from atlas.trading.lost_fills import GIVEN_UP, INFERRED, LATE
from atlas.trading.troubles import Troubles

_K, _S = OrderEventKind, OrderStatus
_NOT_CONFIRMED = frozenset({_S.PENDING, _S.SENT, _S.UNKNOWN})
_ENDINGS = {
    BrokerStatus.CANCELLED: _K.CANCELLED,
    BrokerStatus.EXPIRED: _K.EXPIRED,
    BrokerStatus.INACTIVE: _K.REJECTED,
}

# Which values of an order the broker says back as they were given. Others move with the market, or are not told.
_LIMIT, _STOP = ("quantity", "limit_price"), ("quantity", "stop_price")
_SAID_BACK: dict[OrderKind, tuple[str, ...]] = {
    OrderKind.LIMIT: _LIMIT,
    OrderKind.LIMIT_ON_CLOSE: _LIMIT,
    OrderKind.MIDPRICE: _LIMIT,
    OrderKind.PEGGED_TO_MIDPOINT: (*_LIMIT, "limit_offset"),
    OrderKind.RELATIVE: (*_LIMIT, "limit_offset"),
    OrderKind.STOP: _STOP,
    OrderKind.STOP_LIMIT: (*_LIMIT, "stop_price"),
    OrderKind.MARKET_IF_TOUCHED: _STOP,
    OrderKind.LIMIT_IF_TOUCHED: (*_LIMIT, "stop_price"),
    OrderKind.TRAILING_STOP: ("quantity", "trail_amount", "trail_percent"),
    OrderKind.TRAILING_STOP_LIMIT: ("quantity", "trail_amount", "trail_percent", "limit_offset"),
}


class Reports:
    """Finds the order of each report and folds what is news."""

    def __init__(self, blotter: Blotter, troubles: Troubles, groups: Groups, forks: Forks) -> None:
        self._blotter = blotter
        self._troubles = troubles
        self._groups = groups
        self._forks = forks
        self._early_commissions: dict[str, Commission] = {}
        self._explained: set[int] = set()
        self._anothers: set[int] = set()  # perm ids of other accounts' orders that have the ids of ours
        self.turned_down: dict[str, BrokerOrder] = {}
        """What the broker said of orders that it does not take, by order id, until it says why: the status may come first."""
        self._waiting: dict[str, tuple[Execution, int]] = {}  # of orders that are not known, as last corrected; since when

    def on_report(self, report: BrokerReport) -> Decision:
        """What the report makes happen; nothing, when it repeats what is known, or is of another account."""
        if self.is_anothers(report):
            return NOTHING
        if isinstance(report, BrokerOrder):
            return self.on_order(report)
        if isinstance(report, Execution):
            return self.on_execution(report)
        if isinstance(report, Commission):
            return Decision(self.on_commission(report))
        return self._on_error(report)

    # Orders

    def find(self, report: BrokerOrder) -> OrderState | None:
        """The order that a report of the broker's is about."""
        return self._blotter.find(report.order_id, report.perm_id, report.broker_order_id, ours=report.ours)

    def explain(self, perm_id: int) -> None:
        """The broker was asked about this perm id, and it is nobody's here: its reports raise no question again."""
        if perm_id:
            self._explained.add(perm_id)

    def concerns_us(self, account: str) -> bool:
        """Whether what happens in `account` is this desk's; a report that names none may be."""
        return account in ("", self._blotter.account)

    def is_anothers(self, report: BrokerReport) -> bool:
        """Whether the report is of an order in another account that has the id of one of ours.

        What our own order, known by its perm id, was filled with in other accounts is ours: an advisor's order has shares.
        """
        if not isinstance(report, BrokerOrder | Execution):
            return False
        account = report.account if isinstance(report, Execution) else report.terms.account if report.terms is not None else ""
        if report.order_id not in self._blotter.states or self._blotter.find("", report.perm_id) is not None:
            return False
        if not self.concerns_us(account):
            self._anothers.add(report.perm_id)
            return True
        return report.perm_id > 0 and report.perm_id in self._anothers  # a status alone names no account

    def on_order(self, report: BrokerOrder, *, ask: bool = True) -> Decision:
        """An order as the broker has it now. One that is not known is asked about, unless this is the answer."""
        state = self.find(report)
        if state is None:
            account = report.terms.account if report.terms is not None else ""
            if not ask or report.status not in LIVE or not self.concerns_us(account) or report.perm_id in self._explained:
                return NOTHING
            return Decision(effects=(AskBroker(f"the broker reports an order that is not known, perm id {report.perm_id}"),))
        if self._forks.is_surplus(state, report):
            if state.status is not _S.UNKNOWN or report.status not in LIVE:
                return self._forks.note(state, report, ask=ask)
        elif report.status not in LIVE and not state.status.is_final and self._forks.successor(state.order.id) is not None:
            return self._succeed(state)
        self._blotter.link(report.perm_id, state.order.id)
        return self._on_status(state, report, ask=ask)

    def _on_status(self, state: OrderState, report: BrokerOrder, *, ask: bool) -> Decision:
        order_id, ending = state.order.id, _ENDINGS.get(report.status)
        ended_too = state.status is _S.FILLED and ending is not None and not (state.standing or _S.FILLED).is_final
        if state.status is _S.FILLED and report.status in LIVE and (report.quantity or 0.0) > state.filled:
            if ask and (report.quantity or 0.0) > state.requested_quantity:  # a late word from before it was made smaller?
                return Decision(effects=(AskBroker(f"order {order_id} is filled, and is reported to work for more"),))
            return Decision(self.on_values(order_id, report))  # the change to a larger quantity was quicker than the last fill
        if state.status.is_final and not ended_too:
            return NOTHING
        if ending is not None:
            if ask and _lacks_its_code(state, ending):
                return self._wait_for_code(order_id, report)
            return self._end(state, ending, perm_id=report.perm_id, reason=report.reason)
        events: tuple[OrderEvent, ...] = ()
        if report.status is BrokerStatus.RECEIVED and state.status is _S.PENDING and order_id in self._blotter.inherited:
            return Decision(
                self._blotter.record(_K.SENT, order_id, perm_id=report.perm_id)
            )  # it had left before the trader died
        if report.status in (BrokerStatus.WORKING, BrokerStatus.CANCELLING):
            self.turned_down.pop(order_id, None)
            if state.status in _NOT_CONFIRMED:
                events = self._blotter.record(_K.WORKING, order_id, perm_id=report.perm_id, reason=report.reason)
            events += self.on_values(order_id, report)
        return Decision(events)

    def _wait_for_code(self, order_id: str, report: BrokerOrder) -> Decision:
        """The error with the code follows at once, or never: then the broker's lists end the order."""
        known, self.turned_down[order_id] = order_id in self.turned_down, report
        reason = f"order {order_id} was turned down, and the broker has not said why yet"
        return NOTHING if known else Decision(effects=(AskBroker(reason),))

    def _end(self, state: OrderState, ending: OrderEventKind, **facts: Any) -> Decision:
        order_id = state.order.id
        self.turned_down.pop(order_id, None)
        if ending is _K.REJECTED and state.filled:
            ending = _K.CANCELLED  # a part of it was taken; what was turned down is the rest
        events = self._blotter.record(ending, order_id, **facts)
        if ending is _K.REJECTED:
            return Decision(events) + self._groups.on_failed(order_id, facts["reason"] or "rejected by the broker")
        return Decision(events) + self._groups.settle()

    def on_values(self, order_id: str, report: BrokerOrder) -> tuple[OrderEvent, ...]:
        """The values that the broker has for the order, where they are not ours."""
        order = self._blotter.states[order_id].order
        told: dict[str, Any] = {"quantity": report.quantity, "limit_price": report.limit_price}
        if report.terms is not None:
            told = {name: getattr(report.terms, name) for name in _SAID_BACK.get(order.kind, ("quantity",))}
        changed = {name: value for name, value in told.items() if value is not None and value != getattr(order, name)}
        if not changed:
            return ()
        new = msgspec.structs.replace(order, **changed)
        return self._blotter.record(_K.MODIFIED, order_id, order=new, perm_id=report.perm_id)

    def _succeed(self, state: OrderState) -> Decision:
        """The order is done under its perm id and lives on under another one."""
        order_id = state.order.id
        heir, settled = self._forks.succeed(order_id)
        reason = f"done as {state.perm_id}; it lives on as {heir.perm_id}"
        decision = Decision(self._blotter.record(_K.WORKING, order_id, perm_id=heir.perm_id, reason=reason)) + settled
        if heir.quantity is not None:
            filled_before = self._blotter.filled_beside(order_id, heir.perm_id)
            whole = msgspec.structs.replace(state.order, quantity=filled_before + heir.quantity)
            if whole != state.order:
                decision += Decision(self._blotter.record(_K.MODIFIED, order_id, order=whole))
        state = self._blotter.states[order_id]
        if state.cancel_requested and state.broker_order_id:
            decision += Decision(effects=(CancelOrder(order_id, state.broker_order_id),))
        return decision

    # Executions and what they cost

    def on_execution(self, execution: Execution, *, ask: bool = True) -> Decision:
        """An execution, or the correction of one. That of an order that is not known waits until the broker has been asked."""
        state = self.find_executed(execution)
        if state is not None:
            late = self._note_late(state, execution)
            return Decision(self._executed(state, execution)) + self._groups.settle() + late
        if not ask or not self.concerns_us(execution.account):
            return NOTHING
        base = execution_base(execution.id)
        before = self._waiting.get(base)
        if before is None or execution_revision(before[0].id) < execution_revision(execution.id):
            self._waiting[base] = execution, self._blotter.clock.now_ns()
        return Decision(effects=(AskBroker(f"execution {execution.id} is of an order that is not known"),))

    def find_executed(self, execution: Execution) -> OrderState | None:
        """The order that met the market."""
        found = self._blotter.find(execution.order_id, execution.perm_id)
        return found or self._blotter.find_by_execution(execution.id)

    def waiting(self) -> list[Execution]:
        """Executions of orders that are not known."""
        return [execution for execution, _ in self._waiting.values()]

    def take_waiting(self, asked_ns: int) -> list[Execution]:
        """Those of them that the answer to a question put at `asked_ns` has to explain; they wait no longer."""
        taken = {base: one for base, (one, since_ns) in self._waiting.items() if since_ns < asked_ns}
        for base in taken:
            del self._waiting[base]
        return list(taken.values())

    def _executed(self, state: OrderState, execution: Execution) -> tuple[OrderEvent, ...]:
        order_id, base = state.order.id, execution_base(execution.id)
        counted = next((fill for fill in state.fills if execution_base(fill.id) == base), None)
        if counted is not None and execution_revision(counted.id) >= execution_revision(execution.id):
            return ()
        if contradiction := self._contradiction(state, execution):
            return self._blotter.anomaly(order_id, contradiction)
        execution = msgspec.structs.replace(execution, order_id=order_id)
        perm_id = state.perm_id or execution.perm_id
        more = exact(execution.quantity) - (exact(counted.quantity) if counted is not None else 0)
        events = self._make_way(state, execution, max(more, Decimal(0)))
        events += self._blotter.record(_K.EXECUTED, order_id, execution=execution, perm_id=perm_id)
        early = self._early_commissions.pop(base, None)
        return events + (self.on_commission(early) if early is not None else ())

    def _note_late(self, state: OrderState, execution: Execution) -> Decision:
        """A fill of an order that was given up counts, and a person is told: its robot took it for over."""
        if state.status is not _S.CANCELLED or not state.reason.startswith(GIVEN_UP):
            return NOTHING
        text = f"order {state.order.id} was given up and is filled after all: {execution.quantity:g} at {execution.price:g}"
        return self._troubles.begin(LATE + state.order.id, text, critical=True)

    def _make_way(self, state: OrderState, execution: Execution, left: Decimal) -> tuple[OrderEvent, ...]:
        """What was inferred of the order's fills gives way to the `left` units that are told anew."""
        events: tuple[OrderEvent, ...] = ()
        for fill in state.fills:
            base, revision = execution_base(fill.id), execution_revision(fill.id)
            if fill.id == execution.id or not fill.id.startswith(INFERRED) or not fill.quantity or not left:
                continue
            taken = min(left, exact(fill.quantity))
            left -= taken
            less = msgspec.structs.replace(
                execution,
                id=f"{base}.{revision + 1:02d}",
                quantity=float(exact(fill.quantity) - taken),
                price=fill.price,
                perm_id=state.perm_id,
            )
            reason = f"execution {execution.id} takes the place of what was inferred"
            events += self._blotter.record(_K.EXECUTED, state.order.id, execution=less, reason=reason)
        return events

    def _contradiction(self, state: OrderState, execution: Execution) -> str:
        order = state.order
        if (execution.instrument, execution.side) != (order.instrument, order.side):
            return f"execution {execution.id} is of {execution.side.value} {execution.instrument}, which the order is not"
        owner = self._blotter.find_by_execution(execution.id)
        if owner is not None and owner.order.id != order.id:
            return f"execution {execution.id} corrects one of order {owner.order.id}"
        return ""

    def on_commission(self, commission: Commission) -> tuple[OrderEvent, ...]:
        """What an execution cost; it waits for an execution that is not known yet."""
        base, revision = execution_base(commission.execution_id), execution_revision(commission.execution_id)
        state = self._blotter.find_by_execution(commission.execution_id)
        if state is None:
            early = self._early_commissions.get(base)
            if early is None or execution_revision(early.execution_id) < revision:
                self._early_commissions[base] = commission
            return ()
        if any(execution_base(one.id) == base and execution_revision(one.id) >= revision for one in state.charges):
            return ()
        return self._blotter.record(_K.COMMISSIONED, state.order.id, commission=commission)

    # Errors

    def _on_error(self, error: BrokerError) -> Decision:
        state = self._blotter.find_by_number(error.broker_order_id)
        if state is None or state.status.is_final:
            return NOTHING
        order_id, meaning = state.order.id, meaning_of(error.code)
        facts: dict[str, Any] = {"reason": f"{error.code}: {error.text}", "code": error.code}
        turned_down = self.turned_down.get(order_id)
        perm_id = turned_down.perm_id if turned_down is not None else 0
        if meaning is Meaning.CANCELLED:
            if self._forks.has_forked(order_id):
                return Decision(effects=(AskBroker(f"order {order_id}, which was forked: {facts['reason']}"),))
            return self._end(state, _K.CANCELLED, perm_id=perm_id, **facts)
        if meaning is Meaning.REJECTED and (turned_down is not None or state.status in _NOT_CONFIRMED):
            return self._end(state, _K.REJECTED, perm_id=perm_id, **facts)
        if meaning is Meaning.NOTICE:
            return NOTHING
        decision = Decision(self._blotter.record(_K.REFUSED, order_id, **facts))
        if meaning is Meaning.GONE:
            decision += Decision(effects=(AskBroker(f"order {order_id}: {facts['reason']}"),))
        return decision


def _lacks_its_code(state: OrderState, ending: OrderEventKind) -> bool:
    """Whether the broker says by an error, too, that it does not take an order, or ends one that nobody asked it to end.

    Status and error come in either order.
    """
    if state.status.is_final or state.filled:
        return False
    unasked = state.status in _NOT_CONFIRMED and not state.cancel_requested
    return ending is _K.REJECTED or (ending is _K.CANCELLED and unasked)
