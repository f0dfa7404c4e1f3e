"""The HTTP server on the service's own loop. What is no HTTP is counted like any other fault, and logged once per source."""

import contextlib
import logging
import socket
from collections.abc import Callable, Iterator
from typing import Any

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from atlas.domain import Unavailable

ReportMalformed = Callable[[str, str], None]
"""Called with the source and what was wrong."""

_REPORTED_BY_US = "Invalid HTTP request received."


class HttpServer(uvicorn.Server):
    """Serves an application on a socket that is bound already, and leaves the signals to the service."""

    def __init__(self, app: Any, report: ReportMalformed) -> None:
        class Protocol(H11Protocol):
            said_something = False
            reported = False

            def data_received(self, data: bytes) -> None:
                self.said_something = True
                super().data_received(data)

            def send_400_response(self, msg: str) -> None:
                self.reported = True
                report(self.source(), msg)
                super().send_400_response(msg)

            def connection_lost(self, exc: Exception | None) -> None:
                if self.said_something and self.cycle is None and not self.reported:
                    report(self.source(), "the connection ended before a whole request had come")
                super().connection_lost(exc)

            def source(self) -> str:
                return str(self.client[0]) if self.client else "unknown"

        super().__init__(
            uvicorn.Config(
                app, http=Protocol, ws="none", log_config=None, lifespan="off", access_log=False, timeout_graceful_shutdown=2
            )
        )
        logging.getLogger("uvicorn.error").addFilter(_not_reported_by_us)

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Capture none."""
        yield


def listen(address: str, port: int) -> socket.socket:
    """A listening socket.

    Raises:
        Unavailable: the port is taken, or the address is not this machine's.
    """
    listener = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((address, port))
        listener.listen()  # who is second hears of it now, and who asks early is kept waiting
    except OSError as error:
        listener.close()
        raise Unavailable(f"the port {address}:{port} cannot be used ({error.strerror}); set monitor.http_port") from error
    return listener


def _not_reported_by_us(record: logging.LogRecord) -> bool:
    return record.getMessage() != _REPORTED_BY_US
