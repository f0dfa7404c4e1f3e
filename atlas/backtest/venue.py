"""The simulated exchange as a robot's orders meet it: actions go in, numbered order events come out. Pure.

The events are those that a trader would tell: pending, sent, working, executed, commissioned and so on, in that order, so that
a robot cannot tell the one from the other. Nothing is written down, and there are no risk rules: what is tested is the robot.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from msgspec.structs import replace

from atlas.domain import (
    Action,
    Cancel,
    MarketEvent,
    Modify,
    Order,
    OrderEvent,
    OrderEventKind,
    Quote,
    Submit,
    SubmitGroup,
    Trade,
)
from atlas.exchange import (
    Accepted,
    Cancelled,
    Exchange,
    ExchangeEvent,
    Executed,
    Expired,
    Modified,
    Refused,
    Rejected,
    Settled,
    Wire,
    attached,
)

_K = OrderEventKind
_NO_SUCH_ORDER = "there is no such order, or it is over"
_GROUP_BROKEN = "another order of its group was turned down"


class Venue:
    """One account at one exchange.

    Args:
        exchange: its only user is this venue.
        account: under which orders are booked that name none.
        latency_ns: from an action to its arrival at the exchange, in the market's time.
    """

    def __init__(self, exchange: Exchange, account: str, latency_ns: int = 0) -> None:
        self.exchange = exchange
        self.account = account
        self.last_sequence = 0
        self.settled: list[Settled] = []
        self._wire: Wire[Action] = Wire(latency_ns)
        self._orders: dict[str, Order] = {}  # every order as its sender has it now
        self._numbers: dict[str, int] = {}
        self._told: list[OrderEvent] = []

    def take(self) -> list[OrderEvent]:
        """What has happened since the last call."""
        told, self._told = self._told, []
        return told

    # What happens to it.

    def act(self, action: Action, at_ns: int) -> None:
        """A robot wants `action`, at `at_ns`."""
        match action:
            case Submit(order):
                self._send([order], at_ns)
            case SubmitGroup(orders):
                self._send(orders, at_ns)
            case Modify(_, order_id) if order_id in self._orders:
                self._tell(_K.MODIFY_REQUESTED, order_id, at_ns, order=action.changed(self._orders[order_id]))
            case Cancel(_, order_id) if order_id in self._orders:
                self._tell(_K.CANCEL_REQUESTED, order_id, at_ns)
            case _:
                return  # of an order that never was: the trader answers it, and no event comes of it
        if not self._wire.latency_ns and self._wire.due_ns is None:
            self._arrive(action, at_ns)
        else:
            self._wire.carry(self._wire.arrival(at_ns), action)

    def on_market(self, event: MarketEvent) -> None:
        """What the market says, when it was received; what has arrived by then meets the market before it. No bars."""
        if not isinstance(event, (Quote, Trade)):
            return
        at_ns = max(event.receive_ns, self.exchange.now_ns)
        self._let_arrive(at_ns)
        if event.exchange_ns != at_ns:
            event = replace(event, exchange_ns=at_ns)
        self._happened(self.exchange.on_quote(event) if isinstance(event, Quote) else self.exchange.on_trade(event))

    def on_time(self, at_ns: int) -> None:
        """It is `at_ns`."""
        self._let_arrive(at_ns)
        self._happened(self.exchange.on_time(at_ns))

    # The way to the exchange.

    def _send(self, orders: Sequence[Order], at_ns: int) -> None:
        for order in orders:
            booked = replace(order, account=order.account or self.account)
            self._orders[booked.id] = booked
            self._numbers[booked.id] = len(self._numbers) + 1
            self._tell(_K.PENDING, booked.id, at_ns, order=booked)
        for order in orders:
            self._tell(_K.SENT, order.id, at_ns)

    def _let_arrive(self, until_ns: int) -> None:
        while (due_ns := self._wire.due_ns) is not None and due_ns <= until_ns:
            self._arrive(self._wire.take()[1], due_ns)

    def _arrive(self, action: Action, at_ns: int) -> None:
        match action:
            case Submit(order):
                self._submit(order.id, at_ns)
            case SubmitGroup(orders):
                taken = [self._submit(order.id, at_ns) for order in orders]
                if not all(taken):
                    for order in orders:
                        if self.exchange.standing(order.id) is not None:
                            self._happened(self.exchange.cancel(order.id, at_ns, _GROUP_BROKEN))
            case Modify(_, order_id):
                self._modify(action, order_id, at_ns)
            case Cancel(_, order_id):
                self._happened(self.exchange.cancel(order_id, at_ns))

    def _submit(self, order_id: str, at_ns: int) -> bool:
        """Whether the order was taken."""
        order = self._orders[order_id]
        parent = self._orders.get(order.parent_id)
        if parent is not None:
            order = attached(order, parent.id, parent.side)
        happened = self.exchange.submit(order, at_ns)
        self._happened(happened)
        return not any(isinstance(event, Rejected) and event.order.id == order_id for event in happened)

    def _modify(self, wish: Modify, order_id: str, at_ns: int) -> None:
        standing = self.exchange.standing(order_id)
        if standing is None:
            self._tell(_K.REFUSED, order_id, at_ns, reason=_NO_SUCH_ORDER)
            return
        before, changed = self._orders[order_id], wish.changed(self._orders[order_id])
        self._orders[order_id] = changed
        there = standing.order
        asked = replace(changed, oca_group=there.oca_group, oca_type=there.oca_type)
        happened = self.exchange.modify(asked, at_ns)
        if any(isinstance(event, Refused) and event.order_id == order_id for event in happened):
            self._orders[order_id] = before
        self._happened(happened)

    # What the exchange says.

    def _happened(self, events: Iterable[ExchangeEvent]) -> None:
        for event in events:
            self._translate(event)

    def _translate(self, event: ExchangeEvent) -> None:
        match event:
            case Accepted(order, perm_id, _, at_ns):
                self._tell(_K.WORKING, order.id, at_ns, perm_id=perm_id)
            case Rejected(order, _, text, at_ns):
                self._tell(_K.REJECTED, order.id, at_ns, reason=text)
            case Executed(execution, commission):
                self._tell(_K.EXECUTED, execution.order_id, execution.at_ns, execution=execution, perm_id=execution.perm_id)
                self._tell(_K.COMMISSIONED, execution.order_id, execution.at_ns, commission=commission)
            case Modified(order, _, at_ns):
                changed = replace(self._orders[order.id], quantity=order.quantity)
                self._orders[order.id] = changed
                self._tell(_K.MODIFIED, order.id, at_ns, order=changed)
            case Refused(order_id, _, text, at_ns):
                self._tell(_K.REFUSED, order_id, at_ns, reason=text)
            case Cancelled(order_id, text, at_ns):
                self._tell(_K.CANCELLED, order_id, at_ns, reason=text)
            case Expired(order_id, at_ns):
                self._tell(_K.EXPIRED, order_id, at_ns)
            case Settled():
                self.settled.append(event)
            case _:
                pass  # how near to the market an order is, is no news to its robot

    def _tell(self, kind: OrderEventKind, order_id: str, at_ns: int, **facts: Any) -> None:
        self.last_sequence += 1
        robot, number = self._orders[order_id].robot, self._numbers[order_id]
        self._told.append(OrderEvent(self.last_sequence, order_id, robot, kind, at_ns, broker_order_id=number, **facts))
