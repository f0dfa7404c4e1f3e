"""What the strategy service answers on its control socket besides what every service does."""

from atlas.bus import control
from atlas.bus.envelope import Message


class RobotsRequest(Message, frozen=True, tag="robots_request"):
    """How are the robots?"""


class RobotReport(Message, frozen=True, tag="robot_report"):
    """One robot: what it does, what it has seen and decided, and what it holds by account and instrument."""

    id: str
    strategy: str
    state: str
    error: str
    instruments: list[str]
    quotes: int
    bars: int
    orders: int
    working: int
    positions: dict[str, dict[str, float]]
    last_sequence: int
    last_trader_sequence: int


class Robots(Message, frozen=True, tag="robots"):
    """All robots of the service."""

    robots: list[RobotReport]


Request = control.Request | RobotsRequest
"""What the strategy service's control socket takes."""

Reply = control.Reply | Robots
"""What it replies."""
