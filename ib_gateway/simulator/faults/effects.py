"""What the injector tells the server to do: things to do once, and how the gateway stands until further notice."""

from typing import Literal, NamedTuple

from ib_gateway.simulator.faults.model import BustExecution, CorrectExecution, ForkOrder
from ib_gateway.simulator.messages.replies import Reply
from ib_gateway.simulator.messages.requests import Request


class Tell(NamedTuple):
    """Say something to a client; None is all of them."""

    client_id: int | None
    reply: Reply


class Ask(NamedTuple):
    """Let the broker act on what a client asked."""

    client_id: int
    request: Request


class Close(NamedTuple):
    """Hang up on a client, None is all of them; `reset` loses what is not on its way yet."""

    client_id: int | None
    reset: bool = False


class Stall(NamedTuple):
    """Neither read from a connected client, None is all of them, nor write to it, until `GoOn` ends that of this fault."""

    client_id: int | None
    by: int


class GoOn(NamedTuple):
    """A fault that stalled clients is over; they go on unless another one stalls them too."""

    by: int


class LoseSubscriptions(NamedTuple):
    """Every market data subscription is gone."""


class ResetPort(NamedTuple):
    """Tell every client that the port is reset, hang up, and listen on another port; None is the same."""

    port: int | None


class Amend(NamedTuple):
    """Change what the broker's books say of an execution or an order."""

    fault: CorrectExecution | BustExecution | ForkOrder


Effect = Tell | Ask | Close | Stall | GoOn | LoseSubscriptions | ResetPort | Amend
"""Anything to be done once."""

PortState = Literal["open", "restarting", "waiting-for-two-factor"]


class Posture(NamedTuple):
    """How the gateway stands: what follows from the faults that are active, whatever the order in which they came."""

    port: PortState = "open"
    frozen: bool = False
    new_sockets_stall: frozenset[int] = frozenset()  # by which faults
    read_only: bool = False
    competing: bool = False
    farms_down: frozenset[str] = frozenset()
