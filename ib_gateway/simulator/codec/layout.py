"""Layouts: a message as a table of its fields, for every version of the protocol. Reading and writing follow the same table.

An item says what comes next:

Field(name, kind, since, until)   one field; a dotted name reaches into a nested value
Fixed(text, since, until)         a field that is always written so, and skipped when read
Many(name, struct, items, nested) a count, then so many groups; each a struct, or a plain value where there is no struct
When(name, test, items)           items that are there only if the value read or written before passes a test
Last(name)                        the last field of the message; some clients write a count before it
Kinds(name, struct, lengths)      a count, then groups whose length depends on their first field
"""

from collections.abc import Callable, Mapping, Sequence
from operator import attrgetter, itemgetter
from typing import Any, NamedTuple

import msgspec

from ib_gateway.simulator.codec.kinds import TEXT, Kind

_NEWEST = 10_000
_FIXED = ""  # the name of what need not be kept


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
    nested: Mapping[str, type[msgspec.Struct]] = {}


class When(NamedTuple):
    """Items that depend on the value of `name`, which comes earlier in the message."""

    name: str
    test: Callable[[Any], bool]
    items: "tuple[Item, ...]"
    since: int = 0


class Last(NamedTuple):
    """The last field of a message. Some clients write before it how much it holds, others do not."""

    name: str


class Kinds(NamedTuple):
    """A count and so many groups; the first field of each says how many follow it."""

    name: str
    struct: type[msgspec.Struct]
    lengths: Mapping[int, int]


Item = Field | Fixed | Many | When | Last | Kinds
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
    begin, build = _builder(layout.struct, layout.nested)

    def decode(fields: Sequence[str]) -> Any:
        values = begin()
        try:
            end = read(fields, 0, values)
        except IndexError:
            raise DecodeError(f"message {layout.message_id} ends after {len(fields)} fields") from None
        except (ValueError, OverflowError) as error:
            raise DecodeError(f"message {layout.message_id}: {error}") from None
        if end != len(fields):
            raise DecodeError(f"message {layout.message_id} has {len(fields)} fields instead of {end}")
        return build(values)

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


def _builder(
    struct: type[msgspec.Struct], nested: Mapping[str, type[msgspec.Struct]]
) -> tuple[Callable[[], Values], Callable[[Values], Any]]:
    """What to begin with, and what makes a message of the values that were read, by their dotted names.

    All is done by position: a ticket's hundred fields are slow to match by name.
    """
    names = {name: [f"{name}.{field}" for field in inner.__struct_fields__] for name, inner in nested.items()}
    defaults = _defaults("", struct)
    for name, inner in nested.items():
        defaults |= _defaults(f"{name}.", inner)
    parts = [(name, inner, _picked(names[name])) for name, inner in nested.items()]
    whole = _picked(list(struct.__struct_fields__))

    def build(values: Values) -> Any:
        for name, inner, fields_of in parts:
            values[name] = inner(*fields_of(values))
        return struct(*whole(values))

    return defaults.copy, build


def _defaults(prefix: str, struct: type[msgspec.Struct]) -> Values:
    fields = msgspec.structs.fields(struct)
    return {f"{prefix}{field.name}": field.default for field in fields if field.default is not msgspec.NODEFAULT}


def _picked(names: Sequence[str]) -> Callable[[Values], Sequence[Any]]:
    """Takes several values at once; also if they are one or none."""
    if len(names) > 1:
        return itemgetter(*names)
    return lambda values: [values[name] for name in names]


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
        case Many(name, struct, items, nested):
            return _many_reader(name, struct, _reader(items, version), nested)
        case When(name, test, items):
            inner = _reader(items, version)
            return lambda fields, at, values: inner(fields, at, values) if test(values[name]) else at
        case Kinds(name, struct, lengths):
            return _kinds_reader(name, struct, lengths)
        case Last(name):
            return _last_reader(name)
    return _plain_reader(run)


def _plain_reader(run: list[Item]) -> Reader:
    """Reads fields that are always there. What an empty field means is known beforehand: most fields of an order are."""
    names = [item.name if isinstance(item, Field) else _FIXED for item in run]
    kinds = [(at, item.kind) for at, item in enumerate(run) if isinstance(item, Field) and item.kind is not TEXT]
    parses = [(at, kind.parse, kind.parse("")) for at, kind in kinds]
    length, has_fixed = len(run), _FIXED in names

    def read(fields: Sequence[str], at: int, values: Values) -> int:
        row: list[Any] = list(fields[at : at + length])
        if len(row) < length:
            raise IndexError
        try:
            for offset, parse, empty in parses:
                text = row[offset]
                row[offset] = parse(text) if text else empty
        except ValueError:
            raise ValueError(f"field {at + offset + 1} ({names[offset].rpartition('.')[2]}) cannot be {text[:40]!r}") from None
        values.update(zip(names, row, strict=True))
        if has_fixed:
            del values[_FIXED]
        return at + length

    return read


def _count(fields: Sequence[str], at: int) -> int:
    count = int(fields[at] or 0)
    if not 0 <= count <= len(fields):
        raise ValueError(f"field {at + 1} cannot count {count}")
    return count


def _many_reader(
    name: str, struct: type[msgspec.Struct] | None, read_one: Reader, nested: Mapping[str, type[msgspec.Struct]]
) -> Reader:
    begin, build = _builder(struct, nested) if struct else (dict, _plain_group)

    def read(fields: Sequence[str], at: int, values: Values) -> int:
        groups = []
        count = _count(fields, at)
        at += 1
        for _ in range(count):
            group: Values = begin()
            at = read_one(fields, at, group)
            groups.append(build(group))
        values[name] = tuple(groups)
        return at

    return read


def _plain_group(group: Values) -> Any:
    plain = tuple(group.values())
    return plain[0] if len(plain) == 1 else plain


def _last_reader(name: str) -> Reader:
    def read(fields: Sequence[str], at: int, values: Values) -> int:
        texts = fields[at : at + 2]
        values[name] = texts[-1]
        return at + len(texts)

    return read


def _kinds_reader(name: str, struct: type[msgspec.Struct], lengths: Mapping[int, int]) -> Reader:
    def read(fields: Sequence[str], at: int, values: Values) -> int:
        groups = []
        count = _count(fields, at)
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
        case Many(name, struct, items, _):
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
        case Last(name):
            text = attrgetter(name)
            return lambda message, out: out.append(text(message))
    return _plain_writer(run)


def _plain_writer(run: list[Item]) -> Writer:
    """Writes fields that are always there: all values at once, then those that are not text yet are turned into it."""
    fixed = [(at, item.text) for at, item in enumerate(run) if isinstance(item, Fixed)]
    fields = [item for item in run if isinstance(item, Field)]
    renders = [(at, item.kind.render) for at, item in enumerate(fields) if item.kind is not TEXT]
    if not fields:
        texts = [text for _, text in fixed]
        return lambda _message, out: out.extend(texts)
    values: Callable[[Any], Any] = attrgetter(*(item.name for item in fields))
    single = len(fields) == 1

    def write(message: Any, out: list[str]) -> None:
        row = [values(message)] if single else list(values(message))
        for at, render in renders:
            row[at] = render(row[at])
        for at, text in fixed:
            row.insert(at, text)
        out.extend(row)

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
