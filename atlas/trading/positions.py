"""Our positions held against the broker's. Pure.

A difference is named and blocks opening in that instrument, and only there, until both agree. A fill that is on its way while
the broker is asked looks like one, once: the alarm is raised when it is there the second time, and from then on the broker's
position is known: what reduces it is an exit, whatever our books have, and a person can take it over.
"""

from collections.abc import Mapping
from decimal import Decimal

from atlas.domain import exact
from atlas.trading.blotter import Blotter
from atlas.trading.effects import NOTHING, Decision
from atlas.trading.troubles import Troubles

_KEY = "position-break:"


class Positions:
    """Compares positions whenever the broker has told its own."""

    def __init__(self, blotter: Blotter, troubles: Troubles) -> None:
        self._blotter = blotter
        self._troubles = troubles
        self.breaks: dict[str, str] = {}
        """Where both differ, by instrument, in words."""
        self._apart: dict[str, Decimal] = {}  # how much more the broker has, as last compared

    def compare(self, theirs: Mapping[str, float], traded_since: set[str], costs: Mapping[str, float]) -> Decision:
        """Hold our books against `theirs`, signed quantities by instrument; `costs` are the broker's average prices.

        What was traded since the broker was asked cannot be compared: of those instruments it stays what it was.
        """
        self._blotter.book_what_waits()
        ours = {name: position.quantity for name, position in self._blotter.held().items()}
        kept = {name: text for name, text in self.breaks.items() if name in traded_since}
        found = {
            name: f"{name}: our books have {ours.get(name, 0.0):g}, the broker has {theirs.get(name, 0.0):g}"
            for name in sorted({*ours, *theirs} - traded_since)
            if ours.get(name, 0.0) != theirs.get(name, 0.0)
        }
        decision = NOTHING
        for name, text in found.items():
            decision += self._troubles.begin(_KEY + name, text, blocks=name, alarm=name in self.breaks, critical=True)
        for name in sorted(self.breaks.keys() - found.keys() - kept.keys()):
            decision += self._troubles.end(_KEY + name)
        self.breaks = {**kept, **found}
        apart = {name: exact(theirs.get(name, 0.0)) - exact(ours.get(name, 0.0)) for name in found}
        known = {name: more for name, more in apart.items() if self._apart.get(name) == more}
        still = {name: more for name, more in self._blotter.adrift.items() if name in traded_since}
        self._blotter.costs.clear()
        self._blotter.costs.update(costs)
        self._blotter.adrift.clear()
        self._blotter.adrift.update({**still, **known})
        self._apart = apart
        return decision
