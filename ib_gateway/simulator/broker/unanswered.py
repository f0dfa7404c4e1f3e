"""Requests that no desk takes: what they are answered with. A desk that takes one needs nothing from here.

A silent request expects no answer and changes nothing; the others get an error that says so.
"""

from ib_gateway.simulator.broker.client import Client
from ib_gateway.simulator.broker.floor import Floor, Handler
from ib_gateway.simulator.messages import requests as r

_INVALID = "Error validating request.-'xx' : cause - "
_HMDS = "Historical Market Data Service error message:"
_VERIFY = (321, f"{_INVALID}Third party verification is not simulated.")
_GROUPS = (321, f"{_INVALID}Display groups are not simulated.")
_OPTIONS = (321, f"{_INVALID}Options are not simulated.")
_ADVISER = (321, f"{_INVALID}FA data operations ignored for non FA customers.")
_NO_NEWS = (10276, "News feed is not allowed.")

ERRORS: dict[type[r.Request], tuple[int, str]] = {
    r.FaData: _ADVISER,
    r.FundamentalData: (430, "The fundamentals data for the security specified is not available."),
    r.HistoricalNews: _NO_NEWS,
    r.ImpliedVolatility: _OPTIONS,
    r.MarketDepth: (10092, "Deep market data is not supported for this combination of security type/exchange"),
    r.NewsArticle: (10172, "Failed to request news article: news are not simulated."),
    r.OptionPrice: _OPTIONS,
    r.DisplayGroups: _GROUPS,
    r.ReplaceFaData: _ADVISER,
    r.ScannerParameters: (321, f"{_INVALID}Scanners are not simulated."),
    r.ScannerSubscription: (162, f"{_HMDS}Scanners are not simulated."),
    r.SubscribeToGroup: _GROUPS,
    r.VerifyAndAuthMessage: _VERIFY,
    r.VerifyAndAuthRequest: _VERIFY,
    r.VerifyMessage: _VERIFY,
    r.VerifyRequest: _VERIFY,
    r.WshEventData: _NO_NEWS,
    r.WshMetaData: _NO_NEWS,
}

SILENT: frozenset[type[r.Request]] = frozenset(
    {
        r.CancelFundamentalData,
        r.CancelImpliedVolatility,
        r.CancelMarketDepth,
        r.CancelNewsBulletins,
        r.CancelOptionPrice,
        r.CancelScannerSubscription,
        r.CancelWshEventData,
        r.CancelWshMetaData,
        r.NewsBulletins,
        r.UnsubscribeFromGroup,
        r.UpdateGroup,
    }
)


def handlers(floor: Floor) -> dict[type[r.Request], Handler]:
    """A handler for each of these requests."""

    def refuse(client: Client, request: r.Request) -> None:
        code, text = ERRORS[type(request)]
        floor.error(client, getattr(request, "req_id", -1), code, text)

    def take(_client: Client, _request: r.Request) -> None:
        return

    return {**dict.fromkeys(ERRORS, refuse), **dict.fromkeys(SILENT, take)}
