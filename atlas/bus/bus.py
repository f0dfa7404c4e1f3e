"""The bus of one process: its ZeroMQ context, its keys, its faults, and the options that every socket gets."""

import itertools
import time
from collections import Counter
from collections.abc import Callable
from typing import Protocol, Self, cast

import zmq

from atlas.bus._guard import Door, Guard
from atlas.bus.faults import Fault, FaultKind, FaultLog
from atlas.bus.keys import KeyRing
from atlas.domain import BadInput, Clock, ConfigurationError, Unavailable

LINGER_MS = 200
"""How long what was sent may take to leave after a socket is closed."""

MAX_MESSAGE_BYTES = 4 * 1024 * 1024
_GUARD_FACTOR = 4  # frames beyond this many times the limit are not even taken into memory: their connection is cut
_RECONNECT_MS, _RECONNECT_MAX_MS = 50, 1_000
_KEEPALIVE_IDLE_SECONDS, _KEEPALIVE_INTERVAL_SECONDS, _KEEPALIVE_COUNT = 10, 5, 3


class _WallClock:
    now_ns = staticmethod(time.time_ns)


class Closable(Protocol):
    """What the bus closes when it is closed itself."""

    def close(self) -> None:
        """Give back sockets and threads; a second call does nothing."""
        ...


class Bus:
    """All ZeroMQ of one process. `name` is the service's; `keys=None` means neither authentication nor encryption.

    A frame over `max_message_bytes` is dropped; a connection without a handshake after `handshake_seconds` is cut. Whoever
    connects waits `peer_key_seconds` for the server's public key to appear, blocking: services start in any order.

    Everything made on a bus is closed with it. A socket belongs to the thread (or event loop) that uses it: stop your own
    threads before `close`.
    """

    def __init__(
        self,
        name: str,
        keys: KeyRing | None = None,
        on_fault: Callable[[Fault], None] | None = None,
        *,
        clock: Clock | None = None,
        max_message_bytes: int = MAX_MESSAGE_BYTES,
        handshake_seconds: float = 5.0,
        peer_key_seconds: float = 30.0,
    ) -> None:
        self.name = name
        self.keys = keys
        self.clock: Clock = clock or _WallClock()
        self.epoch = self.clock.now_ns()
        self.numbers = itertools.count(1)
        self.max_message_bytes = max_message_bytes
        self.handshake_seconds = handshake_seconds
        self.peer_key_seconds = peer_key_seconds
        self.context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self.context.set(zmq.MAX_SOCKETS, 8_192)
        self._faults = FaultLog(name, on_fault)
        self._open: dict[Closable, None] = {}
        self._guard = Guard(self.context, keys, self._faults.report, handshake_seconds)
        self.closed = False

    @property
    def faults(self) -> Counter[tuple[str, FaultKind]]:
        """How often something was refused or dropped, by (socket name, kind); a copy."""
        return self._faults.counts()

    def report(self, socket: str, kind: FaultKind, source: str, detail: str = "", error: BaseException | None = None) -> None:
        """Count a fault, and log it if it is the first of its kind from `source`."""
        self._faults.report(socket, kind, source, detail, error)

    def check_size(self, frame: bytes | bytearray, what: str) -> None:
        """Refuse to send what the other side would drop.

        Raises:
            BadInput: `frame` is over the size limit.
        """
        if len(frame) > self.max_message_bytes:
            raise BadInput(f"{what} has {len(frame)} bytes, over the limit of {self.max_message_bytes}; send it in parts")

    def socket(self, kind: int, high_water_mark: int) -> zmq.Socket[bytes]:
        """A socket with the options that all of ours have; neither bound nor connected."""
        socket: zmq.Socket[bytes] = self.context.socket(kind)
        socket.linger = LINGER_MS
        socket.sndhwm = socket.rcvhwm = high_water_mark
        socket.set(zmq.MAXMSGSIZE, _GUARD_FACTOR * self.max_message_bytes)
        socket.set(zmq.HANDSHAKE_IVL, int(self.handshake_seconds * 1_000))
        socket.set(zmq.RECONNECT_IVL, _RECONNECT_MS)
        socket.set(zmq.RECONNECT_IVL_MAX, _RECONNECT_MAX_MS)
        # A peer that vanished without a word is found by the kernel. ZMTP heartbeats would also cut off a subscriber
        # that is alive but slow, with all that is queued for it.
        socket.set(zmq.TCP_KEEPALIVE, 1)
        socket.set(zmq.TCP_KEEPALIVE_IDLE, _KEEPALIVE_IDLE_SECONDS)
        socket.set(zmq.TCP_KEEPALIVE_INTVL, _KEEPALIVE_INTERVAL_SECONDS)
        socket.set(zmq.TCP_KEEPALIVE_CNT, _KEEPALIVE_COUNT)
        return socket

    def bind(self, socket: zmq.Socket[bytes], endpoint: str, socket_name: str) -> str:
        """Secure `socket`, watch over it, and bind it. Returns the endpoint with the port that was chosen.

        Raises:
            Unavailable: the port is in use, or the address is not this machine's.
            ConfigurationError: `endpoint` is not an endpoint.
        """
        door: Door | None = None
        if not endpoint.startswith("inproc:"):
            socket.set(zmq.ZAP_DOMAIN, socket_name.encode())
            if self.keys is not None:
                self.keys.secure_server(socket)
            door = self._guard.watch(socket, socket_name, endpoint)
        try:
            socket.bind(endpoint)
        except zmq.ZMQError as error:
            socket.disable_monitor()
            socket.close(linger=0)
            if error.errno in (zmq.EADDRINUSE, zmq.EADDRNOTAVAIL):
                raise Unavailable(
                    f"{self.name} cannot listen on {endpoint} for {socket_name}: {zmq.strerror(error.errno)}; "
                    "stop what is using it, or choose another address"
                ) from error
            raise ConfigurationError(
                f"{endpoint!r} is no endpoint to listen on for {socket_name} ({error.strerror}); write tcp://127.0.0.1:5561"
            ) from error
        bound = cast("bytes", socket.get(zmq.LAST_ENDPOINT))
        chosen = bound.rstrip(b"\0").decode()
        if door is not None:
            door.endpoint = chosen
        return chosen

    def connect(self, socket: zmq.Socket[bytes], endpoint: str) -> None:
        """Connect `socket`; the connection is made in the background, and made again whenever it breaks.

        Raises:
            ConfigurationError: `endpoint` is not an endpoint.
        """
        try:
            socket.connect(endpoint)
        except zmq.ZMQError as error:
            raise ConfigurationError(
                f"{endpoint!r} is no endpoint to connect to ({error.strerror}); write tcp://host:5561"
            ) from error

    def opened(self, part: Closable) -> None:
        """Remember to close `part` with the bus."""
        self._open[part] = None

    def forget(self, part: Closable) -> None:
        """`part` has been closed."""
        self._open.pop(part, None)

    def close(self) -> None:
        """Close everything made on this bus, newest first. Afterwards no thread and no socket is left.

        To be called where the sockets are used, the sockets of a loop on that loop: libzmq aborts the process when a socket
        is closed in one thread while another reads it.
        """
        if self.closed:
            return
        self.closed = True
        for part in reversed(list(self._open)):
            part.close()
        self._guard.close()
        self.context.destroy()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
