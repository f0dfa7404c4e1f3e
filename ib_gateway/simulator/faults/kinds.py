"""Names of messages, as faults and scenarios use them: the class (OrderStatus, in any case) or the number on the wire (3)."""

from collections.abc import Iterable, Mapping

from atlas.domain import BadInput
from ib_gateway.simulator.faults.model import Direction
from ib_gateway.simulator.messages import replies, requests

ANY = "any"


class Kinds:
    """Looks messages up. `numbers` are those on the wire: (direction, number) and the class it is."""

    def __init__(self, numbers: Iterable[tuple[Direction, int, type]]) -> None:
        self._found: dict[Direction, dict[str, type]] = {
            "reply": _named(replies, replies.Reply),
            "request": _named(requests, requests.Request),
        }
        self._names: Mapping[Direction, list[str]] = {
            direction: sorted(kind.__name__ for kind in found.values()) for direction, found in self._found.items()
        }
        for direction, number, kind in numbers:
            self._found[direction][str(number)] = kind

    def find(self, direction: Direction, message: str) -> type | None:
        """The class of messages that is meant; None is any.

        Raises:
            BadInput: there is no such message.
        """
        if message.casefold() == ANY:
            return None
        kind = self._found[direction].get(message.casefold())
        if kind is None:
            raise BadInput(f"there is no {direction} {message!r}; there are {ANY}, {', '.join(self._names[direction])}")
        return kind


def _named(module: object, base: type) -> dict[str, type]:
    kinds = (
        thing for thing in vars(module).values() if isinstance(thing, type) and issubclass(thing, base) and thing is not base
    )
    return {kind.__name__.casefold(): kind for kind in kinds}
