"""What the gateway says about orders and executions."""

import msgspec

from ib_gateway.simulator.messages.contract import Contract
from ib_gateway.simulator.messages.replies.base import Moment, Reply
from ib_gateway.simulator.messages.ticket import Ticket


class OrderState(msgspec.Struct, frozen=True, gc=False):
    """Where an order is and what it costs; None is unknown yet."""

    status: str
    initial_before: float | None = None
    maintenance_before: float | None = None
    equity_before: float | None = None
    initial_change: float | None = None
    maintenance_change: float | None = None
    equity_change: float | None = None
    initial_after: float | None = None
    maintenance_after: float | None = None
    equity_after: float | None = None
    commission: float | None = None
    min_commission: float | None = None
    max_commission: float | None = None
    commission_currency: str = ""
    warning: str = ""


class OpenOrder(Reply, frozen=True):
    """An order that stands, or just came to its end."""

    order_id: int
    client_id: int
    perm_id: int
    contract: Contract
    ticket: Ticket
    state: OrderState
    basis_points: float | None = None
    basis_points_type: int | None = None
    soft_dollar_tier_display: str = ""
    shares_allocation: str = ""


class OpenOrderEnd(Reply, frozen=True):
    """No more open orders."""


class OrderStatus(Reply, frozen=True):
    """Where an order is."""

    order_id: int
    status: str
    filled: float
    remaining: float
    average_price: float
    perm_id: int
    parent_id: int
    last_price: float
    client_id: int
    why_held: str = ""
    market_cap_price: float = 0.0


class CompletedOrder(Reply, frozen=True):
    """An order that is done."""

    perm_id: int
    contract: Contract
    ticket: Ticket
    status: str
    filled: float
    completed_time: Moment
    completed_status: str
    auto_cancel_date: str = ""
    ref_futures_con_id: int = 0
    shareholder: str = ""
    imbalance_only: bool = False
    route_marketable_to_bbo: bool = False
    parent_perm_id: int = 0


class CompletedOrdersEnd(Reply, frozen=True):
    """No more completed orders."""


class Execution(Reply, frozen=True):
    """A fill. Request id -1 is one that just happened."""

    req_id: int
    order_id: int
    contract: Contract
    execution_id: str
    time: Moment
    account: str
    exchange: str
    side: str
    shares: float
    price: float
    perm_id: int
    client_id: int
    cumulative: float
    average_price: float
    order_ref: str
    last_liquidity: int = 2
    liquidation: int = 0
    ev_rule: str = ""
    ev_multiplier: float | None = None
    model_code: str = ""
    pending_price_revision: bool = False


class ExecutionsEnd(Reply, frozen=True):
    """No more executions."""

    req_id: int


class CommissionReport(Reply, frozen=True):
    """What a fill cost; `realized` is None unless it closed something."""

    execution_id: str
    commission: float
    currency: str
    realized: float | None
    yield_: float | None = None
    yield_redemption_date: int | None = None


class OrderBound(Reply, frozen=True):
    """An order that was entered elsewhere now belongs to a client, under an order id."""

    perm_id: int
    client_id: int
    order_id: int
