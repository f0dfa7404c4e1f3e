"""Tick types, and generic ticks: what a client may ask for beside quotes and trades.

Source: TWS API documentation, available tick types; the list of generic ticks is the one that IB answers a wrong request with.
"""

from collections.abc import Mapping
from typing import NamedTuple

LIVE, FROZEN, DELAYED, DELAYED_FROZEN = 1, 2, 3, 4
"""Market data types."""


class TickTypes(NamedTuple):
    """The numbers of a stream's usual ticks."""

    bid: int = 1
    bid_size: int = 0
    ask: int = 2
    ask_size: int = 3
    last: int = 4
    last_size: int = 5
    high: int = 6
    low: int = 7
    volume: int = 8
    close: int = 9
    open: int = 14
    last_time: int = 45
    bid_option: int = 10
    ask_option: int = 11
    last_option: int = 12
    model_option: int = 13


LIVE_TYPES = TickTypes()
DELAYED_TYPES = TickTypes(66, 69, 67, 70, 68, 71, 72, 73, 74, 75, 76, 88, 80, 81, 82, 83)

LOW_13, HIGH_13, LOW_26, HIGH_26, LOW_52, HIGH_52, AVERAGE_VOLUME = 15, 16, 17, 18, 19, 20, 21
OPTION_HISTORICAL_VOLATILITY, OPTION_IMPLIED_VOLATILITY, CALL_VOLUME, PUT_VOLUME = 23, 24, 29, 30
BID_EXCHANGES, ASK_EXCHANGES, LAST_EXCHANGE = 32, 33, 84
MARK_PRICE, SHORTABLE, RT_VOLUME, HALTED = 37, 46, 48, 49
TRADE_COUNT, TRADE_RATE, VOLUME_RATE, LAST_RTH_TRADE, HISTORICAL_VOLATILITY, DIVIDENDS = 54, 55, 56, 57, 58, 59
RT_TRADE_VOLUME, SHORTABLE_SHARES = 77, 89

OPTION_VOLUME, HISTORICAL_OPTIONS, IMPLIED_OPTIONS, MISC_STATS = 100, 104, 106, 165
CREDITMAN_MARK, PL_PRICE, VOLUME, INVENTORY = 221, 232, 233, 236
COUNT, RATE, RATE_OF_VOLUME, LAST_RTH, TRADE_VOLUME, RT_VOLATILITY, IB_DIVIDENDS = 293, 294, 295, 318, 375, 411, 456
YEARLY = frozenset((MISC_STATS, RT_VOLATILITY, HISTORICAL_OPTIONS))
"""Those that tell of the last year."""


class _Generic(NamedTuple):
    """A generic tick: its number, an older number for the same, and the kinds of securities that have it (all if empty)."""

    number: int
    older: int
    name: str
    kinds: frozenset[str] = frozenset()


_GENERIC = (
    _Generic(100, 0, "Option Volume"),
    _Generic(101, 0, "Option Open Interest"),
    _Generic(105, 0, "Average Opt Volume"),
    _Generic(106, 0, "impvolat"),
    _Generic(162, 0, "Index Future Premium", frozenset({"IND"})),
    _Generic(165, 0, "Misc. Stats"),
    _Generic(221, 220, "Creditman Mark Price"),
    _Generic(225, 0, "Auction"),
    _Generic(232, 221, "Pl Price"),
    _Generic(233, 0, "RTVolume"),
    _Generic(236, 0, "inventory"),
    _Generic(258, 47, "Fundamentals"),
    _Generic(292, 0, "Wide_news"),
    _Generic(293, 0, "TradeCount"),
    _Generic(294, 0, "TradeRate"),
    _Generic(295, 0, "VolumeRate"),
    _Generic(318, 0, "LastRTHTrade"),
    _Generic(375, 0, "RTTrdVolume"),
    _Generic(411, 0, "rthistvol"),
    _Generic(456, 59, "IBDividends", frozenset({"STK", "CFD", "OPT", "FOP", "FUT", "IND"})),
    _Generic(460, 0, "Bond Factor Multiplier"),
    _Generic(577, 0, "EtfNavLast(navlast)"),
    _Generic(586, 0, "IPOHLMPRC"),
    _Generic(587, 0, "Pl Price Delayed"),
    _Generic(588, 0, "Futures Open Interest"),
    _Generic(595, 0, "Short-Term Volume X Mins", frozenset({"STK", "CFD", "OPT", "FOP", "WAR", "FUT", "BOND", "CRYPTO"})),
    _Generic(614, 0, "EtfNavMisc(high/low)"),
    _Generic(619, 0, "Creditman Slow Mark Price"),
    _Generic(623, 0, "EtfFrozenNavLast(fznavlast)"),
)
_UNLISTED: Mapping[int, int] = {104: 104, 166: 166, 220: 221, 47: 258, 59: 456}
"""Numbers that IB takes without listing them."""


def legal(sec_type: str) -> str:
    """The generic ticks of a kind of security, as IB lists them."""
    return ",".join(
        f"{one.number}/{one.older}({one.name})" if one.older else f"{one.number}({one.name})"
        for one in _GENERIC
        if not one.kinds or sec_type in one.kinds
    )


def parse_generic(text: str, sec_type: str, *, once: bool = False) -> frozenset[int]:
    """The numbers in a list as "233,mdoff,292:BRFG"; `once` is for a snapshot.

    Raises:
        ValueError: one of them does not exist, or not for this kind of security, or not in a snapshot; the text is IB's.
    """
    known = {one.number for one in _GENERIC if not one.kinds or sec_type in one.kinds}
    found = set()
    for token in filter(None, (part.strip() for part in text.split(","))):
        if token.lower() == "mdoff":
            continue
        written = token.partition(":")[0]
        number = int(written) if written.isascii() and written.isdigit() else 0
        number = _UNLISTED.get(number, number)
        if number not in known and number not in _UNLISTED:
            raise ValueError(f"Incorrect generic tick list of {text}.  Legal ones for ({sec_type}) are: {legal(sec_type)}")
        found.add(number)
    if found and once:
        raise ValueError("Snapshot market data subscription is not applicable to generic ticks")
    return frozenset(found)
