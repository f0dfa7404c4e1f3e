"""What clients may look up about orders: the open ones, the completed ones, the executions of the day."""

from collections.abc import Callable, Iterable

from atlas.domain import Side
from ib_gateway.simulator.broker.client import Client
from ib_gateway.simulator.broker.floor import LOGIN_ZONE, Floor, local_date
from ib_gateway.simulator.broker.held import Fill, HeldOrder
from ib_gateway.simulator.broker.orders.codes import Code
from ib_gateway.simulator.broker.orders.telling import Teller, commission
from ib_gateway.simulator.broker.times import client_time
from ib_gateway.simulator.messages import replies
from ib_gateway.simulator.messages import requests as r


class Lists:
    """Answers with lists, each with its end."""

    def __init__(self, floor: Floor, teller: Teller) -> None:
        self._floor = floor
        self._teller = teller

    def open_orders(self, client: Client, _request: r.OpenOrders) -> None:
        """A client's own orders; client 0 that binds them also gets those entered by hand."""
        self._open(client, lambda held: held.client_id == client.id and (not held.by_hand or client.binds_orders))

    def all_open_orders(self, client: Client, _request: r.AllOpenOrders) -> None:
        """Everybody's orders."""
        self._open(client, lambda _: True)

    def _open(self, client: Client, wanted: Callable[[HeldOrder], bool]) -> None:
        for held in self._floor.book.standing():
            if wanted(held):
                self._floor.send(client.id, self._teller.open_order(held))
                self._floor.send(client.id, self._teller.order_status(held))
        self._floor.send(client.id, replies.OpenOrderEnd())

    def completed_orders(self, client: Client, request: r.CompletedOrders) -> None:
        """The orders that were done today; on request without those entered by hand."""
        for held in self._floor.book.completed():
            never_sent = not held.perm_id and held.status == "Cancelled"
            if not never_sent and not (request.api_only and held.by_hand):
                self._floor.send(client.id, self._teller.completed_order(held))
        self._floor.send(client.id, replies.CompletedOrdersEnd())

    def executions(self, client: Client, request: r.Executions) -> None:
        """The executions of today that pass a filter, each as it stands after corrections."""
        try:
            since = client_time(request.time, LOGIN_ZONE) if request.time.strip() else 0
        except ValueError as error:
            self._floor.error(client, request.req_id, *Code.INVALID.say(cause=f"{error}."))
            return
        for fill in [fill for fill in self._floor.book.fills if self._passes(fill, request, since)]:
            self._floor.send(client.id, self._teller.execution(request.req_id, fill))
            self._floor.send(client.id, commission(fill))
        self._floor.send(client.id, replies.ExecutionsEnd(request.req_id))

    def _passes(self, fill: Fill, request: r.Executions, since: int) -> bool:
        execution = fill.executed.execution
        listing = self._floor.listing(execution.instrument)
        if local_date(execution.at_ns) != self._floor.today():
            return False
        pairs: Iterable[tuple[object, object]] = (
            (request.client_id or None, fill.client_id),
            (request.account or None, execution.account),
            (request.symbol or None, listing.instrument.symbol),
            (request.sec_type or None, listing.sec_type),
            (request.side[:1].upper() or None, "B" if execution.side is Side.BUY else "S"),
        )
        exchanges = ("", listing.venue, listing.instrument.exchange)
        return all(asked in (None, is_) for asked, is_ in pairs) and request.exchange in exchanges and execution.at_ns >= since
