"""What clients send: message ids and layouts."""

from ib_gateway.simulator.codec.kinds import BOOL, INT, TEXT
from ib_gateway.simulator.codec.layout import Field, Fixed, Layout, Many, When
from ib_gateway.simulator.codec.orders import PLACE_ORDER, SENT_CONTRACT
from ib_gateway.simulator.messages import ComboLeg, Contract
from ib_gateway.simulator.messages import requests as r

_VERSION = Fixed("1")
_REQ_ID = Field("req_id", INT)
_CONTRACT = {"contract": Contract}
_SHORT_LEGS = When(
    "contract.sec_type",
    lambda value: value == "BAG",
    (
        Many(
            "contract.combo_legs",
            ComboLeg,
            (Field("con_id", INT), Field("ratio", INT), Field("action"), Field("exchange")),
        ),
    ),
)
LAYOUTS: tuple[Layout, ...] = (
    Layout(71, r.StartApi, (Fixed("2"), Field("client_id", INT), Field("optional_capabilities"))),
    Layout(
        1,
        r.MarketData,
        (
            Fixed("11"),
            _REQ_ID,
            *SENT_CONTRACT,
            _SHORT_LEGS,
            Fixed("0"),  # a delta neutral contract would follow a 1
            Field("generic_ticks"),
            Field("snapshot", BOOL),
            Field("regulatory_snapshot", BOOL),
            Field("options"),
        ),
        _CONTRACT,
    ),
    Layout(2, r.CancelMarketData, (Fixed("2"), _REQ_ID)),
    PLACE_ORDER,
    Layout(4, r.CancelOrder, (_VERSION, Field("order_id", INT), Field("manual_time", TEXT, since=169))),
    Layout(5, r.OpenOrders, (_VERSION,)),
    Layout(6, r.AccountUpdates, (Fixed("2"), Field("subscribe", BOOL), Field("account"))),
    Layout(
        7,
        r.Executions,
        (
            Fixed("3"),
            _REQ_ID,
            Field("client_id", INT),
            Field("account"),
            Field("time"),
            Field("symbol"),
            Field("sec_type"),
            Field("exchange"),
            Field("side"),
        ),
    ),
    Layout(8, r.Ids, (_VERSION, Field("count", INT))),
    Layout(
        9,
        r.ContractDetails,
        (
            Fixed("8"),
            _REQ_ID,
            *SENT_CONTRACT,
            Field("include_expired", BOOL),
            Field("sec_id_type"),
            Field("sec_id"),
            Field("issuer_id", TEXT, since=176),
        ),
        _CONTRACT,
    ),
    Layout(14, r.ServerLogLevel, (_VERSION, Field("level", INT))),
    Layout(15, r.AutoOpenOrders, (_VERSION, Field("bind", BOOL))),
    Layout(16, r.AllOpenOrders, (_VERSION,)),
    Layout(17, r.ManagedAccounts, (_VERSION,)),
    Layout(
        20,
        r.HistoricalData,
        (
            _REQ_ID,
            *SENT_CONTRACT,
            Field("include_expired", BOOL),
            Field("end"),
            Field("bar_size"),
            Field("duration"),
            Field("use_rth", BOOL),
            Field("what_to_show"),
            Field("format_date", INT),
            _SHORT_LEGS,
            Field("keep_up_to_date", BOOL),
            Field("options"),
        ),
        _CONTRACT,
    ),
    Layout(25, r.CancelHistoricalData, (_VERSION, _REQ_ID)),
    Layout(49, r.CurrentTime, (_VERSION,)),
    Layout(
        50,
        r.RealTimeBars,
        (
            Fixed("3"),
            _REQ_ID,
            *SENT_CONTRACT,
            Field("bar_size", INT),
            Field("what_to_show"),
            Field("use_rth", BOOL),
            Field("options"),
        ),
        _CONTRACT,
    ),
    Layout(51, r.CancelRealTimeBars, (_VERSION, _REQ_ID)),
    Layout(58, r.GlobalCancel, (_VERSION,)),
    Layout(59, r.MarketDataType, (_VERSION, Field("kind", INT))),
    Layout(61, r.Positions, (_VERSION,)),
    Layout(62, r.AccountSummary, (_VERSION, _REQ_ID, Field("group"), Field("tags"))),
    Layout(63, r.CancelAccountSummary, (_VERSION, _REQ_ID)),
    Layout(64, r.CancelPositions, (_VERSION,)),
    Layout(74, r.PositionsMulti, (_VERSION, _REQ_ID, Field("account"), Field("model_code"))),
    Layout(75, r.CancelPositionsMulti, (_VERSION, _REQ_ID)),
    Layout(
        76,
        r.AccountUpdatesMulti,
        (_VERSION, _REQ_ID, Field("account"), Field("model_code"), Field("ledger_and_nlv", BOOL)),
    ),
    Layout(77, r.CancelAccountUpdatesMulti, (_VERSION, _REQ_ID)),
    Layout(
        78,
        r.OptionParameters,
        (_REQ_ID, Field("symbol"), Field("exchange"), Field("sec_type"), Field("con_id", INT)),
    ),
    Layout(79, r.SoftDollarTiers, (_REQ_ID,)),
    Layout(80, r.FamilyCodes, ()),
    Layout(81, r.MatchingSymbols, (_REQ_ID, Field("pattern"))),
    Layout(82, r.DepthExchanges, ()),
    Layout(83, r.SmartComponents, (_REQ_ID, Field("bbo_exchange"))),
    Layout(85, r.NewsProviders, ()),
    Layout(
        87,
        r.HeadTimestamp,
        (
            _REQ_ID,
            *SENT_CONTRACT,
            Field("include_expired", BOOL),
            Field("use_rth", BOOL),
            Field("what_to_show"),
            Field("format_date", INT),
        ),
        _CONTRACT,
    ),
    Layout(90, r.CancelHeadTimestamp, (_REQ_ID,)),
    Layout(91, r.MarketRule, (Field("rule_id", INT),)),
    Layout(92, r.Pnl, (_REQ_ID, Field("account"), Field("model_code"))),
    Layout(93, r.CancelPnl, (_REQ_ID,)),
    Layout(94, r.PnlSingle, (_REQ_ID, Field("account"), Field("model_code"), Field("con_id", INT))),
    Layout(95, r.CancelPnlSingle, (_REQ_ID,)),
    Layout(
        97,
        r.TickByTick,
        (_REQ_ID, *SENT_CONTRACT, Field("kind"), Field("count", INT), Field("ignore_size", BOOL)),
        _CONTRACT,
    ),
    Layout(98, r.CancelTickByTick, (_REQ_ID,)),
    Layout(99, r.CompletedOrders, (Field("api_only", BOOL),)),
    Layout(104, r.UserInfo, (_REQ_ID,)),
)

NOT_SIMULATED: dict[int, tuple[int | None, int, str]] = {
    10: (1, 10092, "Deep market data is not supported for this combination of security type/exchange"),
    18: (None, 321, "Error validating request.-'xx' : cause - FA data operations ignored for non FA customers."),
    19: (3, 321, "Error validating request.-'xx' : cause - FA data operations ignored for non FA customers."),
    21: (1, 321, "Error validating request.-'xx' : cause - Options are not simulated."),
    22: (0, 162, "Historical Market Data Service error message:Scanners are not simulated."),
    24: (None, 321, "Error validating request.-'xx' : cause - Scanners are not simulated."),
    52: (1, 430, "The fundamentals data for the security specified is not available."),
    54: (1, 321, "Error validating request.-'xx' : cause - Options are not simulated."),
    55: (1, 321, "Error validating request.-'xx' : cause - Options are not simulated."),
    65: (None, 321, "Error validating request.-'xx' : cause - Third party verification is not simulated."),
    66: (None, 321, "Error validating request.-'xx' : cause - Third party verification is not simulated."),
    67: (1, 321, "Error validating request.-'xx' : cause - Display groups are not simulated."),
    68: (1, 321, "Error validating request.-'xx' : cause - Display groups are not simulated."),
    72: (None, 321, "Error validating request.-'xx' : cause - Third party verification is not simulated."),
    73: (None, 321, "Error validating request.-'xx' : cause - Third party verification is not simulated."),
    84: (0, 10172, "Failed to request news article: news are not simulated."),
    86: (0, 10276, "News feed is not allowed."),
    88: (0, 162, "Historical Market Data Service error message:Histograms are not simulated."),
    96: (0, 162, "Historical Market Data Service error message:Historical ticks are not simulated."),
    100: (0, 10276, "News feed is not allowed."),
    102: (0, 10276, "News feed is not allowed."),
}
"""Requests that IB knows and that get an honest error: where their request id stands, error code and text."""

SILENT: frozenset[int] = frozenset({11, 12, 13, 23, 53, 56, 57, 69, 70, 89, 101, 103})
"""Requests that expect no answer: cancels of the above, news bulletins."""
