"""The HTTP server of the control API, on the gateway's own loop."""

import contextlib
import errno
import socket
from collections.abc import Iterator
from typing import TYPE_CHECKING

import uvicorn

from atlas.domain import Unavailable
from ib_gateway.simulator.control.app import build_app

if TYPE_CHECKING:
    from ib_gateway.simulator.server.gateway import SimulatedGateway


class _Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave the signals to the process."""
        yield


class ControlServer:
    """Bound from the start, serving while `serve` runs.

    Raises:
        Unavailable: the port is taken.
    """

    def __init__(self, gateway: "SimulatedGateway", host: str, port: int) -> None:
        self._socket = _bound(host, port)
        self.port: int = self._socket.getsockname()[1]
        config = uvicorn.Config(
            build_app(gateway, host), ws="none", log_config=None, lifespan="off", access_log=False, timeout_graceful_shutdown=1
        )
        self._server = _Server(config)

    async def serve(self) -> None:
        """Serve until closed."""
        await self._server.serve([self._socket])

    async def close(self) -> None:
        """Let `serve` return."""
        self._server.should_exit = True

    def abandon(self) -> None:
        """Give the port back without having served."""
        self._socket.close()


def _bound(host: str, port: int) -> socket.socket:
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen()
    except OSError as error:
        listener.close()
        why = "in use" if error.errno == errno.EADDRINUSE else error.strerror or str(error)
        text = f"{host} port {port} is {why}; choose another for the control API with --control-port"
        raise Unavailable(text) from error
    return listener
