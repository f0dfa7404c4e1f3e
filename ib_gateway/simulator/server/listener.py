"""The socket that clients come to: it listens, or refuses while it keeps its port."""

import asyncio
import errno
import socket
from collections.abc import Callable

from atlas.domain import Unavailable

_BACKLOG = 1024
_WHY = {
    errno.EADDRINUSE: "in use",
    errno.EACCES: "not allowed",
    errno.EADDRNOTAVAIL: "not an address of this host",
}


class Listener:
    """A port of a host. Bound without listening, a port refuses connections and nobody else can take it."""

    def __init__(self, host: str, accept: Callable[[], asyncio.Protocol]) -> None:
        self.host = host
        self.port = 0
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
            why = _WHY.get(error.errno or 0, error.strerror or str(error))
            text = f"{self.host} port {port} is {why}; stop what uses it or choose another with --port"
            raise Unavailable(text) from error
        self.port = bound[0].getsockname()[1]
        self._bound = bound

    async def listen(self) -> None:
        """Accept connections.

        Raises:
            Unavailable: somebody else listens on the port.
        """
        bound, self._bound = self._bound, []
        loop = asyncio.get_running_loop()
        try:
            for taken in bound:
                self._servers.append(await loop.create_server(self._accept, sock=taken, backlog=_BACKLOG))
        except OSError as error:
            for taken in bound:
                taken.close()
            why = _WHY.get(error.errno or 0, error.strerror or str(error))
            text = f"{self.host} port {self.port} is {why}; stop what uses it or choose another with --port"
            raise Unavailable(text) from error

    def open(self) -> None:
        """Accept connections from the next turn of the loop on."""
        if self._opening is None and self._bound:
            self._opening = asyncio.get_running_loop().create_task(self._open())

    async def _open(self) -> None:
        try:
            await self.listen()
        finally:
            self._opening = None

    def refuse(self, port: int | None = None) -> None:
        """Accept nothing more, and keep the port, or take another one.

        Raises:
            Unavailable: the other port is taken.
        """
        if self._opening:
            self._opening.cancel()
        servers, self._servers = self._servers, []
        for server in servers:
            server.close()
        for taken in self._bound:
            taken.close()
        self.bind(port or self.port)

    def close(self) -> None:
        """Give the port back."""
        if self._opening:
            self._opening.cancel()
        servers, self._servers = self._servers, []
        for server in servers:
            server.close()
        for taken in self._bound:
            taken.close()
        self._bound = []


def _addresses(host: str, port: int) -> list[tuple[socket.AddressFamily, str]]:
    """The addresses that a host's name stands for."""
    found = socket.getaddrinfo(host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    addresses = [(family, str(where[0])) for family, _, _, _, where in found if family in (socket.AF_INET, socket.AF_INET6)]
    return list(dict.fromkeys(addresses))
