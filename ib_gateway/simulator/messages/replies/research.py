"""What the gateway says beyond prices: news, scanners, fundamentals, corporate events, display groups, verification."""

from collections.abc import Sequence

import msgspec

from ib_gateway.simulator.messages.contract import Contract
from ib_gateway.simulator.messages.replies.base import Reply


class NewsProviders(Reply, frozen=True):
    """Code and name of each news source."""

    providers: Sequence[tuple[str, str]]


class NewsBulletin(Reply, frozen=True):
    """A bulletin: kind 1 is a notice, 2 says that an exchange cannot be traded, 3 that it can again."""

    bulletin_id: int
    kind: int
    text: str
    exchange: str


class TickNews(Reply, frozen=True):
    """A headline that just came in, at a millisecond since the epoch."""

    req_id: int
    time_ms: int
    provider: str
    article_id: str
    headline: str
    extra: str = ""


class NewsArticle(Reply, frozen=True):
    """The text of an article: kind 0 is plain or HTML, 1 binary as base64."""

    req_id: int
    kind: int
    text: str


class HistoricalNews(Reply, frozen=True):
    """A headline of the past; its time as 2026-06-05 13:30:00.0, UTC."""

    req_id: int
    time: str
    provider: str
    article_id: str
    headline: str


class HistoricalNewsEnd(Reply, frozen=True):
    """No more headlines, or no more of those that were asked for."""

    req_id: int
    has_more: bool


class ScannerParameters(Reply, frozen=True):
    """What scanners there are, as XML."""

    xml: str


class ScannerRow(msgspec.Struct, frozen=True):
    """One contract of a scan."""

    rank: int
    contract: Contract
    market_name: str
    distance: str = ""
    benchmark: str = ""
    projection: str = ""
    legs: str = ""


class ScannerData(Reply, frozen=True):
    """The best of a market, all at once."""

    req_id: int
    rows: Sequence[ScannerRow]


class FundamentalData(Reply, frozen=True):
    """A report, as XML."""

    req_id: int
    xml: str


class WshMetaData(Reply, frozen=True):
    """What corporate events there are, as JSON."""

    req_id: int
    json: str


class WshEventData(Reply, frozen=True):
    """Corporate events, as JSON."""

    req_id: int
    json: str


class DisplayGroups(Reply, frozen=True):
    """Numbers of the display groups, most used first, joined by "|"."""

    req_id: int
    groups: str


class DisplayGroupUpdated(Reply, frozen=True):
    """What a display group shows: "none", "combo" or a contract as "265598@SMART"."""

    req_id: int
    contract_info: str


class VerifyMessage(Reply, frozen=True):
    """What a third party's program is to prove."""

    api_data: str


class VerifyCompleted(Reply, frozen=True):
    """Whether a third party's program has proven who it is."""

    successful: bool
    text: str


class VerifyAndAuthMessage(Reply, frozen=True):
    """A challenge to a third party's program."""

    api_data: str
    challenge: str


class VerifyAndAuthCompleted(Reply, frozen=True):
    """Whether a third party's program has met the challenge."""

    successful: bool
    text: str
