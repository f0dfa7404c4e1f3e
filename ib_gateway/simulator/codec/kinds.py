"""Kinds of fields: how a value is written as text and read back.

A client leaves an unset number empty; the gateway writes the largest number of the type or leaves it empty, field by field.
"""

from collections.abc import Callable
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from atlas.domain import to_datetime
from ib_gateway.simulator.messages.replies import Moment

UNSET_DOUBLE = "1.7976931348623157E308"
UNSET_INTEGER = "2147483647"
_UNSET = frozenset({"", UNSET_DOUBLE, "1.7976931348623157e+308", UNSET_INTEGER, "1.7976931348623157E+308"})
_INFINITE = frozenset({"Infinity", "Infinite", "inf"})  # as IB's clients, ib_insync, and older ones of IB write it
_MAX_TEXTS = 200_000
_LONGEST = 24
_LARGEST = 2**31 - 1


class _Texts(dict[float, str]):
    """Numbers already written: prices repeat."""

    def __missing__(self, value: float) -> str:
        if len(self) > _MAX_TEXTS:
            self.clear()
        text = self[value] = _number(value)
        return text


def _number(value: float) -> str:
    if value == int(value) if abs(value) < 1e15 else False:
        return str(int(value))
    text = repr(value)
    return f"{value:.12f}".rstrip("0") if "e-" in text else text


number: Callable[[float], str] = _Texts().__getitem__
"""A number as the gateway writes it: whole numbers without a point, never with an exponent for small ones."""


class _Memory(dict[str, Any]):
    """What texts were read as: clients write the same ones again and again. Neither errors nor long texts are kept."""

    def __init__(self, parse: Callable[[str], Any]) -> None:
        self._parse = parse

    def __missing__(self, text: str) -> Any:
        if len(self) > _MAX_TEXTS:
            self.clear()
        value = self._parse(text)
        if len(text) <= _LONGEST:
            self[text] = value
        return value


def _remembered(parse: Callable[[str], Any]) -> Callable[[str], Any]:
    return _Memory(parse).__getitem__


class Kind(NamedTuple):
    """How a field is read and written."""

    parse: Callable[[str], Any]
    render: Callable[[Any], str]


def _only_digits(text: str) -> None:
    """Python reads more as a number than the protocol does: 1_000, and digits of other scripts."""
    if "_" in text or not text.isascii():
        raise ValueError(text)


def _integer(text: str) -> int:
    """A whole number of 32 bits; some clients write it with a point."""
    if not text:
        return 0
    _only_digits(text)
    try:
        value = int(text)
    except ValueError:
        value = int(float(text)) if float(text).is_integer() else _LARGEST + 1
    if not -_LARGEST <= value <= _LARGEST:
        raise ValueError(f"{text[:40]!r} is not a whole number of 32 bits")
    return value


def _boolean(text: str) -> bool:
    if text in ("", "0", "false", "False"):
        return False
    if text in ("1", "true", "True"):
        return True
    raise ValueError(f"{text!r} is neither 0 nor 1")


def _float(text: str) -> float:
    _only_digits(text)
    value = float(text) if text else 0.0
    if value != value or value in (float("inf"), float("-inf")):
        raise ValueError(f"{text!r} is not a finite number")
    return value


def _optional(parse: Callable[[str], Any]) -> Callable[[str], Any]:
    return _remembered(lambda text: None if text in _UNSET else parse(text))


def _written(render: Callable[[Any], str], unset: str) -> Callable[[Any], str]:
    return lambda value: unset if value is None else render(value)


def _infinite(text: str) -> float | None:
    return float("inf") if text in _INFINITE else None if text in _UNSET else _float(text)


def _infinite_text(value: float | None) -> str:
    return "" if value is None else "Infinity" if value == float("inf") else number(value)


def _zoned(moment: Moment | int | str) -> str:
    return moment if isinstance(moment, str) else str(moment) if isinstance(moment, int) else _local(moment, " ", moment.zone)


def _plain(moment: Moment | int | str) -> str:
    return moment if isinstance(moment, str) else str(moment) if isinstance(moment, int) else _local(moment, "  ", "")


def _local(moment: Moment, gap: str, zone: str) -> str:
    """Before zones were written, times were those of the gateway, here UTC."""
    local = to_datetime(moment.ns).astimezone(ZoneInfo(zone)) if zone else to_datetime(moment.ns)
    return local.strftime(f"%Y%m%d{gap}%H:%M:%S") + (f" {zone}" if zone else "")


TEXT = Kind(str, str)
INT = Kind(_remembered(_integer), str)
LONG = Kind(lambda text: int(text or "0"), str)
FLOAT = Kind(_remembered(_float), number)
BOOL = Kind(_remembered(_boolean), {False: "0", True: "1"}.__getitem__)
FLOAT_OR_NOTHING = Kind(_float, lambda value: number(value) if value else "")
WHOLE = Kind(_float, lambda value: str(int(value)))
OPTIONAL_INT = Kind(_optional(_integer), _written(str, ""))
OPTIONAL_FLOAT = Kind(_optional(_float), _written(number, ""))
OPTIONAL_BOOL = Kind(_optional(_boolean), {None: "0", False: "0", True: "1"}.__getitem__)
LIMITLESS = Kind(_infinite, _infinite_text)
INT_OR_MAX = Kind(_optional(_integer), _written(str, UNSET_INTEGER))
FLOAT_OR_MAX = Kind(_optional(_float), _written(number, UNSET_DOUBLE))
FLOAT_OR_ZERO = Kind(_optional(_float), _written(number, "0.0"))
INT_OR_ZERO = Kind(_optional(_integer), _written(str, "0"))
QUERY = Kind(str, lambda value: value or "?")
NONE_OR_MINUS_1 = Kind(lambda text: None if _float(text) == -1 else _float(text), _written(number, "-1"))
NONE_OR_MINUS_2 = Kind(lambda text: None if _float(text) == -2 else _float(text), _written(number, "-2"))
NONE_TEXT = Kind(str, lambda value: value or "None")
IB_TEXT = Kind(str, lambda value: value or "IB")
ZONED_TIME = Kind(str, _zoned)
PLAIN_TIME = Kind(str, _plain)
