"""What the gateway counts, and the log lines that go with it: one per kind and connection, the rest only counted."""

import traceback
from collections import Counter
from pathlib import Path

import structlog

_log = structlog.get_logger("ib_gateway.simulator")
_FRAMES = 6


class Counters:
    """Counts by kind, as `counters["malformed"]`."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()
        self._failed: set[tuple[str, str, str]] = set()

    def __getitem__(self, kind: str) -> int:
        """How often something happened."""
        return self._counts[kind]

    def as_dict(self) -> dict[str, int]:
        """All counts."""
        return dict(sorted(self._counts.items()))

    def add(self, kind: str, number: int = 1) -> None:
        """Count something that needs no log line."""
        self._counts[kind] += number

    def fault(self, request: str, peer: str, error: Exception) -> None:
        """Count a fault of our own; log where it came from, unless that connection has met it before."""
        self._counts["faults"] += 1
        where = " < ".join(
            f"{Path(frame.filename).name}:{frame.lineno} {frame.name}"
            for frame in reversed(traceback.extract_tb(error.__traceback__)[-_FRAMES:])
        )
        if (peer, request, where) not in self._failed:
            self._failed.add((peer, request, where))
            _log.error("request failed", request=request, peer=peer, error=repr(error), where=where)

    def complain(self, kind: str, peer: str, text: str, said: set[str]) -> None:
        """Count something that is wrong with a connection; log it unless that connection has heard it (`said`)."""
        self._counts[kind] += 1
        if kind not in said:
            said.add(kind)
            _log.warning("bad client", kind=kind, peer=peer, detail=text)
