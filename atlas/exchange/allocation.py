"""An advisor's order among its accounts: every execution is divided in proportion to their shares.

What each account has after an execution is as near to its part of all that is filled as whole steps allow. Exact in total: the
parts of an execution add up to it, no account ever gets more than its share, and when the order is filled each has just that.
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal

from atlas.domain import Order, Share, exact


def accounts_of(order: Order) -> tuple[str, ...]:
    """The accounts that `order` is for."""
    return tuple(share.account for share in order.shares) or (order.account,)


def parts_of(order: Order) -> dict[str, Decimal]:
    """How much of `order` each account is to have."""
    return {share.account: exact(share.quantity) for share in order.shares} or {order.account: exact(order.quantity)}


def divided(shares: Mapping[str, Decimal], held: Mapping[str, Decimal], quantity: Decimal, step: Decimal) -> dict[str, Decimal]:
    """The parts of `quantity`, newly filled, for accounts that have `held` of their `shares` already. Nothing is left out."""
    total = sum(shares.values(), Decimal(0))
    filled = sum((held.get(account, Decimal(0)) for account in shares), quantity)
    missing = {account: share * filled / total - held.get(account, Decimal(0)) for account, share in shares.items()}
    room = {account: share - held.get(account, Decimal(0)) for account, share in shares.items()}
    parts, left = dict.fromkeys(shares, Decimal(0)), quantity
    for account in _neediest(missing, parts):
        whole = missing[account] // step * step if filled < total else room[account]
        parts[account] = max(min(whole, room[account], left), Decimal(0))
        left -= parts[account]
    while left > 0:  # fewer steps than there are accounts, but for those that have all of their share
        open_to = [account for account in _neediest(missing, parts) if parts[account] < room[account]]
        account = open_to[0]
        more = min(step, left, room[account] - parts[account])
        parts[account] += more
        left -= more
    return {account: part for account, part in parts.items() if part}


def scaled(shares: Sequence[Share], held: Mapping[str, Decimal], remaining: Decimal, step: Decimal) -> tuple[Share, ...]:
    """Shares of an order of which only `remaining` is left to fill, in proportion to what each account misses."""
    if not shares:
        return ()
    missing = {share.account: exact(share.quantity) - held.get(share.account, Decimal(0)) for share in shares}
    left = divided(missing, {}, remaining, step) if remaining else {}
    return tuple(
        Share(share.account, float(held.get(share.account, Decimal(0)) + left.get(share.account, Decimal(0))))
        for share in shares
    )


def _neediest(missing: Mapping[str, Decimal], parts: Mapping[str, Decimal]) -> list[str]:
    return sorted(missing, key=lambda account: (parts[account] - missing[account], account))
