"""What every service answers on its control socket."""

from atlas.bus.envelope import Message


class Ping(Message, frozen=True, tag="ping"):
    """Are you there?"""


class Pong(Message, frozen=True, tag="pong"):
    """Yes, and this is how I am. `detail` is for people; `uptime_ns` counts from the start of the process."""

    name: str
    state: str
    ready: bool
    detail: str
    uptime_ns: int


class StatusRequest(Message, frozen=True, tag="status_request"):
    """How are you, in full?"""


class Status(Message, frozen=True, tag="status"):
    """The state of a service, its figures by name, and its problems as lines for people."""

    name: str
    state: str
    ready: bool
    started_ns: int
    figures: dict[str, float | int | str]
    problems: list[str]


class Stop(Message, frozen=True, tag="stop"):
    """End in order."""


class Pause(Message, frozen=True, tag="pause"):
    """Begin nothing new."""


class Resume(Message, frozen=True, tag="resume"):
    """Go on after a pause."""


class Done(Message, frozen=True, tag="done"):
    """The request has been carried out."""


class Greet(Message, frozen=True, tag="greet"):
    """Greet the subscriber that waits on the private topic of this id; see `Subscriber.hello`."""

    id: str


Request = Ping | StatusRequest | Stop | Pause | Resume
"""What a control socket takes."""

Reply = Pong | Status | Done
"""What it replies."""
