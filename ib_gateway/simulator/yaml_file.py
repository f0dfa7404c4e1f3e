"""YAML that people write, read safely: scenarios, instruments, options. Whatever is wrong is one line: which file, which line.

Stricter than YAML where that would hide a mistake: a name may stand once in a mapping, `<<` is not known, dates stay text,
numbers fit into 64 bits, text holds neither NUL nor half a character. Bounded, as a text may come from the network: in its
depth, its length, and in what references (`*name`) make of it.
"""

import re
from collections.abc import Hashable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec
import yaml

from atlas.domain import BadInput

_T = TypeVar("_T")

_MAX_CHARACTERS = 16 * 1024 * 1024
_MAX_DEPTH = 50
_MAX_REFERRED = 10_000
_MERGE = "tag:yaml.org,2002:merge"
_DATE = "tag:yaml.org,2002:timestamp"
_STEP = re.compile(r"\.([A-Za-z_]\w*)|\[(\d+)\]")
if TYPE_CHECKING:
    _Base = yaml.SafeLoader
else:
    _Base = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # the one in C takes a tenth of the time, where there is one


class Document:
    """What a file says.

    Attributes:
        where: What the file is and its name, as error messages begin.
        value: Its plain values.
    """

    def __init__(self, where: str, value: Any, root: yaml.Node | None) -> None:
        self.where = where
        self.value = value
        self._root = root

    def line(self, *path: str | int) -> int:
        """The line, from 1, on which something begins, by names and places from the top; else that of what is around it."""
        node, line = self._root, 1
        for step in path:
            at = _within(node, step)
            if at is None:
                break
            line, node = at
        return line

    def mistake(self, error: msgspec.ValidationError) -> str:
        """Where and what is wrong, of an error about values at a path of this file."""
        _, _, path = str(error).rpartition("`$")
        steps = [name or int(number) for name, number in _STEP.findall(path)]
        return f"{self.where} line {self.line(*steps)}: {error}" if steps else f"{self.where}: {error}"

    def convert(self, kind: type[_T]) -> _T:
        """Its values as a struct.

        Raises:
            BadInput: a field is unknown, missing or of a wrong type.
        """
        try:
            return msgspec.convert(self.value, kind)
        except msgspec.ValidationError as error:
            raise BadInput(f"{self.mistake(error)}; correct that field") from None


def read(path: Path, what: str) -> Document:
    """A file of YAML; `what` it is begins error messages, as "the instruments file".

    Raises:
        BadInput: the file cannot be read, or is no YAML as it is understood here.
    """
    return parse(text_of(path, what), f"{what} {path}")


def text_of(path: Path, what: str) -> str:
    """The text of a file.

    Raises:
        BadInput: the file cannot be read, or is no UTF-8.
    """
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise BadInput(f"{what} {path} cannot be read: {error.strerror or error}") from None
    except UnicodeDecodeError as error:
        raise BadInput(f"{what} {path} cannot be read: byte {error.start} is no UTF-8 text; save it as UTF-8") from None
    except ValueError:  # a NUL
        raise BadInput(f"{what} {str(path)!r} cannot be read: that is no name of a file") from None


def parse(text: str, where: str) -> Document:
    """A text of YAML; `where` it stands begins error messages.

    Raises:
        BadInput: the text is no YAML as it is understood here.
    """
    if len(text) > _MAX_CHARACTERS:
        raise BadInput(f"{where} is too long: {len(text)} characters; at most {_MAX_CHARACTERS} are read")
    try:
        _look_through(text)
        loader = _Loader(text)
        try:
            root = loader.get_single_node()
            return Document(where, None if root is None else loader.construct_document(root), root)
        finally:
            loader.dispose()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        last = len(text.splitlines()) or 1  # the end of a text is told as the line after it
        at = f" line {min(mark.line + 1, last)}" if mark else ""
        wrong = "" if isinstance(error, _Mistake) else " is not YAML"
        raise BadInput(f"{where}{at}{wrong}: {_one_line(error.problem or error.context)}") from None
    except (yaml.YAMLError, ValueError) as error:  # signs that cannot be in a text
        reason = getattr(error, "reason", None) or str(error)
        raise BadInput(f"{where} is not YAML: {_one_line(reason)}") from None


def brief(value: object) -> str:
    """A value as error messages show it, cut where it is long."""
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:60]}…"


class _Mistake(yaml.MarkedYAMLError):
    """What is YAML and is refused here all the same."""


class _Loader(_Base):
    """YAML's own values, each checked as it is made."""

    yaml_implicit_resolvers = {  # noqa: RUF012 - as the library has it
        first: [(tag, pattern) for tag, pattern in resolvers if tag != _DATE]
        for first, resolvers in _Base.yaml_implicit_resolvers.items()
    }

    def construct_object(self, node: Any, deep: bool = False) -> Any:  # noqa: FBT001 - as the library calls it
        try:
            value = super().construct_object(node, deep)
        except (ValueError, LookupError, TypeError, AttributeError, OverflowError):
            raise _wrong(f"{brief(node.value)} is no {node.tag.rpartition(':')[2]}", node) from None
        if isinstance(value, int) and not -(2**63) <= value < 2**63:
            raise _wrong(f"{str(node.value)[:20]}… is too large a number", node)
        if isinstance(value, str) and ("\0" in value or not _is_whole(value)):
            raise _wrong(f"{brief(value)} holds what is no character", node)
        return value

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Hashable, Any]:  # noqa: FBT001 - likewise
        if not isinstance(node, yaml.MappingNode):
            raise _wrong("expected a mapping", node)
        lines: dict[Hashable, int] = {}
        for key, _ in node.value:
            if key.tag == _MERGE:
                raise _wrong("`<<` is not known here; write out what it stands for", key)
            name = self.construct_object(key, deep=True)
            if not isinstance(name, Hashable):
                raise _wrong("a name must be text or a number", key)
            if name in lines:
                raise _wrong(f"{brief(name)} stands here already, on line {lines[name]}; keep one of the two", key)
            lines[name] = key.start_mark.line + 1
        mapping: dict[Hashable, Any] = super().construct_mapping(node, deep)
        return mapping


def _look_through(text: str) -> None:
    """Refuse what would be too deep to read, or too large once references are followed."""
    sizes: dict[str, int] = {}
    opened: list[tuple[str | None, int]] = []
    nodes = referred = 0
    for event in yaml.parse(text, _Base):
        match event:
            case yaml.AliasEvent(anchor=name):
                if any(name == anchor for anchor, _ in opened):
                    raise _wrong(f"*{name} is within what it refers to", event)
                size = sizes.get(name or "", 0)
                nodes += size
                referred += size
            case yaml.CollectionStartEvent(anchor=name):
                opened.append((name, nodes))
                nodes += 1
            case yaml.CollectionEndEvent():
                name, before = opened.pop()
                if name:
                    sizes[name] = nodes - before
            case yaml.ScalarEvent(anchor=name):
                nodes += 1
                if name:
                    sizes[name] = 1
        if len(opened) > _MAX_DEPTH:
            raise _wrong(f"it is nested more than {_MAX_DEPTH} deep", event)
        if referred > _MAX_REFERRED:
            raise _wrong(f"references make more than {_MAX_REFERRED} values of it; write it out", event)


def _within(node: yaml.Node | None, step: str | int) -> tuple[int, yaml.Node] | None:
    """The line and the node of one thing in a collection."""
    if isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
        return node.value[step].start_mark.line + 1, node.value[step]
    if isinstance(node, yaml.MappingNode):
        return next(((key.start_mark.line + 1, value) for key, value in node.value if key.value == step), None)
    return None


def _is_whole(text: str) -> bool:
    """Whether a text can be written down: it holds no half of a surrogate pair."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _wrong(text: str, at: Any) -> _Mistake:
    return _Mistake(problem=text, problem_mark=at.start_mark)


def _one_line(text: object) -> str:
    return " ".join(str(text or "it cannot be read").split())[:200]
