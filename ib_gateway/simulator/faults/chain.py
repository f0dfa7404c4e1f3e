"""All faults on single messages, one after another: what one makes of a message the next one sees, also what comes late."""

from collections.abc import Callable
from typing import Protocol

from ib_gateway.simulator.faults.effects import Ask, Effect, Tell
from ib_gateway.simulator.faults.filters import Filter, Message, effect_of
from ib_gateway.simulator.messages.replies import Reply

Action = Callable[[int], list[Effect]]


class Surroundings(Protocol):
    """What a chain needs of the injector."""

    def at(self, due_ns: int, action: Action) -> None:
        """Find out at a time what is to be done then."""
        ...

    def comes_late(self, client_id: int, message: Message, after: int, now_ns: int) -> bool:
        """Whether a message that was delayed may have its way now."""
        ...


class Chain:
    """The filters by the numbers of their faults, the oldest first. A client that has come anew hears nothing from before."""

    def __init__(self, around: Surroundings) -> None:
        self._around = around
        self._filters: dict[int, Filter] = {}
        self._visits: dict[int, int] = {}

    def __bool__(self) -> bool:
        return bool(self._filters)

    def add(self, number: int, one: Filter) -> None:
        """One more, behind all others."""
        self._filters[number] = one

    def remove(self, number: int, now_ns: int) -> list[Effect]:
        """One is over; what waited in it goes on through the younger ones."""
        one = self._filters.pop(number, None)
        return self._late(number, one.release(), now_ns) if one else []

    def spent(self) -> list[int]:
        """Those that have hit as often as they may."""
        return [number for number, one in self._filters.items() if one.spent]

    def forget(self, client_id: int) -> None:
        """A client is gone, and everything that waits for it."""
        self._visits[client_id] = self._visits.get(client_id, 0) + 1
        for one in self._filters.values():
            one.forget(client_id)

    def run(self, client_id: int, message: Message, now_ns: int, after: int = 0) -> list[Effect]:
        """What becomes of a message that passes all faults younger than the one numbered `after`."""
        effects: list[Effect] = [effect_of(client_id, message)]
        for number, one in self._filters.items():
            if number > after:
                effects = [then for effect in effects for then in self._through(number, one, message, effect, now_ns)]
        if isinstance(message, Reply):
            return effects
        # An error in place of a request's answer is a reply as any other.
        return [then for effect in effects for then in self._answered(effect, now_ns)]

    def _through(self, number: int, one: Filter, message: Message, effect: Effect, now_ns: int) -> list[Effect]:
        match effect:
            case Tell(client_id=int(client_id), reply=passing) if one.direction == "reply" and isinstance(message, Reply):
                pass
            case Ask(client_id=client_id, request=passing) if one.direction == "request":
                pass
            case _:
                return [effect]
        visit = self._visits.get(client_id, 0)

        def later(seconds: float, then: Callable[[], list[Effect]]) -> None:
            def act(at_ns: int) -> list[Effect]:
                return self._late(number, then(), at_ns) if self._visits.get(client_id, 0) == visit else []

            self._around.at(now_ns + round(seconds * 1e9), act)

        return one.apply(client_id, passing, later)

    def _answered(self, effect: Effect, now_ns: int) -> list[Effect]:
        match effect:
            case Tell(client_id=int(client_id), reply=reply):
                return self.run(client_id, reply, now_ns)
        return [effect]

    def _late(self, number: int, effects: list[Effect], now_ns: int) -> list[Effect]:
        """What was held by a fault goes on, if the link to IB lets it."""
        on: list[Effect] = []
        for effect in effects:
            match effect:
                case Tell(client_id=int(client_id), reply=message) | Ask(client_id=client_id, request=message):
                    if self._around.comes_late(client_id, message, number, now_ns):
                        on += self.run(client_id, message, now_ns, number)
                case _:
                    on.append(effect)
        return on
