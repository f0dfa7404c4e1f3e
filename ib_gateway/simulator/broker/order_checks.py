"""What the broker looks at before an order reaches the exchange, and the codes and words in which IB turns orders down.

Codes are IB's (message codes of the TWS API); what the simulator cannot do yet is turned down with 321 and says so.
"""

from collections.abc import Callable, Sequence

from msgspec.structs import replace

from atlas.domain import OrderKind, Side, TimeInForce
from atlas.exchange import Reason, Refused, Rejected
from ib_gateway.simulator.instruments import Listing
from ib_gateway.simulator.messages import Ticket

Objection = tuple[int, str]

SIDES = {"BUY": Side.BUY, "SELL": Side.SELL, "SSHORT": Side.SELL}
KINDS = {"MKT": OrderKind.MARKET, "LMT": OrderKind.LIMIT}
TIMES_IN_FORCE = {"DAY": TimeInForce.DAY, "GTC": TimeInForce.GTC, "IOC": TimeInForce.IOC}

_REJECTIONS: dict[Reason, Callable[[str], Objection]] = {
    Reason.OFF_TICK: lambda _: (110, "The price does not conform to the minimum price variation for this contract."),
    Reason.NO_LIMIT_PRICE: lambda _: (463, "You must enter a valid price."),
}

BEFORE_THE_BOOK = frozenset(_REJECTIONS)
"""Reasons for which an order never comes to exist: its number stays free."""

_MOST_SHARES = 1e10

_NOT_SIMULATED: tuple[tuple[str, Callable[[Ticket], object]], ...] = (
    ("an order with transmit=False", lambda t: not t.transmit),
    ("an attached order (parentId)", lambda t: t.parent_id),
    ("an OCA group", lambda t: t.oca_group),
    ("a condition", lambda t: t.conditions),
    ("good after time", lambda t: t.good_after_time),
    ("all or none", lambda t: t.all_or_none),
    ("a minimum quantity", lambda t: t.min_quantity),
    ("an algorithm", lambda t: t.algo_strategy),
    ("a hedge", lambda t: t.hedge_type),
    ("a scale order", lambda t: t.scale_price_increment),
    ("a financial advisor's group", lambda t: t.fa_group or t.fa_profile),
    ("a cash quantity", lambda t: t.cash_quantity),
)


def completed(ticket: Ticket, accounts: Sequence[str]) -> Ticket:
    """The ticket with what the gateway fills in: the only account, and its names for nothing."""
    return replace(
        ticket,
        account=ticket.account or (accounts[0] if len(accounts) == 1 else ""),
        action=ticket.action.upper(),
        order_type=ticket.order_type.upper(),
        time_in_force=ticket.time_in_force.upper() or "DAY",
        delta_neutral_order_type=ticket.delta_neutral_order_type or "None",
        adjusted_order_type=ticket.adjusted_order_type or "None",
        clearing_intent=ticket.clearing_intent or "IB",
    )


def objection(ticket: Ticket, listing: Listing, accounts: Sequence[str]) -> Objection | None:
    """Why the broker will not pass a completed ticket on, None if it will."""
    if not ticket.account:
        return 435, "You must specify an account."
    if ticket.account not in accounts:
        return 321, f"Error validating request.-'xx' : cause - Invalid account code '{ticket.account}'."
    if ticket.action not in SIDES:
        return 321, f"Error validating request.-'xx' : cause - Invalid action '{ticket.action}'."
    if ticket.order_type not in KINDS:
        return 387, f"Unsupported order type for this exchange and security type: '{ticket.order_type}' is not simulated."
    if ticket.time_in_force not in TIMES_IN_FORCE:
        return 10052, f"Invalid time in force: {ticket.time_in_force} is not simulated."
    if ticket.quantity <= 0:
        return 434, "The order size cannot be zero."
    step, steps = listing.instrument.size_step, ticket.quantity / listing.instrument.size_step
    if not listing.instrument.min_size <= ticket.quantity <= _MOST_SHARES or round(steps, 6) != round(steps):
        return 461, f"The size value must be at least {listing.instrument.min_size:g} in steps of {step:g}."
    for what, is_wanted in _NOT_SIMULATED:
        if is_wanted(ticket):
            return 321, f"Error validating request.-'xx' : cause - {what} is not simulated."
    return None


def change_objection(old: Ticket, new: Ticket) -> Objection | None:
    """Why a standing order cannot get the terms of `new`: only size and limit price can change."""
    fixed = ("action", "order_type", "time_in_force", "account", "oca_group", "parent_id")
    for name in fixed:
        if getattr(old, name) != getattr(new, name):
            return 105, f"Order being modified does not match original order: {name.replace('_', ' ')}."
    return None


def rejection(event: Rejected | Refused) -> Objection:
    """Code and words for an order, or a change of one, that the exchange turned down."""
    words = _REJECTIONS.get(event.reason)
    return words(event.text) if words else (201, f"Order rejected - reason:{event.text}")
