"""Messages beyond prices: news, scanners, fundamentals, corporate events, display groups, verification."""

from ib_gateway.simulator.codec.kinds import BOOL, FLOAT, INT, LONG, OPTIONAL_FLOAT, OPTIONAL_INT, TEXT
from ib_gateway.simulator.codec.layout import Field, Fixed, Item, Last, Layout, Many
from ib_gateway.simulator.codec.tables.parts import CONTRACT, ONE, REQ_ID, fields
from ib_gateway.simulator.messages import replies as say
from ib_gateway.simulator.messages import requests as ask

_COMPANY = fields(
    "contract", con_id=INT, symbol=TEXT, sec_type=TEXT, exchange=TEXT, primary_exchange=TEXT, currency=TEXT, local_symbol=TEXT
)
_SCANNER = fields(
    "", rows=OPTIONAL_INT, instrument=TEXT, location=TEXT, scan_code=TEXT, above_price=OPTIONAL_FLOAT,
    below_price=OPTIONAL_FLOAT, above_volume=OPTIONAL_INT, market_cap_above=OPTIONAL_FLOAT, market_cap_below=OPTIONAL_FLOAT,
    moody_above=TEXT, moody_below=TEXT, sp_above=TEXT, sp_below=TEXT, maturity_above=TEXT, maturity_below=TEXT,
    coupon_above=OPTIONAL_FLOAT, coupon_below=OPTIONAL_FLOAT, exclude_convertible=BOOL,
    average_option_volume_above=OPTIONAL_INT, setting_pairs=TEXT, stock_type=TEXT, filters=TEXT, options=TEXT,
)  # fmt: skip
_SCANNED: tuple[Item, ...] = (
    Field("rank", INT),
    *fields(
        "contract", con_id=INT, symbol=TEXT, sec_type=TEXT, expiry=TEXT, strike=FLOAT, right=TEXT, exchange=TEXT,
        currency=TEXT, local_symbol=TEXT,
    ),
    Field("market_name"),
    Field("contract.trading_class"),
    *fields("", distance=TEXT, benchmark=TEXT, projection=TEXT, legs=TEXT),
)  # fmt: skip

REQUESTS: tuple[Layout, ...] = (
    Layout(12, ask.NewsBulletins, (ONE, Field("all_messages", BOOL))),
    Layout(13, ask.CancelNewsBulletins, (ONE,)),
    Layout(22, ask.ScannerSubscription, (REQ_ID, *_SCANNER)),
    Layout(23, ask.CancelScannerSubscription, (ONE, REQ_ID)),
    Layout(24, ask.ScannerParameters, (ONE,)),
    Layout(
        52,
        ask.FundamentalData,
        (
            Fixed("2"),
            REQ_ID,
            *_COMPANY,
            Field("report"),
            Last("options"),
        ),
        CONTRACT,
    ),
    Layout(53, ask.CancelFundamentalData, (ONE, REQ_ID)),
    Layout(65, ask.VerifyRequest, (ONE, Field("api_name"), Field("api_version"))),
    Layout(66, ask.VerifyMessage, (ONE, Field("api_data"))),
    Layout(67, ask.DisplayGroups, (ONE, REQ_ID)),
    Layout(68, ask.SubscribeToGroup, (ONE, REQ_ID, Field("group", INT))),
    Layout(69, ask.UpdateGroup, (ONE, REQ_ID, Field("contract_info"))),
    Layout(70, ask.UnsubscribeFromGroup, (ONE, REQ_ID)),
    Layout(72, ask.VerifyAndAuthRequest, (ONE, Field("api_name"), Field("api_version"), Field("key"))),
    Layout(73, ask.VerifyAndAuthMessage, (ONE, Field("api_data"), Field("response"))),
    Layout(84, ask.NewsArticle, (REQ_ID, Field("provider"), Field("article_id"), Field("options"))),
    Layout(85, ask.NewsProviders, ()),
    Layout(
        86,
        ask.HistoricalNews,
        (
            REQ_ID,
            Field("con_id", INT),
            Field("providers"),
            Field("start"),
            Field("end"),
            Field("limit", INT),
            Field("options"),
        ),
    ),
    Layout(100, ask.WshMetaData, (REQ_ID,)),
    Layout(101, ask.CancelWshMetaData, (REQ_ID,)),
    Layout(
        102,
        ask.WshEventData,
        (
            REQ_ID,
            Field("con_id", OPTIONAL_INT),
            Field("filter", TEXT, since=171),
            Field("fill_watchlist", BOOL, since=171),
            Field("fill_portfolio", BOOL, since=171),
            Field("fill_competitors", BOOL, since=171),
            Field("start_date", TEXT, since=173),
            Field("end_date", TEXT, since=173),
            Field("limit", OPTIONAL_INT, since=173),
        ),
    ),
    Layout(103, ask.CancelWshEventData, (REQ_ID,)),
)

REPLIES: tuple[Layout, ...] = (
    Layout(14, say.NewsBulletin, (ONE, Field("bulletin_id", INT), Field("kind", INT), Field("text"), Field("exchange"))),
    Layout(19, say.ScannerParameters, (ONE, Field("xml"))),
    Layout(20, say.ScannerData, (Fixed("3"), REQ_ID, Many("rows", say.ScannerRow, _SCANNED, CONTRACT))),
    Layout(51, say.FundamentalData, (ONE, REQ_ID, Field("xml"))),
    Layout(65, say.VerifyMessage, (ONE, Field("api_data"))),
    Layout(66, say.VerifyCompleted, (ONE, Field("successful", BOOL), Field("text"))),
    Layout(67, say.DisplayGroups, (ONE, REQ_ID, Field("groups"))),
    Layout(68, say.DisplayGroupUpdated, (ONE, REQ_ID, Field("contract_info"))),
    Layout(69, say.VerifyAndAuthMessage, (ONE, Field("api_data"), Field("challenge"))),
    Layout(70, say.VerifyAndAuthCompleted, (ONE, Field("successful", BOOL), Field("text"))),
    Layout(83, say.NewsArticle, (REQ_ID, Field("kind", INT), Field("text"))),
    Layout(
        84,
        say.TickNews,
        (REQ_ID, Field("time_ms", LONG), Field("provider"), Field("article_id"), Field("headline"), Field("extra")),
    ),
    Layout(85, say.NewsProviders, (Many("providers", None, (Field("code"), Field("name"))),)),
    Layout(86, say.HistoricalNews, (REQ_ID, Field("time"), Field("provider"), Field("article_id"), Field("headline"))),
    Layout(87, say.HistoricalNewsEnd, (REQ_ID, Field("has_more", BOOL))),
    Layout(104, say.WshMetaData, (REQ_ID, Field("json"))),
    Layout(105, say.WshEventData, (REQ_ID, Field("json"))),
)
