"""Orders and fills in our account that did not come to the broker through us: adopted, claimed or quarantined. Pure.

Whatever the policy says, they are recorded and their fills are booked: the account holds them. It decides whose they are, and
what a person hears of them. Ids are made of what the broker says, so that the same order is adopted once, however often
the desk starts: `ext-<perm id>`, or of the execution where there is no perm id.
"""

import enum
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import msgspec

from atlas.domain import Denial, Execution, Order, OrderEventKind, OrderState, exact, execution_base
from atlas.trading.blotter import Blotter
from atlas.trading.broker import BrokerOrder
from atlas.trading.effects import NOTHING, Decision
from atlas.trading.troubles import Troubles

_K = OrderEventKind


class ForeignOrders(enum.Enum):
    """What is done with orders and fills that are not ours.

    ADOPT: they are external, and that is all. CLAIM: those that a claim names are that robot's, the others are external.
    QUARANTINE: an alarm, and nothing is opened in their instrument while they work or until a person has released them.
    """

    ADOPT = "adopt"
    CLAIM = "claim"
    QUARANTINE = "quarantine"


@dataclass(frozen=True, slots=True)
class Policy:
    """What is done with foreign orders. `claims` says whose they are, by the beginning of their reference or by instrument."""

    foreign: ForeignOrders = ForeignOrders.ADOPT
    claims: Mapping[str, str] = field(default_factory=dict)

    def robot_of(self, reference: str, instrument: str) -> str:
        """The robot that claims an order, "" for none. The longest beginning of its reference decides, then its instrument."""
        if self.foreign is not ForeignOrders.CLAIM:
            return ""
        # Of beginnings of one text the longest comes last.
        fitting = [prefix for prefix in self.claims if prefix and reference.startswith(prefix)]
        return self.claims[max(fitting)] if fitting else self.claims.get(instrument, "")


class Adoption:
    """Makes foreign orders and fills orders of the desk."""

    def __init__(self, blotter: Blotter, troubles: Troubles, policy: Policy) -> None:
        self._blotter = blotter
        self._troubles = troubles
        self._policy = policy

    def adopt(self, report: BrokerOrder) -> Decision:
        """Adopt an order that the broker lists and nobody knows. Without a perm id, or words of ours for it, it waits."""
        terms = report.terms
        if not report.perm_id:
            return NOTHING
        if terms is None:
            text = f"the broker lists order {report.perm_id}, for which there are no words here: look at it in the terminal"
            return self._troubles.begin(f"foreign:{report.perm_id}", text)
        number = report.broker_order_id if report.ours and report.broker_order_id > 0 else 0
        order = msgspec.structs.replace(
            terms,
            id=f"ext-{report.perm_id}",
            robot=self._policy.robot_of(report.order_id, terms.instrument),
            account=terms.account or self._blotter.account,
            parent_id="",
        )
        return self._begin(order, report.order_id, number, report.perm_id)

    def adopt_executed(self, executions: Sequence[Execution]) -> Decision:
        """Adopt the order of executions of which the broker tells nothing else: it was as large as what was executed of it."""
        first = min(executions, key=lambda one: (one.at_ns, one.id))
        quantity = float(sum(exact(one.quantity) for one in executions))
        robot = self._policy.robot_of(first.order_id, first.instrument)
        order = Order(external_id(first), robot, first.instrument, first.side, quantity, account=first.account)
        return self._begin(order, first.order_id, 0, first.perm_id)

    def release(self, order_id: str, robot: str, who: str) -> Decision:
        """A person has looked at a foreign order: it blocks nothing any more, and is `robot`'s if one is named."""
        state = self._blotter.states.get(order_id)
        if state is None or not state.adopted:
            text = "was placed by this desk" if state is not None else "is not known"
            return Decision(denial=Denial("foreign", f"order {order_id} {text}: there is nothing to release"))
        if state.released and state.order.robot == robot:
            return NOTHING
        if robot != state.order.robot and (state.filled or state.status.is_final):
            what = f"{state.filled:g} of it are filled" if state.filled else f"it is {state.status.value}"
            text = f"order {order_id} cannot be given to another: {what}, of which the robot's books would know nothing"
            return Decision(denial=Denial("filled", text, state.filled, 0.0))
        whose = f", for {robot}" if robot else ""
        order = msgspec.structs.replace(state.order, robot=robot)
        events = self._blotter.record(_K.ADOPTED, order_id, order=order, reason=f"released by {who}{whose}")
        return Decision(events) + self._troubles.end(f"quarantine:{order_id}")

    def settle(self, living: set[int]) -> Decision:
        """End what is said of orders that are done, as far as nothing of them was filled. `living` are the perm ids at work."""
        decision = NOTHING
        for key in self._troubles.keys("foreign:"):
            if int(key.removeprefix("foreign:")) not in living:
                decision += self._troubles.end(key)
        for key in self._troubles.keys("quarantine:"):
            state = self._blotter.states.get(key.removeprefix("quarantine:"))
            if state is not None and state.status.is_final and not state.filled:
                decision += self._troubles.end(key)
        return decision

    def resume(self) -> Decision:
        """After a restart: what nobody has released is still in quarantine, if it works or something of it was filled."""
        decision = NOTHING
        for state in list(self._blotter.states.values()):
            gone = state.status.is_final and not state.filled
            if state.adopted and not state.order.robot and not state.released and not gone:
                decision += self._quarantine(state)
        return decision

    def _begin(self, order: Order, reference: str, number: int, perm_id: int) -> Decision:
        if order.id in self._blotter.used_ids:
            text = f"{order.id} is told again after it was forgotten: its books are not touched; see its events"
            return Decision(self._blotter.anomaly(order.id, text))
        reason = f"not placed by this desk; its reference is {reference!r}"
        events = self._blotter.record(_K.ADOPTED, order.id, order=order, broker_order_id=number, perm_id=perm_id, reason=reason)
        return Decision(events) + self._quarantine(self._blotter.states[order.id])

    def _quarantine(self, state: OrderState) -> Decision:
        if self._policy.foreign is not ForeignOrders.QUARANTINE:
            return NOTHING
        order = state.order
        text = (
            f"order {order.id} ({order.side.value} {order.quantity:g} {order.instrument}) was not placed by this desk: nothing "
            f"is opened in {order.instrument} until it is gone or released"
        )
        return self._troubles.begin(f"quarantine:{order.id}", text, blocks=order.instrument, critical=True)


def external_id(execution: Execution) -> str:
    """The id of the order of an execution that is not ours."""
    return f"ext-{execution.perm_id or execution_base(execution.id)}"


def by_order(executions: Iterable[Execution]) -> list[list[Execution]]:
    """Executions of foreign orders, those of one order together; orders by their ids, so that they are always taken alike."""
    found: dict[str, list[Execution]] = {}
    for execution in executions:
        found.setdefault(external_id(execution), []).append(execution)
    return [found[order_id] for order_id in sorted(found)]
