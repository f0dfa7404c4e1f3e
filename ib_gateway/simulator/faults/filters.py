"""What becomes of single messages: delayed, behind others, twice, never, or answered with an error."""

from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from ib_gateway.simulator.faults.effects import Ask, Effect, Tell
from ib_gateway.simulator.faults.kinds import Kinds
from ib_gateway.simulator.faults.model import (
    AnswerError,
    Delay,
    Direction,
    Drop,
    Duplicate,
    Fault,
    LineLimit,
    OnMessages,
    PacingViolation,
    Reorder,
)
from ib_gateway.simulator.faults.notices import LINES, PACING
from ib_gateway.simulator.messages.replies import Error, Reply
from ib_gateway.simulator.messages.requests import HistoricalData, MarketData, Request

Message = Reply | Request
Later = Callable[[float, Callable[[], list[Effect]]], None]
"""Find out after so many seconds what is to be done then."""


def effect_of(client_id: int, message: Message) -> Effect:
    """Let a message have its usual way."""
    return Tell(client_id, message) if isinstance(message, Reply) else Ask(client_id, message)


class Filter:
    """A fault on messages, and how far it is. Each client has random numbers of its own, whatever others do."""

    def __init__(self, fault: Fault, kinds: Kinds, seed: str) -> None:
        self.fault = fault
        self._seed = seed
        self._randoms: dict[int, Random] = {}
        self._hits = 0
        self._waiting: dict[int, list[_Waiting]] = {}
        self.direction: Direction = "request"
        self._kind: type | None
        match fault:
            case OnMessages():
                self.direction = fault.direction
                self._kind = kinds.find(fault.direction, fault.message)
            case AnswerError():
                self._kind = kinds.find("request", fault.message)
            case PacingViolation():
                self._kind = HistoricalData
            case _:
                self._kind = MarketData
        self._client_id: int | None = fault.client_id  # type: ignore[attr-defined]
        self._probability: float = fault.probability  # type: ignore[attr-defined]
        self._count: int | None = fault.count  # type: ignore[attr-defined]

    @property
    def spent(self) -> bool:
        """Whether it has hit as often as it may, and nothing waits any more."""
        return self._count is not None and self._hits >= self._count and not any(self._waiting.values())

    def apply(self, client_id: int, message: Message, later: Later) -> list[Effect]:
        """What becomes of a message."""
        hit = self._hits_this(client_id, message)
        passed = self._act(client_id, message, later) if hit else [effect_of(client_id, message)]
        if not self._waiting.get(client_id):
            return passed
        return passed if hit else passed + self._overtaken(client_id)

    def release(self, client_id: int | None = None) -> list[Effect]:
        """What still waits for messages to overtake it."""
        wanted = list(self._waiting) if client_id is None else [client_id]
        return [one.effect for client in wanted for one in self._waiting.pop(client, [])]

    def forget(self, client_id: int) -> None:
        """A client is gone, and what was held for it."""
        self._waiting.pop(client_id, None)

    def _hits_this(self, client_id: int, message: Message) -> bool:
        if self._kind is not None and type(message) is not self._kind:
            return False
        if self._client_id not in (None, client_id) or (self._count is not None and self._hits >= self._count):
            return False
        if self._probability < 1.0 and self._random(client_id).random() >= self._probability:
            return False
        self._hits += 1
        return True

    def _random(self, client_id: int) -> Random:
        if client_id not in self._randoms:
            self._randoms[client_id] = Random(f"{self._seed}/{client_id}")
        return self._randoms[client_id]

    def _act(self, client_id: int, message: Message, later: Later) -> list[Effect]:
        usual = effect_of(client_id, message)
        match self.fault:
            case Drop():
                return []
            case Duplicate(copies=copies):
                return [usual] * (1 + copies)
            case Delay(delay_seconds=seconds, jitter_seconds=jitter):
                later(seconds + (self._random(client_id).random() * jitter if jitter else 0.0), lambda: [usual])
                return []
            case Reorder(behind=behind, at_most_seconds=seconds):
                waiting = _Waiting(behind, usual)
                self._waiting.setdefault(client_id, []).append(waiting)
                later(seconds, lambda: self._give_up_on(client_id, waiting))
                return []
            case AnswerError(code=code, text=text):
                return [Tell(client_id, Error(_number_of(message), code, text))]
            case PacingViolation():
                return [Tell(client_id, Error(_number_of(message), *PACING))]
            case LineLimit():
                return [Tell(client_id, Error(_number_of(message), *LINES))]
        raise AssertionError(self.fault)

    def _overtaken(self, client_id: int) -> list[Effect]:
        """One more message has gone before those that wait."""
        waiting = self._waiting[client_id]
        for one in waiting:
            one.behind -= 1
        self._waiting[client_id] = [one for one in waiting if one.behind > 0]
        return [one.effect for one in waiting if one.behind <= 0]

    def _give_up_on(self, client_id: int, late: "_Waiting") -> list[Effect]:
        """Nothing, or too little, has come to overtake it."""
        waiting = self._waiting.get(client_id, [])
        if not any(one is late for one in waiting):
            return []
        self._waiting[client_id] = [one for one in waiting if one is not late]
        return [late.effect]


@dataclass(slots=True, eq=False)
class _Waiting:
    """A message that so many later ones still have to overtake."""

    behind: int
    effect: Effect


def _number_of(message: Message) -> int:
    """The request or order id that an error to a message carries; -1 where it has none."""
    for name in ("req_id", "order_id"):
        number = getattr(message, name, None)
        if number is not None:
            return int(number)
    return -1
