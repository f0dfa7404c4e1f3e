"""How the values of the domain are laid out: frozen, compared by value, and an array on the wire."""

from typing import Any, TypeVar

import msgspec

T = TypeVar("T", bound=msgspec.Struct)


class Value(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A frozen value. On the wire it is an array in the order of its fields: append fields, never reorder them."""


def plain(value: object) -> Any:
    """`value` as dicts, lists, strings and numbers, for documents and JSON. Structs become dicts by field name.

    >>> from atlas.domain import Side
    >>> plain([Side.BUY])
    ['buy']
    """
    if isinstance(value, msgspec.Struct):
        return {name: plain(getattr(value, name)) for name in value.__struct_fields__}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    return msgspec.to_builtins(value)


def from_plain(values: dict[str, Any], kind: type[T]) -> T:
    """The struct of type `kind` whose fields `values` holds by name: the inverse of `plain`.

    Raises:
        msgspec.ValidationError: a value has the wrong type.
        TypeError: a field without a default is missing.
    """
    known = {field.name: field.type for field in msgspec.structs.fields(kind)}
    return kind(**{name: _from_plain_value(value, known[name]) for name, value in values.items() if name in known})


def _from_plain_value(value: Any, kind: Any) -> Any:
    if isinstance(value, dict):
        for option in getattr(kind, "__args__", (kind,)):
            if isinstance(option, type) and issubclass(option, msgspec.Struct):
                return from_plain(value, option)
    return msgspec.convert(value, kind)
