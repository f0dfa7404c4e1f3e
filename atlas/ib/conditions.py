"""Between our six conditions and the client library's, both ways.

A table has one row per kind. What IB writes differently: instruments are contract ids with an exchange, times are texts,
percentages of margin and volumes are whole numbers (TWS API, "Order Conditioning"). A condition on "any exchange" is "*".
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from atlas.domain import (
    Condition,
    ExecutionCondition,
    Instrument,
    InstrumentKind,
    Join,
    MarginCondition,
    PercentChangeCondition,
    PriceCondition,
    TimeCondition,
    TriggerMethod,
    VolumeCondition,
)
from atlas.ib import times
from atlas.ib.contracts import SECURITY_TYPES, security_type
from atlas.ib.library import library

TRIGGER_METHODS: Mapping[TriggerMethod, int] = {
    TriggerMethod.DEFAULT: 0,
    TriggerMethod.DOUBLE_BID_ASK: 1,
    TriggerMethod.LAST: 2,
    TriggerMethod.DOUBLE_LAST: 3,
    TriggerMethod.BID_ASK: 4,
    TriggerMethod.LAST_OR_BID_ASK: 7,
    TriggerMethod.MIDPOINT: 8,
}
"""IB's numbers of trigger methods, of orders and of price conditions."""

TRIGGER_METHODS_BY_NUMBER = {number: method for method, number in TRIGGER_METHODS.items()}

_JOINS = {Join.AND: "a", Join.OR: "o"}
_JOINS_BY_LETTER = {letter: join for join, letter in _JOINS.items()}
_KINDS = {name: kind for kind, name in SECURITY_TYPES.items()} | {"FOP": InstrumentKind.OPTION}
_ANY_EXCHANGE = "*"

Named = Callable[[str], Instrument]
"""The instrument of an id; raises KeyError for one that is not known."""

NameOf = Callable[[int], str]
"""The instrument id of a contract id, or the broker's own name for it."""


class NoWords(Exception):
    """The broker shows something for which the domain has no words."""


class _Row(NamedTuple):
    library_class: str
    write: Callable[[Any, Named], dict[str, Any]]
    read: Callable[[Any, NameOf], Condition]


def _join(condition: Any) -> Join:
    return _JOINS_BY_LETTER.get(condition.conjunction, Join.AND)


def _where(instrument_id: str, named: Named) -> dict[str, Any]:
    instrument = named(instrument_id)
    return {"conId": instrument.con_id, "exch": instrument.exchange}


def _moment(text: str) -> int:
    at_ns = times.from_ib(text)
    if not at_ns:
        raise NoWords(f"a condition on the time {text!r}")
    return at_ns


def _method(number: int) -> TriggerMethod:
    if number not in TRIGGER_METHODS_BY_NUMBER:
        raise NoWords(f"trigger method {number}")
    return TRIGGER_METHODS_BY_NUMBER[number]


def _kind(security: str) -> InstrumentKind:
    if security not in _KINDS:
        raise NoWords(f"a condition on security type {security!r}")
    return _KINDS[security]


def _write_execution(one: ExecutionCondition, _named: Named) -> dict[str, Any]:
    return {"secType": security_type(one.kind, one.exchange), "exch": one.exchange or _ANY_EXCHANGE, "symbol": one.symbol}


def _read_execution(one: Any, _name: NameOf) -> Condition:
    return ExecutionCondition(one.symbol, _kind(one.secType), "" if one.exch == _ANY_EXCHANGE else one.exch, _join(one))


_ROWS: Mapping[type[Any], _Row] = {
    PriceCondition: _Row(
        "PriceCondition",
        lambda one, named: {
            "price": one.price,
            "isMore": one.above,
            "triggerMethod": TRIGGER_METHODS[one.method],
            **_where(one.instrument, named),
        },
        lambda one, name: PriceCondition(
            name(one.conId), float(one.price), bool(one.isMore), _method(one.triggerMethod), _join(one)
        ),
    ),
    TimeCondition: _Row(
        "TimeCondition",
        lambda one, _named: {"time": times.to_ib(one.at_ns), "isMore": one.after},
        lambda one, _name: TimeCondition(_moment(one.time), bool(one.isMore), _join(one)),
    ),
    MarginCondition: _Row(
        "MarginCondition",
        lambda one, _named: {"percent": int(one.percent), "isMore": one.above},
        lambda one, _name: MarginCondition(float(one.percent), bool(one.isMore), _join(one)),
    ),
    ExecutionCondition: _Row("ExecutionCondition", _write_execution, _read_execution),
    VolumeCondition: _Row(
        "VolumeCondition",
        lambda one, named: {"volume": int(one.volume), "isMore": one.above, **_where(one.instrument, named)},
        lambda one, name: VolumeCondition(name(one.conId), float(one.volume), bool(one.isMore), _join(one)),
    ),
    PercentChangeCondition: _Row(
        "PercentChangeCondition",
        lambda one, named: {"changePercent": one.percent, "isMore": one.above, **_where(one.instrument, named)},
        lambda one, name: PercentChangeCondition(name(one.conId), float(one.changePercent), bool(one.isMore), _join(one)),
    ),
}
_BY_LIBRARY_CLASS = {row.library_class: row for row in _ROWS.values()}


def to_ib(conditions: tuple[Condition, ...], named: Named) -> list[Any]:
    """The library's conditions.

    Raises:
        KeyError: a condition is on an instrument that `named` does not know.
    """
    return [_written(one, _ROWS[type(one)], named) for one in conditions]


def _written(one: Condition, row: _Row, named: Named) -> Any:
    return getattr(library, row.library_class)(conjunction=_JOINS[one.join], **row.write(one, named))


def from_ib(conditions: list[Any], name_of: NameOf) -> tuple[Condition, ...]:
    """Our conditions.

    Raises:
        NoWords: one of them says what ours cannot.
    """
    read = []
    for one in conditions:
        row = _BY_LIBRARY_CLASS.get(type(one).__name__)
        if row is None:
            raise NoWords(f"a condition of type {type(one).__name__}")
        read.append(row.read(one, name_of))
    return tuple(read)
