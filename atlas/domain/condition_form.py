"""What a condition must look like: what its broker can be told, and what can come true. Pure."""

import math
import re
from collections.abc import Callable, Mapping
from typing import Any

from atlas.domain.condition import (
    Condition,
    ExecutionCondition,
    MarginCondition,
    PercentChangeCondition,
    PriceCondition,
    TimeCondition,
    VolumeCondition,
)
from atlas.domain.instrument import InstrumentKind
from atlas.domain.time import NS_PER_SECOND

_MOST = 1e12
_MOST_VOLUME = 2**31 - 2  # IB's volumes and percentages of margin are 32-bit integers
_INSTRUMENT = re.compile(r"[A-Z0-9 .@:^-]{1,64}")
_SYMBOL = re.compile(r"[A-Z0-9][A-Z0-9 .]{0,31}")
_EXCHANGE = re.compile(r"[A-Z0-9]{0,16}")
_MOST_NS = 2**63 - 1


def malformed_condition(condition: Condition) -> str:
    """Why an order with `condition` is turned away, or ""."""
    return _RULES[type(condition)](condition)


def _price(one: PriceCondition) -> str:
    return _instrument(one.instrument) or _number("price", one.price)


def _time(one: TimeCondition) -> str:
    if not 0 < one.at_ns <= _MOST_NS:
        return f"{one.at_ns} is no time"
    return "the broker knows no time between two seconds" if one.at_ns % NS_PER_SECOND else ""


def _margin(one: MarginCondition) -> str:
    if math.isfinite(one.percent) and 0 <= one.percent <= 100 and one.percent % 1 == 0:
        return ""
    return f"a margin cushion of {one.percent!r} percent is no whole number from 0 to 100"


def _execution(one: ExecutionCondition) -> str:
    if one.kind is InstrumentKind.INDEX:
        return "nobody trades an index"
    if not _SYMBOL.fullmatch(one.symbol) or one.symbol != one.symbol.strip():
        return f"{one.symbol[:40]!r} is no symbol"
    return "" if _EXCHANGE.fullmatch(one.exchange) else f"{one.exchange[:40]!r} is no exchange"


def _volume(one: VolumeCondition) -> str:
    if not (math.isfinite(one.volume) and 0 <= one.volume <= _MOST_VOLUME and one.volume % 1 == 0):
        return f"a volume of {one.volume!r} is no whole number that the broker takes"
    return _instrument(one.instrument)


def _percent_change(one: PercentChangeCondition) -> str:
    return _instrument(one.instrument) or _number("percentage", one.percent)


def _instrument(text: str) -> str:
    return "" if _INSTRUMENT.fullmatch(text) else f"{text[:40]!r} is no instrument"


def _number(what: str, value: float) -> str:
    return "" if math.isfinite(value) and abs(value) <= _MOST else f"the {what} {value!r} is not a number up to {_MOST:g}"


_RULES: Mapping[type[Any], Callable[[Any], str]] = {
    PriceCondition: _price,
    TimeCondition: _time,
    MarginCondition: _margin,
    ExecutionCondition: _execution,
    VolumeCondition: _volume,
    PercentChangeCondition: _percent_change,
}
