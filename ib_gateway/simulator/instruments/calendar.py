"""When each listing trades, for the exchange: sessions, half days and holidays as phases.

An instrument is in its regular phase in its liquid hours, in its extended phase in what is left of its trading hours, and
closed otherwise. One that has expired is closed for good.
"""

from bisect import bisect_right
from datetime import timedelta
from itertools import pairwise
from typing import NamedTuple

from atlas.exchange.calendar import NEVER_NS, Phase
from ib_gateway.simulator.instruments.catalogue import Catalogue, Listing
from ib_gateway.simulator.instruments.hours import Hours

_DAY_NS = 24 * 3600 * 10**9
_WINDOW_DAYS = 9
_LOOK_AHEAD_DAYS = 60


class _Timeline(NamedTuple):
    """Phases from `starts[0]` to `end_ns`: each is another one than the phase before it."""

    starts: list[int]
    phases: list[Phase]
    end_ns: int


class ListedHours:
    """The calendar of a catalogue. Phases of some days are worked out at a time and kept, for all that share their hours."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._timelines: dict[tuple[Hours, Hours], _Timeline] = {}
        self._ends: dict[str, int] = {}

    def phase(self, instrument: str, at_ns: int) -> Phase:
        """The phase that `instrument` is in. A phase holds from its first nanosecond to the last before the next."""
        listing = self._catalogue.listing(instrument)
        if at_ns >= self._end(listing):
            return Phase.CLOSED
        timeline = self._timeline(listing, at_ns)
        return timeline.phases[bisect_right(timeline.starts, at_ns) - 1]

    def next_change(self, instrument: str, at_ns: int) -> int:
        """When the first phase after `at_ns` begins that is another one; NEVER_NS if there is none."""
        listing = self._catalogue.listing(instrument)
        now, look_ns, end_ns = self.phase(instrument, at_ns), at_ns, self._end(listing)
        while look_ns < min(end_ns, at_ns + _LOOK_AHEAD_DAYS * _DAY_NS):
            timeline = self._timeline(listing, look_ns)
            for start, phase in zip(timeline.starts, timeline.phases, strict=True):
                if start > at_ns and phase is not now:
                    return start if start < end_ns else self._closing(now, end_ns)
            look_ns = timeline.end_ns
        return self._closing(now, end_ns) if look_ns >= end_ns else NEVER_NS

    @staticmethod
    def _closing(now: Phase, end_ns: int) -> int:
        return NEVER_NS if now is Phase.CLOSED else end_ns

    def _end(self, listing: Listing) -> int:
        """When an instrument ceases to be listed."""
        instrument = listing.instrument
        if not instrument.expiry:
            return NEVER_NS
        if instrument.id not in self._ends:
            self._ends[instrument.id] = listing.last_moment()
        return self._ends[instrument.id]

    def _timeline(self, listing: Listing, at_ns: int) -> _Timeline:
        hours = listing.trading, listing.liquid
        kept = self._timelines.get(hours)
        if kept is None or not kept.starts[0] <= at_ns < kept.end_ns:
            kept = self._timelines[hours] = _timeline(*hours, at_ns)
        return kept


def _timeline(trading: Hours, liquid: Hours, at_ns: int) -> _Timeline:
    """The phases from the day of `at_ns` on. What the sessions of the days before still bring is cut off."""
    first = trading.local(at_ns).date()
    begin, end = (
        trading.midnight_after(first - timedelta(days=1)),
        trading.midnight_after(first + timedelta(days=_WINDOW_DAYS - 1)),
    )
    extended, regular = trading.sessions(at_ns, _WINDOW_DAYS), liquid.sessions(at_ns, _WINDOW_DAYS)
    edges = {begin, *(edge for session in (*extended, *regular) for edge in session if begin < edge < end)}
    starts: list[int] = []
    phases: list[Phase] = []
    for start, _ in pairwise([*sorted(edges), end]):
        phase = Phase.CLOSED
        if any(session.open_ns <= start < session.close_ns for session in regular):
            phase = Phase.REGULAR
        elif any(session.open_ns <= start < session.close_ns for session in extended):
            phase = Phase.EXTENDED
        if not phases or phase is not phases[-1]:
            starts.append(start)
            phases.append(phase)
    return _Timeline(starts, phases, end)
