"""The calendar of a paper exchange: the hours that the instruments' definitions say."""

from atlas.domain import BadInput, Hours, Instrument, to_datetime
from atlas.exchange import NEVER_NS, Phase

_MOST_BOUNDS = 64  # of sessions until the phase is another one: liquid hours begin and end within trading hours


class InstrumentHours:
    """Phases by the trading and liquid hours of the instruments that were noted; one without hours always trades.

    A contract with a last trading day is closed for good after that day's last session.
    """

    def __init__(self) -> None:
        self._hours: dict[str, tuple[Hours, Hours]] = {}
        self._last_days: dict[str, str] = {}
        self.unreadable: dict[str, str] = {}

    def note(self, instrument: Instrument) -> None:
        """Keep the hours of `instrument` from now on. If they cannot be read, `unreadable` says why, and it always trades."""
        name, zone = instrument.id, instrument.time_zone
        self._hours.pop(name, None)
        self.unreadable.pop(name, None)
        if not instrument.trading_hours:
            return
        try:
            trading = Hours(instrument.trading_hours, zone)
            self._hours[name] = trading, Hours(instrument.liquid_hours or instrument.trading_hours, zone)
        except BadInput as error:
            self.unreadable[name] = str(error)
            return
        if len(instrument.expiry) == len("YYYYMMDD"):
            self._last_days[name] = instrument.expiry

    def phase(self, instrument: str, at_ns: int) -> Phase:
        """The phase that `instrument` is in at `at_ns`."""
        hours = self._hours.get(instrument)
        if hours is None:
            return Phase.REGULAR
        trading, liquid = hours
        if not trading.is_open(at_ns) or self._is_past(instrument, at_ns):
            return Phase.CLOSED
        return Phase.REGULAR if liquid.is_open(at_ns) else Phase.EXTENDED

    def next_change(self, instrument: str, at_ns: int) -> int:
        """When the next phase begins that is another one; NEVER_NS if there is none."""
        hours = self._hours.get(instrument)
        if hours is None:
            return NEVER_NS
        before = self.phase(instrument, at_ns)
        for _ in range(_MOST_BOUNDS):
            bounds = [bound for one in hours if (bound := one.next_change(at_ns)) is not None]
            if not bounds:
                return NEVER_NS
            at_ns = min(bounds)
            if self.phase(instrument, at_ns) is not before:
                return at_ns
            if self._is_past(instrument, at_ns):
                return NEVER_NS
        return NEVER_NS

    def _is_past(self, instrument: str, at_ns: int) -> bool:
        """Whether the last trading day is over, by UTC: wherever an exchange is, its last session ends within that date."""
        last_day = self._last_days.get(instrument)
        return last_day is not None and to_datetime(at_ns).strftime("%Y%m%d") > last_day
