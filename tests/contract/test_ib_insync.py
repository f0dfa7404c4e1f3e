"""Unmodified ib_insync against the simulated gateway, over a real socket."""

import asyncio
import socket
import zipfile
from datetime import UTC, datetime

import ib_insync
import pytest

from ib_gateway.simulator import SimulatedGateway
from tests.contract.conftest import START_NS, eventually, until, within

EURUSD = ib_insync.Forex("EURUSD", conId=12087792, localSymbol="EUR.USD", tradingClass="EUR.USD")
AAPL = ib_insync.Stock("AAPL", "SMART", "USD", conId=265598)
ES = ib_insync.Future("ES", "202609", "CME", conId=750202609)


async def quoted(ib, contract):
    """A ticker of `contract` that has a bid and an ask."""
    ticker = ib.reqMktData(contract)
    await until(ib, lambda: ticker.bid > 0 and ticker.ask > 0)
    return ticker


async def done(ib, trade):
    await until(ib, trade.isDone)
    return trade


def statuses(trade):
    return [entry.status for entry in trade.log]


@pytest.fixture
def eurusd_recording(market_data):
    return market_data / "a_permissive/lean/forex/oanda/tick/eurusd/20140505_quote.zip"


def recorded(path):
    """The quotes of a Lean recording: milliseconds since midnight, bid, ask."""
    with zipfile.ZipFile(path) as archive:
        lines = archive.read(archive.namelist()[0]).decode().splitlines()
    return [(int(ms), float(bid), float(ask)) for ms, bid, ask in (line.split(",") for line in lines)]


# Connecting


async def test_connects_and_is_in_step_at_once(gateway, connect):
    async with within(3):
        ib = await connect(gateway)
    assert ib.client.serverVersion() == 176
    assert ib.managedAccounts() == ["DU1000001"]
    assert (ib.positions(), ib.openTrades(), ib.fills()) == ([], [], [])
    assert {value.tag for value in ib.accountValues()} >= {"NetLiquidation", "CashBalance", "AvailableFunds", "BuyingPower"}


async def test_a_client_id_in_use_is_refused_with_326_and_its_owner_notices_nothing(gateway, connect, ib):
    errors = []
    second = ib_insync.IB()
    second.errorEvent += lambda *error: errors.append(error[1])
    with pytest.raises((ConnectionError, asyncio.TimeoutError, OSError)):
        await second.connectAsync("127.0.0.1", gateway.port, clientId=1, timeout=1)
    assert errors == [326]
    assert await ib.reqCurrentTimeAsync()
    assert await connect(gateway, client_id=2)


async def test_the_time_is_the_markets(ib):
    now = await ib.reqCurrentTimeAsync()
    assert 0 <= now.timestamp() - START_NS / 1e9 < 60


async def test_a_client_that_went_away_may_come_back_under_its_id(gateway, connect, ib):
    ib.disconnect()
    again = await connect(gateway)
    assert again.isConnected()


# Reference data


@pytest.mark.parametrize(
    ("contract", "con_id", "tick"),
    [
        (ib_insync.Forex("EURUSD"), 12087792, 0.00005),
        (ib_insync.Forex("USDJPY"), 15016059, 0.005),
        (ib_insync.Stock("AAPL", "SMART", "USD"), 265598, 0.01),
        (ib_insync.Future("ES", "202609", "CME"), 750202609, 0.25),
        (ib_insync.Future("GC", localSymbol="GCQ6", exchange="COMEX"), 760202608, 0.1),
        (ib_insync.Contract(conId=756733, exchange="SMART"), 756733, 0.01),
    ],
    ids=lambda value: str(value)[:30],
)
async def test_contracts_qualify_with_their_details(ib, contract, con_id, tick):
    (qualified,) = await ib.qualifyContractsAsync(contract)
    (details,) = await ib.reqContractDetailsAsync(qualified)
    assert (qualified.conId, details.minTick) == (con_id, tick)
    assert details.timeZoneId.startswith("US/")
    assert details.tradingHours.startswith("20260604:" if qualified.secType != "STK" else "20260605:0400-20260605:2000")
    (increment,) = await ib.reqMarketRuleAsync(int(details.marketRuleIds.split(",")[0]))
    assert increment.increment == tick


async def test_the_expiry_of_a_future_is_its_last_trading_day(ib):
    (details,) = await ib.reqContractDetailsAsync(ib_insync.Future("ES", "202609", "CME"))
    assert details.contract.lastTradeDateOrContractMonth == "20260918"
    assert (details.contract.localSymbol, details.contract.multiplier, details.contractMonth) == ("ESU6", "50", "202609")
    (gold,) = await ib.reqContractDetailsAsync(ib_insync.Future("GC", "202608", "COMEX"))
    assert gold.contract.lastTradeDateOrContractMonth == "20260827"


async def test_a_future_without_month_means_all_that_are_not_expired(ib):
    months = [d.contractMonth for d in await ib.reqContractDetailsAsync(ib_insync.Future("ES", exchange="CME"))]
    assert months[0] == "202606"
    assert months == sorted(months)
    await ib.qualifyContractsAsync(ib_insync.Future("ES", exchange="CME"))
    ib.reqMktData(ib_insync.Future("ES", exchange="CME"))
    await until(ib, lambda: ib.errors)
    assert ib.errors[-1][1] == 200
    assert "ambiguous" in ib.errors[-1][2]


async def test_an_unknown_contract_is_error_200(ib):
    assert await ib.reqContractDetailsAsync(ib_insync.Stock("NOSUCH", "SMART", "USD")) == []
    assert ib.errors[-1][1:] == (200, "No security definition has been found for the request")


async def test_symbols_are_found_by_their_beginning(ib):
    found = await ib.reqMatchingSymbolsAsync("AA")
    assert [(d.contract.symbol, d.contract.conId, d.contract.description) for d in found] == [("AAPL", 265598, "APPLE INC")]


# Market data


async def test_streams_quotes_and_trades_of_a_stock(ib):
    ticker = await quoted(ib, AAPL)
    await until(ib, lambda: ticker.last > 0 and ticker.volume > 0)
    assert 0 < ticker.ask - ticker.bid < 1
    assert (ticker.minTick, ticker.marketDataType) == (0.01, 1)
    assert round(ticker.bid * 100, 6) == round(ticker.bid * 100)


async def test_a_cancelled_stream_is_silent(ib):
    ticker = await quoted(ib, EURUSD)
    ib.cancelMktData(EURUSD)
    await ib.reqCurrentTimeAsync()
    before = ticker.bid, ticker.ask, ticker.time
    other = await quoted(ib, AAPL)
    await until(ib, lambda: len(other.ticks) > 0)
    assert (ticker.bid, ticker.ask, ticker.time) == before
    assert not ib.errors


async def test_a_snapshot_ends(ib):
    async with within():
        (ticker,) = await ib.reqTickersAsync(EURUSD)
    assert ticker.hasBidAsk()


@pytest.mark.parametrize("kind", ["BidAsk", "MidPoint", "Last", "AllLast"])
async def test_ticks_come_one_by_one(ib, kind):
    seen = []
    ticker = ib.reqTickByTickData(AAPL, kind)
    ticker.updateEvent += lambda t: seen.extend(t.tickByTicks)
    await until(ib, lambda: len(seen) >= 3)
    ib.cancelTickByTickData(AAPL, kind)
    await ib.reqCurrentTimeAsync()
    count = len(seen)
    await quoted(ib, EURUSD)
    assert len(seen) == count


async def test_trades_of_a_currency_pair_do_not_exist(ib):
    ib.reqTickByTickData(EURUSD, "Last")
    await until(ib, lambda: ib.errors)
    assert ib.errors[-1][1] == 10189


# Orders


async def test_a_market_order_fills_at_the_quote_with_execution_and_commission(ib):
    await quoted(ib, EURUSD)
    order = ib_insync.MarketOrder("BUY", 20_000, orderRef="robot-1-0")
    trade = await done(ib, ib.placeOrder(EURUSD, order))
    await until(ib, lambda: trade.fills[0].commissionReport.execId)
    (fill,) = trade.fills
    assert statuses(trade) == ["PendingSubmit", "PreSubmitted", "PreSubmitted", "Filled"]
    assert (fill.execution.side, fill.execution.shares, fill.execution.orderRef) == ("BOT", 20_000, "robot-1-0")
    assert (fill.execution.permId, fill.contract) == (trade.order.permId, EURUSD)
    assert (fill.commissionReport.commission, fill.commissionReport.currency) == (2.0, "USD")
    assert fill.execution.price == trade.orderStatus.avgFillPrice
    assert (trade.orderStatus.filled, trade.orderStatus.remaining) == (20_000, 0)


async def test_positions_cash_and_portfolio_follow_a_fill(ib):
    await quoted(ib, EURUSD)
    trade = await done(ib, ib.placeOrder(EURUSD, ib_insync.MarketOrder("BUY", 20_000)))
    price = trade.fills[0].execution.price
    cash = {}

    def booked():
        cash.update({v.currency: v.value for v in ib.accountValues() if v.tag == "CashBalance"})
        return "EUR" in cash and ib.portfolio()

    await until(ib, booked)
    (position,) = ib.positions()
    assert (position.account, position.contract.conId, position.position) == ("DU1000001", 12087792, 20_000)
    assert position.avgCost == pytest.approx(price)
    assert (cash["EUR"], float(cash["USD"])) == ("20000.00", pytest.approx(1_000_000 - 20_000 * price - 2))
    assert ib.portfolio()[0].position == 20_000


async def test_closing_a_position_realises_its_profit_net_of_commissions(ib):
    await quoted(ib, ES)
    bought = await done(ib, ib.placeOrder(ES, ib_insync.MarketOrder("BUY", 1)))
    sold = await done(ib, ib.placeOrder(ES, ib_insync.MarketOrder("SELL", 1)))
    await until(ib, lambda: sold.fills[0].commissionReport.execId and not ib.positions())
    profit = (sold.fills[0].execution.price - bought.fills[0].execution.price) * 50 - 4.5
    assert bought.fills[0].commissionReport.realizedPNL == 0
    assert sold.fills[0].commissionReport.realizedPNL == pytest.approx(profit)


async def test_a_limit_order_rests_is_modified_and_cancelled(ib):
    ticker = await quoted(ib, EURUSD)
    order = ib_insync.LimitOrder("BUY", 20_000, round(ticker.bid - 0.05, 2))
    trade = ib.placeOrder(EURUSD, order)
    await until(ib, lambda: trade.orderStatus.status == "Submitted")
    order.lmtPrice, order.totalQuantity = round(ticker.bid - 0.06, 2), 30_000
    assert ib.placeOrder(EURUSD, order) is trade
    await until(ib, lambda: trade.orderStatus.remaining == 30_000)
    (seen,) = await ib.reqOpenOrdersAsync()
    assert (seen.order.lmtPrice, seen.order.totalQuantity) == (order.lmtPrice, 30_000)
    ib.cancelOrder(order)
    await done(ib, trade)
    assert trade.orderStatus.status == "Cancelled"
    await until(ib, lambda: ib.errors)
    assert ib.errors[-1][:2] == (order.orderId, 202)
    assert await ib.reqOpenOrdersAsync() == []


async def test_a_limit_order_modified_through_the_touch_fills_at_the_touch(ib):
    ticker = await quoted(ib, EURUSD)
    order = ib_insync.LimitOrder("BUY", 20_000, round(ticker.bid - 0.05, 2))
    trade = ib.placeOrder(EURUSD, order)
    await until(ib, lambda: trade.orderStatus.status == "Submitted")
    order.lmtPrice = round(ticker.ask + 0.01, 2)
    ib.placeOrder(EURUSD, order)
    await done(ib, trade)
    assert trade.fills[0].execution.price < order.lmtPrice


async def test_large_orders_fill_by_displayed_size(ib):
    await quoted(ib, ES)
    trade = await done(ib, ib.placeOrder(ES, ib_insync.MarketOrder("BUY", 40)))
    await until(ib, lambda: all(fill.commissionReport.execId for fill in trade.fills))
    shares = [fill.execution.shares for fill in trade.fills]
    assert len(shares) > 1
    assert sum(shares) == 40
    assert trade.fills[-1].execution.cumQty == 40
    assert sum(fill.commissionReport.commission for fill in trade.fills) == pytest.approx(40 * 2.25)
    assert len({fill.execution.execId for fill in trade.fills}) == len(shares)


async def test_immediate_or_cancel_does_not_rest(ib):
    ticker = await quoted(ib, EURUSD)
    order = ib_insync.LimitOrder("BUY", 20_000, round(ticker.bid - 0.05, 2), tif="IOC")
    trade = await done(ib, ib.placeOrder(EURUSD, order))
    assert trade.orderStatus.status == "Cancelled"
    assert not trade.fills


async def test_what_if_says_margin_and_commission_and_places_nothing(ib):
    await quoted(ib, AAPL)
    async with within():
        state = await ib.whatIfOrderAsync(AAPL, ib_insync.MarketOrder("BUY", 100))
    assert float(state.initMarginChange) == pytest.approx(13_500, rel=0.1)
    assert (state.commission, state.commissionCurrency) == (1.0, "USD")
    assert await ib.reqAllOpenOrdersAsync() == []


async def test_completed_orders_and_executions_of_the_day_are_told_to_later_clients(gateway, connect, ib):
    ticker = await quoted(ib, EURUSD)
    filled = await done(ib, ib.placeOrder(EURUSD, ib_insync.MarketOrder("BUY", 20_000, orderRef="a")))
    rested = ib.placeOrder(EURUSD, ib_insync.LimitOrder("BUY", 20_000, round(ticker.bid - 0.05, 2), orderRef="b"))
    ib.cancelOrder(rested.order)
    await done(ib, rested)
    later = await connect(gateway, client_id=7)
    completed = {t.order.orderRef: t for t in await later.reqCompletedOrdersAsync(apiOnly=False)}
    assert {ref: t.orderStatus.status for ref, t in completed.items()} == {"a": "Filled", "b": "Cancelled"}
    assert completed["a"].order.permId == filled.order.permId
    (fill,) = later.fills()
    assert fill.execution.execId == filled.fills[0].execution.execId
    assert await later.reqExecutionsAsync(ib_insync.ExecutionFilter(symbol="AAPL")) == []
    assert len(await later.reqExecutionsAsync(ib_insync.ExecutionFilter(clientId=1, side="BUY", symbol="EUR"))) == 1


async def test_orders_belong_to_their_client(gateway, connect, ib):
    ticker = await quoted(ib, EURUSD)
    mine = ib.placeOrder(EURUSD, ib_insync.LimitOrder("BUY", 20_000, round(ticker.bid - 0.05, 2)))
    await until(ib, lambda: mine.orderStatus.status == "Submitted")
    other = await connect(gateway, client_id=2)
    assert await other.reqOpenOrdersAsync() == []
    (seen,) = await other.reqAllOpenOrdersAsync()
    assert (seen.order.permId, seen.order.clientId) == (mine.order.permId, 1)
    other.client.cancelOrder(mine.order.orderId)
    await until(other, lambda: other.errors)
    assert other.errors[-1][:2] == (mine.order.orderId, 10147)
    other.reqGlobalCancel()
    await done(ib, mine)
    assert mine.orderStatus.status == "Cancelled"


@pytest.mark.parametrize(
    ("contract", "order", "code"),
    [
        (ib_insync.Stock("NOSUCH", "SMART", "USD"), ib_insync.MarketOrder("BUY", 1), 200),
        (EURUSD, ib_insync.LimitOrder("BUY", 20_000, 1.100001), 110),
        (AAPL, ib_insync.MarketOrder("BUY", 1_000_000), 201),
        (AAPL, ib_insync.MarketOrder("BUY", 1, account="DU9"), 321),
        (AAPL, ib_insync.Order(action="BUY", totalQuantity=1, orderType="BOX TOP"), 387),
        (AAPL, ib_insync.MarketOrder("BUY", 1, tif="AUC"), 10052),
        (AAPL, ib_insync.MarketOrder("BUY", 0), 434),
        (AAPL, ib_insync.LimitOrder("BUY", 1, 0.0), 463),
        (AAPL, ib_insync.MarketOrder("BUY", 1.5), 461),
        (AAPL, ib_insync.MarketOrder("BUY", 1, algoStrategy="Adaptive"), 321),
    ],
)
async def test_an_order_that_cannot_be_is_turned_down_with_its_code(ib, contract, order, code):
    await quoted(ib, AAPL)
    trade = ib.placeOrder(contract, order)
    await until(ib, lambda: ib.errors)
    assert ib.errors[-1][:2] == (trade.order.orderId, code)
    assert await ib.reqAllOpenOrdersAsync() == []
    assert ib.positions() == []


async def test_order_ids_are_not_used_twice(ib):
    await quoted(ib, EURUSD)
    trade = await done(ib, ib.placeOrder(EURUSD, ib_insync.MarketOrder("BUY", 20_000)))
    ib.client.placeOrder(trade.order.orderId, EURUSD, ib_insync.MarketOrder("BUY", 20_000))
    await until(ib, lambda: ib.errors)
    assert ib.errors[-1] == (trade.order.orderId, 104, "Cannot modify a filled order.")
    ib.client.placeOrder(trade.order.orderId - 1, EURUSD, ib_insync.MarketOrder("BUY", 20_000))
    await until(ib, lambda: len(ib.errors) == 2)
    assert ib.errors[-1][:2] == (trade.order.orderId - 1, 103)
    assert ib.positions()[0].position == 20_000


async def test_what_is_not_there_or_done_cannot_be_cancelled(ib):
    await quoted(ib, EURUSD)
    trade = await done(ib, ib.placeOrder(EURUSD, ib_insync.MarketOrder("BUY", 20_000)))
    ib.client.cancelOrder(trade.order.orderId)
    await until(ib, lambda: ib.errors)
    assert ib.errors[-1][1:] == (
        10148,
        f"OrderId {trade.order.orderId} that needs to be cancelled can not be cancelled, state: Filled.",
    )
    ib.client.cancelOrder(4711)
    await until(ib, lambda: len(ib.errors) == 2)
    assert ib.errors[-1] == (4711, 10147, "OrderId 4711 that needs to be cancelled is not found.")


async def test_a_change_that_is_turned_down_leaves_the_order_as_it_was(ib):
    ticker = await quoted(ib, EURUSD)
    order = ib_insync.LimitOrder("BUY", 20_000, round(ticker.bid - 0.05, 2))
    trade = ib.placeOrder(EURUSD, order)
    await until(ib, lambda: trade.orderStatus.status == "Submitted")
    wanted, order.lmtPrice = order.lmtPrice, order.lmtPrice + 0.000001
    ib.placeOrder(EURUSD, order)
    await until(ib, lambda: ib.errors)
    assert ib.errors[-1][:2] == (order.orderId, 110)
    await until(ib, lambda: trade.order.lmtPrice == wanted)
    assert trade.orderStatus.status == "Submitted"


# Accounts


async def test_with_several_accounts_an_order_names_its_own(make_gateway, connect):
    gateway = await make_gateway(accounts=("DU1000001", "DU1000002"))
    ib = await connect(gateway)
    await quoted(ib, EURUSD)
    ib.placeOrder(EURUSD, ib_insync.MarketOrder("BUY", 20_000))
    await until(ib, lambda: ib.errors)
    assert ib.errors[-1][1] == 435
    await done(ib, ib.placeOrder(EURUSD, ib_insync.MarketOrder("BUY", 20_000, account="DU1000002")))
    await until(ib, ib.positions)
    assert [(p.account, p.position) for p in ib.positions()] == [("DU1000002", 20_000)]


async def test_summary_and_profit_and_loss_are_streamed(ib):
    await quoted(ib, AAPL)
    summary = {v.tag: v.value for v in await ib.accountSummaryAsync()}
    assert summary["NetLiquidation"] == "1000000.00"
    pnl = ib.reqPnL("DU1000001")
    await done(ib, ib.placeOrder(AAPL, ib_insync.MarketOrder("BUY", 100)))
    single = ib.reqPnLSingle("DU1000001", "", 265598)
    await until(ib, lambda: single.position == 100 and pnl.dailyPnL)
    assert pnl.unrealizedPnL == pytest.approx(single.unrealizedPnL, abs=50)


# Recordings


async def test_every_recorded_quote_arrives_once_and_in_order(make_gateway, connect, eurusd_recording):
    gateway = await make_gateway(recording=eurusd_recording, speed=0.0)
    ib = await connect(gateway)
    assert await ib.reqCurrentTimeAsync() == datetime(2014, 5, 5, 0, 0, 23, tzinfo=UTC)
    seen = []
    ticker = ib.reqTickByTickData(EURUSD, "BidAsk")
    ticker.updateEvent += lambda t: seen.extend((tick.bidPrice, tick.askPrice, tick.bidSize) for tick in t.tickByTicks)
    expected = [(bid, ask, 0.0) for _, bid, ask in recorded(eurusd_recording)]
    await until(ib, lambda: len(seen) >= len(expected))
    assert seen == expected
    assert (gateway.feed.quotes_played, gateway.feed.finished) == (len(expected), True)
    assert await ib.reqCurrentTimeAsync() == datetime(2014, 5, 5, 23, 59, 59, tzinfo=UTC)


async def test_a_recording_is_traded_at_its_prices_although_they_are_off_the_grid(make_gateway, connect, eurusd_recording):
    gateway = await make_gateway(recording=eurusd_recording, speed=0.0)
    ib = await connect(gateway)
    ticker = ib.reqTickByTickData(EURUSD, "BidAsk")
    await until(ib, lambda: gateway.feed.finished and ticker.ask == 1.38755)
    trade = await done(ib, ib.placeOrder(EURUSD, ib_insync.MarketOrder("SELL", 20_000)))
    assert trade.fills[0].execution.price == 1.38741
    assert trade.fills[0].execution.time == datetime(2014, 5, 5, 23, 59, 59, tzinfo=UTC)


# Restarts


async def test_a_restart_with_the_same_state_finds_the_same_books(make_gateway, connect, tmp_path):
    state = tmp_path / "gateway.state"
    first = await make_gateway(state=state)
    ib = await connect(first)
    ticker = await quoted(ib, EURUSD)
    filled = await done(ib, ib.placeOrder(EURUSD, ib_insync.MarketOrder("BUY", 20_000, orderRef="a")))
    resting = ib.placeOrder(EURUSD, ib_insync.LimitOrder("BUY", 10_000, round(ticker.bid - 0.05, 2), tif="GTC", orderRef="b"))
    await until(ib, lambda: resting.orderStatus.status == "Submitted" and ib.positions())
    before = {(v.tag, v.currency): v.value for v in ib.accountValues() if v.tag == "CashBalance" and v.currency != "BASE"}
    gone = asyncio.Event()
    ib.disconnectedEvent += gone.set
    await first.__aexit__(None, None, None)
    async with within():
        await gone.wait()

    second = await make_gateway(state=state)
    again = await connect(second)
    assert [(p.contract.conId, p.position) for p in again.positions()] == [(12087792, 20_000)]
    after = {(v.tag, v.currency): v.value for v in again.accountValues() if v.tag == "CashBalance" and v.currency != "BASE"}
    assert after == before
    (open_trade,) = again.openTrades()
    assert (open_trade.order.permId, open_trade.order.orderRef) == (resting.order.permId, "b")
    (fill,) = again.fills()
    assert fill.execution.execId == filled.fills[0].execution.execId
    assert again.client.getReqId() > resting.order.orderId
    again.cancelOrder(open_trade.order)
    await done(again, open_trade)
    third = await done(again, again.placeOrder(EURUSD, ib_insync.MarketOrder("SELL", 20_000)))
    assert third.order.permId > resting.order.permId
    assert third.fills[0].execution.execId != fill.execution.execId


# Clients at odds


async def test_a_slow_reader_is_cut_and_others_notice_nothing(make_gateway, connect):
    # Less than what makes a session keep only the newest ticks: here the ticks themselves are too much. Buffers are small, so
    # that a few thousand ticks fill them, however long a slow machine takes for these.
    gateway: SimulatedGateway = await make_gateway(quotes_per_second=200.0, max_buffered_bytes=20_000)
    narrow = socket.socket()
    narrow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    narrow.setblocking(False)
    await asyncio.get_running_loop().sock_connect(narrow, ("127.0.0.1", gateway.port))
    reader, writer = await asyncio.open_connection(sock=narrow, limit=1024)
    ib = await connect(gateway, client_id=5)
    fields = b"v100..176"
    writer.write(b"API\0" + len(fields).to_bytes(4, "big") + fields)
    await reader.readexactly(10)
    for message in (
        b"71\x002\x0077\x00\x00",
        *(
            b"97\0%d\x00%d\0\0\0\x000.0\0\0\0\0\0\0\0\0BidAsk\x000\x000\0" % (number, con_id)
            for number, con_id in enumerate((12087792, 12087797, 265598, 272093, 76792991, 4391, 756733))
        ),
    ):
        writer.write(len(message).to_bytes(4, "big") + message)
    await eventually(lambda: 77 in gateway._hall.sessions)
    buffer = gateway._hall.sessions[77]._transport.get_extra_info("socket")
    buffer.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 8192)
    async with within(60):
        while not gateway.counters["slow_reader"]:
            await ib.reqCurrentTimeAsync()
            await asyncio.sleep(0.05)
    assert ib.isConnected()
    writer.close()
