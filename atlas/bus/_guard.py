"""The thread that watches the doors of a process: who may come in (ZAP), and what happens on the bound sockets (monitors)."""

import contextlib
import queue
import socket as sockets
import struct
import threading
import time
from collections.abc import Callable

import zmq
import zmq.utils.z85

from atlas.bus._handshakes import HandshakeLedger
from atlas.bus.faults import FaultKind
from atlas.bus.keys import KeyRing

Report = Callable[[str, FaultKind, str, str], None]

ZAP_ENDPOINT = "inproc://zeromq.zap.01"
_EVENTS = (
    zmq.Event.ACCEPTED
    | zmq.Event.ACCEPT_FAILED
    | zmq.Event.DISCONNECTED
    | zmq.Event.HANDSHAKE_SUCCEEDED
    | zmq.Event.HANDSHAKE_FAILED_NO_DETAIL
    | zmq.Event.HANDSHAKE_FAILED_PROTOCOL
    | zmq.Event.HANDSHAKE_FAILED_AUTH
    | zmq.Event.MONITOR_STOPPED
)
_TICK_MS = 500


def read_event(frames: list[bytes]) -> tuple[int, int]:
    """Number and value of a monitor event."""
    event, value = struct.unpack("=Hi", frames[0])
    return event, value


class Door:
    """A bound socket as its monitor shows it. `endpoint` is for the log."""

    def __init__(self, monitor: zmq.Socket[bytes], name: str, endpoint: str, report: Report, handshake_seconds: float) -> None:
        self.monitor = monitor
        self._name = name
        self.endpoint = endpoint
        self._report = report
        self._ledger = HandshakeLedger(handshake_seconds)

    def read(self) -> bool:
        """Take in all events. False once the socket has been closed."""
        with contextlib.suppress(zmq.Again):
            while True:
                event, value = read_event(self.monitor.recv_multipart(zmq.NOBLOCK))
                if event == zmq.Event.MONITOR_STOPPED:
                    return False
                self._take(event, value)
        return True

    def _take(self, event: int, value: int) -> None:
        if event == zmq.Event.ACCEPTED:
            self._ledger.accepted(value, time.monotonic())
        elif event == zmq.Event.HANDSHAKE_SUCCEEDED:
            self._ledger.succeeded()
        elif event == zmq.Event.DISCONNECTED:
            self._judge(list(self._ledger.ended(value)))
        elif event == zmq.Event.ACCEPT_FAILED:
            self._report(self._name, "accept_failed", self.endpoint, f"errno {value}")
        elif event == zmq.Event.HANDSHAKE_FAILED_AUTH:
            self._ledger.refused()  # counted with the address where ZAP was answered
        else:
            self._ledger.failed()
            self._report(self._name, "handshake_failed", self.endpoint, _why(event, value))

    def tick(self) -> None:
        self._judge(list(self._ledger.tick(time.monotonic())))

    def _judge(self, endings: list[bool]) -> None:
        for had_shaken_hands in endings:
            if had_shaken_hands:
                self._report(self._name, "disconnected", self.endpoint, "")
            else:
                self._report(self._name, "handshake_failed", self.endpoint, "it ended without a handshake")


def _why(event: int, value: int) -> str:
    if event == zmq.Event.HANDSHAKE_FAILED_NO_DETAIL:
        return f"errno {value}"
    with contextlib.suppress(ValueError):
        return zmq.constants.Errno(value).name
    return f"ZMTP error {value:#x}"


class Guard:
    """Answers ZAP requests from the allow-list and reads the monitors of all bound sockets, in one thread of its own."""

    def __init__(
        self, context: zmq.Context[zmq.Socket[bytes]], keys: KeyRing | None, report: Report, handshake_seconds: float
    ) -> None:
        self._keys = keys
        self._report = report
        self._handshake_seconds = handshake_seconds
        self._zap: zmq.Socket[bytes] = context.socket(zmq.REP)
        self._zap.linger = 0
        self._zap.bind(ZAP_ENDPOINT)
        self._new: queue.SimpleQueue[Door | None] = queue.SimpleQueue()
        self._ear, self._mouth = sockets.socketpair()
        self._thread = threading.Thread(target=self._run, name="bus-guard", daemon=True)
        self._thread.start()

    def watch(self, socket: zmq.Socket[bytes], name: str, endpoint: str) -> "Door":
        """Watch over a socket that is about to be bound."""
        monitor = socket.get_monitor_socket(_EVENTS, f"inproc://monitor-{id(socket)}-{time.monotonic_ns()}")
        monitor.linger = 0
        door = Door(monitor, name, endpoint, self._report, self._handshake_seconds)
        self._new.put(door)
        self._mouth.send(b"!")
        return door

    def close(self) -> None:
        """End the thread. All watched sockets must have been closed."""
        self._new.put(None)
        self._mouth.send(b"!")
        self._thread.join()
        self._ear.close()
        self._mouth.close()

    def _run(self) -> None:
        doors: dict[zmq.Socket[bytes], Door] = {}
        poller = zmq.Poller()
        poller.register(self._zap, zmq.POLLIN)
        poller.register(self._ear, zmq.POLLIN)
        running = True
        while running:
            ready = dict(poller.poll(_TICK_MS if doors else None))
            if self._ear.fileno() in ready:
                running = self._admit_doors(doors, poller)
            if self._zap in ready:
                self._answer(self._zap.recv_multipart())
            for monitor, door in list(doors.items()):
                if monitor in ready and not door.read():
                    poller.unregister(monitor)
                    del doors[monitor]
                    monitor.close()
                else:
                    door.tick()
        for monitor in doors:
            monitor.close()
        self._zap.close()

    def _admit_doors(self, doors: dict[zmq.Socket[bytes], Door], poller: zmq.Poller) -> bool:
        self._ear.recv(4_096)
        while not self._new.empty():
            door = self._new.get()
            if door is None:
                return False
            doors[door.monitor] = door
            poller.register(door.monitor, zmq.POLLIN)
        return True

    def _answer(self, request: list[bytes]) -> None:
        """Answer one request of the ZeroMQ Authentication Protocol 1.0 (ZeroMQ RFC 27)."""
        version, request_id, domain, address, _, mechanism, *credentials = request
        name: str | None = address.decode()  # so that nobody can choose a name where there are no keys
        if self._keys is not None:
            key = zmq.utils.z85.encode(credentials[0]) if mechanism == b"CURVE" else b""
            try:
                name = self._keys.name_of(key)
            except OSError as error:
                self._report(domain.decode(), "key_refused", address.decode(), f"the public keys cannot be read: {error}")
                name = None
            if name is None:
                self._report(domain.decode(), "key_refused", address.decode(), f"public key {key.decode()}")
        status = (b"200", b"OK") if name is not None else (b"400", b"the key is not on the allow-list")
        self._zap.send_multipart([version, request_id, *status, (name or "").encode(), b""])
