"""The client's end of a connection: a connecting socket, and what its monitor says about the other side."""

import contextlib
import time

import zmq

from atlas.bus._fd_reader import NOBLOCK, plain_send
from atlas.bus._guard import read_event
from atlas.bus.bus import Bus
from atlas.domain import AtlasError, Refused, Unavailable

_EVENTS = (
    zmq.Event.CONNECTED
    | zmq.Event.CLOSED
    | zmq.Event.DISCONNECTED
    | zmq.Event.HANDSHAKE_SUCCEEDED
    | zmq.Event.HANDSHAKE_FAILED_NO_DETAIL
    | zmq.Event.HANDSHAKE_FAILED_PROTOCOL
    | zmq.Event.HANDSHAKE_FAILED_AUTH
)
RETRY_AFTER_REFUSAL_SECONDS = 1.0


class Link:
    """A socket connected to `server` at `endpoint`. To be used by one thread.

    libzmq reconnects by itself, except after a refused key: then the link does, once a second, as the key may be let in later.
    """

    def __init__(
        self,
        bus: Bus,
        kind: int,
        endpoint: str,
        server: str,
        high_water_mark: int,
        *,
        heartbeat: bool = False,
    ) -> None:
        self.bus = bus
        self.endpoint = endpoint
        self.server = server
        self.connected = endpoint.startswith("inproc:")  # of which monitors say nothing
        self.admitted = self.connected  # whether a handshake has ever succeeded
        self.losses = 0  # how often an established connection was lost
        self.refused = False
        self._failed_handshakes = 0
        self._retry_at = 0.0
        secured = bus.keys is not None and not self.connected
        server_key = bus.keys.public_key_of(server, bus.peer_key_seconds) if bus.keys is not None and secured else None
        self.socket = bus.socket(kind, high_water_mark)
        if bus.keys is not None and server_key is not None:
            bus.keys.secure_client(self.socket, server_key)
        if heartbeat:
            self.socket.set(zmq.HEARTBEAT_IVL, 2_000)
            self.socket.set(zmq.HEARTBEAT_TIMEOUT, 10_000)
        self._put = plain_send(self.socket)
        self.monitor = self.socket.get_monitor_socket(_EVENTS, f"inproc://monitor-{id(self)}-{time.monotonic_ns()}")
        self.monitor.linger = 0
        try:
            bus.connect(self.socket, endpoint)
        except AtlasError:
            self.close()
            raise

    def pump(self) -> bool:
        """Take in what has happened to the connection. True if something has."""
        changed = False
        with contextlib.suppress(zmq.Again):
            while True:
                self._take(*read_event(self.monitor.recv_multipart(zmq.NOBLOCK)))
                changed = True
        if changed:
            self.socket.get(zmq.EVENTS)  # makes libzmq take in the same changes before the next message is sent
        if self.refused and time.monotonic() >= self._retry_at:
            self.renew()
        return changed

    def send(self, frame: bytes) -> bool:
        """Send a frame on a connection that stands. False if there is none, or if it is full.

        A connection that has just broken still takes messages for a moment, and loses them; so what the monitor says counts.
        """
        if not self.connected:
            return False
        try:
            self._put(frame, NOBLOCK)
        except zmq.Again:
            return False
        return True

    def _take(self, event: int, value: int) -> None:
        if event == zmq.Event.HANDSHAKE_SUCCEEDED:
            self.connected, self.admitted, self.refused, self._failed_handshakes = True, True, False, 0
        elif event == zmq.Event.DISCONNECTED:
            if self.connected:
                self.losses += 1
            self.connected = False
        elif event == zmq.Event.HANDSHAKE_FAILED_AUTH:
            self.refused = True
            self._retry_at = time.monotonic() + RETRY_AFTER_REFUSAL_SECONDS
            self.bus.report(self.server, "key_refused", self.endpoint, f"{self.server} refuses the key of {self.bus.name}")
        elif event == zmq.Event.CLOSED:  # nobody listens there (any more)
            self._failed_handshakes = 0
        elif event != zmq.Event.CONNECTED:
            self._failed_handshakes += 1
            self.bus.report(self.server, "handshake_failed", self.endpoint, f"event {event:#x}, {value}")

    def renew(self) -> None:
        """Connect anew, with the server's key of today. What was not sent or not read on the old connection is dropped."""
        self.refused = False
        lingering = self.socket.linger
        self.socket.linger = 0
        with contextlib.suppress(zmq.ZMQError):  # libzmq has given up on the endpoint by itself
            self.socket.disconnect(self.endpoint)
        self.socket.linger = lingering
        if self.bus.keys is not None:
            with contextlib.suppress(Unavailable):
                self.bus.keys.secure_client(self.socket, self.bus.keys.public_key_of(self.server, timeout_seconds=0))
        self.bus.connect(self.socket, self.endpoint)

    def why_not_there(self) -> Unavailable:
        """Why nothing can be sent."""
        where = f"{self.server} at {self.endpoint}"
        if self.refused:
            return Refused(
                f"{where} refuses the key of {self.bus.name}; copy the public key of {self.bus.name} "
                f"to the folder of {self.server}"
            )
        if self._failed_handshakes:
            return Unavailable(
                f"{where} cannot be talked to: no handshake succeeds; see that it is {self.server}, that it is not hung, "
                "and that its public key is the one here"
            )
        return Unavailable(f"{where} is not there; nothing was sent; start it, or correct the address")

    def close(self) -> None:
        """Close socket and monitor."""
        self.socket.disable_monitor()
        self.monitor.close()
        self.socket.close()
