"""What the broker looks at before an order reaches the exchange, or a change of it.

The exchange has its own rules (tick sizes of moving prices, margin, queues); these are the ones for which an order never comes
to exist, so that its number stays free. They raise `Turned` with IB's code.
"""

from collections.abc import Callable, Sequence

from msgspec.structs import replace

from atlas.domain import InstrumentKind, Order, OrderKind, Quote, Side, TimeInForce
from ib_gateway.simulator.broker.orders.codes import Code, Objection
from ib_gateway.simulator.broker.orders.rules import OrderRules
from ib_gateway.simulator.broker.orders.terms import SIDES, Turned, order_type
from ib_gateway.simulator.instruments import Listing, order_types
from ib_gateway.simulator.messages import Ticket

_MOST = 1e10

_NOT_SIMULATED: tuple[tuple[str, Callable[[Ticket], object]], ...] = (
    ("an algorithm", lambda t: t.algo_strategy),
    ("a hedge", lambda t: t.hedge_type),
    ("a scale order", lambda t: t.scale_price_increment),
    ("a cash quantity", lambda t: t.cash_quantity),
    ("a volatility order", lambda t: t.volatility),
    ("a discretionary amount", lambda t: t.discretionary_amount),
    ("an adjustable stop", lambda t: t.trigger_price or t.adjusted_stop_price or t.adjusted_trailing_amount),
)

_FIXED: tuple[tuple[str, Code], ...] = (
    ("action", Code.MISMATCH),
    ("order_type", Code.KIND_CHANGE),
    ("account", Code.MISMATCH),
    ("fa_group", Code.MISMATCH),
    ("fa_profile", Code.MISMATCH),
    ("oca_group", Code.OCA_REVISION),
    ("oca_type", Code.OCA_REVISION),
)
"""What a client cannot change by sending an order again; everything else it can."""


def completed(ticket: Ticket, accounts: Sequence[str]) -> Ticket:
    """The ticket with what the gateway fills in: the only account, the usual OCA type, and its names for nothing."""
    grouped = bool(ticket.fa_group or ticket.fa_profile)
    return replace(
        ticket,
        account=ticket.account or (accounts[0] if len(accounts) == 1 and not grouped else ""),
        action=ticket.action.upper(),
        order_type=order_type(ticket.order_type),
        time_in_force=ticket.time_in_force.upper() or "DAY",
        oca_type=ticket.oca_type or 3,
        delta_neutral_order_type=ticket.delta_neutral_order_type or "None",
        adjusted_order_type=ticket.adjusted_order_type or "None",
        clearing_intent=ticket.clearing_intent or "IB",
    )


def check_ticket(ticket: Ticket, listing: Listing, accounts: Sequence[str], rules: OrderRules) -> None:
    """Hold a completed ticket to what every order must have.

    Raises:
        Turned: it has not.
    """
    if ticket.account and ticket.account not in accounts:
        raise Turned(Code.INVALID.say(cause=f"Invalid account code '{ticket.account}'."))
    if ticket.action not in SIDES:
        raise Turned(Code.INVALID.say(cause=f"Invalid action '{ticket.action}'."))
    _check_kind(ticket, listing)
    if rules.refuse_e_trade_only and ticket.e_trade_only:
        raise Turned(Code.E_TRADE_ONLY.say())
    if rules.refuse_e_trade_only and ticket.firm_quote_only:
        raise Turned(Code.FIRM_QUOTE_ONLY.say())
    if ticket.oca_type not in (1, 2, 3):
        raise Turned(Code.INVALID.say(cause=f"Invalid OCA type {ticket.oca_type}."))
    _check_size(ticket, listing)
    _check_short_sale(ticket)
    for what, is_wanted in _NOT_SIMULATED:
        if is_wanted(ticket):
            raise Turned(Code.INVALID.say(cause=f"{what} is not simulated."))


def _check_kind(ticket: Ticket, listing: Listing) -> None:
    """Refuse what contract details do not list for the product."""
    wanted: tuple[tuple[str, str, object], ...] = (
        (ticket.order_type, order_types.NAMES.get(ticket.order_type, ""), True),
        ("OPG", "OPG", ticket.time_in_force == "OPG"),
        ("All Or None", order_types.ALL_OR_NONE, ticket.all_or_none),
        ("percent offset", order_types.PERCENT_OFFSET, ticket.order_type == "REL" and ticket.percent_offset),
    )
    for what, name, is_wanted in wanted:
        if is_wanted and not listing.takes(name):
            raise Turned(Code.UNSUPPORTED_KIND.say(kind=f"'{what}'"))


def _check_size(ticket: Ticket, listing: Listing) -> None:
    instrument = listing.instrument
    if ticket.fa_method == "PctChange" and not ticket.quantity:
        return  # computed from positions
    if ticket.quantity <= 0:
        raise Turned(Code.NO_SIZE.say())
    steps = ticket.quantity / instrument.size_step
    if not instrument.min_size <= ticket.quantity <= _MOST or round(steps, 6) != round(steps):
        raise Turned(Code.BAD_SIZE.say(least=instrument.min_size, step=instrument.size_step))
    if ticket.min_quantity and not 0 < ticket.min_quantity <= ticket.quantity:
        raise Turned(Code.INVALID.say(cause="The minimum quantity cannot be more than the order's."))


def _check_short_sale(ticket: Ticket) -> None:
    if ticket.action == "SSHORT":
        if ticket.short_sale_slot not in (1, 2):
            raise Turned(Code.SLOT.say())
        if ticket.short_sale_slot == 2 and not ticket.designated_location:
            raise Turned(Code.SLOT_NEEDS_LOCATION.say())
    elif ticket.short_sale_slot:
        raise Turned(Code.NOT_A_SHORT_SALE.say())


def check_order(order: Order, ticket: Ticket, listing: Listing, quote: Quote | None, rules: OrderRules, now_ns: int) -> None:
    """Hold an order's end to the future, its fixed prices to the instrument's grid, and its limit to the broker's precaution.

    Raises:
        Turned: they are off.
    """
    if order.time_in_force is TimeInForce.GTD and order.good_till_ns <= max(now_ns, order.good_after_ns):
        raise Turned(Code.BAD_GTD.say())
    for price in (order.limit_price, order.stop_price):
        if price is not None and not 0 < price <= _MOST:
            raise Turned(Code.NO_PRICE.say())
        if price is not None and not listing.on_grid(price):
            raise Turned(Code.OFF_TICK.say())
    if rules.percentage_constraint and quote is not None and not ticket.override_percentage_constraints:
        touch = quote.ask if order.side is Side.BUY else quote.bid
        worse = ((order.limit_price or touch) - touch) * order.side.sign
        if touch > 0 and worse > touch * rules.percentage_constraint / 100:
            raise Turned(Code.OUT_OF_RANGE.say())


def check_change(old: Ticket, new: Ticket, *, parent_stands: bool) -> None:
    """Hold new terms of a standing order to what may change.

    Once its parent is filled an order hangs on nothing: a change leaves the parent out, as IB no longer finds it.

    Raises:
        Turned: something else would.
    """
    if new.parent_id and new.parent_id == old.parent_id and not parent_stands:
        raise Turned(Code.NO_SUCH_ORDER.say(order_id=new.parent_id))
    if new.parent_id != old.parent_id and (new.parent_id or parent_stands):
        raise Turned(Code.MISMATCH.say(what="parent id"))
    for name, code in _FIXED:
        if getattr(old, name) != getattr(new, name):
            raise Turned(code.say(what=name.replace("_", " ")))


def outside_rth_is_ignored(order: Order, listing: Listing) -> bool:
    """Whether "outside RTH" means nothing on an order: in auctions, for stocks at the market, in currencies."""
    in_auction = order.kind in (OrderKind.MARKET_ON_CLOSE, OrderKind.LIMIT_ON_CLOSE) or order.time_in_force is TimeInForce.OPG
    at_market = order.kind is OrderKind.MARKET and listing.instrument.kind is InstrumentKind.STOCK
    return order.outside_rth and (in_auction or at_market or listing.instrument.kind is InstrumentKind.CASH)


def ib_side(order: Order) -> str:
    """The side in IB's words."""
    return "BUY" if order.side is Side.BUY else "SELL"


def order_message(order: Order, listing: Listing, warning: str) -> Objection:
    """A warning about an order (399), in the way that IB heads it."""
    instrument = listing.instrument
    market = ".".join(part for part in (listing.venue, instrument.trading_class) if part)
    what = f"{ib_side(order)} {order.quantity:g} {instrument.symbol} {market}"
    return Code.ORDER_MESSAGE.say(what=what, warning=warning)
