"""The trader's core: every order it knows, and what each command and each report makes of it. Pure.

Whatever comes in goes out as a `Decision`: numbered `OrderEvent`s to write, and effects to carry out once they are written. The
shell makes events durable, carries effects out and publishes; it decides nothing. The work is divided by subject: the blotter
(which orders there are), commands, groups, reports, forks, adoption, reconciliation, positions, troubles.
"""

from collections.abc import Container, Iterable, Mapping, Sequence

from atlas.domain import (
    Books,
    Cancel,
    Clock,
    Commission,
    Denial,
    Execution,
    Instrument,
    Modify,
    Order,
    OrderEvent,
    OrderState,
    Position,
)
from atlas.trading.adoption import Adoption, Policy
from atlas.trading.blotter import Blotter
from atlas.trading.broker import BrokerReport, BrokerSnapshot, Known, Unknown
from atlas.trading.commands import Commands
from atlas.trading.effects import Decision, Sending
from atlas.trading.forks import Forks
from atlas.trading.groups import Groups
from atlas.trading.inheritance import Inheritance
from atlas.trading.reconcile import HORIZON_NS, UNANSWERED, Reconciliation
from atlas.trading.reports import Reports
from atlas.trading.risk import Gate
from atlas.trading.surplus import Surplus
from atlas.trading.troubles import EVERYTHING, Trouble, Troubles

_NO_POLICY = Policy()


class Desk:
    """Orders of one account. Nothing is opened before the first reconciliation.

    Args:
        account: the account that every order is booked to.
        instruments: what may be traded, by id; may grow while the desk runs.
        gate: judges orders; the desk keeps its `blocked` up to date.
        last_sequence: number of the last event that was ever written.
        used_ids: ids of all orders that were ever written, so that none is used twice.
        policy: what is done with orders that are not ours.
        horizon_ns: so long an order that was sent and never confirmed stays unknown, though the broker does not list it.
    """

    def __init__(
        self,
        account: str,
        instruments: dict[str, Instrument],
        gate: Gate,
        clock: Clock,
        *,
        last_sequence: int = 0,
        used_ids: Iterable[str] = (),
        policy: Policy = _NO_POLICY,
        horizon_ns: int = HORIZON_NS,
    ) -> None:
        self.account = account
        self.instruments = instruments
        self.gate = gate
        self._blotter = Blotter(account, instruments, clock, last_sequence=last_sequence, used_ids=used_ids)
        self._troubles = Troubles(gate.blocked)
        self._groups = Groups(self._blotter, self._troubles)
        self._forks = Forks(self._blotter, self._troubles)
        self._commands = Commands(self._blotter, gate, self._groups, self._forks)
        self._surplus = Surplus(self._blotter, self._commands)
        self._recognised = False
        self._inheritance = Inheritance(self._blotter)
        self._reports = Reports(self._blotter, self._troubles, self._groups, self._forks)
        self._adoption = Adoption(self._blotter, self._troubles, policy)
        self._reconciliation = Reconciliation(
            self._blotter, self._troubles, self._reports, self._forks, self._groups, self._adoption, horizon_ns
        )
        self.doubt("orders are not reconciled with the broker yet")

    # What was before the start

    def restore(self, states: Iterable[OrderState], executions: Iterable[Execution], commissions: Iterable[Commission]) -> None:
        """Take over what the database knows: orders, and every execution and commission from which the books are made."""
        self._blotter.restore(states, executions, commissions)

    def replay(self, event: OrderEvent) -> None:
        """Apply an event that was written down before the start, in its turn."""
        self._blotter.replay(event)

    # Commands

    def known(self, order: Order) -> OrderState | None:
        """The state of the very same order, if it was submitted before."""
        return self._commands.known(order)

    def submit(self, orders: Sequence[Order], first_broker_order_id: int) -> Decision:
        """A new order, or several that stand or fall together, parents before children.

        All are `pending` and to be placed, or all `denied` with the rule that denied one of them. They take the broker order
        ids from the first one on, one after the other.
        """
        return self._commands.submit(orders, first_broker_order_id)

    def deny(self, orders: Sequence[Order], denial: Denial) -> Decision:
        """New orders that the shell cannot take now."""
        return self._commands.deny(orders, denial)

    def modify(self, wish: Modify) -> Decision:
        """A change that is to be sent; or nothing, with the denial that says why."""
        return self._commands.modify(wish)

    def cancel(self, wish: Cancel) -> Decision:
        """A cancellation that is to be sent; or nothing, with the denial that says why."""
        return self._commands.cancel(wish)

    def cancel_all(self, robot: str = "", instrument: str = "", spare: Container[str] = ()) -> Decision:
        """The cancellation of every order that works, but those of `spare`; of one robot or instrument if named."""
        return self._commands.cancel_all(robot, instrument, spare)

    def release(self, order_id: str, robot: str = "", who: str = "an operator") -> Decision:
        """End the quarantine of a foreign order, which is `robot`'s from now on; or nothing, with the denial that says why."""
        return self._adoption.release(order_id, robot, who)

    def adopt_positions(self, instrument: str = "", who: str = "an operator") -> Decision:
        """Book what the broker is known to hold and our books lack, in one instrument or all; or the denial."""
        names = [instrument] if instrument else self._blotter.adrift
        return self._inheritance.take_over(names, who, self.gate.mids(), self.gate.day_began_ns - 1)

    # What became of effects

    def may_send(self, effect: Sending) -> str:
        """Why `effect` must not leave any more, or ""; to be asked right before it does."""
        return self._commands.may_send(effect)

    def sent(self, effect: Sending) -> Decision:
        """`effect` has left for the broker."""
        return self._commands.sent(effect)

    def not_sent(self, effect: Sending, reason: str, *, code: int = 0) -> Decision:
        """`effect` has not left, and will not. The rest of its group is taken back."""
        return self._commands.not_sent(effect, reason, code=code)

    def unresolved(self, effect: Sending, reason: str) -> Decision:
        """Nobody can say whether `effect` has left. It is not sent again; the broker is to be asked."""
        return self._commands.unresolved(effect, reason)

    # The broker

    def on_report(self, report: BrokerReport) -> Decision:
        """What the broker's report makes happen; nothing, when it repeats what is known."""
        return self._surplus.after(self._reports.on_report(report))

    def reconcile(self, answer: Known[BrokerSnapshot] | Unknown, asked_ns: int) -> Decision:
        """Bring all orders in line with what the broker knew at `asked_ns` or later, and name the positions that differ.

        An order that an earlier run wrote down and of which the broker never heard is denied: it was not sent. An order that
        was sent and of which the broker knows nothing becomes unknown first, and ends when it is missing the next time.
        After `Unknown`, everything stays as it is, and nothing is opened until there is an answer.
        """
        decision = self._reconciliation.reconcile(answer, asked_ns)
        if not self._recognised and isinstance(answer, Known):
            self._surplus.recognise()
            self._recognised = True
        return self._surplus.after(decision)

    def doubt(self, reason: str) -> Decision:
        """What the broker told may no longer hold: nothing is opened until the next reconciliation."""
        self._reconciliation.sessions += 1
        return self._troubles.begin(UNANSWERED, reason, blocks=EVERYTHING, alarm=False)

    def overdue(self, before_ns: int) -> Decision:
        """Orders that were sent before `before_ns` and not heard of since are unknown now; the broker is to be asked."""
        return self._commands.overdue(before_ns)

    def to_resend(self) -> Decision:
        """Cancellations that were asked for, of orders that still work: they may never have reached the broker."""
        return self._commands.to_resend()

    # What one may look at

    @property
    def states(self) -> Mapping[str, OrderState]:
        """Every order that is remembered, by id."""
        return self._blotter.states

    @property
    def books(self) -> Books:
        """Positions and cash of the account."""
        return self._blotter.books

    @property
    def last_sequence(self) -> int:
        """Number of the newest event."""
        return self._blotter.last_sequence

    @property
    def breaks(self) -> dict[str, str]:
        """Where our position and the broker's differ, by instrument, in words."""
        return self._reconciliation.positions.breaks

    @property
    def troubles(self) -> dict[str, Trouble]:
        """What is wrong now, by the keys of the alarms."""
        return self._troubles.present

    @property
    def anomalies(self) -> int:
        """How many contradictions were recorded since the start."""
        return self._blotter.anomalies

    def position(self, instrument: str) -> float:
        """The signed quantity that the account holds by our books."""
        return self._blotter.position(instrument)

    def told(self, instrument: str) -> float | None:
        """The signed quantity that the broker is known to hold where that is another than by our books, else None."""
        return self._blotter.told(instrument)

    def at_broker(self) -> dict[str, Position]:
        """All that is held, by instrument: as much as the broker is known to hold where our books differ, else by our books."""
        held = dict(self.held())
        for name in self._blotter.adrift:
            if (told := self.told(name)) is not None:
                held[name] = Position(told, held[name].average_price if name in held else 0.0)
        return held

    def held(self) -> Mapping[str, Position]:
        """All that the account holds by our books, by instrument."""
        return self._blotter.held()

    def working(self) -> list[OrderState]:
        """Orders that are not final."""
        return self._blotter.working()

    @property
    def in_doubt(self) -> bool:
        """Whether the broker should be asked again soon: something differs, or is not explained yet."""
        return self._reconciliation.in_doubt

    def first_free_broker_id(self, offered: int) -> int:
        """The first broker order id that no order of ours ever had; `offered` is the broker's idea of it."""
        return max([offered, *(state.broker_order_id + 1 for state in self._blotter.states.values())])
