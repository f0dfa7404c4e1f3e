"""What the gateway counts, and the log lines that go with it: one per kind and connection, the rest only counted."""

from collections import Counter

import structlog

_log = structlog.get_logger("ib_gateway.simulator")


class Counters:
    """Counts by kind, as `counters["malformed"]`."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()

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
        """Count and log a fault of our own."""
        self._counts["faults"] += 1
        _log.error("request failed", request=request, peer=peer, exc_info=error)

    def complain(self, kind: str, peer: str, text: str, said: set[str]) -> None:
        """Count something that is wrong with a connection; log it unless that connection has heard it (`said`)."""
        self._counts[kind] += 1
        if kind not in said:
            said.add(kind)
            _log.warning("bad client", kind=kind, peer=peer, detail=text)
