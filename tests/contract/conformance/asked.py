"""Calls of the clients, and the requests that they have to become here. Each request has at least one."""

import dataclasses
from typing import Any

import msgspec

from ib_gateway.simulator.messages import ComboLeg, Contract, TagValue, Ticket
from ib_gateway.simulator.messages import requests as ask
from tests.contract.conformance.objects import camel, condition
from tests.contract.conformance.samples import CONDITIONS, filled

STOCK = Contract(265598, "AAPL", "STK", "", 0.0, "", "", "SMART", "NASDAQ", "USD", "AAPL", "NMS")
OPTION = Contract(0, "AAPL", "OPT", "20260918", 152.5, "C", "100", "SMART", "", "USD", "AAPL  260918C00152500", "AAPL")
BARE = Contract(symbol="ES", sec_type="FUT", exchange="CME")
LEGS = (ComboLeg(265598, 1, "BUY", "SMART", 1, 2, "NYSE", 3), ComboLeg(272093, 2, "SELL", "ISLAND"))
COMBINATION = msgspec.structs.replace(BARE, sec_type="BAG", combo_legs=LEGS)


@dataclasses.dataclass(frozen=True)
class Asked:
    """A call and the request that it is; `since` is the first version in which clients send it."""

    method: str
    arguments: list[Any]
    request: ask.Request
    since: int = 157


def _object(kind: str, **fields: Any) -> dict[str, Any]:
    return {"object": kind, "fields": fields}


def _contract(value: Contract, **more: Any) -> dict[str, Any]:
    plain = {camel(name): getattr(value, name) for name in Contract.__struct_fields__ if not name.startswith("combo")}
    legs = [
        _object("ComboLeg", **{camel(name): getattr(leg, name) for name in ComboLeg.__struct_fields__})
        for leg in value.combo_legs
    ]
    return _object("Contract", **plain, comboLegs=legs, **more)


def _short(value: Contract) -> Contract:
    """A combination as requests for data write its legs."""
    legs = tuple(ComboLeg(leg.con_id, leg.ratio, leg.action, leg.exchange) for leg in value.combo_legs)
    return msgspec.structs.replace(value, combo_legs=legs)


_NOT_ON_ORDERS = """soft_dollar_tier_name soft_dollar_tier_value order_combo_prices smart_combo_params algo_params conditions
misc_options has_delta_neutral_contract delta_neutral_contract_id delta_neutral_contract_delta
delta_neutral_contract_price quantity"""
"""Fields of a ticket that are no plain attributes of a client's order."""


def _terms(ticket: Ticket) -> dict[str, Any]:
    """An order that a client would send as `ticket`."""
    plain = {camel(name): getattr(ticket, name) for name in Ticket.__struct_fields__ if name not in _NOT_ON_ORDERS.split()}
    whole = {name: value for name, value in plain.items() if value is not None}
    whole["totalQuantity"] = ticket.quantity
    whole["softDollarTier"] = _object("SoftDollarTier", name=ticket.soft_dollar_tier_name, val=ticket.soft_dollar_tier_value)
    whole["orderComboLegs"] = [
        _object("OrderComboLeg", price=price) for price in ticket.order_combo_prices if price is not None
    ]
    whole["conditions"] = [_object("OrderCondition", **condition(one)) for one in ticket.conditions]
    for name, tags in (("smartComboRoutingParams", ticket.smart_combo_params), ("algoParams", ticket.algo_params)):
        whole[name] = [_object("TagValue", tag=one.tag, value=one.value) for one in tags]
    return _object("Order", **whole)


def _placed(contract: Contract, since: int = 157, **changes: Any) -> Asked:
    plain = Ticket("BUY", 100.0, "LMT", 150.25, time_in_force="DAY", account="DU1", display_size=0, use_price_mgmt_algo=False)
    return placed(contract, msgspec.structs.replace(plain, **changes), since)


def placed(contract: Contract, ticket: Ticket, since: int = 157) -> Asked:
    """How a client places an order."""
    more = {}
    if ticket.has_delta_neutral_contract:
        more["deltaNeutralContract"] = _object(
            "DeltaNeutralContract", conId=ticket.delta_neutral_contract_id, delta=ticket.delta_neutral_contract_delta,
            price=ticket.delta_neutral_contract_price,
        )  # fmt: skip
    return Asked("placeOrder", [7, _contract(contract, **more), _terms(ticket)], ask.PlaceOrder(7, contract, ticket), since)


_EVERYTHING = filled(
    Ticket, action="SELL", order_type="PEG BENCH", order_combo_prices=(), smart_combo_params=(), misc_options="",
    conditions=CONDITIONS, min_trade_quantity=None, min_compete_size=None, compete_against_best_offset=None,
    mid_offset_at_whole=None, mid_offset_at_half=None, has_delta_neutral_contract=True, transmit=False, post_to_ats=1,
    use_price_mgmt_algo=True, volatility=None,
)  # fmt: skip
_SCAN = ask.ScannerSubscription(
    9, 50, "STK", "STK.US.MAJOR", "TOP_PERC_GAIN", 5.5, 500.25, 100_000, 1e6, 1e9, "A", "B", "AA", "BB", "20260101", "20300101",
    1.5, 7.5, True, 1000, "Annual,true", "ALL",
)  # fmt: skip
_SCAN_NAMES = {
    "rows": "numberOfRows", "location": "locationCode", "moody_above": "moodyRatingAbove", "moody_below": "moodyRatingBelow",
    "sp_above": "spRatingAbove", "sp_below": "spRatingBelow", "maturity_above": "maturityDateAbove",
    "maturity_below": "maturityDateBelow", "coupon_above": "couponRateAbove", "coupon_below": "couponRateBelow",
    "setting_pairs": "scannerSettingPairs", "stock_type": "stockTypeFilter",
}  # fmt: skip


def _scan(value: ask.ScannerSubscription) -> dict[str, Any]:
    names = [name for name in value.__struct_fields__ if name not in ("req_id", "filters", "options")]
    known = {name: getattr(value, name) for name in names}
    return _object("ScannerSubscription", **{_SCAN_NAMES.get(k, camel(k)): v for k, v in known.items() if v is not None})


def _filter(value: ask.Executions) -> dict[str, Any]:
    names = ("client_id", "time", "symbol", "sec_type", "exchange", "side")
    return _object("ExecutionFilter", acctCode=value.account, **{camel(name): getattr(value, name) for name in names})


_EXECUTIONS = ask.Executions(5, 3, "DU1", "20260605 10:00:00", "AAPL", "STK", "SMART", "BUY")
_WSH = {"filter": "{}", "fillWatchlist": True, "fillPortfolio": False, "fillCompetitors": True}
_DATES = {"startDate": "20260101", "endDate": "20261231", "totalLimit": 10}

ASKED: tuple[Asked, ...] = (
    Asked("calculateImpliedVolatility", [5, _contract(OPTION), 3.25, 150.5, []], ask.ImpliedVolatility(5, OPTION, 3.25, 150.5)),
    Asked("calculateOptionPrice", [5, _contract(OPTION), 0.25, 150.5, []], ask.OptionPrice(5, OPTION, 0.25, 150.5)),
    Asked("cancelAccountSummary", [5], ask.CancelAccountSummary(5)),
    Asked("cancelAccountUpdatesMulti", [5], ask.CancelAccountUpdatesMulti(5)),
    Asked("cancelCalculateImpliedVolatility", [5], ask.CancelImpliedVolatility(5)),
    Asked("cancelCalculateOptionPrice", [5], ask.CancelOptionPrice(5)),
    Asked("cancelFundamentalData", [5], ask.CancelFundamentalData(5)),
    Asked("cancelHeadTimeStamp", [5], ask.CancelHeadTimestamp(5)),
    Asked("cancelHistogramData", [5], ask.CancelHistogram(5)),
    Asked("cancelHistoricalData", [5], ask.CancelHistoricalData(5)),
    Asked("cancelMktData", [5], ask.CancelMarketData(5)),
    Asked("cancelMktDepth", [5, True], ask.CancelMarketDepth(5, smart=True)),
    Asked("cancelNewsBulletins", [], ask.CancelNewsBulletins()),
    Asked("cancelOrder", [7, ""], ask.CancelOrder(7)),
    Asked("cancelOrder", [7, "20260605-10:00:00"], ask.CancelOrder(7, "20260605-10:00:00"), since=169),
    Asked("cancelPnL", [5], ask.CancelPnl(5)),
    Asked("cancelPnLSingle", [5], ask.CancelPnlSingle(5)),
    Asked("cancelPositions", [], ask.CancelPositions()),
    Asked("cancelPositionsMulti", [5], ask.CancelPositionsMulti(5)),
    Asked("cancelRealTimeBars", [5], ask.CancelRealTimeBars(5)),
    Asked("cancelScannerSubscription", [5], ask.CancelScannerSubscription(5)),
    Asked("cancelTickByTickData", [5], ask.CancelTickByTick(5)),
    Asked("cancelWshEventData", [5], ask.CancelWshEventData(5), since=161),
    Asked("cancelWshMetaData", [5], ask.CancelWshMetaData(5), since=161),
    Asked(
        "exerciseOptions", [5, _contract(OPTION), 1, 10, "DU1", 1],
        ask.ExerciseOptions(5, OPTION, 1, 10, "DU1", override=True),
    ),
    _placed(STOCK),
    _placed(STOCK, order_type="MKT", limit_price=None, what_if=True),
    _placed(msgspec.structs.replace(STOCK, symbol="", exchange="", con_id=0)),
    _placed(COMBINATION),
    _placed(COMBINATION, order_combo_prices=(1.25, 2.5), smart_combo_params=(TagValue("NonGuaranteed", "1"),)),
    _placed(STOCK, **{name: getattr(_EVERYTHING, name) for name in Ticket.__struct_fields__}),
    _placed(STOCK, conditions=CONDITIONS[:1], conditions_cancel_order=True, conditions_ignore_rth=True),
    _placed(STOCK, algo_strategy="Vwap"),
    _placed(STOCK, algo_strategy="Adaptive", algo_params=(TagValue("adaptivePriority", "Normal"), TagValue("b", "2"))),
    _placed(STOCK, 170, order_type="PEG BEST", min_compete_size=100, compete_against_best_offset=0.02),
    _placed(STOCK, 170, order_type="PEG BEST", min_compete_size=100, compete_against_best_offset=float("inf"),
            mid_offset_at_whole=0.01, mid_offset_at_half=0.005),
    _placed(STOCK, 170, order_type="PEG MID", mid_offset_at_whole=0.01, mid_offset_at_half=0.005),
    _placed(msgspec.structs.replace(STOCK, exchange="IBKRATS"), 170, min_trade_quantity=10),
    _placed(STOCK, delta_neutral_order_type="MKT", delta_neutral_con_id=5, delta_neutral_short_sale=True),
    _placed(OPTION, order_type="VOL", volatility=0.25, volatility_type=2, continuous_update=1, reference_price_type=1),
    _placed(STOCK, scale_init_level_size=10, scale_price_increment=0.05, scale_auto_reset=True),
    Asked("queryDisplayGroups", [5], ask.DisplayGroups(5)),
    Asked("replaceFA", [5, 1, "<xml/>"], ask.ReplaceFaData(5, 1, "<xml/>")),
    Asked("reqAccountSummary", [5, "All", "NetLiquidation,Cushion"], ask.AccountSummary(5, "All", "NetLiquidation,Cushion")),
    Asked("reqAccountUpdates", [True, "DU1"], ask.AccountUpdates(subscribe=True, account="DU1")),
    Asked("reqAccountUpdatesMulti", [5, "DU1", "m", True], ask.AccountUpdatesMulti(5, "DU1", "m", ledger_and_nlv=True)),
    Asked("reqAllOpenOrders", [], ask.AllOpenOrders()),
    Asked("reqAutoOpenOrders", [True], ask.AutoOpenOrders(bind=True)),
    Asked("reqCompletedOrders", [True], ask.CompletedOrders(api_only=True)),
    Asked("reqContractDetails", [5, _contract(STOCK)], ask.ContractDetails(5, STOCK)),
    Asked(
        "reqContractDetails", [5, _contract(OPTION, includeExpired=True, secIdType="ISIN", secId="US0378331005")],
        ask.ContractDetails(5, OPTION, include_expired=True, sec_id_type="ISIN", sec_id="US0378331005"),
    ),
    Asked("reqCurrentTime", [], ask.CurrentTime()),
    Asked("reqExecutions", [5, _filter(_EXECUTIONS)], _EXECUTIONS),
    Asked("reqFamilyCodes", [], ask.FamilyCodes()),
    Asked(
        "reqFundamentalData", [5, _contract(STOCK), "ReportSnapshot", []],
        ask.FundamentalData(5, Contract(265598, "AAPL", "STK", exchange="SMART", primary_exchange="NASDAQ", currency="USD",
                                        local_symbol="AAPL"), "ReportSnapshot"),
    ),
    Asked("reqGlobalCancel", [], ask.GlobalCancel()),
    Asked(
        "reqHeadTimeStamp", [5, _contract(STOCK), "TRADES", 1, 2],
        ask.HeadTimestamp(5, STOCK, include_expired=False, use_rth=True, what_to_show="TRADES", format_date=2),
    ),
    Asked(
        "reqHistogramData", [5, _contract(STOCK), True, "3 days"],
        ask.Histogram(5, STOCK, include_expired=False, use_rth=True, period="3 days"),
    ),
    Asked(
        "reqHistoricalData", [5, _contract(STOCK), "20260605 10:00:00", "1 D", "1 min", "TRADES", 1, 2, False, []],
        ask.HistoricalData(5, STOCK, False, "20260605 10:00:00", "1 min", "1 D", True, "TRADES", 2, False),
    ),
    Asked(
        "reqHistoricalData", [5, _contract(COMBINATION), "", "1 D", "1 min", "MIDPOINT", 0, 1, True, []],
        ask.HistoricalData(5, _short(COMBINATION), False, "", "1 min", "1 D", False, "MIDPOINT", 1, True),
    ),
    Asked(
        "reqHistoricalNews", [5, 265598, "BZ+FLY", "20260601", "20260605", 10, []],
        ask.HistoricalNews(5, 265598, "BZ+FLY", "20260601", "20260605", 10),
    ),
    Asked(
        "reqHistoricalTicks", [5, _contract(STOCK), "20260605 10:00:00", "", 1000, "BID_ASK", 1, True, []],
        ask.HistoricalTicks(5, STOCK, False, "20260605 10:00:00", "", 1000, "BID_ASK", True, True),
    ),
    Asked("reqIds", [1], ask.Ids(1)),
    Asked("reqManagedAccts", [], ask.ManagedAccounts()),
    Asked("reqMarketDataType", [3], ask.MarketDataType(3)),
    Asked("reqMarketRule", [26], ask.MarketRule(26)),
    Asked("reqMatchingSymbols", [5, "AA"], ask.MatchingSymbols(5, "AA")),
    Asked("reqMktData", [5, _contract(STOCK), "233,236", False, False, []], ask.MarketData(5, STOCK, "233,236")),
    Asked(
        "reqMktData", [5, _contract(COMBINATION), "", True, True, []],
        ask.MarketData(5, _short(COMBINATION), "", snapshot=True, regulatory_snapshot=True),
    ),
    Asked("reqMktDepth", [5, _contract(STOCK), 10, True, []], ask.MarketDepth(5, STOCK, 10, smart=True)),
    Asked("reqMktDepthExchanges", [], ask.DepthExchanges()),
    Asked("reqNewsArticle", [5, "BZ", "BZ$1", []], ask.NewsArticle(5, "BZ", "BZ$1")),
    Asked("reqNewsBulletins", [True], ask.NewsBulletins(all_messages=True)),
    Asked("reqNewsProviders", [], ask.NewsProviders()),
    Asked("reqOpenOrders", [], ask.OpenOrders()),
    Asked("reqPnL", [5, "DU1", "m"], ask.Pnl(5, "DU1", "m")),
    Asked("reqPnLSingle", [5, "DU1", "m", 265598], ask.PnlSingle(5, "DU1", "m", 265598)),
    Asked("reqPositions", [], ask.Positions()),
    Asked("reqPositionsMulti", [5, "DU1", "m"], ask.PositionsMulti(5, "DU1", "m")),
    Asked(
        "reqRealTimeBars", [5, _contract(STOCK), 5, "TRADES", True, []],
        ask.RealTimeBars(5, STOCK, 5, "TRADES", use_rth=True),
    ),
    Asked("reqScannerParameters", [], ask.ScannerParameters()),
    Asked("reqScannerSubscription", [9, _scan(_SCAN), [], []], _SCAN),
    Asked("reqSecDefOptParams", [5, "AAPL", "", "STK", 265598], ask.OptionParameters(5, "AAPL", "", "STK", 265598)),
    Asked("reqSmartComponents", [5, "9c0001"], ask.SmartComponents(5, "9c0001")),
    Asked("reqSoftDollarTiers", [5], ask.SoftDollarTiers(5)),
    Asked("reqTickByTickData", [5, _contract(STOCK), "AllLast", 100, True],
          ask.TickByTick(5, STOCK, "AllLast", 100, ignore_size=True)),
    Asked("reqUserInfo", [5], ask.UserInfo(5), since=167),
    Asked("reqWshEventData", [5, _object("WshEventData", conId=265598)], ask.WshEventData(5, 265598), since=161),
    Asked(
        "reqWshEventData", [5, _object("WshEventData", **_WSH)],
        ask.WshEventData(5, None, "{}", fill_watchlist=True, fill_competitors=True), since=171,
    ),
    Asked(
        "reqWshEventData", [5, _object("WshEventData", **_WSH, **_DATES)],
        ask.WshEventData(5, None, "{}", True, False, True, "20260101", "20261231", 10), since=173,
    ),
    Asked("reqWshMetaData", [5], ask.WshMetaData(5), since=161),
    Asked("requestFA", [1], ask.FaData(1)),
    Asked("setServerLogLevel", [5], ask.ServerLogLevel(5)),
    Asked("startApi", [], ask.StartApi(0)),
    Asked("subscribeToGroupEvents", [5, 2], ask.SubscribeToGroup(5, 2)),
    Asked("unsubscribeFromGroupEvents", [5], ask.UnsubscribeFromGroup(5)),
    Asked("updateDisplayGroup", [5, "265598@SMART"], ask.UpdateGroup(5, "265598@SMART")),
    Asked("verifyAndAuthMessage", ["data", "response"], ask.VerifyAndAuthMessage("data", "response")),
    Asked("verifyAndAuthRequest", ["name", "1.0", "key"], ask.VerifyAndAuthRequest("name", "1.0", "key")),
    Asked("verifyMessage", ["data"], ask.VerifyMessage("data")),
    Asked("verifyRequest", ["name", "1.0"], ask.VerifyRequest("name", "1.0")),
)  # fmt: skip
