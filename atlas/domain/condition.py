"""Conditions: what must be so before an order is released to the market, or, if it says so, before it is cancelled.

Six kinds, as Interactive Brokers has them: price, time, margin cushion, execution, volume, percent change. Several are joined
from left to right; each says how it is joined to the one after it. All of them are looked at anew with every event: a condition
that was true before and is so no longer does not count.
"""

import enum

from atlas.domain._struct import Variant
from atlas.domain.instrument import InstrumentKind


class TriggerMethod(enum.Enum):
    """Which prices may trigger a stop or a price condition (IB's trigger methods 0 to 4, 7 and 8).

    DEFAULT is LAST for stocks, futures and what else has trades, and BID_ASK for what has only quotes. The bid must reach
    a trigger that lies above the market, the ask one below it. The double methods want two prices in a row.
    """

    DEFAULT = "default"
    DOUBLE_BID_ASK = "double_bid_ask"
    LAST = "last"
    DOUBLE_LAST = "double_last"
    BID_ASK = "bid_ask"
    LAST_OR_BID_ASK = "last_or_bid_ask"
    MIDPOINT = "midpoint"


class Join(enum.Enum):
    """How a condition is joined to the next one."""

    AND = "and"
    OR = "or"


class PriceCondition(Variant, frozen=True, tag="price"):
    """A price of `instrument` is at or above (`above`), or at or below, `price`."""

    instrument: str
    price: float
    above: bool
    method: TriggerMethod = TriggerMethod.DEFAULT
    join: Join = Join.AND


class TimeCondition(Variant, frozen=True, tag="time"):
    """It is `at_ns` or later (`after`), or earlier. UTC nanoseconds since the epoch."""

    at_ns: int
    after: bool = True
    join: Join = Join.AND


class MarginCondition(Variant, frozen=True, tag="margin"):
    """The account's margin cushion, excess liquidity in percent of its net liquidation value, is above or below `percent`."""

    percent: float
    above: bool
    join: Join = Join.AND


class ExecutionCondition(Variant, frozen=True, tag="execution"):
    """Something was executed, since the order was placed, in `symbol` of an asset class on `exchange` ("" is any)."""

    symbol: str
    kind: InstrumentKind
    exchange: str = ""
    join: Join = Join.AND


class VolumeCondition(Variant, frozen=True, tag="volume"):
    """The volume that was traded in `instrument` in this session is at least (`above`), or at most, `volume`."""

    instrument: str
    volume: float
    above: bool
    join: Join = Join.AND


class PercentChangeCondition(Variant, frozen=True, tag="percent_change"):
    """The change of `instrument` since its last close, in percent, is at least (`above`), or at most, `percent`."""

    instrument: str
    percent: float
    above: bool
    join: Join = Join.AND


Condition = PriceCondition | TimeCondition | MarginCondition | ExecutionCondition | VolumeCondition | PercentChangeCondition
"""Any condition."""
