"""What a fill of one order of an OCA group does to the others. Pure.

CANCEL_WITH_BLOCK cancels them, at the first fill, whole or in part. The two others reduce them by the part that was filled of
what the first had left, down to whole steps; what is reduced to nothing is cancelled, so a complete fill cancels them all.
Blocking: of one quote, trade or auction only one order of the group is filled, and the others are reduced before they can be.
Without block, all that the market reaches are filled, and reduced afterwards: together they can be filled beyond one of them.

Sources: TWS API, "One Cancels All" and the order field ocaType; TWS Users' Guide, "One Cancels Other": what is done when an
order of the group is filled in part; an older guide says that the reduction is in proportion, and that an order of the group
that its user cancels takes the others with it.
"""

from decimal import Decimal

import msgspec

from atlas.domain import OcaType, Order, Side
from atlas.exchange.allocation import scaled
from atlas.exchange.events import Cancelled, Modified
from atlas.exchange.standing import Standing

SIBLING_FILLED = "OCA group: another order of the group was filled"
SIBLING_CANCELLED = "OCA group: another order of the group was cancelled"
PARENT_ENDED = "Parent order cancelled"
BOTH_SIDES = "Cannot have open orders on both sides of the same US Option contract in the same account."


def attached(order: Order, parent_id: str, parent_side: Side) -> Order:
    """`order` as a child of that parent: one on its other side reduces the others like it, for TWS makes them one group.

    The group is of the type that TWS takes where none is named. In an OCA group of its own an order stays as it is.
    """
    if order.oca_group or parent_side is order.side:
        return order
    return msgspec.structs.replace(order, oca_group=f"attached to {parent_id}", oca_type=OcaType.REDUCE)


def is_blocking(order: Order) -> bool:
    """Whether only one order of its group may be filled at a time."""
    return order.oca_type is not OcaType.REDUCE


def aftermath(
    order: Order, quantity: Decimal, before: Decimal, sibling: Standing, step: Decimal, at_ns: int
) -> Cancelled | Modified:
    """What becomes of `sibling` once `quantity` was filled of the `before` units that `order` had left."""
    left = Decimal(0)
    if order.oca_type is not OcaType.CANCEL_WITH_BLOCK:
        left = sibling.remaining * (before - quantity) / before // step * step
    if left <= 0:
        return Cancelled(sibling.order.id, SIBLING_FILLED, at_ns)
    held = {account: part.filled for account, part in sibling.parts.items()}
    reduced = msgspec.structs.replace(
        sibling.order,
        quantity=float(sibling.filled + left),
        min_quantity=min(sibling.order.min_quantity, float(sibling.filled + left)),
        shares=scaled(sibling.order.shares, held, left, step),
    )
    return Modified(reduced, sibling.priority, at_ns)
