"""The data farms behind the gateway, each with a state of its own, as the gateway's notices tell of them.

Pure. Orders do not go through these farms: whether the broker itself is reached is said by 1100, 1101, 1102 and 2110, see
`atlas.ib.link`. A farm that is down stops its data and no order.

Source: TWS API documentation, "System message codes"; texts as gateways' logs show them.
"""

import enum
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace


class FarmKind(enum.Enum):
    """What a farm has."""

    MARKET_DATA = "market data"
    HISTORY = "history"
    DEFINITIONS = "definitions"


class FarmState(enum.Enum):
    """How a farm is."""

    CONNECTED = "connected"
    INACTIVE = "inactive"
    """Not connected because nothing was asked of it for a while; it connects on demand. Nothing is wrong."""
    CONNECTING = "connecting"
    BROKEN = "broken"


FARM_NOTICES: Mapping[int, tuple[FarmKind, FarmState]] = {
    2103: (FarmKind.MARKET_DATA, FarmState.BROKEN),
    2104: (FarmKind.MARKET_DATA, FarmState.CONNECTED),
    2105: (FarmKind.HISTORY, FarmState.BROKEN),
    2106: (FarmKind.HISTORY, FarmState.CONNECTED),
    2107: (FarmKind.HISTORY, FarmState.INACTIVE),
    2108: (FarmKind.MARKET_DATA, FarmState.INACTIVE),
    2119: (FarmKind.MARKET_DATA, FarmState.CONNECTING),
    2157: (FarmKind.DEFINITIONS, FarmState.BROKEN),
    2158: (FarmKind.DEFINITIONS, FarmState.CONNECTED),
}

ALL_IS_WELL = frozenset(code for code, (_, state) in FARM_NOTICES.items() if state is not FarmState.BROKEN)
"""Notices that need no one's attention."""

_NAME = re.compile(r"(?::|demand\.)\s*([A-Za-z][\w.-]*)\s*\.?\s*$")
_LISTED = {
    FarmState.CONNECTED: re.compile(r"\b(?:farms are connected|following farms are connected):\s*([^.]*)\.", re.IGNORECASE),
    FarmState.BROKEN: re.compile(r"\bfarms are not connected:\s*([^.]*)\.", re.IGNORECASE),
}


@dataclass(frozen=True, slots=True)
class Farm:
    """One farm. `kind` is None if only a list has named it so far."""

    name: str
    state: FarmState
    kind: FarmKind | None = None


@dataclass(frozen=True, slots=True)
class FarmChange:
    """A farm is not what it was; `before` is None for one that was never heard of."""

    farm: Farm
    before: FarmState | None

    @property
    def recovered(self) -> bool:
        """Whether its data may flow again after a time in which it did not."""
        return self.farm.state is FarmState.CONNECTED and self.before in (FarmState.BROKEN, FarmState.CONNECTING)


@dataclass(frozen=True, slots=True)
class Farms:
    """All farms that were heard of, by name."""

    by_name: Mapping[str, Farm] = field(default_factory=dict)

    @property
    def broken(self) -> tuple[str, ...]:
        """Names of those that are down."""
        return tuple(sorted(name for name, farm in self.by_name.items() if farm.state is FarmState.BROKEN))

    def hear(self, code: int, text: str) -> "Farms":
        """The farms after a notice. One that is not about farms, or names none, changes nothing."""
        if code in FARM_NOTICES:
            kind, state = FARM_NOTICES[code]
            name = farm_name(text)
            return self._with([Farm(name, state, kind)] if name else [])
        if code in (1101, 1102):
            return self._with([Farm(name, state) for state, found in listed_farms(text).items() for name in found])
        return self

    def since(self, before: "Farms") -> tuple[FarmChange, ...]:
        """Which farms are not what they were in `before`, by name."""
        old = {name: farm.state for name, farm in before.by_name.items()}
        return tuple(
            FarmChange(farm, old.get(name)) for name, farm in sorted(self.by_name.items()) if old.get(name) is not farm.state
        )

    def _with(self, farms: list[Farm]) -> "Farms":
        known = dict(self.by_name)
        for farm in farms:
            before = known.get(farm.name)
            known[farm.name] = replace(farm, kind=before.kind) if before is not None and farm.kind is None else farm
        return Farms(known)


def farm_name(text: str) -> str:
    """The farm that a notice names, as `usfarm.nj` in "Market data farm connection is OK:usfarm.nj"; empty if it names none."""
    match = _NAME.search(text)
    return match[1] if match else ""


def listed_farms(text: str) -> dict[FarmState, tuple[str, ...]]:
    """The farms that 1101 and 1102 list as connected and as not connected."""
    found: dict[FarmState, tuple[str, ...]] = {}
    for state, pattern in _LISTED.items():
        match = pattern.search(text + ".")
        if match:
            found[state] = tuple(name.strip() for name in match[1].split(";") if name.strip())
    return found
