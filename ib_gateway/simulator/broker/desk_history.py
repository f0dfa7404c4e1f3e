"""The history desk: bars of what has been played, when it begins, and bars that go on."""

import re
from collections.abc import Callable
from datetime import datetime, timedelta

from atlas.domain import NS_PER_SECOND, from_datetime
from ib_gateway.simulator.broker.client import Client, LiveBars
from ib_gateway.simulator.broker.floor import Floor, Handlers
from ib_gateway.simulator.broker.tape import Tape, TapeBar, fixed_edges
from ib_gateway.simulator.broker.times import client_time
from ib_gateway.simulator.instruments import Listing
from ib_gateway.simulator.messages import replies
from ib_gateway.simulator.messages import requests as r

_UNITS = {"secs": 1, "sec": 1, "min": 60, "mins": 60, "hour": 3600, "hours": 3600}
_SIZES = frozenset({1, 5, 10, 15, 30, 60, 120, 180, 300, 600, 900, 1200, 1800, 3600, 7200, 10800, 14400, 28800})
_DAY = 86_400
_DURATIONS = {"S": 1, "D": _DAY, "W": 7 * _DAY, "M": 30 * _DAY, "Y": 365 * _DAY}
_DURATION = re.compile(r"(\d+) ([SDWMY])")
_PULSE_SECONDS = 5
_HMDS = "Historical Market Data Service error message:"


class HistoryDesk:
    """Bars."""

    def __init__(self, floor: Floor) -> None:
        self._floor = floor

    def handlers(self) -> Handlers:
        """What this desk answers."""
        return {
            r.HistoricalData: self._bars,
            r.CancelHistoricalData: self._cancel_bars,
            r.HeadTimestamp: self._head,
            r.CancelHeadTimestamp: lambda _client, _request: None,
            r.RealTimeBars: self._subscribe_live,
            r.CancelRealTimeBars: lambda client, request: client.live_bars.pop(request.req_id, None),
        }

    def _bars(self, client: Client, request: r.HistoricalData) -> None:
        floor, req_id = self._floor, request.req_id
        listing = floor.resolve(client, req_id, request.contract)
        if listing is None:
            return
        try:
            what, size, length = _what(request.what_to_show), bar_seconds(request.bar_size), duration_seconds(request.duration)
            end_ns = self._end(request, listing) or floor.clock.now_ns() + 1
        except ValueError as error:
            floor.error(client, req_id, 321, f"Error validating request.-'xx' : cause - {error}.")
            return
        name = listing.instrument.id
        floor.interest(name, False)
        start_ns = end_ns - length * NS_PER_SECOND
        played = floor.tape.bars(name, what, start_ns, end_ns, edges_of(listing, size))
        if not played:
            floor.error(client, req_id, 162, f"{_HMDS}HMDS query returned no data: {name} {request.what_to_show}")
            return
        bars = [_written(bar, listing, size, request.format_date) for bar in played]
        zone = listing.instrument.time_zone
        reply = replies.HistoricalData(req_id, replies.Moment(start_ns, zone), replies.Moment(end_ns, zone), bars)
        floor.send(client.id, reply)
        if request.keep_up_to_date:
            client.live_bars[req_id] = LiveBars(
                listing, what, _next_pulse(floor.clock.now_ns()), size, request.format_date, historical=True
            )

    def _cancel_bars(self, client: Client, request: r.CancelHistoricalData) -> None:
        if client.live_bars.pop(request.req_id, None):
            text = f"{_HMDS}API historical data query cancelled: {request.req_id}"
            self._floor.error(client, request.req_id, 162, text)

    def _head(self, client: Client, request: r.HeadTimestamp) -> None:
        floor, req_id = self._floor, request.req_id
        listing = floor.resolve(client, req_id, request.contract)
        if listing is None:
            return
        try:
            begin = floor.tape.begin(listing.instrument.id, _what(request.what_to_show))
        except ValueError as error:
            floor.error(client, req_id, 321, f"Error validating request.-'xx' : cause - {error}.")
            return
        if begin is None:
            floor.error(client, req_id, 162, f"{_HMDS}No head time stamp for {listing.instrument.id}")
        elif request.format_date == 2:
            floor.send(client.id, replies.HeadTimestamp(req_id, begin // NS_PER_SECOND))
        else:
            floor.send(client.id, replies.HeadTimestamp(req_id, replies.Moment(begin, listing.instrument.time_zone)))

    def _subscribe_live(self, client: Client, request: r.RealTimeBars) -> None:
        floor, req_id = self._floor, request.req_id
        listing = floor.resolve(client, req_id, request.contract)
        if listing is None:
            return
        if req_id in client.live_bars:
            floor.error(client, req_id, 102, "Duplicate ticker ID.")
        elif request.what_to_show.upper() not in Tape.KINDS:
            floor.error(client, req_id, 420, f"Invalid Real-time Query:{request.what_to_show} is not simulated")
        else:
            what, begin = request.what_to_show.upper(), _next_pulse(floor.clock.now_ns())
            client.live_bars[req_id] = LiveBars(listing, what, begin)
            floor.interest(listing.instrument.id, True)

    def pulse(self, now_ns: int) -> None:
        """Say the bars of five seconds that are over, and how the newest historical bars stand."""
        for client in self._floor.clients.values():
            for req_id, live in client.live_bars.items():
                if now_ns >= live.next_ns:
                    say = self._say_newest if live.historical else self._say_live
                    say(client, req_id, live, now_ns)

    def _say_live(self, client: Client, req_id: int, live: LiveBars, now_ns: int) -> None:
        step = _PULSE_SECONDS * NS_PER_SECOND
        bars = self._floor.tape.bars(
            live.listing.instrument.id, live.what, live.next_ns - step, now_ns, fixed_edges(_PULSE_SECONDS)
        )
        by_start = {bar.start_ns // step * step: bar for bar in bars}
        while live.next_ns <= now_ns:
            start = live.next_ns - step
            bar = by_start.get(start)
            if bar is None and live.last_close:
                flat = live.last_close
                bar = TapeBar(start, flat, flat, flat, flat, *((0.0, flat, 0) if live.what == "TRADES" else (-1.0, -1.0, -1)))
            if bar is not None:
                live.last_close = bar.close
                reply = replies.RealTimeBar(
                    req_id, start // NS_PER_SECOND, bar.open, bar.high, bar.low, bar.close, bar.volume, bar.average, bar.ticks
                )
                self._floor.send(client.id, reply)
            elif not by_start:
                live.next_ns = _next_pulse(now_ns)
                return
            live.next_ns += step

    def _say_newest(self, client: Client, req_id: int, live: LiveBars, now_ns: int) -> None:
        edges = edges_of(live.listing, live.size_seconds)
        since = live.next_ns - (live.size_seconds + _PULSE_SECONDS) * NS_PER_SECOND
        since = edges(since)
        for bar in self._floor.tape.bars(live.listing.instrument.id, live.what, since, now_ns + 1, edges):
            reply = replies.HistoricalDataUpdate(req_id, _written(bar, live.listing, live.size_seconds, live.format_date))
            self._floor.send(client.id, reply)
        live.next_ns = _next_pulse(now_ns)

    def _end(self, request: r.HistoricalData, listing: Listing) -> int:
        """The moment that a request's end time means; 0 for an empty one."""
        text = request.end.strip()
        if not text:
            return 0
        if request.keep_up_to_date:
            raise ValueError("keepUpToDate needs an empty end time")
        return client_time(text, listing.instrument.time_zone)


def bar_seconds(text: str) -> int:
    """Seconds of a bar size as "5 mins"; a day counts 86400.

    Raises:
        ValueError: IB has no such bar size, or the simulator does not aggregate it.
    """
    if text == "1 day":
        return _DAY
    number, _, unit = text.partition(" ")
    size = int(number) * _UNITS.get(unit, 0) if number.isdigit() else 0
    if size not in _SIZES:
        raise ValueError(f"Bar size '{text}' is not simulated")
    return size


def duration_seconds(text: str) -> int:
    """Seconds of a duration as "2 D".

    Raises:
        ValueError: it is not written so.
    """
    match = _DURATION.fullmatch(text)
    if match is None:
        raise ValueError(f"Invalid duration '{text}'; write a number and one of S, D, W, M, Y")
    return int(match[1]) * _DURATIONS[match[2]]


def edges_of(listing: Listing, size: int) -> Callable[[int], int]:
    """Where bars of a size end: at whole multiples, or for days at midnight where the instrument trades."""
    if size != _DAY:
        return fixed_edges(size)

    def next_midnight(ns: int) -> int:
        local = listing.trading.local(ns)
        midnight = datetime.combine(local.date() + timedelta(days=1), datetime.min.time())
        return from_datetime(midnight.replace(tzinfo=local.tzinfo))

    return next_midnight


def _what(text: str) -> str:
    what = text.upper()
    if what not in Tape.KINDS:
        raise ValueError(f"'{text}' is not simulated; ask for one of {', '.join(sorted(Tape.KINDS))}")
    return what


def _next_pulse(now_ns: int) -> int:
    step = _PULSE_SECONDS * NS_PER_SECOND
    return (now_ns // step + 1) * step


def _written(bar: TapeBar, listing: Listing, size: int, format_date: int) -> replies.Bar:
    """A bar as a request wants it: dates as text in the instrument's zone, or as seconds since the epoch; days as YYYYMMDD."""
    date: replies.Moment | int | str
    if size == _DAY:
        date = listing.trading.local(bar.start_ns).strftime("%Y%m%d")
    else:
        start = bar.start_ns // (size * NS_PER_SECOND) * size
        date = start if format_date == 2 else replies.Moment(start * NS_PER_SECOND, listing.instrument.time_zone)
    return replies.Bar(date, bar.open, bar.high, bar.low, bar.close, bar.volume, bar.average, bar.ticks)
