"""The state of one connection to the gateway, and what follows from each thing that happens to it.

Pure: a `Link` is a value; `step` takes it and an event to the next one, and says what is to be done. Nothing is awaited here.

Socket, API and broker each have their own state, because each fails alone: the socket can stand while the API behind it
answers nothing (half-open), and the API can answer while the gateway has lost the broker (1100). Only all three together can
take orders: that is `UP`. Farms have theirs in `atlas.ib.farms` and carry no orders.

What a recovery owes (subscribe again, backfill, reconcile) is kept until the link is up and proven, however often it breaks
on the way, and is then asked for once. A loss is one alarm: raised by the first beat that no known window explains, made
critical once past the deadline, cleared when the link is up.

Source: TWS API documentation, "System message codes" and "Error codes".
"""

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

from atlas.domain import NS_PER_SECOND
from atlas.ib.farms import Farms
from atlas.market.windows import Window

CLIENT_ID_IN_USE = 326


class Socket(enum.Enum):
    """The API session: the connection with its greeting, the accounts and the next order id."""

    CLOSED = "closed"
    """By ourselves, on purpose."""
    DOWN = "down"
    CONNECTING = "connecting"
    OPEN = "open"


class Api(enum.Enum):
    """What the newest round trip proved."""

    UNPROVEN = "unproven"
    ANSWERS = "answers"
    SILENT = "silent"


class LinkState(enum.Enum):
    """All of it in one word."""

    CLOSED = "closed"
    DISCONNECTED = "disconnected"
    CONNECTING = "connecting"
    WAITING_FOR_LOGIN = "waiting for login"
    """A person has to approve the second factor. Nothing that a restart would help."""
    REFUSED = "refused"
    """The gateway is there and turns us away: client id in use, wrong account."""
    IN_WINDOW = "in a scheduled window"
    SYNCHRONISING = "synchronising"
    RESTORED_DATA_LOST = "restored, data lost"
    RESTORED_DATA_KEPT = "restored, data kept"
    BROKER_LOST = "broker lost"
    HALF_OPEN = "half open"
    PORT_RESET = "port reset"
    UP = "up"


class Effect(enum.Enum):
    """What is to be done: first what is for those who use the link, then for the connection itself, then for people."""

    RESUBSCRIBE = "resubscribe"
    VERIFY = "verify"
    """Subscriptions should have survived: see that they tick."""
    RECONCILE = "reconcile"
    BACKFILL = "backfill"

    PROBE = "probe"
    HANG_UP = "hang up"
    RECONNECT = "reconnect"

    RAISE = "raise"
    ESCALATE = "escalate"
    """The loss lasts beyond the deadline."""
    ASK_FOR_HELP = "ask for help"
    """Connecting again does not do it: the gateway has to be restarted from outside."""
    CLEAR = "clear"


FOR_USERS = (Effect.RESUBSCRIBE, Effect.VERIFY, Effect.RECONCILE, Effect.BACKFILL)
FOR_PEOPLE = (Effect.RAISE, Effect.ESCALATE, Effect.ASK_FOR_HELP, Effect.CLEAR)
_NEW_SESSION = frozenset({Effect.RESUBSCRIBE, Effect.RECONCILE, Effect.BACKFILL})
_DATA_KEPT = frozenset({Effect.VERIFY, Effect.RECONCILE, Effect.BACKFILL})
_MISSED = frozenset({Effect.VERIFY, Effect.RECONCILE})


# Events


@dataclass(frozen=True, slots=True)
class Dialled:
    """We try to connect."""


@dataclass(frozen=True, slots=True)
class SessionBegun:
    """The gateway has greeted us, told its accounts and the next order id."""


@dataclass(frozen=True, slots=True)
class DialFailed:
    """Nobody listens, nobody greets, or nobody answers behind the greeting. `refusal` is the gateway's own no, if any."""

    refusal: str = ""


@dataclass(frozen=True, slots=True)
class SocketLost:
    """The socket closed, or we hung up."""


@dataclass(frozen=True, slots=True)
class Closed:
    """We ended the session because we want none any more."""


@dataclass(frozen=True, slots=True)
class Answered:
    """A round trip came back."""


@dataclass(frozen=True, slots=True)
class Unanswered:
    """A round trip did not come back in time."""


@dataclass(frozen=True, slots=True)
class Heard:
    """A message of the gateway that is about no request of ours."""

    code: int
    text: str = ""


@dataclass(frozen=True, slots=True)
class LoginWaits:
    """Whoever sees the gateway's login says whether it waits for a person."""

    waits: bool


@dataclass(frozen=True, slots=True)
class OrdersAreStuck:
    """Our own client id is taken by a session of ours that is gone, and it holds so many live orders."""

    count: int


@dataclass(frozen=True, slots=True)
class Beat:
    """The heartbeat: it comes always, and above all while there is no connection. `window` is the one that is open now."""

    now_ns: int
    window: Window | None = None


Event: TypeAlias = (
    Dialled | SessionBegun | DialFailed | SocketLost | Closed | Answered | Unanswered | Heard | LoginWaits | OrdersAreStuck
    | Beat
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Limits:
    """When enough is enough.

    Attributes:
        silent_beats: round trips in a row without an answer, after which we hang up.
        help_after_attempts: failed attempts to connect in a row, after which somebody else has to help.
        deadline_ns: how long an unexplained loss may last before it is critical.
    """

    silent_beats: int = 2
    help_after_attempts: int = 20
    deadline_ns: int = 900 * NS_PER_SECOND


@dataclass(frozen=True, slots=True)
class Link:
    """A connection as it is now. Begins closed."""

    limits: Limits = Limits()
    socket: Socket = Socket.CLOSED
    api: Api = Api.UNPROVEN
    has_broker: bool = True
    farms: Farms = field(default_factory=Farms)
    restored: Effect | None = None  # RESUBSCRIBE after 1101, VERIFY after 1102, until proven
    port_was_reset: bool = False
    refusal: str = ""
    login_waits: bool = False
    window: Window | None = None
    owed: frozenset[Effect] = frozenset()
    silent: int = 0
    failed_attempts: int = 0
    stuck_orders: int = 0
    unexplained_since_ns: int | None = None
    raised: frozenset[Effect] = frozenset()

    @property
    def state(self) -> LinkState:
        """All of it in one word: the first row that holds."""
        if self.socket is Socket.OPEN:
            return next((state for holds, state in _OPEN_STATES if holds(self)), LinkState.UP)
        return next((state for holds, state in _OTHER_STATES if holds(self)), LinkState.DISCONNECTED)

    @property
    def is_up(self) -> bool:
        """Whether orders can be taken: a session, an API that answers, and a broker behind it."""
        return self.state is LinkState.UP

    @property
    def has_session(self) -> bool:
        """Whether the API session stands, whatever is behind it."""
        return self.socket is Socket.OPEN


_OPEN_STATES = (
    (lambda link: link.port_was_reset, LinkState.PORT_RESET),
    (lambda link: link.api is Api.SILENT, LinkState.HALF_OPEN),
    (lambda link: not link.has_broker, LinkState.BROKER_LOST),
    (lambda link: link.restored is Effect.RESUBSCRIBE, LinkState.RESTORED_DATA_LOST),
    (lambda link: link.restored is Effect.VERIFY, LinkState.RESTORED_DATA_KEPT),
    (lambda link: link.api is Api.UNPROVEN, LinkState.SYNCHRONISING),
)
_OTHER_STATES = (
    (lambda link: link.socket is Socket.CLOSED, LinkState.CLOSED),
    (lambda link: link.login_waits, LinkState.WAITING_FOR_LOGIN),
    (lambda link: bool(link.refusal), LinkState.REFUSED),
    (lambda link: link.window is not None and link.window.needs_login, LinkState.WAITING_FOR_LOGIN),
    (lambda link: link.window is not None, LinkState.IN_WINDOW),
    (lambda link: link.socket is Socket.CONNECTING, LinkState.CONNECTING),
)

# What the gateway's own messages change, by code: fields, what is owed once the link is up, and what is to be done at once.
_SAYS: Mapping[int, tuple[dict[str, Any], frozenset[Effect], tuple[Effect, ...]]] = {
    1100: ({"has_broker": False}, frozenset(), ()),
    2110: ({"has_broker": False}, frozenset(), ()),
    1101: (
        {"has_broker": True, "api": Api.UNPROVEN, "restored": Effect.RESUBSCRIBE},
        _NEW_SESSION,
        (Effect.PROBE,),
    ),
    1102: ({"has_broker": True, "api": Api.UNPROVEN, "restored": Effect.VERIFY}, _DATA_KEPT, (Effect.PROBE,)),
    1300: ({"port_was_reset": True}, frozenset(), ()),
}
_NO_SESSION: dict[str, Any] = {
    "api": Api.UNPROVEN,
    "restored": None,
    "port_was_reset": False,
    "silent": 0,
}
_NO_TROUBLE: dict[str, Any] = {"failed_attempts": 0, "stuck_orders": 0}


def step(link: Link, event: Event) -> tuple[Link, tuple[Effect, ...]]:
    """The link after `event`, and what is to be done, in this order."""
    after, effects = _happen(link, event)
    if after.is_up and not link.is_up:
        due = tuple(effect for effect in FOR_USERS if effect in after.owed)
        cleared = (Effect.CLEAR,) if after.raised else ()
        after = replace(after, owed=frozenset(), raised=frozenset(), unexplained_since_ns=None, **_NO_TROUBLE)
        effects = (*effects, *due, *cleared)
    return after, effects


def _happen(link: Link, event: Event) -> tuple[Link, tuple[Effect, ...]]:
    match event:
        case Dialled():
            if link.has_session:
                return link, ()
            # Farms and broker are what the new session says of them: nothing yet, and nothing wrong
            return replace(link, socket=Socket.CONNECTING, has_broker=True, farms=Farms(), **_NO_SESSION), ()
        case SessionBegun():
            if link.socket is not Socket.CONNECTING:
                return link, ()
            begun = replace(link, socket=Socket.OPEN, refusal="", login_waits=False)
            return replace(begun, owed=link.owed | _NEW_SESSION), (Effect.PROBE,)
        case DialFailed(refusal):
            return _dial_failed(link, refusal)
        case SocketLost():
            return _socket_lost(link)
        case Closed():
            raised = (Effect.CLEAR,) if link.raised else ()
            return Link(limits=link.limits), raised
        case Answered():
            return _answered(link), ()
        case Unanswered():
            return _unanswered(link)
        case Heard(code, text):
            return _heard(link, code, text)
        case LoginWaits(waits):
            return replace(link, login_waits=waits), ()
        case OrdersAreStuck(count):
            if not count or link.socket in (Socket.CLOSED, Socket.OPEN):
                return link, ()
            return _ask_for_help(replace(link, stuck_orders=count))
        case Beat():
            return _beat(link, event)


def _dial_failed(link: Link, refusal: str) -> tuple[Link, tuple[Effect, ...]]:
    if link.socket is Socket.CLOSED:
        return link, ()
    failed = replace(link, socket=Socket.DOWN, refusal=refusal, failed_attempts=link.failed_attempts + 1, **_NO_SESSION)
    waits_for_a_person = failed.state is LinkState.WAITING_FOR_LOGIN  # whom no restart would help
    enough = failed.failed_attempts >= link.limits.help_after_attempts and failed.state is not LinkState.IN_WINDOW
    return _ask_for_help(failed) if enough and not waits_for_a_person else (failed, ())


def _ask_for_help(link: Link) -> tuple[Link, tuple[Effect, ...]]:
    """Once per loss: whoever restarts gateways must not do it again and again."""
    if Effect.ASK_FOR_HELP in link.raised:
        return link, ()
    return replace(link, raised=link.raised | {Effect.ASK_FOR_HELP}), (Effect.ASK_FOR_HELP,)


def _socket_lost(link: Link) -> tuple[Link, tuple[Effect, ...]]:
    if not link.has_session:
        return link, ()
    return replace(link, socket=Socket.DOWN, has_broker=True, **_NO_SESSION), (Effect.RECONNECT,)


def _answered(link: Link) -> Link:
    if not link.has_session:
        return link
    missed = _MISSED if link.api is Api.SILENT else frozenset()
    return replace(
        link, api=Api.ANSWERS, silent=0, restored=None if link.has_broker else link.restored, owed=link.owed | missed
    )


def _unanswered(link: Link) -> tuple[Link, tuple[Effect, ...]]:
    if not link.has_session:
        return link, ()
    silent = replace(link, api=Api.SILENT, silent=link.silent + 1)
    return silent, ((Effect.HANG_UP,) if silent.silent >= link.limits.silent_beats else (Effect.PROBE,))


def _heard(link: Link, code: int, text: str) -> tuple[Link, tuple[Effect, ...]]:
    farms = link.farms.hear(code, text)
    changes, owes, effects = _SAYS.get(code, ({}, frozenset(), ()))
    if link.socket not in (Socket.OPEN, Socket.CONNECTING):
        return link, ()
    if link.socket is Socket.CONNECTING:  # a session that begins owes everything anyway, and is proven anyway
        changes = {name: value for name, value in changes.items() if name != "restored"}
        effects = ()
    if changes.get("restored") is Effect.VERIFY and Effect.RESUBSCRIBE in link.owed:
        changes = {**changes, "restored": Effect.RESUBSCRIBE}  # kept is what was there, and that was lost before
    return replace(link, farms=farms, owed=link.owed | owes, **changes), effects


def _beat(link: Link, beat: Beat) -> tuple[Link, tuple[Effect, ...]]:
    if link.is_up or link.socket is Socket.CLOSED:
        return replace(link, window=beat.window), ()
    if beat.window is not None:
        return replace(link, window=beat.window, unexplained_since_ns=None), ()
    since = beat.now_ns if link.unexplained_since_ns is None else link.unexplained_since_ns
    due = [Effect.RAISE] + ([Effect.ESCALATE] if beat.now_ns - since >= link.limits.deadline_ns else [])
    new = tuple(effect for effect in due if effect not in link.raised)
    return replace(link, window=None, unexplained_since_ns=since, raised=link.raised.union(new)), new
