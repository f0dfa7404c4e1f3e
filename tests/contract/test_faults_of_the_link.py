"""The gateway loses IB, a farm or its market data: what an unmodified ib_insync sees of it."""

import asyncio

import ib_insync
import pytest
from msgspec.structs import replace

from ib_gateway.simulator.faults import (
    CompetingSession,
    ConnectivityLost,
    ConnectivityRestored,
    Delay,
    FarmOutage,
    LineLimit,
    Notice,
    PacingViolation,
    ReadOnly,
)
from tests.contract.conftest import eventually, until, within

EURUSD = ib_insync.Forex("EURUSD", conId=12087792, localSymbol="EUR.USD", tradingClass="EUR.USD")
LOST = (1100, "Connectivity between IB and Trader Workstation has been lost.")
ALL_FARMS = "All data farms are connected: usfarm; ushmds; secdefil."
RESTORED = "Connectivity between IB and Trader Workstation has been restored - data {}. "
MAINTAINED = (1102, RESTORED.format("maintained") + ALL_FARMS)
DATA_LOST = (1101, RESTORED.format("lost") + ALL_FARMS)


def hear(ib):
    """Everything that comes with error codes from now on, notices included."""
    heard = []
    ib.errorEvent += lambda _, code, text, __: heard.append((code, text))
    return heard


async def hears(ib, heard, said):
    await until(ib, lambda: said in heard)


async def quoted(ib, contract=EURUSD):
    ticker = ib.reqMktData(contract)
    await until(ib, lambda: ticker.bid > 0 and ticker.ask > 0)
    return ticker


async def is_silent(ticker, seconds=0.3):
    """A market that has some fifty quotes a second says nothing."""
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(seconds):
            await ticker.updateEvent
    return True


async def filled(ib, quantity=1000, action="BUY"):
    trade = ib.placeOrder(EURUSD, ib_insync.MarketOrder(action, quantity))
    await until(ib, lambda: trade.orderStatus.status == "Filled")
    return trade


def fall_to_the_order(gateway):
    """Let the market fall to the price of the one order that stands."""
    (held,) = gateway._broker._floor.book.standing()
    quote, price, now = gateway._exchange.quote(held.instrument), held.ticket.limit_price, gateway.time.now_ns
    gateway._play([replace(quote, bid=price - 0.0001, ask=price, ask_size=1e6, exchange_ns=now, receive_ns=now)])


# Connectivity between the gateway and IB


async def test_1100_is_followed_by_silence_on_an_open_socket_and_1102_by_ticks(gateway, ib):
    heard, ticker = hear(ib), await quoted(ib)
    lost = gateway.faults.inject(ConnectivityLost())
    await hears(ib, heard, LOST)
    assert await is_silent(ticker)
    assert ib.isConnected()
    assert await ib.reqCurrentTimeAsync()  # the gateway itself is well
    gateway.faults.clear(lost)
    await hears(ib, heard, MAINTAINED)
    async with within():
        await ticker.updateEvent
    assert heard == [LOST, MAINTAINED]


async def test_a_loss_ends_by_itself_and_repeats_its_notice_until_then(make_gateway, connect):
    gateway = await make_gateway(speed=50.0)
    ib = await connect(gateway)
    heard = hear(ib)
    gateway.faults.inject(ConnectivityLost(for_seconds=15.0, repeat_seconds=4.0))
    await hears(ib, heard, MAINTAINED)
    assert heard == [LOST] * 4 + [MAINTAINED]
    assert not gateway.faults.active()


async def test_after_1101_nothing_comes_until_the_client_subscribes_again(gateway, ib):
    heard, ticker = hear(ib), await quoted(ib)
    lost = gateway.faults.inject(ConnectivityLost(data="lost"))
    await hears(ib, heard, LOST)
    gateway.faults.clear(lost)
    await hears(ib, heard, DATA_LOST)
    assert await is_silent(ticker)
    ib.cancelMktData(EURUSD)
    again = ib.reqMktData(EURUSD)
    async with within():
        await again.updateEvent


async def test_1101_out_of_the_blue_loses_the_subscriptions_as_well(gateway, ib):
    heard, ticker = hear(ib), await quoted(ib)
    gateway.faults.inject(ConnectivityRestored(data="lost"))
    await hears(ib, heard, DATA_LOST)
    assert await is_silent(ticker)
    assert heard == [DATA_LOST]


async def test_fills_of_the_disconnected_window_are_not_told_and_found_by_asking(gateway, ib):
    heard = hear(ib)
    ticker = await quoted(ib)
    trade = ib.placeOrder(EURUSD, ib_insync.LimitOrder("BUY", 1000, round(ticker.ask - 0.01, 4)))
    await until(ib, lambda: trade.orderStatus.status == "Submitted")
    fills, positions = [], []
    ib.execDetailsEvent += lambda _, fill: fills.append(fill)
    ib.positionEvent += positions.append
    lost = gateway.faults.inject(ConnectivityLost())
    await hears(ib, heard, LOST)
    fall_to_the_order(gateway)
    await asyncio.sleep(0.1)  # nothing can tell that nothing more will come
    assert (trade.orderStatus.status, fills, positions) == ("Submitted", [], [])
    gateway.faults.clear(lost)
    await hears(ib, heard, MAINTAINED)
    assert trade.orderStatus.status == "Submitted"
    found = await ib.reqExecutionsAsync()
    assert [(fill.execution.orderId, fill.execution.shares) for fill in found] == [(trade.order.orderId, 1000.0)]
    (completed,) = await ib.reqCompletedOrdersAsync(False)
    assert (completed.order.permId, completed.orderStatus.status) == (trade.order.permId, "Filled")


async def test_a_gateway_that_catches_up_tells_the_fills_of_the_window_after_1102(gateway, ib):
    heard = hear(ib)
    ticker = await quoted(ib)
    trade = ib.placeOrder(EURUSD, ib_insync.LimitOrder("BUY", 1000, round(ticker.ask - 0.01, 4)))
    await until(ib, lambda: trade.orderStatus.status == "Submitted")
    lost = gateway.faults.inject(ConnectivityLost(tell_missed=True))
    await hears(ib, heard, LOST)
    fall_to_the_order(gateway)
    gateway.faults.clear(lost)
    await until(ib, trade.isDone)
    assert [fill.execution.shares for fill in trade.fills] == [1000.0]
    assert heard == [LOST, MAINTAINED]


async def test_orders_that_are_sent_into_a_loss_wait_for_its_end(gateway, ib):
    heard = hear(ib)
    await quoted(ib)
    lost = gateway.faults.inject(ConnectivityLost())
    await hears(ib, heard, LOST)
    trade = ib.placeOrder(EURUSD, ib_insync.MarketOrder("BUY", 1000))
    await ib.reqCurrentTimeAsync()
    assert trade.orderStatus.status == "PendingSubmit"
    gateway.faults.clear(lost)
    await until(ib, lambda: trade.orderStatus.status == "Filled")


async def test_orders_that_are_sent_in_the_second_of_a_reset_vanish(gateway, ib):
    heard = hear(ib)
    await quoted(ib)
    lost = gateway.faults.inject(ConnectivityLost(requests="lost"))
    trade = ib.placeOrder(EURUSD, ib_insync.MarketOrder("BUY", 1000))
    await ib.reqCurrentTimeAsync()
    gateway.faults.clear(lost)
    await hears(ib, heard, MAINTAINED)
    assert await ib.reqAllOpenOrdersAsync() == []
    assert await ib.reqExecutionsAsync() == []
    assert trade.orderStatus.status == "PendingSubmit"
    assert [code for code, _ in heard] == [1100, 1102]


async def test_who_connects_while_the_link_is_down_hears_2110_and_no_farm(gateway):
    gateway.faults.inject(ConnectivityLost())
    ib = ib_insync.IB()
    heard = hear(ib)
    await ib.client.connectAsync("127.0.0.1", gateway.port, 7, 5)
    await eventually(lambda: heard)
    assert heard == [(2110, "Connectivity between Trader Workstation and server is broken. It will be restored automatically.")]
    ib.disconnect()


# Farms


@pytest.mark.parametrize(
    ("code", "text"),
    [
        (2103, "Market data farm connection is broken:usfarm"),
        (2104, "Market data farm connection is OK:usfarm"),
        (2105, "HMDS data farm connection is broken:ushmds"),
        (2106, "HMDS data farm connection is OK:ushmds"),
        (2107, "HMDS data farm connection is inactive but should be available upon demand.ushmds"),
        (2108, "Market data farm connection is inactive but should be available upon demand.usfarm"),
        (2110, "Connectivity between Trader Workstation and server is broken. It will be restored automatically."),
        (2119, "Market data farm is connecting:usfarm"),
        (2157, "Sec-def data farm connection is broken:secdefil"),
        (2158, "Sec-def data farm connection is OK:secdefil"),
    ],
)
async def test_notices_come_in_the_words_of_ib_and_harm_nothing(gateway, ib, code, text):
    heard, ticker = hear(ib), await quoted(ib)
    gateway.faults.inject(Notice(code=code))
    await hears(ib, heard, (code, text))
    async with within():
        await ticker.updateEvent
    assert heard == [(code, text)]


async def test_an_outage_of_the_market_data_farm_is_2103_silence_and_2104(gateway, ib):
    heard, ticker = hear(ib), await quoted(ib)
    outage = gateway.faults.inject(FarmOutage(farm="usfarm"))
    await hears(ib, heard, (2103, "Market data farm connection is broken:usfarm"))
    assert await is_silent(ticker)
    trade = await filled(ib)  # orders do not go through that farm
    assert trade.fills
    gateway.faults.clear(outage)
    await hears(ib, heard, (2104, "Market data farm connection is OK:usfarm"))
    async with within():
        await ticker.updateEvent


async def test_a_blip_of_the_farm_may_leave_streams_dead_without_a_word(gateway, ib):
    heard, ticker = hear(ib), await quoted(ib)
    bars = ib.reqRealTimeBars(EURUSD, 5, "MIDPOINT", False)
    await ib.reqCurrentTimeAsync()  # the gateway has heard it
    blip = gateway.faults.inject(FarmOutage(farm="usfarm", data="lost"))
    gateway.faults.clear(blip)
    await hears(ib, heard, (2104, "Market data farm connection is OK:usfarm"))
    assert await is_silent(ticker)
    assert not gateway._broker.streaming(1)
    assert [code for code, _ in heard] == [2103, 2104]
    assert ib.isConnected()
    assert not bars
    ib.cancelMktData(EURUSD)
    assert (await quoted(ib)).bid > 0


async def test_an_outage_of_the_historical_farm_fails_requests_for_bars_with_162(gateway, ib):
    heard = hear(ib)
    await quoted(ib)
    outage = gateway.faults.inject(FarmOutage(farm="ushmds"))
    await hears(ib, heard, (2105, "HMDS data farm connection is broken:ushmds"))
    async with within():
        bars = await ib.reqHistoricalDataAsync(EURUSD, "", "60 S", "5 secs", "MIDPOINT", useRTH=False)
    assert not bars
    assert any(code == 162 for code, _ in heard)
    gateway.faults.clear(outage)
    await hears(ib, heard, (2106, "HMDS data farm connection is OK:ushmds"))


async def test_an_outage_of_the_definitions_farm_leaves_contract_requests_waiting(gateway, ib):
    heard = hear(ib)
    outage = gateway.faults.inject(FarmOutage(farm="secdefil"))
    await hears(ib, heard, (2157, "Sec-def data farm connection is broken:secdefil"))
    request = asyncio.ensure_future(ib.reqContractDetailsAsync(EURUSD))
    await ib.reqCurrentTimeAsync()
    assert not request.done()
    gateway.faults.clear(outage)
    async with within():
        assert [details.contract.conId for details in await request] == [12087792]


async def test_1102_names_the_farms_that_are_still_away(gateway, ib):
    heard = hear(ib)
    gateway.faults.inject(FarmOutage(farm="ushmds"))
    gateway.faults.inject(ConnectivityRestored())
    text = "The following farms are connected: usfarm; secdefil. The following farms are not connected: ushmds."
    await hears(ib, heard, (1102, RESTORED.format("maintained") + text))


@pytest.mark.parametrize(("farm", "codes"), [("ushmds", [2105, 2106]), ("secdefil", [2157, 2158])])
async def test_a_farm_without_streams_loses_none(gateway, ib, farm, codes):
    heard, ticker = hear(ib), await quoted(ib)
    gateway.faults.clear(gateway.faults.inject(FarmOutage(farm=farm, data="lost")))
    await until(ib, lambda: len(heard) == 2)
    async with within():
        await ticker.updateEvent
    assert [code for code, _ in heard] == codes


async def test_losses_that_overlap_end_in_1101_if_one_of_them_loses_data(gateway, ib):
    heard, ticker = hear(ib), await quoted(ib)
    first = gateway.faults.inject(ConnectivityLost(data="lost"))
    second = gateway.faults.inject(ConnectivityLost())
    gateway.faults.clear(first)
    gateway.faults.clear(second)
    await hears(ib, heard, DATA_LOST)
    assert heard == [LOST, LOST, DATA_LOST]
    assert await is_silent(ticker)


async def test_ticks_that_are_late_do_not_break_the_silence_of_a_loss(gateway, ib):
    heard, ticker = hear(ib), await quoted(ib)
    for kind in ("TickPrice", "TickSize"):
        gateway.faults.inject(Delay(message=kind, delay_seconds=0.4))
    await asyncio.sleep(0.2)  # some fifty quotes a second are on their way
    lost = gateway.faults.inject(ConnectivityLost())
    await hears(ib, heard, LOST)
    assert await is_silent(ticker)
    gateway.faults.clear(lost)
    await hears(ib, heard, MAINTAINED)
    async with within():
        await ticker.updateEvent


async def test_orders_of_a_loss_are_all_acted_on_afterwards(gateway, ib):
    heard = hear(ib)
    await quoted(ib)
    lost = gateway.faults.inject(ConnectivityLost())
    trades = [ib.placeOrder(EURUSD, ib_insync.MarketOrder("BUY", 1000)) for _ in range(3)]
    await ib.reqCurrentTimeAsync()
    gateway.faults.clear(lost)
    await until(ib, lambda: all(trade.isDone() for trade in trades))
    assert len(await ib.reqExecutionsAsync()) == 3
    assert [code for code, _ in heard] == [1100, 1102]


async def test_a_cancellation_of_the_window_is_told_by_a_gateway_that_catches_up(gateway, ib):
    heard, ticker = hear(ib), await quoted(ib)
    trade = ib.placeOrder(EURUSD, ib_insync.LimitOrder("BUY", 1000, round(ticker.bid - 0.1, 4)))
    await until(ib, lambda: trade.orderStatus.status == "Submitted")
    lost = gateway.faults.inject(ConnectivityLost(tell_missed=True))
    await hears(ib, heard, LOST)
    gateway.terminal.cancel_order(trade.order.permId)
    await ib.reqCurrentTimeAsync()
    assert (trade.isDone(), heard) == (False, [LOST])
    gateway.faults.clear(lost)
    await until(ib, trade.isDone)
    assert [code for code, _ in heard] == [1100, 1102, 202]


async def test_a_notice_for_one_client_is_not_told_to_another(gateway, connect, ib):
    other = await connect(gateway, 2)
    heard, told = hear(ib), hear(other)
    gateway.faults.inject(Notice(code=2107, client_id=1))
    gateway.faults.inject(Notice(code=2108))
    await until(ib, lambda: len(heard) == 2)
    await until(other, lambda: told)
    assert [code for code, _ in told] == [2108]


# Market data, and what the user may do


async def test_a_competing_session_is_10197_and_no_ticks(gateway, ib):
    heard, ticker = hear(ib), await quoted(ib)
    competing = gateway.faults.inject(CompetingSession())
    await until(ib, lambda: any(code == 10197 for code, _ in heard))
    assert (10197, "No market data during competing live session") in heard
    assert await is_silent(ticker)
    gateway.faults.clear(competing)
    async with within():
        await ticker.updateEvent


async def test_read_only_turns_orders_away_with_321_and_nothing_else(gateway, ib):
    heard = hear(ib)
    await quoted(ib)
    read_only = gateway.faults.inject(ReadOnly())
    trade = ib.placeOrder(EURUSD, ib_insync.MarketOrder("BUY", 1000))
    await until(ib, lambda: any(code == 321 for code, _ in heard))
    (text,) = [text for code, text in heard if code == 321]
    assert text.startswith("Error validating request.")
    assert "The API interface is currently in Read-Only mode." in text
    assert await ib.reqPositionsAsync() == []
    gateway.faults.clear(read_only)
    assert (await filled(ib)).fills
    assert trade.orderStatus.status == "Cancelled"


async def test_an_injected_pacing_violation_is_162_whatever_the_pace(gateway, ib):
    heard = hear(ib)
    await quoted(ib)
    gateway.faults.inject(PacingViolation(count=1))
    ask = {"durationStr": "60 S", "barSizeSetting": "5 secs", "whatToShow": "MIDPOINT", "useRTH": False}
    async with within():
        assert not await ib.reqHistoricalDataAsync(EURUSD, "", **ask)
    assert heard == [(162, "Historical Market Data Service error message:Historical data request pacing violation")]
    assert not gateway.faults.active()


async def test_the_line_limit_is_101_for_the_stream_that_is_one_too_many(gateway, ib):
    heard, ticker = hear(ib), await quoted(ib)
    gateway.faults.inject(LineLimit())
    refused = ib.reqMktData(ib_insync.Stock("AAPL", "SMART", "USD", conId=265598))
    await hears(ib, heard, (101, "Max number of tickers has been reached"))
    async with within():
        await ticker.updateEvent
    assert not refused.hasBidAsk()
