"""Which instruments have fallen silent. A silence is measured from the last tick, or from when watching began."""

from dataclasses import dataclass

from atlas.domain import NS_PER_SECOND, BadInput


@dataclass(frozen=True, slots=True)
class Stale:
    """An instrument that is silent for longer than its limit. `has_ticked` is False if it never said anything."""

    instrument: str
    silent_ns: int
    has_ticked: bool


@dataclass(slots=True)
class _Watched:
    limit_ns: int
    since_ns: int
    has_ticked: bool = False


class StalenessClock:
    """When each instrument was last heard. All times are receive times of one clock, in UTC nanoseconds."""

    def __init__(self, limit_seconds: float) -> None:
        """`limit_seconds` of silence are too long, unless an instrument is watched with a limit of its own."""
        self._limit_ns = _limit_ns(limit_seconds)
        self._watched: dict[str, _Watched] = {}

    def watch(self, instrument: str, now_ns: int, limit_seconds: float | None = None) -> None:
        """Expect ticks from now on; anew if it is watched already, as after a resubscription or when a session opens."""
        limit_ns = self._limit_ns if limit_seconds is None else _limit_ns(limit_seconds)
        self._watched[instrument] = _Watched(limit_ns, now_ns)

    def unwatch(self, instrument: str) -> None:
        """Expect nothing any more, as when a session ends."""
        self._watched.pop(instrument, None)

    def on_tick(self, instrument: str, receive_ns: int) -> None:
        """A tick came. A clock that was set back does not make a silence."""
        watched = self._watched.get(instrument)
        if watched is not None:
            watched.since_ns = receive_ns
            watched.has_ticked = True

    def stale(self, now_ns: int) -> list[Stale]:
        """Those that are silent for longer than their limit, by name."""
        return [
            Stale(instrument, now_ns - watched.since_ns, watched.has_ticked)
            for instrument, watched in sorted(self._watched.items())
            if now_ns - watched.since_ns > watched.limit_ns
        ]


def _limit_ns(seconds: float) -> int:
    if not seconds > 0:
        raise BadInput(f"a staleness limit of {seconds} seconds makes no sense; give a positive number")
    return round(seconds * NS_PER_SECOND)
