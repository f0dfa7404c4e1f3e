"""The research desk: news, bulletins, reports, corporate events, scanners, and the groups of windows that show the same.

All of it comes from the fixtures, dated by the market's clock. Sources: TWS API documentation, "News", "Fundamental Data",
"Wall Street Horizon", "Display Groups", and message codes 321, 430, 10172, 10276 and 10282.
"""

from collections.abc import Callable, Sequence
from datetime import date, datetime
from itertools import islice

from atlas.domain import NS_PER_MS, NS_PER_SECOND, from_datetime, to_datetime
from ib_gateway.simulator.broker.client import Client
from ib_gateway.simulator.broker.floor import Floor, Handlers
from ib_gateway.simulator.broker.market_data.days import Day
from ib_gateway.simulator.broker.research import earnings
from ib_gateway.simulator.broker.research.desk_scans import ScanDesk
from ib_gateway.simulator.broker.research.news import Article, DatedBulletin, article, articles, bulletins
from ib_gateway.simulator.broker.research.reports import report
from ib_gateway.simulator.fixtures import companies, news
from ib_gateway.simulator.messages import replies
from ib_gateway.simulator.messages import requests as r

_INVALID = "Error validating request.-'xx' : cause - "
_NEWS_TICK = 292
_MOST_HEADLINES = 300
_YEAR_NS = 365 * 24 * 3600 * NS_PER_SECOND
_MINUTE_NS = 60 * NS_PER_SECOND
_NOTHING_SHOWN = "none"
_PLAIN = 0


class ResearchDesk:
    """What is told beyond prices. `day_of` is an instrument's day so far."""

    def __init__(self, floor: Floor, day_of: Callable[[str], Day]) -> None:
        self._floor = floor
        self._day_of = day_of
        self._scans = ScanDesk(floor, day_of)
        self._news = news()
        listed = {listing.instrument.symbol: listing.instrument.long_name for listing in floor.catalogue}
        self._names = listed | {symbol: company.name for symbol, company in companies().items()}
        self._told_ns = 0
        self._groups = dict.fromkeys(range(1, 8), _NOTHING_SHOWN)

    def handlers(self) -> Handlers:
        """What this desk answers."""
        return {
            **self._scans.handlers(),
            r.NewsProviders: self._providers,
            r.HistoricalNews: self._headlines,
            r.NewsArticle: self._article,
            r.NewsBulletins: self._bulletins,
            r.CancelNewsBulletins: self._cancel_bulletins,
            r.FundamentalData: self._report,
            r.CancelFundamentalData: lambda _client, _request: None,  # it was answered at once
            r.WshMetaData: self._event_kinds,
            r.CancelWshMetaData: lambda _client, _request: None,
            r.WshEventData: self._events,
            r.CancelWshEventData: lambda _client, _request: None,
            r.DisplayGroups: self._display_groups,
            r.SubscribeToGroup: self._subscribe_to_group,
            r.UpdateGroup: self._update_group,
            r.UnsubscribeFromGroup: self._unsubscribe_from_group,
        }

    def pulse(self, now_ns: int) -> None:
        """Tell what has come in since the last time."""
        self._scans.pulse(now_ns)
        since, minute = self._told_ns, now_ns // _MINUTE_NS * _MINUTE_NS + 1  # stories come on the minute
        if minute == since:
            return
        self._told_ns = minute
        if 0 < minute - since < _YEAR_NS:  # neither the first time, nor set back
            self._tell_news(list(articles(self._news, self._names, since, minute))[::-1])
            self._tell_bulletins(bulletins(self._news, since, minute))

    # News.

    def _providers(self, client: Client, _request: r.NewsProviders) -> None:
        self._floor.send(client.id, replies.NewsProviders(list(self._news.providers.items())))

    def _headlines(self, client: Client, request: r.HistoricalNews) -> None:
        floor, now = self._floor, self._floor.clock.now_ns()
        wanted = set(request.providers.split("+"))
        if not wanted <= self._news.providers.keys():
            floor.error(client, request.req_id, 10276, "News feed is not allowed.")
            return
        listing = floor.catalogue.by_con_id(request.con_id)
        if listing is None:
            floor.error(client, request.req_id, 321, f"{_INVALID}Invalid contract id")
            return
        try:
            end = min(now, _moment(request.end, now) + 1)
            start = max(_moment(request.start, 0), end - _YEAR_NS)  # older news are not kept
        except ValueError as error:
            floor.error(client, request.req_id, 321, f"{_INVALID}{error}")
            return
        limit = max(1, min(_MOST_HEADLINES, request.limit or _MOST_HEADLINES))
        found = (one for one in articles(self._news, self._names, start, end) if one.symbol == listing.instrument.symbol)
        kept = list(islice((one for one in found if one.provider in wanted), limit + 1))
        for one in kept[:limit]:
            time = f"{to_datetime(one.at_ns):%Y-%m-%d %H:%M:%S}.0"
            floor.send(client.id, replies.HistoricalNews(request.req_id, time, one.provider, one.id, one.headline))
        floor.send(client.id, replies.HistoricalNewsEnd(request.req_id, len(kept) > limit))

    def _article(self, client: Client, request: r.NewsArticle) -> None:
        found = article(self._news, self._names, request.provider, request.article_id, self._floor.clock.now_ns())
        if found is None:
            text = f"Failed to request news article: there is no article {request.article_id} of {request.provider}"
            self._floor.error(client, request.req_id, 10172, text)
        else:
            self._floor.send(client.id, replies.NewsArticle(request.req_id, _PLAIN, found.text))

    def _tell_news(self, fresh: Sequence[Article]) -> None:
        """Headlines to those who stream their company with news."""
        for client in self._floor.clients.values() if fresh else ():
            for stream in client.market.streams.values():
                for one in fresh:
                    if _NEWS_TICK in stream.generic and stream.listing.instrument.symbol == one.symbol:
                        ms = one.at_ns // NS_PER_MS
                        self._floor.send(client.id, replies.TickNews(stream.req_id, ms, one.provider, one.id, one.headline))

    def _bulletins(self, client: Client, request: r.NewsBulletins) -> None:
        client.research.bulletins = True
        if request.all_messages:
            now = self._floor.clock.now_ns()
            midnight = to_datetime(now).replace(hour=0, minute=0, second=0, microsecond=0)
            for one in bulletins(self._news, from_datetime(midnight), now + 1):
                self._floor.send(client.id, _written(one))

    def _cancel_bulletins(self, client: Client, _request: r.CancelNewsBulletins) -> None:
        client.research.bulletins = False

    def _tell_bulletins(self, fresh: Sequence[DatedBulletin]) -> None:
        for one in fresh:
            for client in self._floor.clients.values():
                if client.research.bulletins:
                    self._floor.send(client.id, _written(one))

    # Companies.

    def _report(self, client: Client, request: r.FundamentalData) -> None:
        floor = self._floor
        listing = floor.resolve(client, request.req_id, request.contract)
        if listing is None:
            return
        company = companies().get(listing.instrument.symbol) if listing.sec_type == "STK" else None
        if company is None:
            text = "The fundamentals data for the security specified is not available."
            floor.error(client, request.req_id, 430, text)
            return
        price = self._day_of(listing.instrument.id).last or floor.exchange.mark(listing.instrument.id) or listing.model.price
        xml = report(request.report, company, listing, price, self._today())
        if xml is None:
            floor.error(client, request.req_id, 321, f"{_INVALID}Invalid report type {request.report}")
        else:
            floor.send(client.id, replies.FundamentalData(request.req_id, xml))

    def _event_kinds(self, client: Client, request: r.WshMetaData) -> None:
        client.research.corporate_events = True
        self._floor.send(client.id, replies.WshMetaData(request.req_id, earnings.meta_data()))

    def _events(self, client: Client, request: r.WshEventData) -> None:
        floor = self._floor
        if not client.research.corporate_events:
            floor.error(client, request.req_id, 10282, "WSH meta data was not requested")
            return
        try:
            asked = earnings.query(
                request.con_id, request.filter, (request.start_date, request.end_date), request.limit, self._today()
            )
        except ValueError as error:
            floor.error(client, request.req_id, 10283, f"Failed to request WSH event data: {error}")
            return
        listed = {
            listing.instrument.con_id: (listing.instrument.symbol, companies()[listing.instrument.symbol])
            for listing in floor.catalogue
            if listing.sec_type == "STK" and listing.instrument.symbol in companies()
        }
        floor.send(client.id, replies.WshEventData(request.req_id, earnings.events(listed, asked)))

    def _today(self) -> date:
        return to_datetime(self._floor.clock.now_ns()).date()

    # Windows that show the same.

    def _display_groups(self, client: Client, request: r.DisplayGroups) -> None:
        self._floor.send(client.id, replies.DisplayGroups(request.req_id, "|".join(map(str, self._groups))))

    def _subscribe_to_group(self, client: Client, request: r.SubscribeToGroup) -> None:
        if request.group not in self._groups:
            self._floor.error(client, request.req_id, 321, f"{_INVALID}Invalid display group {request.group}")
            return
        client.research.groups[request.req_id] = request.group
        self._floor.send(client.id, replies.DisplayGroupUpdated(request.req_id, self._groups[request.group]))

    def _update_group(self, client: Client, request: r.UpdateGroup) -> None:
        """Make a group show something: all who watch it hear of it."""
        group = client.research.groups.get(request.req_id)
        if group is None:
            self._floor.error(client, request.req_id, 321, f"{_INVALID}Not subscribed to a display group")
            return
        self._groups[group] = request.contract_info
        for other in self._floor.clients.values():
            for req_id, watched in other.research.groups.items():
                if watched == group:
                    self._floor.send(other.id, replies.DisplayGroupUpdated(req_id, request.contract_info))

    def _unsubscribe_from_group(self, client: Client, request: r.UnsubscribeFromGroup) -> None:
        client.research.groups.pop(request.req_id, None)


def _written(one: DatedBulletin) -> replies.NewsBulletin:
    return replies.NewsBulletin(one.id, one.bulletin.kind, one.bulletin.text, one.bulletin.exchange)


def _moment(text: str, default_ns: int) -> int:
    """A time as clients write it for news: "2026-06-05 13:30:00.0" or "20260605 13:30:00[ UTC]", UTC.

    Raises:
        ValueError: it is not written so; the text says so in words for the client.
    """
    if not text:
        return default_ns
    digits = "".join(c for c in text.partition(".")[0] if c.isdigit())
    if len(digits) < 14:
        raise ValueError(f"Invalid date-time '{text}'; write yyyy-mm-dd hh:mm:ss.0")
    try:
        return from_datetime(datetime.strptime(f"{digits[:14]}+0000", "%Y%m%d%H%M%S%z"))
    except ValueError:
        raise ValueError(f"Invalid date-time '{text}'; write yyyy-mm-dd hh:mm:ss.0") from None
