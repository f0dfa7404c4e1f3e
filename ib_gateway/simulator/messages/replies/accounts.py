"""What the gateway says about accounts, positions, profit and loss."""

from collections.abc import Sequence

from ib_gateway.simulator.messages.contract import Contract
from ib_gateway.simulator.messages.replies.base import Reply


class AccountValue(Reply, frozen=True):
    """A value of an account."""

    key: str
    value: str
    currency: str
    account: str


class PortfolioValue(Reply, frozen=True):
    """A position and what it is worth."""

    contract: Contract
    position: float
    market_price: float
    market_value: float
    average_cost: float
    unrealized: float
    realized: float
    account: str


class AccountTime(Reply, frozen=True):
    """When account values were computed, HH:MM."""

    text: str


class AccountDownloadEnd(Reply, frozen=True):
    """No more values of an account for now."""

    account: str


class AccountUpdateMulti(Reply, frozen=True):
    """A value of an account, under a request id."""

    req_id: int
    account: str
    model_code: str
    key: str
    value: str
    currency: str


class AccountUpdateMultiEnd(Reply, frozen=True):
    """No more values for now."""

    req_id: int


class AccountSummary(Reply, frozen=True):
    """A chosen value of an account."""

    req_id: int
    account: str
    tag: str
    value: str
    currency: str


class AccountSummaryEnd(Reply, frozen=True):
    """No more values for now."""

    req_id: int


class Position(Reply, frozen=True):
    """A position of an account."""

    account: str
    contract: Contract
    position: float
    average_cost: float


class PositionEnd(Reply, frozen=True):
    """No more positions for now."""


class PositionMulti(Reply, frozen=True):
    """A position of an account, under a request id."""

    req_id: int
    account: str
    contract: Contract
    position: float
    average_cost: float
    model_code: str


class PositionMultiEnd(Reply, frozen=True):
    """No more positions for now."""

    req_id: int


class Pnl(Reply, frozen=True):
    """Profit and loss of an account; None is unknown."""

    req_id: int
    daily: float | None
    unrealized: float | None
    realized: float | None


class PnlSingle(Reply, frozen=True):
    """Profit and loss of one position; None is unknown."""

    req_id: int
    position: float
    daily: float | None
    unrealized: float | None
    realized: float | None
    value: float | None


class FamilyCodes(Reply, frozen=True):
    """Accounts and their families."""

    codes: Sequence[tuple[str, str]]


class ManagedAccounts(Reply, frozen=True):
    """The accounts of the login, separated by commas."""

    accounts: str


class UserInfo(Reply, frozen=True):
    """The branding of the login."""

    req_id: int
    branding: str


class SoftDollarTiers(Reply, frozen=True):
    """Name, value and display name of each tier."""

    req_id: int
    tiers: Sequence[tuple[str, str, str]]


class FaData(Reply, frozen=True):
    """The configuration of a financial adviser as XML: 1 groups, 2 profiles, 3 aliases."""

    kind: int
    xml: str


class ReplaceFaEnd(Reply, frozen=True):
    """A new configuration was taken."""

    req_id: int
    text: str
