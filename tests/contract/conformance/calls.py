"""Which callbacks of a client a reply becomes, with which arguments. IB's clients are the rule; `clients` says who deviates.

An argument that is None must arrive as one of the values that mean "not set". A Moment, a text or a number of seconds
that stands for a time must arrive as that time.
"""

from collections.abc import Callable
from typing import Any

from atlas.domain import NS_PER_SECOND, Quote
from ib_gateway.simulator.messages import replies as say
from tests.contract.conformance import objects
from tests.contract.conformance.objects import contract, named, rows, secured

Call = tuple[str, list[Any]]
Says = Callable[[Any, int], list[Call]]


def size(value: float, version: int) -> float:
    """A size as a version can say it: before 163 as a whole number."""
    return value if version >= 163 else int(value)


def one(name: str, fields: str = "") -> Says:
    """One call with some fields of the reply; those with a star are sizes."""

    def say_it(m: Any, version: int) -> list[Call]:
        names = [(field.removesuffix("*"), field.endswith("*")) for field in fields.split()]
        values = [(getattr(m, field), is_size) for field, is_size in names]
        return [(name, [size(value, version) if is_size else value for value, is_size in values])]

    return say_it


def _tick_price(m: say.TickPrice, version: int) -> list[Call]:
    bits = objects.flags(m.mask, canAutoExecute=1, pastLimit=2, preOpen=4)
    sizes = {1: 0, 2: 3, 4: 5, 66: 69, 67: 70, 68: 71}
    sized = [("tickSize", [m.req_id, sizes[m.kind], size(m.size, version)])] if m.kind in sizes else []
    return [("tickPrice", [m.req_id, m.kind, m.price, bits]), *sized]


def _tick_by_tick(m: say.TickByTick, version: int) -> list[Call]:
    calls: list[Call] = []
    for event in m.events:
        name, second = event.instrument, event.exchange_ns // NS_PER_SECOND
        if isinstance(event, Quote):
            if name in m.bid_ask:
                sides = [
                    event.bid,
                    event.ask,
                    size(event.bid_size, version),
                    size(event.ask_size, version),
                    {"bidPastLow": False, "askPastHigh": False},
                ]
                calls.append(("tickByTickBidAsk", [m.bid_ask[name], second, *sides]))
            if name in m.mid_point:
                calls.append(("tickByTickMidPoint", [m.mid_point[name], second, round(event.mid, 10)]))
        else:
            for kind, wanted in ((1, m.last), (2, m.all_last)):
                if name in wanted:
                    attributes = {"pastLimit": False, "unreported": False}
                    deal = [wanted[name], kind, second, event.price, size(event.size, version), attributes, "", ""]
                    calls.append(("tickByTickAllLast", deal))
    return calls


def _details(m: say.ContractDetails, version: int) -> list[Call]:
    date, *last = m.last_trade.split("-" if "-" in m.last_trade else None)[:2] or [""]
    names = """market_name min_tick order_types valid_exchanges price_magnifier under_con_id long_name contract_month industry
    category subcategory time_zone_id trading_hours liquid_hours ev_rule ev_multiplier agg_group under_symbol under_sec_type
    market_rule_ids stock_type"""
    more: dict[str, Any] = {
        "realExpirationDate": m.real_expiry,
        "timeZoneId": m.time_zone,
        "secIdList": secured(m.security_ids),
    }
    if last:
        more["lastTradeTime"] = last[0]
    if version >= 164:
        more |= named(m, "min_size size_increment")
        more |= named(m, "suggested_size_increment")
    if version == 163:
        more["sizeMinTick"] = m.suggested_size_increment
    whole = contract(m.contract, without="expiry", more="primary_exchange") | {"lastTradeDateOrContractMonth": date}
    plain = " ".join(name for name in names.split() if name != "time_zone_id")
    return [("contractDetails", [m.req_id, named(m, plain, contract=whole, **more)])]


def _bond(m: say.BondDetails, version: int) -> list[Call]:
    names = """cusip coupon issue_date ratings bond_type coupon_type convertible callable putable market_name min_tick
    order_types valid_exchanges next_option_date next_option_type next_option_partial notes long_name ev_rule ev_multiplier
    agg_group market_rule_ids"""
    more: dict[str, Any] = {"descAppend": m.description, "secIdList": secured(m.security_ids), "maturity": m.maturity}
    if version >= 164:
        more |= named(m, "min_size size_increment suggested_size_increment")
    whole = named(m.contract, "symbol sec_type exchange currency trading_class con_id")
    return [("bondContractDetails", [m.req_id, named(m, names, contract=whole, **more)])]


def _execution(m: say.Execution, version: int) -> list[Call]:
    names = """order_id exchange side shares price perm_id client_id liquidation order_ref ev_rule ev_multiplier model_code
    last_liquidity"""
    more = {
        "execId": m.execution_id,
        "time": m.time,
        "acctNumber": m.account,
        "cumQty": m.cumulative,
        "avgPrice": m.average_price,
    }
    if version >= 178:
        more["pendingPriceRevision"] = m.pending_price_revision
    return [("execDetails", [m.req_id, contract(m.contract), named(m, names, **more)])]


def _open_order(m: say.OpenOrder, version: int) -> list[Call]:
    order = objects.order(m.ticket, version, is_open=True)
    order |= named(m, "order_id client_id perm_id basis_points basis_points_type")
    order["softDollarTier"]["displayName"] = m.soft_dollar_tier_display
    return [("openOrder", [m.order_id, objects.ordered_contract(m.contract, m.ticket), order, objects.state(m.state)])]


def _completed(m: say.CompletedOrder, version: int) -> list[Call]:
    order = objects.order(m.ticket, version, is_open=False)
    names = "perm_id auto_cancel_date ref_futures_con_id shareholder imbalance_only route_marketable_to_bbo parent_perm_id"
    order |= named(m, names, filledQuantity=m.filled)
    state = named(m, "status completed_time completed_status")
    return [("completedOrder", [objects.ordered_contract(m.contract, m.ticket), order, state])]


def _commission(m: say.CommissionReport, _: int) -> list[Call]:
    names = "commission currency yield_redemption_date"
    return [("commissionReport", [named(m, names, execId=m.execution_id, realizedPNL=m.realized, yield_=m.yield_)])]


def _bar(bar: say.Bar, version: int) -> dict[str, Any]:
    return named(
        bar, "open high low close", volume=size(bar.volume, version), wap=bar.average, date=bar.date, barCount=bar.count
    )


def _history(m: say.HistoricalData, version: int) -> list[Call]:
    bars = [("historicalData", [m.req_id, _bar(bar, version)]) for bar in m.bars]
    return [*bars, ("historicalDataEnd", [m.req_id, m.start, m.end])]


def _scanned(m: say.ScannerData, _: int) -> list[Call]:
    calls: list[Call] = []
    for row in m.rows:
        details = {"contract": contract(row.contract, without="multiplier"), "marketName": row.market_name}
        rest = [row.distance, row.benchmark, row.projection, row.legs]
        calls.append(("scannerData", [m.req_id, row.rank, details, *rest]))
    return [*calls, ("scannerDataEnd", [m.req_id])]


def _ticks(name: str, describe: Callable[[Any, int], dict[str, Any]]) -> Says:
    return lambda m, version: [(name, [m.req_id, [describe(tick, version) for tick in m.ticks], m.done])]


def _mid(tick: say.HistoricalTick, version: int) -> dict[str, Any]:
    return {"time": tick.seconds, "price": tick.price, "size": size(tick.size, version)}


def _bid_ask(tick: say.HistoricalTickBidAsk, version: int) -> dict[str, Any]:
    sizes = {"sizeBid": size(tick.bid_size, version), "sizeAsk": size(tick.ask_size, version)}
    prices = {"priceBid": tick.bid, "priceAsk": tick.ask, **sizes}
    return {"time": tick.seconds, "tickAttribBidAsk": objects.flags(tick.mask, askPastHigh=1, bidPastLow=2), **prices}


def _last(tick: say.HistoricalTickLast, version: int) -> dict[str, Any]:
    bits = objects.flags(tick.mask, pastLimit=1, unreported=2)
    plain = {"price": tick.price, "size": size(tick.size, version), "exchange": tick.exchange, "time": tick.seconds}
    return {**plain, "tickAttribLast": bits, "specialConditions": tick.conditions}


def _samples(m: say.SymbolSamples, version: int) -> list[Call]:
    found = []
    for sample in m.samples:
        whole = named(sample, "con_id symbol sec_type currency")
        if version >= 176:
            whole |= named(sample, "description issuer_id")
        found.append({"contract": whole, "derivativeSecTypes": list(sample.derivatives)})
    return [("symbolSamples", [m.req_id, found])]


def _depth_exchange(m: say.DepthExchange) -> dict[str, Any]:
    return named(m, "exchange sec_type agg_group", listingExch=m.listing_exchange, serviceDataType=m.service)


def _error(m: say.Error, version: int) -> list[Call]:
    return [("error", [m.req_id, m.code, m.text, m.advanced_reject if version >= 166 else ""])]


CALLS: dict[type[say.Reply], Says] = {
    say.AccountDownloadEnd: one("accountDownloadEnd", "account"),
    say.AccountSummary: one("accountSummary", "req_id account tag value currency"),
    say.AccountSummaryEnd: one("accountSummaryEnd", "req_id"),
    say.AccountTime: one("updateAccountTime", "text"),
    say.AccountUpdateMulti: one("accountUpdateMulti", "req_id account model_code key value currency"),
    say.AccountUpdateMultiEnd: one("accountUpdateMultiEnd", "req_id"),
    say.AccountValue: one("updateAccountValue", "key value currency account"),
    say.BondDetails: _bond,
    say.CommissionReport: _commission,
    say.CompletedOrder: _completed,
    say.CompletedOrdersEnd: one("completedOrdersEnd"),
    say.ContractDetails: _details,
    say.ContractDetailsEnd: one("contractDetailsEnd", "req_id"),
    say.CurrentTime: one("currentTime", "seconds"),
    say.DeltaNeutralValidation: lambda m, _: [("deltaNeutralValidation", [m.req_id, named(m, "con_id delta price")])],
    say.DepthExchanges: lambda m, _: [("mktDepthExchanges", [[_depth_exchange(one) for one in m.exchanges]])],
    say.DisplayGroups: one("displayGroupList", "req_id groups"),
    say.DisplayGroupUpdated: one("displayGroupUpdated", "req_id contract_info"),
    say.Error: _error,
    say.Execution: _execution,
    say.ExecutionsEnd: one("execDetailsEnd", "req_id"),
    say.FaData: one("receiveFA", "kind xml"),
    say.FamilyCodes: lambda m, _: [("familyCodes", [rows(m.codes, "accountID familyCodeStr")])],
    say.FundamentalData: one("fundamentalData", "req_id xml"),
    say.HeadTimestamp: one("headTimestamp", "req_id time"),
    say.HistoricalData: _history,
    say.HistoricalDataUpdate: lambda m, version: [("historicalDataUpdate", [m.req_id, _bar(m.bar, version)])],
    say.HistoricalNews: one("historicalNews", "req_id time provider article_id headline"),
    say.HistoricalNewsEnd: one("historicalNewsEnd", "req_id has_more"),
    say.HistoricalSchedule: lambda m, _: [
        (
            "historicalSchedule",
            [
                m.req_id,
                m.start,
                m.end,
                m.time_zone,
                [{"startDateTime": s.start, "endDateTime": s.end, "refDate": s.date} for s in m.sessions],
            ],
        )
    ],
    say.HistoricalTicks: _ticks("historicalTicks", _mid),
    say.HistoricalTicksBidAsk: _ticks("historicalTicksBidAsk", _bid_ask),
    say.HistoricalTicksLast: _ticks("historicalTicksLast", _last),
    say.Histogram: lambda m, _: [
        ("histogramData", [m.req_id, [{"price": price, "size": int(whole)} for price, whole in m.points]])
    ],
    say.ManagedAccounts: one("managedAccounts", "accounts"),
    say.MarketDataType: one("marketDataType", "req_id kind"),
    say.MarketDepth: one("updateMktDepth", "req_id position operation side price size*"),
    say.MarketDepthL2: one("updateMktDepthL2", "req_id position market_maker operation side price size* smart"),
    say.MarketRule: lambda m, _: [("marketRule", [m.rule_id, rows(m.increments, "lowEdge increment")])],
    say.NewsArticle: one("newsArticle", "req_id kind text"),
    say.NewsBulletin: one("updateNewsBulletin", "bulletin_id kind text exchange"),
    say.NewsProviders: lambda m, _: [("newsProviders", [rows(m.providers, "code name")])],
    say.NextValidId: one("nextValidId", "order_id"),
    say.OpenOrder: _open_order,
    say.OpenOrderEnd: one("openOrderEnd"),
    say.OptionComputation: one(
        "tickOptionComputation",
        "req_id kind attribute implied_volatility delta option_price present_dividend gamma vega theta under_price",
    ),
    say.OptionParameters: lambda m, _: [
        (
            "securityDefinitionOptionParameter",
            [m.req_id, m.exchange, m.under_con_id, m.trading_class, m.multiplier, sorted(m.expiries), sorted(m.strikes)],
        )
    ],
    say.OptionParametersEnd: one("securityDefinitionOptionParameterEnd", "req_id"),
    say.OrderBound: one("orderBound", "perm_id client_id order_id"),
    say.OrderStatus: one(
        "orderStatus",
        "order_id status filled remaining average_price perm_id parent_id last_price client_id why_held market_cap_price",
    ),
    say.Pnl: one("pnl", "req_id daily unrealized realized"),
    say.PnlSingle: one("pnlSingle", "req_id position* daily unrealized realized value"),
    say.PortfolioValue: lambda m, _: [
        (
            "updatePortfolio",
            [
                contract(m.contract, without="exchange", more="primary_exchange"),
                m.position,
                m.market_price,
                m.market_value,
                m.average_cost,
                m.unrealized,
                m.realized,
                m.account,
            ],
        )
    ],
    say.Position: lambda m, _: [("position", [m.account, contract(m.contract), m.position, m.average_cost])],
    say.PositionEnd: one("positionEnd"),
    say.PositionMulti: lambda m, _: [
        ("positionMulti", [m.req_id, m.account, m.model_code, contract(m.contract), m.position, m.average_cost])
    ],
    say.PositionMultiEnd: one("positionMultiEnd", "req_id"),
    say.RealTimeBar: one("realtimeBar", "req_id seconds open high low close volume* average count"),
    say.ReplaceFaEnd: one("replaceFAEnd", "req_id text"),
    say.RerouteMarketData: one("rerouteMktDataReq", "req_id con_id exchange"),
    say.RerouteMarketDepth: one("rerouteMktDepthReq", "req_id con_id exchange"),
    say.ScannerData: _scanned,
    say.ScannerParameters: one("scannerParameters", "xml"),
    say.SmartComponents: lambda m, _: [
        ("smartComponents", [m.req_id, rows(m.components, "bitNumber exchange exchangeLetter")])
    ],
    say.SnapshotEnd: one("tickSnapshotEnd", "req_id"),
    say.SoftDollarTiers: lambda m, _: [("softDollarTiers", [m.req_id, rows(m.tiers, "name val displayName")])],
    say.SymbolSamples: _samples,
    say.TickByTick: _tick_by_tick,
    say.TickEfp: one(
        "tickEFP",
        "req_id kind basis_points formatted_basis_points total_dividends hold_days future_expiry dividend_impact"
        " dividends_to_expiry",
    ),
    say.TickGeneric: one("tickGeneric", "req_id kind value"),
    say.TickNews: one("tickNews", "req_id time_ms provider article_id headline extra"),
    say.TickPrice: _tick_price,
    say.TickReqParams: one("tickReqParams", "req_id min_tick bbo_exchange snapshot_permissions"),
    say.TickSize: one("tickSize", "req_id kind size*"),
    say.TickString: one("tickString", "req_id kind value"),
    say.UserInfo: one("userInfo", "req_id branding"),
    say.VerifyAndAuthCompleted: one("verifyAndAuthCompleted", "successful text"),
    say.VerifyAndAuthMessage: one("verifyAndAuthMessageAPI", "api_data challenge"),
    say.VerifyCompleted: one("verifyCompleted", "successful text"),
    say.VerifyMessage: one("verifyMessageAPI", "api_data"),
    say.WshEventData: one("wshEventData", "req_id json"),
    say.WshMetaData: one("wshMetaData", "req_id json"),
}
