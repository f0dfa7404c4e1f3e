"""Conditions as clients write them, and as the exchange looks at them.

A condition arrives as IB's type number and its fields; on the wire it goes back as it came. Fields by type (TWS API, "Order
Conditioning"): price 1 (join, is more, price, con id, exchange, trigger method), time 3 (join, is more, time), margin 4 (join,
is more, percent), execution 5 (join, security type, exchange, symbol), volume 6 (join, is more, volume, con id, exchange),
percent change 7 (join, is more, percent, con id, exchange).
"""

from collections.abc import Callable, Mapping, Sequence

from atlas.domain import (
    Condition,
    ExecutionCondition,
    InstrumentKind,
    Join,
    MarginCondition,
    PercentChangeCondition,
    PriceCondition,
    TimeCondition,
    VolumeCondition,
)
from ib_gateway.simulator import messages
from ib_gateway.simulator.broker.floor import LOGIN_ZONE
from ib_gateway.simulator.broker.orders.codes import Code
from ib_gateway.simulator.broker.orders.terms import TRIGGER_METHODS, Turned
from ib_gateway.simulator.broker.times import client_time
from ib_gateway.simulator.instruments import Catalogue

_JOINS = {"a": Join.AND, "o": Join.OR}
_YES = {"1": True, "0": False, "": False, "true": True, "false": False}
_KINDS = {
    "STK": InstrumentKind.STOCK,
    "CASH": InstrumentKind.CASH,
    "FUT": InstrumentKind.FUTURE,
    "OPT": InstrumentKind.OPTION,
    "FOP": InstrumentKind.OPTION,
    "IND": InstrumentKind.INDEX,
}
_NAMES = {1: "price", 3: "time", 4: "margin", 5: "execution", 6: "volume", 7: "percent change"}


class _Reader:
    """Reads one condition; everything that is wrong names the condition and the field."""

    def __init__(self, catalogue: Catalogue, number: int, condition: messages.Condition) -> None:
        self._catalogue = catalogue
        self._fields = condition.fields
        self._name = f"condition {number} ({_NAMES[condition.kind]})"

    def wrong(self, what: str) -> Turned:
        return Turned(Code.INVALID.say(cause=f"{self._name}: {what}."))

    def join(self) -> Join:
        if self._fields[0] not in _JOINS:
            raise self.wrong(f"invalid conjunction '{self._fields[0]}'")
        return _JOINS[self._fields[0]]

    def more(self) -> bool:
        if self._fields[1].lower() not in _YES:
            raise self.wrong(f"'{self._fields[1]}' is neither more nor less")
        return _YES[self._fields[1].lower()]

    def number(self, what: str, *, least: float = float("-inf")) -> float:
        text = self._fields[2]
        try:
            value = float(text)
        except ValueError:
            raise self.wrong(f"invalid {what} '{text}'") from None
        if not least <= value <= 1e12:
            raise self.wrong(f"invalid {what} '{text}'")
        return value

    def instrument(self) -> str:
        text = self._fields[3]
        listing = self._catalogue.by_con_id(int(text)) if text.isdigit() else None
        if listing is None:
            raise Turned(Code.CONDITION_CONTRACT.say(where=f"{self._name}: con id '{text}'"))
        return listing.instrument.id

    def text(self, at: int) -> str:
        return self._fields[at]

    def price(self) -> PriceCondition:
        method = self._fields[5] or "0"
        if not method.isdigit() or int(method) not in TRIGGER_METHODS:
            raise Turned(Code.TRIGGER_METHOD.say())
        price = self.number("price")
        return PriceCondition(self.instrument(), price, self.more(), TRIGGER_METHODS[int(method)], self.join())

    def time(self) -> TimeCondition:
        try:
            at_ns = client_time(self._fields[2], LOGIN_ZONE)
        except ValueError as error:
            raise Turned(Code.BAD_TIME.say(cause=f"{self._name}: {error}")) from None
        return TimeCondition(at_ns, self.more(), self.join())

    def margin(self) -> MarginCondition:
        return MarginCondition(self.number("percent"), self.more(), self.join())

    def execution(self) -> ExecutionCondition:
        _, sec_type, exchange, symbol = self._fields
        if sec_type not in _KINDS:
            raise self.wrong(f"invalid security type '{sec_type}'")
        if not symbol:
            raise self.wrong("no symbol")
        return ExecutionCondition(symbol, _KINDS[sec_type], "" if exchange in ("SMART", "*") else exchange, self.join())

    def volume(self) -> VolumeCondition:
        return VolumeCondition(self.instrument(), self.number("volume", least=0), self.more(), self.join())

    def percent_change(self) -> PercentChangeCondition:
        return PercentChangeCondition(self.instrument(), self.number("percent"), self.more(), self.join())


_READ: Mapping[int, Callable[[_Reader], Condition]] = {
    1: _Reader.price,
    3: _Reader.time,
    4: _Reader.margin,
    5: _Reader.execution,
    6: _Reader.volume,
    7: _Reader.percent_change,
}


def read(conditions: Sequence[messages.Condition], catalogue: Catalogue) -> tuple[Condition, ...]:
    """The conditions that a ticket's mean.

    Raises:
        Turned: one of them makes no sense; the words name it.
    """
    return tuple(
        _READ[condition.kind](_Reader(catalogue, number, condition)) for number, condition in enumerate(conditions, start=1)
    )
