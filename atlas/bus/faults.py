"""What the bus refused or dropped: everything is counted, each kind is logged once per source.

So nobody can flood the log. A fault never stops a loop and never reaches the peer's neighbours: it is a number and one line.
"""

import threading
from collections import Counter
from collections.abc import Callable
from typing import Literal

import msgspec
import structlog

FaultKind = Literal[
    "malformed",
    "unknown_message",
    "wrong_version",
    "oversized",
    "key_refused",
    "handshake_failed",
    "accept_failed",
    "expired",
    "late_reply",
    "lost_reply",
    "duplicate",
    "internal_error",
    "disconnected",
]

MEANING: dict[FaultKind, str] = {
    "malformed": "a message that cannot be read was dropped",
    "unknown_message": "a message of a kind that this socket does not take was dropped",
    "wrong_version": "a message of another schema version was dropped; run the same version of Atlas everywhere",
    "oversized": "a message over the size limit was dropped",
    "key_refused": "a key that is not on the allow-list was refused",
    "handshake_failed": "a connection ended without a handshake: random bytes, another protocol, or a wrong server key",
    "accept_failed": "a connection could not be accepted; look at the limit of open files",
    "expired": "a request came after its deadline and was dropped",
    "late_reply": "a reply came after its request was given up, and was dropped",
    "lost_reply": "a reply could not be delivered: whoever asked is gone or does not read",
    "duplicate": "a message that was delivered before was dropped",
    "internal_error": "a handler failed; this is a defect of Atlas",
    "disconnected": "a peer's connection ended: it left, or sent a frame beyond all limits",
}
"""What each kind of fault means, in words for the log."""

HARMLESS: frozenset[FaultKind] = frozenset({"disconnected", "late_reply"})
"""Kinds that the daily coming and going of peers brings about; they are logged as information."""

_SOURCES_REMEMBERED = 1_000


class Fault(msgspec.Struct, frozen=True):
    """One thing that was refused or dropped on the socket named `socket`; `source` is a peer's name or address."""

    socket: str
    kind: FaultKind
    source: str
    detail: str


class FaultLog:
    """Counts faults by (socket name, kind) and logs each kind once per source. Any thread may report."""

    def __init__(self, bus_name: str, on_fault: Callable[[Fault], None] | None = None) -> None:
        self._bus_name = bus_name
        self._on_fault = on_fault
        self._lock = threading.Lock()
        self._counts: Counter[tuple[str, FaultKind]] = Counter()
        self._logged: set[tuple[str, FaultKind, str]] = set()

    def counts(self) -> Counter[tuple[str, FaultKind]]:
        """How often what happened, by (socket name, kind); a copy."""
        with self._lock:
            return self._counts.copy()

    def report(self, socket: str, kind: FaultKind, source: str, detail: str = "", error: BaseException | None = None) -> None:
        """Count a fault, and log it if it is the first of its kind from `source`."""
        with self._lock:
            self._counts[socket, kind] += 1
            mark = (socket, kind, source)
            first = mark not in self._logged and len(self._logged) < _SOURCES_REMEMBERED
            if first:
                self._logged.add(mark)
        if first:
            log = structlog.get_logger("atlas.bus")
            write = log.info if kind in HARMLESS else log.warning
            extra = {"exc_info": error} if error else {}
            write(MEANING[kind], bus=self._bus_name, socket=socket, kind=kind, source=source, detail=detail, **extra)
        if self._on_fault is not None:
            self._on_fault(Fault(socket, kind, source, detail))
