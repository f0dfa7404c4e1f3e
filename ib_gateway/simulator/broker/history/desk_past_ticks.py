"""The desk of single ticks of the past: historical ticks, head time stamps, histograms."""

import re
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from atlas.domain import NS_PER_SECOND, InstrumentKind, to_datetime
from ib_gateway.simulator.broker.client import Client
from ib_gateway.simulator.broker.floor import LOGIN_ZONE, Handlers
from ib_gateway.simulator.broker.history.hmds import Hmds
from ib_gateway.simulator.broker.history.query import HMDS, KINDS, Duration, Refusal, read_moment
from ib_gateway.simulator.broker.history.windows import windows_in_slices
from ib_gateway.simulator.broker.slices import Sliced
from ib_gateway.simulator.instruments import Listing
from ib_gateway.simulator.market.columns import Floats, Integers
from ib_gateway.simulator.messages import replies
from ib_gateway.simulator.messages import requests as r

_REFUSED = "Error validating request.-'bP' : cause - "
_MOST_TICKS = 1000
_FIRST_STRETCH_NS, _LONGEST_STRETCH_NS = 300 * NS_PER_SECOND, 7200 * NS_PER_SECOND
"""Of an option each tick has to be valued, so that stretches stay short."""
_PERIOD = re.compile(r"(\d{1,4}) (sec|min|hour|day|week|month|year)s?", re.IGNORECASE)
_PERIOD_UNITS = {"sec": ("S", 1), "min": ("S", 60), "hour": ("S", 3600), "day": ("D", 1), "week": ("W", 1), "month": ("M", 1),
                 "year": ("Y", 1)}  # fmt: skip
_MOST_STEPS = 200
_DAYS_AT_ONCE = 5


class Ticks(NamedTuple):
    """Ticks in columns: times and, of quotes, bid, ask and their sizes; of trades price and size; of mid points the price."""

    times: Integers
    values: tuple[Floats, ...]

    def chosen(self, which: "NDArray[np.bool_] | slice") -> "Ticks":
        """Some of them."""
        return Ticks(self.times[which], tuple(column[which] for column in self.values))


class PastTickDesk:
    """Ticks, and what is made of them."""

    def __init__(self, hmds: Hmds) -> None:
        self._hmds = hmds
        self._floor = hmds.floor

    def handlers(self) -> Handlers:
        """What this desk answers."""
        return {
            r.HistoricalTicks: self._ticks,
            r.HeadTimestamp: self._head,
            r.CancelHeadTimestamp: lambda client, request: self._hmds.open_heads.discard((client.id, request.req_id)),
            r.Histogram: self._histogram,
            r.CancelHistogram: lambda _client, _request: None,
        }

    # Ticks.

    def _ticks(self, client: Client, request: r.HistoricalTicks) -> Sliced[None]:
        hmds, req_id, now_ns = self._hmds, request.req_id, self._hmds.now_ns()
        try:
            start_ns, end_ns, implied = self._limits(request, now_ns)
        except Refusal as refusal:
            hmds.refuse(client, req_id, refusal)
            return
        if implied:
            hmds.warn_of_zone(client, req_id)
        listing = self._floor.resolve(client, req_id, request.contract, include_expired=request.include_expired)
        if listing is None:
            return
        what = request.what_to_show.upper()
        kind = _tick_kind(what, listing)
        same = (request.contract, request.start, request.end, request.count, what, request.use_rth, request.ignore_size)
        if not hmds.admit(client, req_id, same, (listing.instrument.id, request.contract.exchange, what), what, paced=True):
            return
        self._floor.interest(listing.instrument.id, False)
        found = yield from self._collect(listing, kind, start_ns, end_ns, request)
        self._floor.send(client.id, _reply(req_id, kind, found, listing))

    def _limits(self, request: r.HistoricalTicks, now_ns: int) -> tuple[int | None, int | None, bool]:
        """Where ticks begin or end, and whether that was said without a zone.

        Raises:
            Refusal: IB does not take the request.
        """
        texts = (("Start Date/Time", request.start.strip()), ("End Date/Time", request.end.strip()))
        start, end = (read_moment(text, LOGIN_ZONE, now_ns, what) if text else None for what, text in texts)
        checks = (
            (start is None and end is None, "Either start or end date/time must be specified"),
            (start is not None and end is not None, "Start and end date/time cannot both be specified"),
            (not request.contract.exchange, "Exchange must not be empty"),
            (request.contract.sec_type == "BAG", "Combo types are not supported"),
            (request.count <= 0, "Number of ticks must be > 0"),
            (request.count > _MOST_TICKS, f"Number of ticks must be <= {_MOST_TICKS}"),
            (not request.what_to_show.strip(), "Source price must not be empty"),
            (request.what_to_show.upper() not in ("TRADES", "MIDPOINT", "BID_ASK", "AGGTRADES"), "Invalid source price"),
        )
        for wrong, cause in checks:
            if wrong:
                raise Refusal(321, _REFUSED + cause)
        implied = any(moment is not None and not moment.zoned for moment in (start, end))
        return start.ns if start else None, end.ns if end else None, implied

    def _collect(
        self, listing: Listing, kind: str, start_ns: int | None, end_ns: int | None, request: r.HistoricalTicks
    ) -> Sliced[Ticks]:
        """Ticks from a time on or up to one, in longer and longer stretches until there are enough.

        The second in which the last one lies is always whole, as with IB: so there may be more than were asked for.
        """
        now_ns = self._hmds.now_ns()
        yield from self._hmds.archive.unroll(listing, now_ns)
        begin_ns, now_ns = self._hmds.archive.begin(listing, kind, now_ns), now_ns + 1
        forward, found, stretch = start_ns is not None, _no_ticks(kind), _FIRST_STRETCH_NS
        if begin_ns is None:
            return found
        low = max(start_ns, begin_ns) if start_ns is not None else begin_ns
        high = min(end_ns, now_ns) if end_ns is not None else now_ns
        while low < high and len(found.times) <= request.count:
            part = (low, min(low + stretch, high)) if forward else (max(high - stretch, low), high)
            ticks = self._read(listing, kind, *part, request)
            found = _joined((found, ticks) if forward else (ticks, found))
            low, high = (part[1], high) if forward else (low, part[0])
            stretch = min(2 * stretch, _FIRST_STRETCH_NS if listing.instrument.right else _LONGEST_STRETCH_NS)
            yield
        if len(found.times) <= request.count:
            return found
        seconds = found.times // NS_PER_SECOND
        if forward:
            return found.chosen(seconds <= seconds[request.count - 1])
        return found.chosen(seconds >= seconds[-request.count])

    def _read(self, listing: Listing, kind: str, start_ns: int, end_ns: int, request: r.HistoricalTicks) -> Ticks:
        ticks = self._hmds.archive.ticks(listing, kind, start_ns, end_ns, self._hmds.now_ns())
        found = Ticks(ticks[0], ticks[1])
        if request.use_rth:
            found = found.chosen(self._regular(listing, found.times, start_ns, end_ns))
        if kind != "TRADES" and len(found.times):
            prices = found.values[:2] if kind == "BID_ASK" and request.ignore_size else found.values
            changed = np.any([np.concatenate(([True], column[1:] != column[:-1])) for column in prices], axis=0)
            found = found.chosen(changed)
        return found

    def _regular(self, listing: Listing, times: Integers, start_ns: int, end_ns: int) -> NDArray[np.bool_]:
        inside = np.zeros(len(times), dtype=bool)
        for day in self._hmds.days.before(listing, end_ns):
            if day.close_ns <= start_ns:
                break
            for session in day.regular:
                inside |= (times >= session.open_ns) & (times < session.close_ns)
        return inside

    # Where data begins.

    def _head(self, client: Client, request: r.HeadTimestamp) -> Sliced[None]:
        hmds, req_id, what = self._hmds, request.req_id, request.what_to_show.upper()
        checks = (
            (what not in KINDS or what == "SCHEDULE", f"What to show value of {request.what_to_show} rejected."),
            (request.format_date not in (1, 2, 3), f"Date formatting selection of {request.format_date} rejected."),
        )
        for wrong, cause in checks:
            if wrong:
                hmds.refuse(client, req_id, Refusal(321, _REFUSED + cause))
                return
        listing = self._floor.resolve(client, req_id, request.contract, include_expired=request.include_expired)
        if listing is None or not hmds.admit(client, req_id, None, None, what, paced=False):
            return
        self._floor.interest(listing.instrument.id, False)
        yield from hmds.archive.unroll(listing, hmds.now_ns())
        begin = hmds.archive.begin(listing, what, hmds.now_ns())
        if begin is None:
            self._floor.error(client, req_id, 162, f"{HMDS}No head time stamp")
            return
        hmds.open_heads.add((client.id, req_id))
        moment = to_datetime(begin)
        text = {1: f"{moment:%Y%m%d-%H:%M:%S}", 3: f"{moment:%m%d %H:%M:%S}"}.get(request.format_date)
        self._floor.send(client.id, replies.HeadTimestamp(req_id, text or begin // NS_PER_SECOND))

    # What was traded at which price.

    def _histogram(self, client: Client, request: r.Histogram) -> Sliced[None]:
        hmds, req_id, now_ns = self._hmds, request.req_id, self._hmds.now_ns()
        match = _PERIOD.fullmatch(request.period.strip())
        if match is None or not int(match[1]):
            what = f'java.lang.NumberFormatException: For input string: "{request.period}"'
            self._floor.error(client, req_id, 320, f"Error reading request:Message id {req_id}.  Unable to parse data. {what}")
            return
        listing = self._floor.resolve(client, req_id, request.contract, include_expired=request.include_expired)
        if listing is None or not hmds.admit(client, req_id, None, None, "TRADES", paced=False):
            return
        self._floor.interest(listing.instrument.id, False)
        unit, times = _PERIOD_UNITS[match[2].lower()]
        duration = Duration(int(match[1]) * times, unit)
        spans = yield from windows_in_slices(
            hmds.days, listing, duration, now_ns + 1, regular=request.use_rth, whole_days=False
        )
        tick = listing.instrument.tick_size
        traded: dict[int, float] = {}
        for number, span in enumerate(spans, 1):
            columns = hmds.archive.columns(listing, "TRADES", span.start_ns, span.end_ns, 60, now_ns)
            prices, which = np.unique(np.rint(columns.close / tick).astype(np.int64), return_inverse=True)
            totals = np.bincount(which, weights=columns.volume, minlength=len(prices))
            for price, total in zip(prices.tolist(), totals.tolist(), strict=True):
                traded[price] = traded.get(price, 0.0) + total
            if number % _DAYS_AT_ONCE == 0:
                yield
        if not traded:
            hmds.no_data(client, req_id, listing, "TRADES")
            return
        self._floor.send(client.id, replies.Histogram(req_id, _stepped(traded, tick)))


def _stepped(traded: Mapping[int, float], tick: float) -> list[tuple[float, float]]:
    """Sizes by price in ticks, in steps of as many ticks as it takes to have at most two hundred."""
    low = min(traded)
    width = (max(traded) - low) // _MOST_STEPS + 1
    totals: dict[int, float] = {}
    for price in sorted(traded):
        step = (price - low) // width
        totals[step] = totals.get(step, 0.0) + traded[price]
    return [(round((low + step * width) * tick, 10), total) for step, total in totals.items()]


def _tick_kind(what: str, listing: Listing) -> str:
    """Trades of currencies are asked as mid points, as IB's gateway does; an index has prices only."""
    if what in ("TRADES", "AGGTRADES"):
        return "MIDPOINT" if listing.instrument.kind is InstrumentKind.CASH else "TRADES"
    return what


def _no_ticks(kind: str) -> Ticks:
    columns = {"BID_ASK": 4, "TRADES": 2}.get(kind, 1)
    return Ticks(np.zeros(0, dtype=np.int64), tuple(np.zeros(0) for _ in range(columns)))


def _joined(parts: tuple[Ticks, Ticks]) -> Ticks:
    values = zip(parts[0].values, parts[1].values, strict=True)
    return Ticks(np.concatenate((parts[0].times, parts[1].times)), tuple(np.concatenate(pair) for pair in values))


def _reply(req_id: int, kind: str, found: Ticks, listing: Listing) -> replies.Reply:
    seconds = (found.times // NS_PER_SECOND).tolist()
    rows = list(zip(seconds, *(column.tolist() for column in found.values), strict=True))
    if kind == "BID_ASK":
        return replies.HistoricalTicksBidAsk(req_id, [replies.HistoricalTickBidAsk(*row) for row in rows], done=True)
    if kind == "TRADES":
        trades = [replies.HistoricalTickLast(at, price, size, listing.venue) for at, price, size in rows]
        return replies.HistoricalTicksLast(req_id, trades, done=True)
    return replies.HistoricalTicks(req_id, [replies.HistoricalTick(at, price, 0.0) for at, price in rows], done=True)
