"""What a client has subscribed to beyond prices."""

from dataclasses import dataclass, field

from ib_gateway.simulator.messages.requests import ScannerSubscription


@dataclass(slots=True)
class Scan:
    """A scanner that is told again and again; next at `due_ns`."""

    request: ScannerSubscription
    due_ns: int


@dataclass(slots=True)
class ResearchSubscriptions:
    """Of one client. `groups` are display groups by request."""

    scans: dict[int, Scan] = field(default_factory=dict)
    bulletins: bool = False
    groups: dict[int, int] = field(default_factory=dict)
    corporate_events: bool = False
