"""Errors that cross the bus: sent as the name of their class and a text, raised again as the same class."""

from atlas.domain import AtlasError

INTERNAL = "internal error"


def _classes(base: type[AtlasError]) -> dict[str, type[AtlasError]]:
    found = {base.__name__: base}
    for child in base.__subclasses__():
        found |= _classes(child)
    return found


def revive(name: str, text: str) -> AtlasError:
    """The error of class `name`; a name that this side does not know becomes a plain AtlasError."""
    return _classes(AtlasError).get(name, AtlasError)(text)
