"""Contracts, option chains and valuations, as unmodified ib_insync sees them."""

import ib_insync
import pytest

from tests.contract.conftest import until

AAPL = ib_insync.Stock("AAPL", "SMART", "USD", conId=265598)


def call(strike=250, expiry="20260717"):
    return ib_insync.Option("AAPL", expiry, strike, "C", "SMART", multiplier="100", currency="USD")


async def test_an_option_qualifies_and_tells_all_about_itself(ib):
    option = call()
    await ib.qualifyContractsAsync(option)
    (details,) = await ib.reqContractDetailsAsync(option)
    assert (option.localSymbol, option.tradingClass, option.multiplier) == ("AAPL  260717C00250000", "AAPL", "100")
    assert (details.underConId, details.underSymbol, details.underSecType) == (265598, "AAPL", "STK")
    assert (details.contractMonth, details.realExpirationDate) == ("202607", "20260717")
    assert details.tradingHours.split(";")[0] == "20260605:0930-20260605:1600"
    rules = details.marketRuleIds.split(",")
    assert len(rules) == len(details.validExchanges.split(","))
    bands = await ib.reqMarketRuleAsync(int(rules[1]))
    assert [(band.lowEdge, band.increment) for band in bands] == [(0, 0.01), (3, 0.05)]


async def test_an_option_chain_can_be_walked_from_its_underlying(ib):
    (stock,) = await ib.qualifyContractsAsync(ib_insync.Stock("AAPL", "SMART", "USD"))
    chains = await ib.reqSecDefOptParamsAsync("AAPL", "", "STK", stock.conId)
    (smart,) = [chain for chain in chains if chain.exchange == "SMART"]
    assert (smart.underlyingConId, smart.tradingClass, smart.multiplier) == (
        "265598",
        "AAPL",
        "100",
    )  # as text, in this library
    assert smart.expirations[:2] == ["20260618", "20260717"]
    wanted = [call(strike, smart.expirations[1]) for strike in smart.strikes[:3]]
    assert len(await ib.qualifyContractsAsync(*wanted)) == 3


async def test_options_on_a_future_are_told_for_its_exchange(ib):
    (future,) = await ib.qualifyContractsAsync(ib_insync.Future("ES", "202609", "CME"))
    (chain,) = await ib.reqSecDefOptParamsAsync("ES", "CME", "FUT", future.conId)
    assert (chain.exchange, chain.multiplier, chain.expirations) == ("CME", "50", ["20260918"])
    option = ib_insync.FuturesOption("ES", "20260918", 6650, "P", "CME")
    (qualified,) = await ib.qualifyContractsAsync(option)
    assert qualified.localSymbol == "ESU6 P6650"
    (details,) = await ib.reqContractDetailsAsync(qualified)
    assert (details.underSymbol, details.underSecType, details.minTick) == ("ESU6", "FUT", 0.05)


async def test_option_parameters_need_an_underlying_that_is_listed(ib):
    assert await ib.reqSecDefOptParamsAsync("KO", "", "STK", 8894) == []
    assert await ib.reqSecDefOptParamsAsync("AAPL", "SMART", "STK", 265598) == []  # no exchange may be named
    assert ib.errors == []
    await ib.reqSecDefOptParamsAsync("AAPL", "", "STK", 5)
    assert ib.errors[-1][1:] == (321, "Error validating request.-'xx' : cause - Invalid contract id")


async def test_a_chain_is_ambiguous_until_strike_and_right_are_named(ib):
    found = await ib.reqContractDetailsAsync(ib_insync.Option("AAPL", "20260717", exchange="SMART"))
    assert len(found) == 2 * 29
    ib.reqMktData(ib_insync.Option("AAPL", "20260717", 250, exchange="SMART"))
    await until(ib, lambda: ib.errors)
    assert ib.errors[-1][1] == 200


async def test_a_continuous_future_is_told_beside_its_contracts(ib):
    (details,) = await ib.reqContractDetailsAsync(ib_insync.ContFuture("ES", "CME"))
    assert (details.contract.secType, details.contract.localSymbol) == ("CONTFUT", "ESM6")
    both = await ib.reqContractDetailsAsync(ib_insync.Contract(symbol="ES", secType="FUT+CONTFUT", exchange="CME"))
    assert [one.contract.secType for one in both][-1] == "CONTFUT"
    assert [one.contract.localSymbol for one in both][:2] == ["ESM6", "ESU6"]


async def test_an_index_has_details(ib):
    (details,) = await ib.reqContractDetailsAsync(ib_insync.Index("SPX", "CBOE", "USD"))
    assert (details.contract.conId, details.longName, details.timeZoneId) == (416904, "S&P 500 Stock Index", "US/Central")


async def test_a_security_is_found_by_its_isin_and_expired_contracts_on_request(ib):
    by_number = ib_insync.Contract(secType="STK", exchange="SMART", secIdType="ISIN", secId="US5949181045")
    (details,) = await ib.reqContractDetailsAsync(by_number)
    assert details.contract.symbol == "MSFT"
    assert [(tag.tag, tag.value) for tag in details.secIdList] == [("ISIN", "US5949181045")]
    old = ib_insync.Future("ES", "202512", "CME")
    assert await ib.reqContractDetailsAsync(old) == []
    old.includeExpired = True
    (details,) = await ib.reqContractDetailsAsync(old)
    assert details.realExpirationDate == "20251219"


async def test_an_unknown_kind_of_security_is_an_error_of_validation(ib):
    assert await ib.reqContractDetailsAsync(ib_insync.Contract(symbol="AAPL", secType="SHARE", exchange="SMART")) == []
    assert ib.errors[-1][1:] == (321, "Error validating request.-'xx' : cause - Please enter a valid security type")


async def test_symbols_come_with_the_kinds_of_contracts_on_them(ib):
    found = await ib.reqMatchingSymbolsAsync("ES")
    assert [(one.contract.symbol, one.contract.secType, one.derivativeSecTypes) for one in found] == [
        ("ES", "IND", ["FOP", "FUT", "BAG"])
    ]


async def test_an_option_has_a_price_at_a_volatility_and_the_same_volatility_at_that_price(ib):
    (option,) = await ib.qualifyContractsAsync(call(270))
    worth = await ib.calculateOptionPriceAsync(option, volatility=0.25, underPrice=268.0)
    assert 5 < worth.optPrice < 12
    assert 0.4 < worth.delta < 0.6
    assert worth.theta < 0 < worth.vega
    back = await ib.calculateImpliedVolatilityAsync(option, optionPrice=worth.optPrice, underPrice=268.0)
    assert back.impliedVol == pytest.approx(0.25, abs=1e-5)
    assert (back.undPrice, back.optPrice) == (268.0, worth.optPrice)


async def test_what_cannot_be_computed_is_left_out(ib):
    (option,) = await ib.qualifyContractsAsync(call(270))
    absurd = await ib.calculateImpliedVolatilityAsync(option, optionPrice=500.0, underPrice=268.0)
    assert (absurd.impliedVol, absurd.delta, absurd.optPrice) == (None, None, 500.0)
    assert (await ib.calculateOptionPriceAsync(option, volatility=0.0, underPrice=268.0)).optPrice is None
    ib.client.calculateOptionPrice(9001, AAPL, 0.2, 268.0, [])
    await until(ib, lambda: ib.errors)
    assert ib.errors[-1][1:] == (321, "Error validating request.-'xx' : cause - Please enter an option contract")


async def test_small_facts_about_the_login(ib):
    assert not await ib.reqUserInfoAsync()  # no white brand
    assert ib.errors == []


async def test_trading_hours_say_when_a_holiday_closes_the_market(make_gateway, connect):
    ib = await connect(await make_gateway(start_ns=1_795_446_000_000_000_000))  # Monday of Thanksgiving week 2026
    (details,) = await ib.reqContractDetailsAsync(ib_insync.Stock("AAPL", "SMART", "USD"))
    days = details.liquidHours.split(";")
    assert days[3:5] == ["20261126:CLOSED", "20261127:0930-20261127:1300"]
    assert "20261127:0400-20261127:1700" in details.tradingHours


async def test_the_past_of_an_option_is_that_of_its_underlying_as_the_model_values_it(ib):
    (option,) = await ib.qualifyContractsAsync(call(270))
    ticker = ib.reqMktData(option)
    await until(ib, lambda: ticker.bid > 0)
    minutes = await ib.reqHistoricalDataAsync(option, "", "2 D", "1 min", "MIDPOINT", useRTH=False)
    assert {(bar.date.hour, bar.date.minute) for bar in minutes} <= {(h, m) for h in range(9, 16) for m in range(60)}
    assert minutes[0].date.strftime("%H:%M") == "09:30"
    assert minutes[-1].close == pytest.approx(ticker.bid, rel=0.05)
    assert all(bar.low <= min(bar.open, bar.close) <= max(bar.open, bar.close) <= bar.high for bar in minutes)
    days = await ib.reqHistoricalDataAsync(option, "", "1 W", "1 day", "TRADES", useRTH=True)
    assert len(days) == 5
    assert days[-2].close == pytest.approx(ticker.close, rel=0.1)
    ticks = await ib.reqHistoricalTicksAsync(option, "20260604 18:00:00 UTC", "", 100, "BID_ASK", useRth=True)
    assert len(ticks) >= 100
    assert all(0 < tick.priceBid < tick.priceAsk for tick in ticks)


async def test_quotes_and_orders_of_an_option_keep_to_the_steps_of_its_price_band(ib):
    (option,) = await ib.qualifyContractsAsync(ib_insync.FuturesOption("ES", "20260918", 6650, "P", "CME"))
    ticker = ib.reqMktData(option)
    await until(ib, lambda: ticker.bid > 10 and ticker.ask > ticker.bid)
    assert (ticker.bid % 0.25, ticker.ask % 0.25) == (0, 0)
    ib.placeOrder(option, ib_insync.LimitOrder("BUY", 1, 100.05))
    await until(ib, lambda: ib.errors)
    assert ib.errors[-1][1] == 110
    cheap = ib.placeOrder(option, ib_insync.LimitOrder("BUY", 1, 1.05))
    await until(ib, lambda: cheap.orderStatus.status == "Submitted")


async def test_an_option_costs_its_premium_times_its_multiplier(ib):
    (option,) = await ib.qualifyContractsAsync(call(270))
    ticker = ib.reqMktData(option)
    await until(ib, lambda: ticker.ask > 0)
    trade = ib.placeOrder(option, ib_insync.MarketOrder("BUY", 2))
    await until(ib, lambda: trade.isDone() and trade.fills and trade.fills[0].commissionReport.execId)
    assert trade.fills[0].commissionReport.commission == 1.30
    await until(ib, ib.positions)
    assert ib.positions()[0].avgCost == pytest.approx(trade.fills[0].execution.price * 100 + 0.65)
