"""What a client asks about orders and executions."""

from ib_gateway.simulator.messages.contract import Contract
from ib_gateway.simulator.messages.requests.base import Numbered, Request
from ib_gateway.simulator.messages.ticket import Ticket


class PlaceOrder(Request, frozen=True):
    """A new order, or new terms for one that stands."""

    order_id: int
    contract: Contract
    ticket: Ticket
    sec_id_type: str = ""
    sec_id: str = ""


class CancelOrder(Request, frozen=True):
    """Cancel an order of this client."""

    order_id: int
    manual_time: str = ""


class OpenOrders(Request, frozen=True):
    """The standing orders of this client."""


class AllOpenOrders(Request, frozen=True):
    """The standing orders of all clients."""


class AutoOpenOrders(Request, frozen=True):
    """Bind orders entered by hand to client 0."""

    bind: bool


class GlobalCancel(Request, frozen=True):
    """Cancel every standing order."""


class CompletedOrders(Request, frozen=True):
    """The orders that were completed today."""

    api_only: bool


class Executions(Numbered, frozen=True):
    """The executions of today that pass a filter; empty texts and client 0 pass everything."""

    client_id: int = 0
    account: str = ""
    time: str = ""
    symbol: str = ""
    sec_type: str = ""
    exchange: str = ""
    side: str = ""


class Ids(Request, frozen=True):
    """The next valid order id."""

    count: int = 1


class ExerciseOptions(Numbered, frozen=True):
    """Exercise (action 1) or let lapse (2) options that an account holds; `override` does so against IB's own judgement."""

    contract: Contract
    action: int
    quantity: int
    account: str
    override: bool
