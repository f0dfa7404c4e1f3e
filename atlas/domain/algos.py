"""The broker's execution algorithms, and which parameters each takes: one table.

Names and values are Interactive Brokers' (TWS API, "IB Algorithms"). A parameter that is misspelled is ignored or refused by
the broker, depending on the algorithm, so that one we do not know is turned away here.
"""

import re
from collections.abc import Callable, Mapping

from atlas.domain.order import Order, OrderKind

Check = Callable[[str], object]


def _number(least: float, most: float) -> Check:
    def check(text: str) -> bool:
        try:
            return least <= float(text) <= most
        except ValueError:
            return False

    return check


def _one_of(*words: str) -> Check:
    return frozenset(words).__contains__


_FLAG = _one_of("0", "1")
_SHARE = _number(0.01, 0.5)  # of the market's volume
_SIZE = _number(1, 1e9)
_TIME: Check = re.compile(r"(?:\d{8}[- ])?\d{2}:\d{2}:\d{2}(?: [A-Za-z_/]+)?").fullmatch
_WINDOW = {"startTime": _TIME, "endTime": _TIME, "allowPastEndTime": _FLAG}
_AVERSION = _one_of("Get Done", "Aggressive", "Neutral", "Passive")

ALGORITHMS: Mapping[str, Mapping[str, Check]] = {
    "Adaptive": {"adaptivePriority": _one_of("Urgent", "Normal", "Patient")},
    "ArrivalPx": {"maxPctVol": _SHARE, "riskAversion": _AVERSION, "forceCompletion": _FLAG, **_WINDOW},
    "ClosePx": {"maxPctVol": _SHARE, "riskAversion": _AVERSION, "startTime": _TIME, "forceCompletion": _FLAG},
    "DarkIce": {"displaySize": _SIZE, **_WINDOW},
    "AD": {
        "componentSize": _SIZE,
        "timeBetweenOrders": _SIZE,
        "randomizeTime20": _FLAG,
        "randomizeSize55": _FLAG,
        "giveUp": _SIZE,
        "catchUp": _FLAG,
        "waitForFill": _FLAG,
        "activeTimeStart": _TIME,
        "activeTimeEnd": _TIME,
    },
    "PctVol": {"pctVol": _SHARE, "noTakeLiq": _FLAG, "startTime": _TIME, "endTime": _TIME},
    "PctVolPx": {
        "pctVol": _SHARE,
        "deltaPctVol": _SHARE,
        "minPctVol4Px": _SHARE,
        "maxPctVol4Px": _SHARE,
        "noTakeLiq": _FLAG,
        "startTime": _TIME,
        "endTime": _TIME,
    },
    "PctVolSz": {"startPctVol": _SHARE, "endPctVol": _SHARE, "noTakeLiq": _FLAG, "startTime": _TIME, "endTime": _TIME},
    "PctVolTm": {"startPctVol": _SHARE, "endPctVol": _SHARE, "noTakeLiq": _FLAG, "startTime": _TIME, "endTime": _TIME},
    "Twap": {
        "strategyType": _one_of("Marketable", "Matching Midpoint", "Matching Same Side", "Matching Last"),
        **_WINDOW,
    },
    "Vwap": {"maxPctVol": _SHARE, "noTakeLiq": _FLAG, "speedUp": _FLAG, **_WINDOW},
    "MinImpact": {"maxPctVol": _SHARE},
    "BalanceImpactRisk": {"maxPctVol": _SHARE, "riskAversion": _AVERSION, "forceCompletion": _FLAG},
}
"""Parameters by algorithm, each with what its value must be."""

_KINDS = frozenset({OrderKind.MARKET, OrderKind.LIMIT})


def malformed_algo(order: Order) -> str:
    """What is wrong with the algorithm of `order` and its parameters, or ""."""
    if not order.algo:
        return "it has parameters of an algorithm and names none" if order.algo_parameters else ""
    known = ALGORITHMS.get(order.algo)
    if known is None:
        return f"there is no algorithm {order.algo[:40]!r}; known are {', '.join(ALGORITHMS)}"
    if order.kind not in _KINDS:
        return f"the algorithm {order.algo} works market and limit orders, not {order.kind.value}"
    names = [name for name, _ in order.algo_parameters]
    if len(set(names)) < len(names):
        return f"a parameter of the algorithm {order.algo} is given twice"
    for name, value in order.algo_parameters:
        if name not in known:
            return f"the algorithm {order.algo} has no parameter {name[:40]!r}; it has {', '.join(known)}"
        if not known[name](value):
            return f"the parameter {name} of the algorithm {order.algo} cannot be {value[:40]!r}"
    return ""
