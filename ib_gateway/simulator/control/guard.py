"""Who may talk to the control API: only pages of its own, by its own names, and briefly.

A web page from elsewhere that is open in a browser on this machine could send requests here. Browsers tell its origin; and
where its name was made to point to this machine (DNS rebinding), they tell that name as the host.
"""

import re
import socket
from collections.abc import Sequence
from ipaddress import IPv6Address, ip_address
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

MOST_BYTES = 1024 * 1024
"""A request with a longer body is 413."""

_LOOPBACK = ("localhost", "127.0.0.1", "::1")
_PORT = re.compile(r":\d*$")


def names_of(host: str) -> list[str]:
    """The names and addresses by which a server that listens on `host` is called; IPv6 in brackets, as in URLs.

    One that listens on every address goes by the name of the machine too.
    """
    every = host in ("", "0.0.0.0", "::")  # noqa: S104 - asked for by an option
    names = [*_LOOPBACK, socket.gethostname() if every else host]
    return sorted({_in_url(name.casefold()) for name in names if name})


def _in_url(name: str) -> str:
    try:
        address = ip_address(name.partition("%")[0])
    except ValueError:
        return name
    if isinstance(address, IPv6Address):
        return str(address.ipv4_mapped or f"[{address}]")
    return str(address)


class OwnNames(TrustedHostMiddleware):
    """Refuses requests to other names: 400. The very address that a request has come to is always one of its own."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Look at the host that a request names."""
        server = scope.get("server") or ("", 0)
        host = _PORT.sub("", Headers(scope=scope).get("host", ""))
        if host and host == _in_url(server[0]):
            await self.app(scope, receive, send)
        else:
            await super().__call__(scope, receive, send)


class OwnPages:
    """Refuses pages of other origins: 403. The host was looked at before; the origin of an own page is the same."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Look at the origin that a request names."""
        headers = Headers(scope=scope) if scope["type"] == "http" else {}
        origin = headers.get("origin")
        if origin is not None and _authority(origin) != headers.get("host"):
            detail = f"pages of {origin} may not control this gateway"
            await JSONResponse({"detail": detail}, status_code=403)(scope, receive, send)
            return
        await self._app(scope, receive, send)


def _authority(origin: str) -> str:
    try:
        return urlsplit(origin).netloc
    except ValueError:
        return ""


class BodyLimit:
    """Takes a request's body in before anything acts on it, and refuses one that is too long: 413."""

    def __init__(self, app: ASGIApp, most_bytes: int = MOST_BYTES) -> None:
        self._app = app
        self._most_bytes = most_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Take a request's body in."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        announced = Headers(scope=scope).get("content-length", "0")
        body: bytes | None = b"" if not announced.isdigit() or int(announced[:20]) <= self._most_bytes else None
        more = body is not None
        while body is not None and more:
            message = await receive()
            if message["type"] == "http.disconnect":
                return
            body, more = body + message.get("body", b""), message.get("more_body", False)
            if len(body) > self._most_bytes:
                body = None
        if body is None:
            detail = f"a request may have {self._most_bytes} bytes"
            await JSONResponse({"detail": detail}, status_code=413)(scope, receive, send)
            return
        await self._app(scope, _again(body, receive), send)


def _again(body: bytes, receive: Receive) -> Receive:
    """Give a body that was taken in, and then whatever follows."""
    taken: Sequence[Message] = [{"type": "http.request", "body": body, "more_body": False}]
    waiting = iter(taken)

    async def give() -> Message:
        return next(waiting, None) or await receive()

    return give
