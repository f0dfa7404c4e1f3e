"""The history desk: bars of the past, bars that are kept up to date, and schedules."""

from datetime import datetime

from atlas.domain import NS_PER_SECOND, InstrumentKind, from_datetime
from ib_gateway.simulator.broker.client import Client
from ib_gateway.simulator.broker.floor import LOGIN_ZONE, Handlers
from ib_gateway.simulator.broker.history import volatility
from ib_gateway.simulator.broker.history.archive import VOLATILITIES
from ib_gateway.simulator.broker.history.bars import PriceBar
from ib_gateway.simulator.broker.history.hmds import Hmds
from ib_gateway.simulator.broker.history.lasting_bars import KeptBars
from ib_gateway.simulator.broker.history.query import HMDS, BarQuery, Duration, Refusal, read_query
from ib_gateway.simulator.broker.history.windows import Window, pieces, windows, windows_in_slices
from ib_gateway.simulator.broker.slices import Sliced
from ib_gateway.simulator.instruments import Listing
from ib_gateway.simulator.messages import replies
from ib_gateway.simulator.messages import requests as r

PULSE_NS = 5 * NS_PER_SECOND
_MOST_BARS = 100_000
_MOST_OF_SECONDS_NS = 3 * 86_400 * NS_PER_SECOND
_PRICES = frozenset({"TRADES", "MIDPOINT", "BID", "ASK", "BID_ASK", "ADJUSTED_LAST", "AGGTRADES"})
_QUOTES = frozenset({"MIDPOINT", "BID", "ASK", "BID_ASK"})
_SCHEDULED_AT_ONCE = 500
_LOOK_BACK_DAYS = {"1 day": 1, "1 week": 6, "1 month": 24}


class HistoryDesk:
    """Bars and schedules."""

    def __init__(self, hmds: Hmds) -> None:
        self._hmds = hmds
        self._floor = hmds.floor

    def handlers(self) -> Handlers:
        """What this desk answers."""
        return {r.HistoricalData: self._request, r.CancelHistoricalData: self._cancel}

    def _request(self, client: Client, request: r.HistoricalData) -> Sliced[None]:
        hmds, req_id, now_ns = self._hmds, request.req_id, self._hmds.now_ns()
        if req_id in client.kept_bars:
            self._floor.error(client, req_id, 386, "Duplicate ticker ID for API historical data query.")
            return
        try:
            query = read_query(request, LOGIN_ZONE, now_ns)
        except Refusal as refusal:
            hmds.refuse(client, req_id, refusal)
            return
        if query.implied_zone:
            hmds.warn_of_zone(client, req_id)
        listing = self._floor.resolve(client, req_id, request.contract, include_expired=request.include_expired)
        if listing is None:
            return
        same = (request.contract, request.end, query, request.use_rth, request.keep_up_to_date)
        series = (listing.instrument.id, request.contract.exchange, query.what)
        if hmds.admit(client, req_id, same, series, query.what, paced=query.bar_seconds < 60):
            self._floor.interest(listing.instrument.id, False)
            answer = self._schedule if query.what == "SCHEDULE" else self._bars
            yield from answer(client, request, listing, query)

    def _cancel(self, client: Client, request: r.CancelHistoricalData) -> None:
        req_id = request.req_id
        if client.kept_bars.pop(req_id, None):
            self._floor.error(client, req_id, 162, f"{HMDS}API historical data query cancelled: {req_id}")
        else:
            self._floor.error(client, req_id, 366, f"No historical data query found for ticker id:{req_id}")

    # Bars.

    def _bars(self, client: Client, request: r.HistoricalData, listing: Listing, query: BarQuery) -> Sliced[None]:
        hmds, req_id, now_ns = self._hmds, request.req_id, self._hmds.now_ns()
        end_ns = now_ns if query.end_ns is None else query.end_ns
        limit_ns = now_ns + 1 if query.end_ns is None else min(end_ns, now_ns + 1)
        spans = yield from windows_in_slices(
            hmds.days, listing, query.duration, limit_ns, regular=request.use_rth, whole_days=query.daily
        )
        length_ns = sum(window.end_ns - window.start_ns for window in spans)
        if length_ns // (query.bar_seconds * NS_PER_SECOND) > _MOST_BARS or (
            query.bar_seconds < 60 and length_ns > _MOST_OF_SECONDS_NS
        ):
            self._floor.error(client, req_id, 162, f"{HMDS}Time length exceed max.")
            return
        bars: list[replies.Bar] = []
        newest: PriceBar | None = None
        if _shows(listing, query.what):
            known = (yield from self._known(listing, query, spans, now_ns, request)) if query.what in VOLATILITIES else None
            parts = pieces(spans, query.bar, query.bar_seconds, option=bool(listing.instrument.right))
            for number, part in enumerate(parts):
                if number:
                    yield
                found = self._prices(listing, query, part, now_ns, request)
                chosen = found if known is None else volatility.bars(found, known, query.daily)
                dates = {window.start_ns: window.date.strftime("%Y%m%d") for window in part}
                bars += [_written(bar, listing, query, request.format_date, dates) for bar in chosen]
                newest = chosen[-1] if chosen else newest
        if newest is None:
            hmds.no_data(client, req_id, listing, query.what)
            return
        start = replies.Moment(_back(query.duration, end_ns, listing), listing.instrument.time_zone)
        end = replies.Moment(end_ns, listing.instrument.time_zone)
        self._floor.send(client.id, replies.HistoricalData(req_id, start, end, bars))
        if request.keep_up_to_date:
            client.kept_bars[req_id] = KeptBars(
                listing, query, request.use_rth, request.format_date, next_pulse(now_ns), newest.start_ns, newest
            )
            self._floor.interest(listing.instrument.id, True)

    def _prices(
        self, listing: Listing, query: BarQuery, spans: list[Window], now_ns: int, request: r.HistoricalData
    ) -> list[PriceBar]:
        """Bars of prices; where volatility was asked for, of those that it is measured by."""
        prices = query._replace(what="MIDPOINT") if query.what in VOLATILITIES else query
        return self._hmds.archive.bars(listing, prices, spans, now_ns, regular=request.use_rth)

    def _windows(self, listing: Listing, query: BarQuery, duration: Duration, end_ns: int, *, regular: bool) -> list[Window]:
        return windows(self._hmds.days, listing, duration, end_ns, regular=regular, whole_days=query.daily)

    def _known(
        self, listing: Listing, query: BarQuery, spans: list[Window], now_ns: int, request: r.HistoricalData
    ) -> Sliced[list[tuple[int, float]]]:
        """When each day begins, and the volatility at its end."""
        if not spans:
            return []
        days = query._replace(what="MIDPOINT", bar="1 day", bar_seconds=86_400)
        count = Duration(len({window.date for window in spans}) + volatility.DAYS + 2, "D")
        every = yield from windows_in_slices(
            self._hmds.days, listing, count, spans[-1].start_ns + 1, regular=request.use_rth, whole_days=True
        )
        daily: list[PriceBar] = []
        for number, part in enumerate(pieces(every, days.bar, days.bar_seconds, option=False)):
            if number:
                yield
            daily += self._prices(listing, days, part, now_ns, request)
        values = volatility.historical([bar.close for bar in daily])
        if query.what == "OPTION_IMPLIED_VOLATILITY":
            values = [volatility.implied(value, listing.model.volatility) for value in values]
        return list(zip((bar.start_ns for bar in daily[volatility.DAYS :]), values, strict=True))

    # Bars that go on.

    def pulse(self) -> None:
        """Say how the newest bars of requests stand that are kept up to date."""
        if not self._hmds.up:
            return
        now_ns = self._hmds.settled_ns()
        for client in self._floor.clients.values():
            for req_id, kept in client.kept_bars.items():
                if now_ns >= kept.next_ns:
                    kept.next_ns = next_pulse(now_ns)
                    self._say_newest(client, req_id, kept, now_ns)

    def _say_newest(self, client: Client, req_id: int, kept: KeptBars, now_ns: int) -> None:
        query = kept.query
        duration = Duration(_LOOK_BACK_DAYS.get(query.bar, 2), "D")
        spans = self._windows(kept.listing, query, duration, now_ns + 1, regular=kept.regular)
        dates = {window.start_ns: window.date.strftime("%Y%m%d") for window in spans}
        if not query.daily:
            spans = [w._replace(start_ns=max(w.start_ns, kept.since_ns)) for w in spans if w.end_ns > kept.since_ns]
        for bar in self._hmds.archive.bars(kept.listing, query, spans, now_ns, regular=kept.regular):
            if bar.start_ns >= kept.since_ns and bar != kept.last:
                written = _written(bar, kept.listing, query, kept.format_date, dates)
                self._floor.send(client.id, replies.HistoricalDataUpdate(req_id, written))
                kept.since_ns, kept.last = bar.start_ns, bar

    def farm(self, *, up: bool) -> None:
        """The farm is connected or not. What was kept up to date ends when it is lost."""
        self._hmds.up = up
        if up:
            return
        for client in self._floor.clients.values():
            for req_id in client.kept_bars:
                self._floor.error(client, req_id, 10182, "Failed to request live updates (disconnected).")
            client.kept_bars.clear()

    # Schedules.

    def _schedule(self, client: Client, request: r.HistoricalData, listing: Listing, query: BarQuery) -> Sliced[None]:
        end_ns = self._hmds.now_ns() if query.end_ns is None else query.end_ns
        spans = yield from windows_in_slices(
            self._hmds.days, listing, query.duration, end_ns, regular=True, whole_days=query.daily
        )
        dates = {window.date for window in spans}
        sessions = []
        for number, day in enumerate(self._hmds.days.before(listing, end_ns), 1):
            if number % _SCHEDULED_AT_ONCE == 0:
                yield
            if spans and day.date < spans[0].date:
                break
            if day.date in dates:
                for session in reversed(day.regular if request.use_rth else day.sessions):
                    begin, end = (_dashed(listing, ns) for ns in session)
                    sessions.append(replies.HistoricalSession(begin, end, day.date.strftime("%Y%m%d")))
        if not sessions:
            self._hmds.no_data(client, request.req_id, listing, query.what)
            return
        sessions.reverse()
        zone = listing.instrument.time_zone
        reply = replies.HistoricalSchedule(request.req_id, sessions[0].start, sessions[-1].end, zone, sessions)
        self._floor.send(client.id, reply)


def _shows(listing: Listing, what: str) -> bool:
    """Whether an instrument has data of a kind: an index has no quotes, and volatility is that of stocks and indices."""
    kind = listing.instrument.kind
    if what in VOLATILITIES:
        return kind in (InstrumentKind.STOCK, InstrumentKind.INDEX)
    return what in _PRICES and not (what in _QUOTES and kind is InstrumentKind.INDEX)


def next_pulse(now_ns: int) -> int:
    """When the next five seconds are over."""
    return (now_ns // PULSE_NS + 1) * PULSE_NS


def _back(duration: Duration, end_ns: int, listing: Listing) -> int:
    """The end of a request less its duration, by the calendar; this is how IB writes where a request begins."""
    if duration.unit == "S":
        return end_ns - duration.number * NS_PER_SECOND
    local = listing.trading.local(end_ns)
    return from_datetime(datetime.combine(duration.back_from(local.date()), local.timetz()))


def _dashed(listing: Listing, ns: int) -> str:
    return listing.trading.local(ns).strftime("%Y%m%d-%H:%M:%S")


def _written(bar: PriceBar, listing: Listing, query: BarQuery, format_date: int, dates: dict[int, str]) -> replies.Bar:
    """A bar as a request wants its time written; that of a day or longer is YYYYMMDD.

    1 is text in the instrument's zone, 2 seconds since the epoch, 3 text without the year.
    """
    date: replies.Moment | int | str
    if query.daily:
        date = dates[bar.start_ns]
    elif format_date == 2:
        date = bar.start_ns // NS_PER_SECOND
    elif format_date == 3:
        date = f"{listing.trading.local(bar.start_ns):%m%d %H:%M:%S} {listing.instrument.time_zone}"
    else:
        date = replies.Moment(bar.start_ns, listing.instrument.time_zone)
    return replies.Bar(date, bar.open, bar.high, bar.low, bar.close, bar.volume, bar.average, bar.trades)
