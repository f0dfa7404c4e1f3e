"""Layouts: a message as a table of its fields, for every version of the protocol. Reading and writing follow the same table.

An item says what comes next:

Field(name, kind, since, until)   one field; a dotted name reaches into a nested value
Fixed(text, since, until)         a field that is always written so, and skipped when read
Many(name, struct, items)         a count, then so many groups; each a struct, or a plain value where there is no struct
When(name, test, items)           items that are there only if the value read or written before passes a test
Kinds(name, struct, lengths)      a count, then groups whose length depends on their first field
"""

from collections.abc import Callable, Mapping, Sequence
from operator import attrgetter
from typing import Any, NamedTuple

import msgspec

from ib_gateway.simulator.codec.kinds import TEXT, Kind

_NEWEST = 10_000


class DecodeError(Exception):
    """A message does not have the layout of its kind."""


class Field(NamedTuple):
    """One field, in versions `since` to `until`."""

    name: str
    kind: Kind = TEXT
    since: int = 0
    until: int = _NEWEST


class Fixed(NamedTuple):
    """One field that always says the same."""

    text: str
    since: int = 0
    until: int = _NEWEST


class Many(NamedTuple):
    """A count and so many groups. Without a struct each group is a tuple, or a bare value if it has one field."""

    name: str
    struct: type[msgspec.Struct] | None
    items: "tuple[Item, ...]"


class When(NamedTuple):
    """Items that depend on the value of `name`, which comes earlier in the message."""

    name: str
    test: Callable[[Any], bool]
    items: "tuple[Item, ...]"
    since: int = 0


class Kinds(NamedTuple):
    """A count and so many groups; the first field of each says how many follow it."""

    name: str
    struct: type[msgspec.Struct]
    lengths: Mapping[int, int]


Item = Field | Fixed | Many | When | Kinds
Values = dict[str, Any]
Reader = Callable[[Sequence[str], int, Values], int]
Writer = Callable[[Any, list[str]], None]


class Layout(NamedTuple):
    """A message: its id, the struct it is, its fields, and the structs that dotted names reach into."""

    message_id: int
    struct: type[msgspec.Struct]
    items: tuple[Item, ...]
    nested: Mapping[str, type[msgspec.Struct]] = {}


def compile_reader(layout: Layout, version: int) -> Callable[[Sequence[str]], Any]:
    """A function from the fields after the message id to the message, for one version.

    The function raises DecodeError if fields are missing, left over, or not of their kind.
    """
    read = _reader(layout.items, version)

    def decode(fields: Sequence[str]) -> Any:
        values: Values = {}
        try:
            end = read(fields, 0, values)
        except IndexError:
            raise DecodeError(f"message {layout.message_id} ends after {len(fields)} fields") from None
        except (ValueError, OverflowError) as error:
            raise DecodeError(f"message {layout.message_id}: {error}") from None
        if end != len(fields):
            raise DecodeError(f"message {layout.message_id} has {len(fields)} fields instead of {end}")
        return _build(layout.struct, values, layout.nested)

    return decode


def compile_writer(layout: Layout, version: int) -> Callable[[Any], str]:
    """A function from the message to its text, for one version."""
    write = _writer(layout.items, version)
    head = str(layout.message_id)

    def encode(message: Any) -> str:
        out = [head]
        write(message, out)
        out.append("")
        return "\0".join(out)

    return encode


def _build(struct: type[msgspec.Struct], values: Values, nested: Mapping[str, type[msgspec.Struct]]) -> Any:
    if not nested:
        return struct(**values)
    groups: dict[str, Values] = {name: {} for name in nested}
    own: Values = {}
    for name, value in values.items():
        outer, _, inner = name.partition(".")
        if inner:
            groups[outer][inner] = value
        else:
            own[name] = value
    return struct(**own, **{name: nested[name](**group) for name, group in groups.items()})


def _present(items: tuple[Item, ...], version: int) -> list[list[Item]]:
    """Items of a version, runs of plain fields together."""
    runs: list[list[Item]] = []
    for item in items:
        if isinstance(item, (Field, Fixed)):
            if not item.since <= version <= item.until:
                continue
            if runs and isinstance(runs[-1][0], (Field, Fixed)):
                runs[-1].append(item)
                continue
        elif isinstance(item, When) and version < item.since:
            continue
        runs.append([item])
    return runs


def _reader(items: tuple[Item, ...], version: int) -> Reader:
    parts = [_part_reader(run, version) for run in _present(items, version)]

    def read(fields: Sequence[str], at: int, values: Values) -> int:
        for part in parts:
            at = part(fields, at, values)
        return at

    return read


def _part_reader(run: list[Item], version: int) -> Reader:
    match run[0]:
        case Many(name, struct, items):
            return _many_reader(name, struct, _reader(items, version))
        case When(name, test, items):
            inner = _reader(items, version)
            return lambda fields, at, values: inner(fields, at, values) if test(values[name]) else at
        case Kinds(name, struct, lengths):
            return _kinds_reader(name, struct, lengths)
    plain = [(item.name, item.kind.parse) if isinstance(item, Field) else ("", str) for item in run]

    def read(fields: Sequence[str], at: int, values: Values) -> int:
        for name, parse in plain:
            if name:
                text = fields[at]
                try:
                    values[name] = parse(text)
                except ValueError:
                    raise ValueError(f"field {at + 1} ({name.replace('.', ' ')}) cannot be {text[:40]!r}") from None
            elif at >= len(fields):
                raise IndexError
            at += 1
        return at

    return read


def _many_reader(name: str, struct: type[msgspec.Struct] | None, read_one: Reader) -> Reader:
    def read(fields: Sequence[str], at: int, values: Values) -> int:
        groups = []
        count = int(fields[at] or 0)
        at += 1
        if count < 0 or count > len(fields):
            raise ValueError(f"a count of {count}")
        for _ in range(count):
            group: Values = {}
            at = read_one(fields, at, group)
            plain = tuple(group.values())
            groups.append(struct(**group) if struct else plain[0] if len(plain) == 1 else plain)
        values[name] = tuple(groups)
        return at

    return read


def _kinds_reader(name: str, struct: type[msgspec.Struct], lengths: Mapping[int, int]) -> Reader:
    def read(fields: Sequence[str], at: int, values: Values) -> int:
        groups = []
        count = int(fields[at] or 0)
        at += 1
        for _ in range(count):
            kind = int(fields[at])
            if kind not in lengths:
                raise ValueError(f"there is no kind {kind}")
            texts = tuple(fields[at + 1 : at + 1 + lengths[kind]])
            if len(texts) < lengths[kind]:
                raise IndexError
            groups.append(struct(kind, texts))
            at += 1 + lengths[kind]
        values[name] = tuple(groups)
        return at

    return read


def _writer(items: tuple[Item, ...], version: int) -> Writer:
    parts = [_part_writer(run, version) for run in _present(items, version)]
    if len(parts) == 1:
        return parts[0]

    def write(message: Any, out: list[str]) -> None:
        for part in parts:
            part(message, out)

    return write


def _part_writer(run: list[Item], version: int) -> Writer:
    match run[0]:
        case Many(name, struct, items):
            return _many_writer(attrgetter(name), struct, items, version)
        case When(name, test, items):
            inner, value = _writer(items, version), attrgetter(name)
            return lambda message, out: inner(message, out) if test(value(message)) else None
        case Kinds(name, _, _):
            groups = attrgetter(name)

            def write_kinds(message: Any, out: list[str]) -> None:
                every = groups(message)
                out.append(str(len(every)))
                for group in every:
                    out.append(str(group.kind))
                    out.extend(group.fields)

            return write_kinds
    plain = [
        (attrgetter(item.name), item.kind.render) if isinstance(item, Field) else (None, item.text)  # type: ignore[union-attr]
        for item in run
    ]

    def write(message: Any, out: list[str]) -> None:
        for value, render in plain:
            out.append(render(value(message)) if value else render)  # type: ignore[operator,arg-type]

    return write


def _many_writer(
    groups: Callable[[Any], Sequence[Any]], struct: type[msgspec.Struct] | None, items: tuple[Item, ...], version: int
) -> Writer:
    if struct:
        write_one = _writer(items, version)
    else:
        renders = [item.kind.render for item in items if isinstance(item, Field)]

        def write_one(group: Any, out: list[str]) -> None:
            for render, value in zip(renders, group if isinstance(group, tuple) else (group,), strict=True):
                out.append(render(value))

    def write(message: Any, out: list[str]) -> None:
        every = groups(message)
        out.append(str(len(every)))
        for group in every:
            write_one(group, out)

    return write
