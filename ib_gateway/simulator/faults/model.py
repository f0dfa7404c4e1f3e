"""Every fault that can be asked for, as a value: what it is called, how long it lasts, and what a client of the API sees of it.

A fault that lasts has `for_seconds`; None is until it is cleared. Seconds are those of the gateway's own clock, so a scenario
means the same at every speed. `client_id` None means every client. Numbers are finite, whole ones have 32 bits as those of the
protocol, and texts have no control characters: NUL ends a field there.
"""

import math
import unicodedata
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

_MOST = 2**31 - 1
_LEAST_REPEAT_SECONDS = 0.1

Seconds = Annotated[float, Meta(ge=0, le=31_536_000)]
Probability = Annotated[float, Meta(ge=0, le=1)]
Count = Annotated[int, Meta(ge=1, le=_MOST)]
ClientId = Annotated[int, Meta(ge=0, le=_MOST)]
Code = Annotated[int, Meta(ge=-_MOST - 1, le=_MOST)]
Price = Annotated[float, Meta(ge=-1e9, le=1e9)]
Quantity = Annotated[float, Meta(gt=0, le=1e12)]
FarmName = Literal["usfarm", "ushmds", "secdefil"]
Direction = Literal["reply", "request"]


class Fault(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="kind"):
    """Anything that can go wrong.

    Raises:
        ValueError: a number is not finite, or a text has control characters.
    """

    def __post_init__(self) -> None:
        for name in self.__struct_fields__:
            value = getattr(self, name)
            if isinstance(value, float) and not math.isfinite(value):
                raise ValueError(f"{name} is {value}; it must be a number that is finite")
            if isinstance(value, str) and not is_plain(value):
                raise ValueError(f"{name} is {value!r}; it must not have control characters")


def is_plain(text: str) -> bool:
    """Whether a text can be told as it is: it has no control characters, and nothing that is no character at all."""
    return not any(unicodedata.category(one) in ("Cc", "Cs") for one in text)


class Lasting(Fault, frozen=True, kw_only=True):
    """A fault that lasts until it is cleared, or for so long."""

    for_seconds: Seconds | None = None


# The gateway and IB.


class ConnectivityLost(Lasting, frozen=True, kw_only=True, tag="connectivity-lost"):
    """The gateway has lost IB: 1100, then silence on an open socket, then 1101 or 1102.

    Ticks, bars, order and account messages stop. What the gateway knows itself (the time, ids, accounts) it still answers;
    everything else waits for the connection. Orders go on filling at the exchange, and nothing of it is told: afterwards
    clients find it by reqExecutions, reqPositions and reqCompletedOrders. Who connects meanwhile hears 2110.

    Attributes:
        repeat_seconds: 1100 is said again so often, at least 0.1; 0 says it once.
        data: "maintained" ends in 1102, with subscriptions as they were; "lost" in 1101: they are gone, clients must subscribe
            again. Of several at a time one that loses is enough.
        requests: "held" acts on requests once IB is there again; "lost" drops them without a word, orders included.
        tell_missed: True tells order messages of the window after 1102, as a gateway that caught up does.
    """

    repeat_seconds: Seconds = 0.0
    data: Literal["maintained", "lost"] = "maintained"
    requests: Literal["held", "lost"] = "held"
    tell_missed: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        if 0 < self.repeat_seconds < _LEAST_REPEAT_SECONDS:
            raise ValueError(
                f"repeat_seconds is {self.repeat_seconds:g}; it is 0 for once, or {_LEAST_REPEAT_SECONDS} at least"
            )


class ConnectivityRestored(Fault, frozen=True, kw_only=True, tag="connectivity-restored"):
    """1102 (data maintained) or 1101 (data lost: all market data subscriptions are gone). Ends a loss, or comes unasked."""

    data: Literal["maintained", "lost"] = "maintained"


class Notice(Fault, frozen=True, kw_only=True, tag="notice"):
    """A notice of a data farm, out of the blue and without consequence: 2103 to 2108, 2110, 2119, 2157, 2158.

    Attributes:
        code: The code of the notice; its text is IB's.
        farm: The farm it names; empty is the usual one of that code.
    """

    code: Literal[2103, 2104, 2105, 2106, 2107, 2108, 2110, 2119, 2157, 2158]
    farm: str = ""
    client_id: ClientId | None = None


class FarmOutage(Lasting, frozen=True, kw_only=True, tag="farm-outage"):
    """A data farm is down: 2103 (usfarm), 2105 (ushmds) or 2157 (secdefil), silence of its data, later 2104, 2106 or 2158.

    Attributes:
        farm: Which farm.
        data: "maintained" lets streams go on afterwards; "lost" leaves those of usfarm dead without a word, until
            clients subscribe again; the other farms have no streams to lose.
    """

    farm: FarmName = "usfarm"
    data: Literal["maintained", "lost"] = "maintained"


class CompetingSession(Lasting, frozen=True, kw_only=True, tag="competing-session"):
    """The same user is logged in elsewhere and has the market data: 10197 to every stream, and no ticks."""


class ReadOnly(Lasting, frozen=True, kw_only=True, tag="read-only"):
    """The API is read-only: every order and cancel is turned away with 321."""


class TwoFactor(Lasting, frozen=True, kw_only=True, tag="two-factor"):
    """The login waits for its second factor: connections are cut and the port refuses, until it is approved or time is up."""


class Restart(Fault, frozen=True, kw_only=True, tag="restart"):
    """The nightly restart: every socket closes and the port refuses; then a new session.

    It knows no subscription, but the next valid ids, the orders and the executions of the day. Orders fill meanwhile.

    Attributes:
        down_seconds: How long the port refuses.
        two_factor: The new session then waits for its second factor, as on Sundays.
    """

    down_seconds: Seconds = 60.0
    two_factor: bool = False


# Sockets.


class PortReset(Fault, frozen=True, kw_only=True, tag="port-reset"):
    """The socket port is reset: 1300 to every client, then their sockets close.

    Attributes:
        port: The port that the gateway listens on from now; None is the same one.
    """

    port: Annotated[int, Meta(ge=1, le=65535)] | None = None


class Disconnect(Fault, frozen=True, kw_only=True, tag="disconnect"):
    """A socket closes without a word.

    Attributes:
        reset: True cuts it with a TCP reset, and what was not sent yet is lost.
    """

    client_id: ClientId | None = None
    reset: bool = False


class HalfOpen(Lasting, frozen=True, kw_only=True, tag="half-open"):
    """Sockets accept bytes and never answer, as a wedged gateway's do; what they swallowed is answered afterwards.

    Attributes:
        sockets: "new" are connections made from now on: they get no handshake. "existing" are those of now, "all" both.
        client_id: Of the existing ones, this client's only.
    """

    sockets: Literal["new", "existing", "all"] = "new"
    client_id: ClientId | None = None


class Freeze(Lasting, frozen=True, kw_only=True, tag="freeze"):
    """The process stands still, as after SIGSTOP: nothing is read and nothing written on any socket.

    Connections are still accepted, by the operating system. Afterwards everything that was due comes at once; ticks
    only the newest of each stream.
    """


class StuckClientId(Lasting, frozen=True, kw_only=True, tag="stuck-client-id"):
    """A client id stays taken after its client has left: whoever comes back under it hears 326 and is hung up on.

    Attributes:
        client_id: The id; None is every id that was in use when the fault began or came into use while it lasts.
    """

    client_id: ClientId | None = None


# Answers.


class AnswerError(Lasting, frozen=True, kw_only=True, tag="answer-error"):
    """Requests of a kind are answered with an error instead of being acted on.

    Attributes:
        message: The request, by name (PlaceOrder) or number (3); "any" is every request.
        code: The error's code.
        text: The error's text.
        probability: How likely each such request is hit, by the seed.
        count: After so many it is over.
    """

    message: str
    code: Code
    text: str
    client_id: ClientId | None = None
    probability: Probability = 1.0
    count: Count | None = None


class PacingViolation(Lasting, frozen=True, kw_only=True, tag="pacing-violation"):
    """Historical requests are answered with 162, "Historical data request pacing violation", whatever their pace was."""

    client_id: ClientId | None = None
    probability: Probability = 1.0
    count: Count | None = None


class LineLimit(Lasting, frozen=True, kw_only=True, tag="line-limit"):
    """Market data requests are answered with 101: all lines are in use."""

    client_id: ClientId | None = None
    probability: Probability = 1.0
    count: Count | None = None


# Messages.


class OnMessages(Lasting, frozen=True, kw_only=True):
    """What happens to messages of a kind.

    Attributes:
        message: The kind, by name (OrderStatus) or number (3); "any" is every one.
        direction: "reply" is what the gateway says, "request" what clients ask.
        probability: How likely each such message is hit, by the seed.
        count: After so many it is over.
    """

    message: str
    direction: Direction = "reply"
    client_id: ClientId | None = None
    probability: Probability = 1.0
    count: Count | None = None


class Delay(OnMessages, frozen=True, kw_only=True, tag="delay"):
    """Messages come later; others overtake them.

    Attributes:
        delay_seconds: How much later.
        jitter_seconds: Up to so much later still, by the seed.
    """

    delay_seconds: Seconds
    jitter_seconds: Seconds = 0.0


class Reorder(OnMessages, frozen=True, kw_only=True, tag="reorder"):
    """Messages fall behind those that come after them, as an execution behind its order's status.

    Attributes:
        behind: How many later messages of the same client and direction go first.
        at_most_seconds: They come after so long even if nothing follows.
    """

    behind: Count = 1
    at_most_seconds: Seconds = 1.0


class Duplicate(OnMessages, frozen=True, kw_only=True, tag="duplicate"):
    """Messages come more than once.

    Attributes:
        copies: How many more come.
    """

    copies: Annotated[int, Meta(ge=1, le=1000)] = 1


class Drop(OnMessages, frozen=True, kw_only=True, tag="drop"):
    """Messages never come: replies are not heard, requests not acted on."""


# Orders.


class CorrectExecution(Fault, frozen=True, kw_only=True, tag="correct-execution"):
    """The exchange corrects an execution: execDetails once more, with the last part of its id one higher.

    Attributes:
        execution_id: Which; None is the newest, or the one whose message set this off.
        price: The price that is right; None leaves it.
        quantity: The quantity that is right; None leaves it.
    """

    execution_id: str | None = None
    price: Price | None = None
    quantity: Quantity | None = None


class BustExecution(Fault, frozen=True, kw_only=True, tag="bust-execution"):
    """The exchange takes an execution back.

    Attributes:
        execution_id: Which; None is the newest, or the one whose message set this off.
    """

    execution_id: str | None = None


class ForkOrder(Fault, frozen=True, kw_only=True, tag="fork-order"):
    """One order becomes two that live: the same order id and reference under two permIds.

    Attributes:
        client_id: Whose; None is the client whose message set this off, or whose order is the newest.
        order_id: Which; None is the one whose message set this off, or the newest.
    """

    client_id: ClientId | None = None
    order_id: Code | None = None


AnyFault = (
    ConnectivityLost | ConnectivityRestored | Notice | FarmOutage | CompetingSession | ReadOnly | TwoFactor | Restart
    | PortReset | Disconnect | HalfOpen | Freeze | StuckClientId | AnswerError | PacingViolation | LineLimit
    | Delay | Reorder | Duplicate | Drop | CorrectExecution | BustExecution | ForkOrder
)  # fmt: skip
"""One of all faults, by its `kind`."""

KINDS: dict[str, type[Fault]] = {str(kind.__struct_config__.tag): kind for kind in AnyFault.__args__}
"""Every fault by its name."""
