"""What a client asks beyond prices: news, scanners, fundamentals, corporate events, display groups, verification."""

from ib_gateway.simulator.messages.contract import Contract
from ib_gateway.simulator.messages.requests.base import Numbered, Request


class NewsProviders(Request, frozen=True):
    """News sources of the login."""


class NewsArticle(Numbered, frozen=True):
    """The text of an article."""

    provider: str
    article_id: str
    options: str = ""


class HistoricalNews(Numbered, frozen=True):
    """Headlines about a contract; provider codes are joined by "+"."""

    con_id: int
    providers: str
    start: str
    end: str
    limit: int
    options: str = ""


class NewsBulletins(Request, frozen=True):
    """The bulletins of the day, or only those to come."""

    all_messages: bool


class CancelNewsBulletins(Request, frozen=True):
    """End of `NewsBulletins`."""


class ScannerParameters(Request, frozen=True):
    """What scanners there are."""


class ScannerSubscription(Numbered, frozen=True):
    """The best of a market by some measure. None, "" and -1 rows leave a limit out; filters are "tag=value;" texts."""

    rows: int | None
    instrument: str
    location: str
    scan_code: str
    above_price: float | None = None
    below_price: float | None = None
    above_volume: int | None = None
    market_cap_above: float | None = None
    market_cap_below: float | None = None
    moody_above: str = ""
    moody_below: str = ""
    sp_above: str = ""
    sp_below: str = ""
    maturity_above: str = ""
    maturity_below: str = ""
    coupon_above: float | None = None
    coupon_below: float | None = None
    exclude_convertible: bool = False
    average_option_volume_above: int | None = None
    setting_pairs: str = ""
    stock_type: str = ""
    filters: str = ""
    options: str = ""


class CancelScannerSubscription(Numbered, frozen=True):
    """End of `ScannerSubscription`."""


class FundamentalData(Numbered, frozen=True):
    """A report about a company."""

    contract: Contract
    report: str
    options: str = ""


class CancelFundamentalData(Numbered, frozen=True):
    """End of `FundamentalData`."""


class WshMetaData(Numbered, frozen=True):
    """What corporate events the calendar of Wall Street Horizon knows."""


class CancelWshMetaData(Numbered, frozen=True):
    """End of `WshMetaData`."""


class WshEventData(Numbered, frozen=True):
    """Corporate events of a contract, or of those that a filter (JSON, since version 171) lets through."""

    con_id: int | None
    filter: str = ""
    fill_watchlist: bool = False
    fill_portfolio: bool = False
    fill_competitors: bool = False
    start_date: str = ""
    end_date: str = ""
    limit: int | None = None


class CancelWshEventData(Numbered, frozen=True):
    """End of `WshEventData`."""


class DisplayGroups(Numbered, frozen=True):
    """The groups of windows that show the same contract."""


class SubscribeToGroup(Numbered, frozen=True):
    """What a group shows, and every change of it."""

    group: int


class UpdateGroup(Numbered, frozen=True):
    """Make a group show a contract, as "265598@SMART"."""

    contract_info: str


class UnsubscribeFromGroup(Numbered, frozen=True):
    """End of `SubscribeToGroup`."""


class VerifyRequest(Request, frozen=True):
    """A third party's program begins to prove who it is."""

    api_name: str
    api_version: str


class VerifyMessage(Request, frozen=True):
    """A third party's program proves who it is."""

    api_data: str


class VerifyAndAuthRequest(Request, frozen=True):
    """A third party's program begins to prove who it is, with a key."""

    api_name: str
    api_version: str
    key: str


class VerifyAndAuthMessage(Request, frozen=True):
    """A third party's program answers a challenge."""

    api_data: str
    response: str
