"""The desk of real-time bars: five seconds each, said when they are over."""

import numpy as np

from atlas.domain import NS_PER_SECOND, InstrumentKind
from ib_gateway.simulator.broker.client import Client
from ib_gateway.simulator.broker.floor import Handlers
from ib_gateway.simulator.broker.history.bars import PriceBar, bar_starts, merged, price_bars
from ib_gateway.simulator.broker.history.desk import PULSE_NS, next_pulse
from ib_gateway.simulator.broker.history.hmds import Hmds
from ib_gateway.simulator.broker.history.lasting_bars import LiveBars
from ib_gateway.simulator.broker.history.pacing import Pacing
from ib_gateway.simulator.messages import replies
from ib_gateway.simulator.messages import requests as r

_KINDS = frozenset({"TRADES", "MIDPOINT", "BID", "ASK"})
_INVALID = "Invalid Real-time Query:"


class LiveBarDesk:
    """Real-time bars. New ones are paced: 60 in ten minutes (TWS API documentation, "5 Second Real Time Bars")."""

    def __init__(self, hmds: Hmds) -> None:
        self._hmds = hmds
        self._floor = hmds.floor
        self._pacing = Pacing()

    def handlers(self) -> Handlers:
        """What this desk answers."""
        return {r.RealTimeBars: self._subscribe, r.CancelRealTimeBars: self._unsubscribe}

    def _subscribe(self, client: Client, request: r.RealTimeBars) -> None:
        floor, req_id, what = self._floor, request.req_id, request.what_to_show
        if what not in _KINDS:
            floor.error(client, req_id, 321, f"Error validating request.-'bT' : cause - What to show value of {what} rejected.")
            return
        listing = floor.resolve(client, req_id, request.contract)
        if listing is None:
            return
        now_ns = self._hmds.now_ns()
        if req_id in client.live_bars:
            floor.error(client, req_id, 102, "Duplicate ticker ID.")
        elif what == "TRADES" and listing.instrument.kind is InstrumentKind.CASH:
            where = f"{listing.instrument.exchange} {listing.sec_type}"
            floor.error(client, req_id, 420, f"{_INVALID}No market data permissions for {where}")
        elif self._hmds.rules.pace_history and not self._pacing.allows(object(), object(), 1, now_ns):
            floor.error(client, req_id, 420, f"{_INVALID}Historical data request pacing violation")
        else:
            client.live_bars[req_id] = LiveBars(listing, what, request.use_rth, next_pulse(now_ns))
            floor.interest(listing.instrument.id, True)

    def _unsubscribe(self, client: Client, request: r.CancelRealTimeBars) -> None:
        if client.live_bars.pop(request.req_id, None) is None:
            self._floor.error(client, request.req_id, 300, f"Can't find EId with tickerId:{request.req_id}")

    def pulse(self) -> None:
        """Say the bars that are over. Bars of the time while the farm is away are not made up for."""
        now_ns = self._hmds.settled_ns()
        for client in self._floor.clients.values():
            for req_id, live in client.live_bars.items():
                if now_ns >= live.next_ns:
                    if self._hmds.up:
                        self._say(client, req_id, live, now_ns)
                    live.next_ns = next_pulse(now_ns)

    def _say(self, client: Client, req_id: int, live: LiveBars, now_ns: int) -> None:
        index = live.what == "TRADES" and live.listing.instrument.kind is InstrumentKind.INDEX
        kind = "BID" if index else live.what
        until = next_pulse(now_ns) - PULSE_NS
        ticks = self._floor.tape.columns(live.listing.instrument.id, kind, live.next_ns - PULSE_NS, until)
        bars = price_bars(merged(ticks, bar_starts(ticks.times, PULSE_NS)), trades=live.what == "TRADES")
        by_start = {bar.start_ns: bar for bar in bars}
        if not live.last_close and by_start:
            live.last_close = by_start[min(by_start)].open
        starts = np.arange(live.next_ns - PULSE_NS, until, PULSE_NS).tolist() if live.last_close else []
        for start in starts:
            bar = by_start.get(start) or _flat(start, live.last_close, trades=live.what == "TRADES")
            if self._open(live, start):
                live.last_close = bar.close
                self._floor.send(client.id, replies.RealTimeBar(req_id, start // NS_PER_SECOND, *bar[1:]))

    def _open(self, live: LiveBars, at_ns: int) -> bool:
        """Whether a bar is in hours that were asked for."""
        day = next(self._hmds.days.before(live.listing, at_ns + 1), None)
        sessions = () if day is None else day.regular if live.regular else day.sessions
        return any(session.open_ns <= at_ns < session.close_ns for session in sessions) or not (
            live.regular or self._hmds.archive.seeded
        )


def _flat(start_ns: int, price: float, *, trades: bool) -> PriceBar:
    """A bar in which nothing happened."""
    return PriceBar(
        start_ns, price, price, price, price, 0.0 if trades else -1.0, price if trades else -1.0, 0 if trades else -1
    )
