"""What a client asks about accounts: values, positions, profit and loss, and the login itself."""

from ib_gateway.simulator.messages.requests.base import Numbered, Request


class ManagedAccounts(Request, frozen=True):
    """The accounts of this login."""


class AccountUpdates(Request, frozen=True):
    """Begin or end the stream of one account's values and portfolio."""

    subscribe: bool
    account: str


class AccountUpdatesMulti(Numbered, frozen=True):
    """The values of an account, under a request id."""

    account: str
    model_code: str
    ledger_and_nlv: bool


class CancelAccountUpdatesMulti(Numbered, frozen=True):
    """End of `AccountUpdatesMulti`."""


class AccountSummary(Numbered, frozen=True):
    """Chosen values of all accounts."""

    group: str
    tags: str


class CancelAccountSummary(Numbered, frozen=True):
    """End of `AccountSummary`."""


class Positions(Request, frozen=True):
    """The positions of all accounts, and every change of them."""


class CancelPositions(Request, frozen=True):
    """End of `Positions`."""


class PositionsMulti(Numbered, frozen=True):
    """The positions of an account, under a request id."""

    account: str
    model_code: str


class CancelPositionsMulti(Numbered, frozen=True):
    """End of `PositionsMulti`."""


class Pnl(Numbered, frozen=True):
    """Profit and loss of an account."""

    account: str
    model_code: str


class CancelPnl(Numbered, frozen=True):
    """End of `Pnl`."""


class PnlSingle(Numbered, frozen=True):
    """Profit and loss of one position."""

    account: str
    model_code: str
    con_id: int


class CancelPnlSingle(Numbered, frozen=True):
    """End of `PnlSingle`."""


class FamilyCodes(Request, frozen=True):
    """The family of each account."""


class UserInfo(Numbered, frozen=True):
    """The branding of the login."""


class SoftDollarTiers(Numbered, frozen=True):
    """Tiers of soft dollar commissions."""


class FaData(Request, frozen=True):
    """The configuration of a financial adviser: 1 groups, 2 profiles, 3 aliases."""

    kind: int


class ReplaceFaData(Numbered, frozen=True):
    """A new configuration of a financial adviser, as XML; kinds as in `FaData`."""

    kind: int
    xml: str
