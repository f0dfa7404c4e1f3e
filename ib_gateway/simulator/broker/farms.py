"""The data farms behind the gateway: which of them it is connected to, and what it says of that.

Source: TWS API documentation, system message codes 2103 to 2106, 2157 and 2158.
"""

from collections.abc import Sequence
from typing import NamedTuple

from atlas.domain import BadInput
from ib_gateway.simulator.messages import requests as r

MARKET_DATA, HISTORY, DEFINITIONS = "usfarm", "ushmds", "secdefil"


class _Farm(NamedTuple):
    broken: int
    connected: int
    what: str


_FARMS = {
    MARKET_DATA: _Farm(2103, 2104, "Market data farm"),
    HISTORY: _Farm(2105, 2106, "HMDS data farm"),
    DEFINITIONS: _Farm(2157, 2158, "Sec-def data farm"),
}

ASKS_DEFINITIONS = (r.ContractDetails, r.MatchingSymbols, r.OptionParameters)
"""Requests that only the farm of definitions can answer; while it is away they wait."""


class Farms:
    """Every farm is connected until it is said to be away."""

    def __init__(self) -> None:
        self._away: set[str] = set()

    def up(self, name: str) -> bool:
        """Whether a farm is connected."""
        return name not in self._away

    def change(self, name: str, *, up: bool) -> tuple[int, str]:
        """Connect or disconnect a farm; returns code and text of the notice that goes to all clients.

        Raises:
            BadInput: there is no such farm.
        """
        if name not in _FARMS:
            raise BadInput(f"there is no data farm {name!r}; choose one of {', '.join(_FARMS)}")
        (self._away.discard if up else self._away.add)(name)
        return self._notice(name)

    def notices(self) -> Sequence[tuple[int, str]]:
        """What a client hears of each farm when it connects."""
        return [self._notice(name) for name in _FARMS]

    def _notice(self, name: str) -> tuple[int, str]:
        farm = _FARMS[name]
        if self.up(name):
            return farm.connected, f"{farm.what} connection is OK:{name}"
        return farm.broken, f"{farm.what} connection is broken:{name}"
