"""What every request is, and those that belong to no desk."""

import msgspec


class Request(msgspec.Struct, frozen=True, gc=False):
    """Anything a client sends."""


class Numbered(Request, frozen=True):
    """A request that carries a number, by which its answers are known."""

    req_id: int


class StartApi(Request, frozen=True):
    """The client says who it is; nothing may be sent to it before."""

    client_id: int
    optional_capabilities: str = ""
