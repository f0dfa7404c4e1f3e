"""The phase that an instrument is in, remembered until it changes: it is asked for with every tick."""

from atlas.exchange.calendar import Calendar, Phase


class Phases:
    """A calendar that is asked once per phase."""

    def __init__(self, calendar: Calendar) -> None:
        self._calendar = calendar
        self._kept: dict[str, tuple[int, int, Phase]] = {}

    def at(self, instrument: str, at_ns: int) -> Phase:
        """The phase at a moment."""
        return self._phase(instrument, at_ns)[2]

    def closed(self, instrument: str, at_ns: int) -> bool:
        """Whether nothing of an instrument is traded at a moment."""
        return self._phase(instrument, at_ns)[2] is Phase.CLOSED

    def until(self, instrument: str, at_ns: int) -> int:
        """When that phase ends; NEVER_NS if it does not."""
        return self._phase(instrument, at_ns)[1]

    def _phase(self, instrument: str, at_ns: int) -> tuple[int, int, Phase]:
        kept = self._kept.get(instrument)
        if kept is None or not kept[0] <= at_ns < kept[1]:
            until = self._calendar.next_change(instrument, at_ns)
            kept = self._kept[instrument] = (at_ns, until, self._calendar.phase(instrument, at_ns))
        return kept
