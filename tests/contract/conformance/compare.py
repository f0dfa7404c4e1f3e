"""Whether what a client was given is what went in."""

import codecs
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from ib_gateway.simulator.messages import replies as say

_UNSET_DOUBLE = 1.7976931348623157e308
_UNSET = (None, "", 0, False, [], {}, 2**31 - 1, 2**63 - 1, _UNSET_DOUBLE, float(2**127 - 1))
_PLACEHOLDERS = {"?", "IB", "None"}
"""What the gateway writes in some fields where there is nothing."""


def differences(wanted: Any, seen: Any, where: str = "") -> list[str]:
    """Where `seen` is not what was `wanted`, one line each."""
    if isinstance(wanted, dict):
        if not isinstance(seen, dict):
            return [f"{where}: {seen!r} is no object"]
        missing = [f"{where}.{name}: is not there" for name in wanted if name not in seen]
        inner = [differences(one, seen[name], f"{where}.{name}") for name, one in wanted.items() if name in seen]
        return missing + [line for lines in inner for line in lines]
    if isinstance(wanted, (list, tuple)):
        if not wanted and seen is None:
            return []
        if not isinstance(seen, list) or len(seen) != len(wanted):
            return [f"{where}: {seen!r} instead of {len(wanted)} values"]
        inner = [differences(one, other, f"{where}[{at}]") for at, (one, other) in enumerate(zip(wanted, seen, strict=True))]
        return [line for lines in inner for line in lines]
    return [] if _same(wanted, seen) else [f"{where}: {seen!r} instead of {wanted!r}"]


def _same(wanted: Any, seen: Any) -> bool:
    if isinstance(wanted, say.Moment):
        return _instant(seen, wanted.zone) == wanted.ns / 1e9
    if isinstance(seen, dict) and set(seen) == {"epoch"}:
        return _instant(wanted, "UTC") == seen["epoch"]
    if wanted is None or wanted == "":
        return seen in _UNSET or (isinstance(seen, str) and (seen in _PLACEHOLDERS or _is_unset(seen)))
    if isinstance(wanted, bool):
        return seen in (wanted, str(int(wanted)), float(wanted))
    if isinstance(wanted, (int, float)):
        try:
            return float(seen) == float(wanted)
        except (TypeError, ValueError):
            return False
    return seen == wanted or (isinstance(seen, str) and _unescaped(seen) == wanted)


def _is_unset(text: str) -> bool:
    try:
        return float(text) in _UNSET
    except ValueError:
        return False


def _unescaped(text: str) -> str:
    """A text of which the client has left the escapes in."""
    return codecs.decode(text, "unicode-escape") if text.isascii() else text


def _instant(text: Any, zone: str) -> float:
    """Seconds since the epoch of a time as a client has it: a number, a date, or a text whose zone is UTC unless it says so."""
    if isinstance(text, dict):
        return float(text["epoch"])
    if isinstance(text, (int, float)) or text.isdigit():
        return float(text)
    day, time, *rest = text.split()
    assert not rest or rest[0] == zone, text
    moment = datetime.strptime(f"{day} {time}", "%Y%m%d %H:%M:%S").replace(tzinfo=ZoneInfo(rest[0]) if rest else UTC)
    return moment.timestamp()
