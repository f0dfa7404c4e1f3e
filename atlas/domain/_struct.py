"""How the values of the domain are laid out: frozen, compared by value, and an array on the wire."""

from typing import Any, TypeVar, get_args, get_origin

import msgspec

T = TypeVar("T", bound=msgspec.Struct)


class Value(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A frozen value. On the wire it is an array in the order of its fields: append fields, never reorder them."""


class Variant(Value, frozen=True):
    """A value that stands beside others of its kind in lists, and is told from them by its tag: in documents, by "type"."""


def plain(value: object) -> Any:
    """`value` as dicts, lists, strings and numbers, for documents and JSON. Structs become dicts by field name.

    A `Variant` says in lists which one it is, under "type".

    >>> from atlas.domain import Side
    >>> plain([Side.BUY])
    ['buy']
    """
    if isinstance(value, msgspec.Struct):
        return {name: plain(getattr(value, name)) for name in value.__struct_fields__}
    if isinstance(value, (list, tuple)):
        return [_plain_item(item) for item in value]
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    return msgspec.to_builtins(value)


def _plain_item(item: object) -> Any:
    return {"type": item.__struct_config__.tag, **plain(item)} if isinstance(item, Variant) else plain(item)


def from_plain(values: dict[str, Any], kind: type[T]) -> T:
    """The struct of type `kind` whose fields `values` holds by name: the inverse of `plain`.

    Raises:
        msgspec.ValidationError: a value has the wrong type.
        TypeError: a field without a default is missing.
    """
    known = {field.name: field.type for field in msgspec.structs.fields(kind)}
    return kind(**{name: _from_plain_value(value, known[name]) for name, value in values.items() if name in known})


def _from_plain_value(value: Any, kind: Any) -> Any:
    options = get_args(kind) or (kind,)
    if isinstance(value, dict):
        structs = [option for option in options if isinstance(option, type) and issubclass(option, msgspec.Struct)]
        named = [option for option in structs if option.__struct_config__.tag == value.get("type")]
        for option in named or structs:
            return from_plain(value, option)
    if isinstance(value, list) and any(isinstance(item, dict) for item in value):
        items = [_from_plain_value(item, options[0]) for item in value]
        return items if get_origin(kind) is list else tuple(items)
    return msgspec.convert(value, kind)
