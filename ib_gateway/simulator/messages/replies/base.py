"""What every reply is, and what belongs to no request."""

from collections.abc import Sequence

import msgspec


class Reply(msgspec.Struct, frozen=True, gc=False):
    """Anything the gateway sends."""


class Moment(msgspec.Struct, frozen=True, gc=False):
    """A time to be written in a time zone, where the client's version of the protocol writes zones."""

    ns: int
    zone: str = "UTC"


class Error(Reply, frozen=True):
    """An error, a warning or a notice. Id -1 belongs to no request."""

    req_id: int
    code: int
    text: str
    advanced_reject: str = ""


class ManagedAccounts(Reply, frozen=True):
    """The accounts of the login, separated by commas."""

    accounts: str


class NextValidId(Reply, frozen=True):
    """The next valid order id."""

    order_id: int


class CurrentTime(Reply, frozen=True):
    """Seconds since the epoch."""

    seconds: int


class UserInfo(Reply, frozen=True):
    """The branding of the login."""

    req_id: int
    branding: str


class NewsProviders(Reply, frozen=True):
    """Code and name of each news source."""

    providers: Sequence[tuple[str, str]]


class SoftDollarTiers(Reply, frozen=True):
    """Name, value and display name of each tier."""

    req_id: int
    tiers: Sequence[tuple[str, str, str]]
