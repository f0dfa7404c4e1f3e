"""The socket that clients come to: it listens, or refuses while it keeps its port.

A port that refuses is bound and does not listen. Another process that insists can take it then, and listen in its place: then
this one waits until it is free again.
"""

import asyncio
import contextlib
import errno
import socket
from collections.abc import Callable

import structlog

from atlas.domain import Unavailable

_log = structlog.get_logger("ib_gateway.simulator")

_BACKLOG = 1024
_RETRY_SECONDS = 1.0
_WHY = {
    errno.EADDRINUSE: "in use",
    errno.EACCES: "not allowed",
    errno.EADDRNOTAVAIL: "not an address of this host",
}


class Listener:
    """A port of a host. Bound without listening, a port refuses connections and nobody else can take it."""

    def __init__(self, host: str, accept: Callable[[], asyncio.Protocol], *, retry_seconds: float = _RETRY_SECONDS) -> None:
        self.host = host
        self.port = 0
        self.taken = False
        """Whether another process has the port."""
        self._retry_seconds = retry_seconds
        self._accept = accept
        self._bound: list[socket.socket] = []
        self._servers: list[asyncio.Server] = []
        self._opening: asyncio.Task[None] | None = None

    @property
    def listening(self) -> bool:
        """Whether connections are accepted."""
        return bool(self._servers)

    def bind(self, port: int) -> None:
        """Take a port, 0 takes a free one, and refuse connections there.

        Raises:
            Unavailable: the port is taken, or the host is none of this machine's.
        """
        self._bound = self._take(port)
        self.port = self._bound[0].getsockname()[1]

    async def listen(self) -> None:
        """Accept connections.

        Raises:
            Unavailable: somebody else listens on the port.
        """
        bound, self._bound = self._bound, []
        loop = asyncio.get_running_loop()
        try:
            for taken in bound:  # this does not wait for anything: whoever stops it from here on finds the servers
                server = await loop.create_server(self._accept, sock=taken, backlog=_BACKLOG, start_serving=False)
                self._servers.append(server)
            for server in list(self._servers):
                await server.start_serving()
        except OSError as error:
            self._give_back(bound)
            raise self._unavailable(self.port, error) from error

    def open(self) -> None:
        """Accept connections from the next turn of the loop on, or from when nobody else has the port any more."""
        if self._opening is None and self.port and not self._servers:
            self._opening = asyncio.get_running_loop().create_task(self._open())

    async def _open(self) -> None:
        while not await self._opened():  # noqa: ASYNC110 - nothing tells
            await asyncio.sleep(self._retry_seconds)
        self._opening = None
        _log.info("gateway ready", port=self.port)

    async def _opened(self) -> bool:
        try:
            if not self._bound:
                self._bound = self._take(self.port)
            await self.listen()
        except Unavailable:
            if not self.taken:
                _log.warning("port taken", port=self.port, detail="another process listens on it; tried again until it is free")
            self.taken = True
            return False
        self.taken = False
        return True

    def refuse(self, port: int | None = None) -> None:
        """Accept nothing more, and keep the port, or take another one.

        Raises:
            Unavailable: the other port is taken; then everything is as before.
        """
        moved = self._take(port) if port not in (None, self.port) else []
        self.close()
        if moved:
            self._bound, self.port = moved, moved[0].getsockname()[1]
            return
        with contextlib.suppress(Unavailable):  # somebody else has it; `open` waits for it
            self.bind(self.port)

    def close(self) -> None:
        """Give the port back."""
        if self._opening:
            self._opening.cancel()
            self._opening = None
        self.taken = False
        bound, self._bound = self._bound, []
        self._give_back(bound)

    def _give_back(self, bound: list[socket.socket]) -> None:
        servers, self._servers = self._servers, []
        for server in servers:
            server.close()
        for taken in bound:
            taken.close()

    def _take(self, port: int) -> list[socket.socket]:
        bound: list[socket.socket] = []
        try:
            for family, address in _addresses(self.host, port):
                taken = socket.socket(family, socket.SOCK_STREAM)
                bound.append(taken)
                taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                if family is socket.AF_INET6:
                    taken.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
                taken.bind((address, port or (bound[0].getsockname()[1] if len(bound) > 1 else 0)))
        except OSError as error:
            for taken in bound:
                taken.close()
            raise self._unavailable(port, error) from error
        return bound

    def _unavailable(self, port: int, error: OSError) -> Unavailable:
        why = _WHY.get(error.errno or 0, error.strerror or str(error))
        return Unavailable(f"{self.host} port {port} is {why}; stop what uses it or choose another with --port")


def _addresses(host: str, port: int) -> list[tuple[socket.AddressFamily, str]]:
    """The addresses that a host's name stands for."""
    found = socket.getaddrinfo(host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    addresses = [(family, str(where[0])) for family, _, _, _, where in found if family in (socket.AF_INET, socket.AF_INET6)]
    return list(dict.fromkeys(addresses))
