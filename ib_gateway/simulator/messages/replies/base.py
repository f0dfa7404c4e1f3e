"""What every reply is, and those that belong to no desk."""

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


class NextValidId(Reply, frozen=True):
    """The next valid order id."""

    order_id: int
