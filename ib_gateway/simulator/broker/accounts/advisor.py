"""A financial advisor's accounts: groups, aliases, and how an order for several accounts is divided among them.

An advisor's login has the advisor's own account first (F... or, on paper, DF...), which trades nothing, and the clients'
accounts after it. Shares of an order add up to it exactly, in whole steps of the instrument's size.

Source of the methods: TWS API, "Financial Advisors: Allocation Methods and Groups".
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import ROUND_FLOOR, Decimal
from typing import NamedTuple

import msgspec

from atlas.domain import BadInput, Share, exact
from atlas.exchange import Exchange
from ib_gateway.simulator.messages import Ticket

ALL = "All"
"""The group of every client account, which is always there."""

COMPUTED = ("AvailableEquity", "EqualQuantity", "NetLiq", "PctChange")
"""Methods that look at the accounts themselves."""

WRITTEN = ("Percent", "Ratio", "ContractsOrShares", "MonetaryAmount")
"""Methods that divide by the amounts written in the group."""

_SAME = {"Equal": "EqualQuantity", "Equal Quantity": "EqualQuantity", "Percentages": "Percent", "Shares": "ContractsOrShares"}
_HUNDRED = Decimal(100)


class Unallocatable(Exception):
    """An order that cannot be divided, or a structure that cannot be; with IB's code."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(text)
        self.code = code
        self.text = text


class Member(msgspec.Struct, frozen=True, array_like=True):
    """An account of a group. What `amount` is says the method: percent, parts, units, money; None where none is written."""

    account: str
    amount: float | None = None


class Group(msgspec.Struct, frozen=True, array_like=True):
    """Accounts that trade together, and the method that divides an order which names none."""

    name: str
    method: str
    members: tuple[Member, ...]

    @property
    def is_profile(self) -> bool:
        """Whether clients before version 177 know it as an allocation profile."""
        return self.method in WRITTEN


class Structure(msgspec.Struct, frozen=True, array_like=True, tag="structure"):
    """What an advisor has set up. It is written down whole at every change."""

    groups: tuple[Group, ...] = ()
    aliases: dict[str, str] = {}


def method_named(text: str) -> str:
    """The method of a name: there are old and new ones for some. Empty if there is none."""
    method = _SAME.get(text, text)
    return method if method in COMPUTED or method in WRITTEN else ""


class _Wanted(NamedTuple):
    """What a method looks at."""

    exchange: Exchange
    ticket: Ticket
    instrument: str
    quantity: Decimal
    step: Decimal
    members: Sequence[Member]


class Advisor:
    """Who divides orders. Every login has one; only an advisor's has anything to divide.

    Raises:
        BadInput: the accounts cannot be those of one login.
    """

    def __init__(self, exchange: Exchange) -> None:
        advisors = [account for account in exchange.ledger.accounts if is_advisor(account)]
        if advisors and (advisors != [exchange.ledger.accounts[0]] or len(exchange.ledger.accounts) == 1):
            raise BadInput(
                f"an advisor's account ({advisors[-1]}) comes first and alone of its kind, and clients' accounts after it"
            )
        self._exchange = exchange
        self.structure = Structure()

    @property
    def account(self) -> str:
        """The advisor's own account, empty if the login is none of an advisor."""
        first = self._exchange.ledger.accounts[0]
        return first if is_advisor(first) else ""

    @property
    def clients(self) -> tuple[str, ...]:
        """The accounts that trade: all but the advisor's own."""
        return tuple(name for name in self._exchange.ledger.accounts if name != self.account)

    def group(self, name: str) -> Group | None:
        """The group of a name, `ALL` among them."""
        if name == ALL:
            return Group(ALL, "AvailableEquity", tuple(Member(account) for account in self.clients))
        return next((group for group in self.structure.groups if group.name == name), None)

    def members(self, name: str) -> tuple[str, ...] | None:
        """The accounts of a group, None if there is no such group."""
        if name == ALL and not self.account:
            return self._exchange.ledger.accounts
        group = self.group(name)
        return tuple(member.account for member in group.members) if group else None

    def meant(self, title: str) -> tuple[str, ...] | None:
        """The accounts behind what a client calls an account; None if there are none.

        That is an account's name, nothing for the only one, a group's name, or the advisor's name and an A for all clients.
        """
        every = self._exchange.ledger.accounts
        if title in every:
            return (title,)
        if not title:
            return every if len(every) == 1 else None
        return self.clients if self.account and title == f"{self.account}A" else self.members(title)

    def allocate(self, ticket: Ticket, quantity: float, instrument: str = "", step: float = 1.0) -> tuple[Share, ...]:
        """How `quantity` units of `instrument` are divided; nothing for an order of one account.

        Sizes are whole multiples of `step`. PctChange, ContractsOrShares and MonetaryAmount compute the size themselves: then
        the shares' total is the order's quantity, whatever was asked for. An account that gets nothing has no share.

        Raises:
            Unallocatable: the ticket names no account, group or method that there is, or nobody would get anything.
        """
        name = ticket.fa_group or ticket.fa_profile
        if not name and ticket.account and ticket.account != self.account:
            return ()
        if not self.account:
            if name:
                raise _invalid("FA data operations ignored for non FA customers.")
            return ()
        if not name and ticket.account == self.account:
            raise Unallocatable(201, "Order rejected - reason:Order must be allocated to client accounts.")
        if not name:
            raise Unallocatable(435, "You must specify an account.")
        group = self.group(name)
        if group is None or (ticket.fa_profile and not ticket.fa_group and not group.is_profile):
            raise _invalid(f"There is no FA {'group' if ticket.fa_group else 'profile'} '{name}'.")
        method = self._method(ticket, group)
        wanted = _Wanted(self._exchange, ticket, instrument, exact(quantity), exact(step), group.members)
        shares = [
            (member.account, size) for member, size in zip(group.members, _METHODS[method](wanted), strict=True) if size > 0
        ]
        if not shares:
            raise Unallocatable(201, f"Order rejected - reason:No account of '{name}' would get a share by {method}.")
        return tuple(Share(account, float(size)) for account, size in shares)

    def _method(self, ticket: Ticket, group: Group) -> str:
        asked = ticket.fa_method if ticket.fa_group else ""
        method = method_named(asked or group.method)
        if not method:
            raise _invalid(f"Invalid FA method '{asked}'.")
        if method in WRITTEN and any(member.amount is None for member in group.members):
            raise _invalid(f"Group '{group.name}' has no amounts for the method {method}.")
        return method


def is_advisor(account: str) -> bool:
    """Whether an account is of the kind that advises others: F and digits, DF and digits on paper."""
    return account.removeprefix("D").startswith("F") and account.removeprefix("D")[1:].isdigit()


def divide(quantity: Decimal, step: Decimal, weights: Sequence[Decimal]) -> list[Decimal]:
    """`quantity` in parts like `weights`, each a multiple of `step`, exact in total.

    By largest remainder; of equal ones the first in the list gets more. What is no whole step goes to the first part.
    """
    total = sum(weights, Decimal(0))
    if total <= 0:
        return [Decimal(0)] * len(weights)
    units = (quantity / step).to_integral_value(ROUND_FLOOR)
    ideal = [units * weight / total for weight in weights]
    whole = [part.to_integral_value(ROUND_FLOOR) for part in ideal]
    left = int(units - sum(whole, Decimal(0)))
    by_remainder = sorted(range(len(weights)), key=lambda index: (whole[index] - ideal[index], index))
    for index in by_remainder[:left]:
        whole[index] += 1
    parts = [part * step for part in whole]
    first = next(index for index, weight in enumerate(weights) if weight > 0)
    parts[first] += quantity - units * step
    return parts


def _weighted(weigh: Callable[[_Wanted, Member], Decimal]) -> Callable[[_Wanted], list[Decimal]]:
    return lambda wanted: divide(
        wanted.quantity, wanted.step, [max(weigh(wanted, member), Decimal(0)) for member in wanted.members]
    )


def _net_liquidation(wanted: _Wanted, member: Member) -> Decimal:
    return exact(wanted.exchange.margin(member.account).equity)


def _available_equity(wanted: _Wanted, member: Member) -> Decimal:
    margin = wanted.exchange.margin(member.account)
    return exact(margin.equity - margin.initial)


def _written(_: _Wanted, member: Member) -> Decimal:
    return exact(member.amount or 0.0)


def _by_change(wanted: _Wanted) -> list[Decimal]:
    """A part of what each account holds. A positive percentage adds to positions, a negative one takes away.

    Buying adds to long positions and takes from short ones, selling the other way round; where that does not fit the sign of
    the percentage, an account does not take part.
    """
    try:
        percent = Decimal(wanted.ticket.fa_percentage or "0")
    except ArithmeticError:
        percent = Decimal("NaN")
    if not percent.is_finite() or not percent:
        raise _invalid(f"Invalid FA percentage '{wanted.ticket.fa_percentage}'.")
    way = 1 if wanted.ticket.action.upper() == "BUY" else -1
    sizes = []
    for member in wanted.members:
        held = exact(wanted.exchange.position(member.account, wanted.instrument).quantity)
        takes_part = held * way * percent > 0
        sizes.append(_whole(abs(held * percent) / _HUNDRED, wanted.step) if takes_part else Decimal(0))
    return sizes


def _by_units(wanted: _Wanted) -> list[Decimal]:
    return [_whole(_written(wanted, member), wanted.step) for member in wanted.members]


def _by_money(wanted: _Wanted) -> list[Decimal]:
    """As much as the amount of each account buys, in the instrument's currency."""
    price = wanted.ticket.limit_price or wanted.exchange.mark(wanted.instrument)
    if not price or price <= 0:
        raise Unallocatable(201, "Order rejected - reason:There is no price to compute the order's size from.")
    return [_whole(_written(wanted, member) / exact(price), wanted.step) for member in wanted.members]


def _whole(size: Decimal, step: Decimal) -> Decimal:
    return (size / step).to_integral_value(ROUND_FLOOR) * step


_METHODS: Mapping[str, Callable[[_Wanted], list[Decimal]]] = {
    "EqualQuantity": _weighted(lambda _wanted, _member: Decimal(1)),
    "NetLiq": _weighted(_net_liquidation),
    "AvailableEquity": _weighted(_available_equity),
    "PctChange": _by_change,
    "Percent": _weighted(_written),
    "Ratio": _weighted(_written),
    "ContractsOrShares": _by_units,
    "MonetaryAmount": _by_money,
}


def _invalid(cause: str) -> Unallocatable:
    return Unallocatable(321, f"Error validating request.-'xx' : cause - {cause}")


def checked(structure: Structure, clients: Iterable[str], every: Iterable[str]) -> Structure:
    """A structure that can be: groups of client accounts, no name twice, amounts where the method wants them.

    Raises:
        Unallocatable: it cannot be; 10231 if a group has an account that the login has not.
    """
    known, accounts = set(clients), set(every)
    strangers = [group.name for group in structure.groups if not known.issuperset(member.account for member in group.members)]
    if strangers:
        raise Unallocatable(10231, f"The following Groups and/or Profiles contain invalid accounts: {', '.join(strangers)}.")
    names = [group.name for group in structure.groups]
    for group in structure.groups:
        _check(group, names)
    for account in structure.aliases:
        if account not in accounts:
            raise _invalid(f"Invalid account code '{account}'.")
    return structure


def _check(group: Group, names: Sequence[str]) -> None:
    accounts = [member.account for member in group.members]
    if not group.name or group.name == ALL or names.count(group.name) > 1:
        raise _invalid(f"Invalid or duplicate FA group name '{group.name}'.")
    if not method_named(group.method):
        raise _invalid(f"Invalid FA method '{group.method}'.")
    if not accounts or len(set(accounts)) != len(accounts):
        raise _invalid(f"FA group '{group.name}' must have one or more different accounts.")
    if not group.is_profile:
        return
    amounts = [member.amount for member in group.members]
    if not all(amount is not None and 0 <= amount < 1e12 for amount in amounts):
        raise _invalid(f"FA group '{group.name}' must have an amount of 0 or more for each account.")
    if group.method == "Percent" and sum(exact(amount or 0.0) for amount in amounts) != _HUNDRED:
        raise _invalid(f"The percentages of FA group '{group.name}' must add up to 100.")
