"""The lease of an account: at any time one trader may send orders for it, and it is known which. Pure.

Two traders on one account would send the same order twice. The lease stands in the database, is renewed while its holder lives,
and ends by itself. Whoever holds it again after a restart, from the same machine and folder, has it at once; anybody else waits
until it has ended. Each time that it is taken it gets a new epoch, so that a former holder notices that it is not it any more.
"""

from collections.abc import Iterable
from typing import Final

from atlas.domain import NS_PER_SECOND
from atlas.domain._struct import Value

LEASE_NS: Final = 30 * NS_PER_SECOND
"""So long a lease holds without being renewed."""
RENEW_SECONDS: Final = 5.0
_ROUNDING = 1e-9


class Lease(Value, frozen=True):
    """Who may send orders for an account.

    Attributes:
        holder: machine and journal folder of the trader: the same after a restart of it.
        login: the accounts of the broker's login through which it sends; "" where no login is shared.
        share: the part of the login's messages per second that is the trader's.
        until_ns: when the lease ends unless it is renewed, by the clock of its holder.
        epoch: how many times the lease of this account was taken.
    """

    account: str
    holder: str
    login: str = ""
    share: float = 0.0
    until_ns: int = 0
    epoch: int = 0


def is_held_by_another(held: Lease | None, wanted: Lease, now_ns: int) -> bool:
    """Whether somebody else may send orders for the account now."""
    return held is not None and held.holder != wanted.holder and held.until_ns > now_ns


def held_text(held: Lease, now_ns: int) -> str:
    """What to tell a trader whose account another one trades."""
    seconds = max(1, round((held.until_ns - now_ns) / NS_PER_SECOND))
    return (
        f"the account {held.account} is traded by {held.holder}; two traders on one account would send orders twice. Stop that "
        f"one, or set trader.account of this one to another account; if it is gone, its lease ends in {seconds} s: start then"
    )


def share_text(wanted: Lease, others: Iterable[Lease], reserved: float, now_ns: int) -> str:
    """Why the login's messages per second do not suffice for one more trader, or "".

    `reserved` is the part that is not for traders, but for the watcher.
    """
    beside = [one for one in others if one.login == wanted.login and one.until_ns > now_ns and one.account != wanted.account]
    shares = [reserved, wanted.share, *(one.share for one in beside)]
    if not wanted.login or not beside or sum(shares) <= 1 + _ROUNDING:
        return ""
    named = ", ".join(f"{one.share:g} for {one.account} ({one.holder})" for one in sorted(beside, key=lambda one: one.account))
    return (
        f"the login's messages per second are given away more than once: {reserved:g} for the watcher, {wanted.share:g} for "
        f"{wanted.account}, {named} make {sum(shares):g} of 1; set trader.message_share of each so that they make no more"
    )
