"""How the broker tells of orders and fills, and whom.

An order is its client's; the master client hears of all of them, and client 0, once it binds them, of those entered by hand.
"""

from msgspec.structs import replace

from atlas.domain import Side
from atlas.exchange import Stage
from ib_gateway.simulator.broker.floor import Floor
from ib_gateway.simulator.broker.held import LOCATING, Fill, HeldOrder
from ib_gateway.simulator.broker.orders.codes import Objection
from ib_gateway.simulator.broker.orders.rules import OrderRules
from ib_gateway.simulator.broker.orders.terms import SHAPES
from ib_gateway.simulator.messages import Ticket, replies

_TRAILING = frozenset({"TRAIL", "TRAIL LIMIT"})


class Teller:
    """Puts orders into words, and sends them to who may hear of them."""

    def __init__(self, floor: Floor, rules: OrderRules) -> None:
        self._floor = floor
        self._rules = rules
        self._told_stops: dict[str, float | None] = {}

    # Whom.

    def audience(self, client_id: int, *, by_hand: bool) -> list[int]:
        """The connected clients that hear of an order."""
        clients = self._floor.clients
        wanted = [self._rules.master_client_id]
        if not by_hand or (0 in clients and clients[0].binds_orders):
            wanted.insert(0, client_id)
        return [one for one in dict.fromkeys(wanted) if one is not None and one in clients]

    def tell(self, held: HeldOrder) -> None:
        """Say how an order stands: the order, then its status."""
        self._send(held, self.open_order(held))
        self.tell_status(held)

    def tell_status(self, held: HeldOrder) -> None:
        """Say an order's status alone."""
        self._send(held, self.order_status(held))

    def tell_fill(self, held: HeldOrder, fill: Fill) -> None:
        """A fill just happened: what, how the order stands now, and what it cost."""
        self._send(held, self.execution(-1, fill))
        self.tell(held)
        self._send(held, commission(fill))

    def tell_execution(self, fill: Fill, *, by_hand: bool = False) -> None:
        """An execution that changes no order: a correction of an earlier one, or of no order at all."""
        for client_id in self.audience(fill.client_id, by_hand=by_hand):
            self._floor.send(client_id, self.execution(-1, fill))
            self._floor.send(client_id, commission(fill))

    def tell_commission(self, fill: Fill, *, by_hand: bool = False) -> None:
        """What a fill cost or gained is another amount than was told."""
        for client_id in self.audience(fill.client_id, by_hand=by_hand):
            self._floor.send(client_id, commission(fill))

    def warn(self, held: HeldOrder, objection: Objection) -> None:
        """Say something about an order to its client."""
        if held.client_id in self._floor.clients and (not held.by_hand or held.order_id < 0):
            self._floor.send(held.client_id, replies.Error(held.order_id, *objection))

    def _send(self, held: HeldOrder, reply: replies.Reply) -> None:
        for client_id in self.audience(held.client_id, by_hand=held.by_hand):
            self._floor.send(client_id, reply)

    # In which words.

    def open_order(self, held: HeldOrder) -> replies.OpenOrder:
        """The order as openOrder says it."""
        state = replies.OrderState(held.status, commission=held.commission, commission_currency=held.commission_currency)
        ticket = self._ticket_now(held)
        if ticket.order_type in _TRAILING:
            self._told_stops[held.exchange_id] = ticket.trail_stop_price
        return replies.OpenOrder(held.order_id, held.client_id, held.perm_id, held.contract, ticket, state)

    def has_told_stop(self, held: HeldOrder, stop_price: float | None) -> bool:
        """Whether a client that writes this stop price on a trailing order only says what it knows, and moves nothing.

        That is what it wrote before, what openOrder told last, or nothing.
        """
        told = self._told_stops.get(held.exchange_id, held.stop_price)
        return stop_price in (None, held.ticket.trail_stop_price, told)

    def order_status(self, held: HeldOrder) -> replies.OrderStatus:
        """The order as orderStatus says it."""
        rejected = held.status == "Inactive" and held.done
        return replies.OrderStatus(
            held.order_id, held.status, held.filled, 0.0 if rejected else held.remaining, held.average_price, held.perm_id,
            held.ticket.parent_id, held.last_price, held.client_id, self.why_held(held),
        )  # fmt: skip

    def why_held(self, held: HeldOrder) -> str:
        """What an order waits for: its parent, its trigger or conditions, or shares to borrow."""
        if held.kept == LOCATING:
            return "locate"
        if held.done or held.stage in (None, Stage.WORKING):
            return ""
        parent = self._floor.book.parent(held)
        waits_for_parent = held.stage is Stage.HELD and parent is not None and not parent.done
        shape = SHAPES.get(held.ticket.order_type)
        waits_for_trigger = bool(shape and shape.waits_for_trigger) or bool(held.ticket.conditions)
        reasons = (("child", waits_for_parent), ("trigger", waits_for_trigger))
        return ",".join(reason for reason, holds in reasons if holds)

    def completed_order(self, held: HeldOrder) -> replies.CompletedOrder:
        """An order that is done, as the list of them says it."""
        zone = self._floor.listing(held.instrument).instrument.time_zone
        text = f"Filled Size: {held.filled:g}" if held.status == "Filled" else held.done_text or "Cancelled by Trader"
        return replies.CompletedOrder(
            held.perm_id,
            held.contract,
            self._ticket_now(held),
            held.status,
            held.filled,
            replies.Moment(held.done_ns, zone),
            text,
        )

    def _ticket_now(self, held: HeldOrder) -> Ticket:
        """The ticket with the prices that have moved with the market: where they are now, not where they were last told."""
        ticket = held.ticket
        if ticket.order_type not in _TRAILING:
            return ticket
        now = self._floor.exchange.standing(held.exchange_id) or held
        if now.stop_price is not None:
            ticket = replace(ticket, trail_stop_price=now.stop_price)
        if now.limit_price is not None and ticket.order_type == "TRAIL LIMIT":
            ticket = replace(ticket, limit_price=now.limit_price)
        return ticket

    def execution(self, req_id: int, fill: Fill) -> replies.Execution:
        """A fill as execDetails says it."""
        execution = fill.executed.execution
        listing = self._floor.listing(execution.instrument)
        held = self._floor.book.find(fill.exchange_id)
        return replies.Execution(
            req_id=req_id,
            order_id=held.order_id if held else fill.order_id,
            contract=listing.contract(listing.venue),
            execution_id=execution.id,
            time=replies.Moment(execution.at_ns, listing.instrument.time_zone),
            account=execution.account,
            exchange=listing.venue,
            side="BOT" if execution.side is Side.BUY else "SLD",
            shares=execution.quantity,
            price=execution.price,
            perm_id=execution.perm_id,
            client_id=fill.client_id,
            cumulative=fill.cumulative,
            average_price=fill.average_price,
            order_ref=fill.order_ref,
        )


def commission(fill: Fill) -> replies.CommissionReport:
    """What a fill cost."""
    paid = fill.executed.commission
    return replies.CommissionReport(paid.execution_id, paid.amount, paid.currency, paid.realized_pnl)
