"""How the values of the domain are laid out: frozen, compared by value, and an array on the wire."""

from typing import Any

import msgspec


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
