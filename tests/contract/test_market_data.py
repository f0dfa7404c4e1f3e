"""Market data as an unmodified ib_insync client sees them; and that two gateways say the same bytes."""

import asyncio
import struct
from datetime import UTC, datetime

import ib_insync
import pytest

from atlas.domain import from_datetime
from ib_gateway.simulator.entitlements import Entitlements, Permission
from ib_gateway.simulator.rules import Rules
from tests.contract.conftest import until, within

EURUSD = ib_insync.Forex("EURUSD", conId=12087792, localSymbol="EUR.USD", tradingClass="EUR.USD")
AAPL = ib_insync.Stock("AAPL", "SMART", "USD", conId=265598)
ES = ib_insync.Future("ES", "202609", "CME", conId=750202609)
SATURDAY = from_datetime(datetime(2026, 6, 6, 15, tzinfo=UTC))


def codes(ib):
    return [code for _, code, _ in ib.errors]


async def test_a_stock_shows_everything_that_a_stream_has(ib):
    ticker = ib.reqMktData(AAPL, "165,233,236,293,294,295,318,375,411,456,104,106,232")
    await until(ib, lambda: ticker.last > 0 and ticker.tradeCount > 1 and ticker.high52week > 0 and ticker.rtVolume > 0)
    assert ticker.low <= ticker.last <= ticker.high
    assert ticker.low52week < ticker.close < ticker.high52week
    assert (ticker.halted, ticker.shortableShares > 0, ticker.bboExchange) == (0.0, True, "9c0001")
    assert ticker.bidExchange
    assert ticker.lastExchange
    assert 0 < ticker.impliedVolatility < 1
    assert ticker.markPrice > 0
    components = await ib.reqSmartComponentsAsync(ticker.bboExchange)
    assert {"ISLAND", "ARCA", "NYSE"} <= {one.exchange for one in components}
    assert ib.errors == []


async def test_an_option_shows_its_greeks(ib):
    (option,) = await ib.qualifyContractsAsync(ib_insync.Option("AAPL", "20261218", 270, "C", "SMART"))
    ticker = ib.reqMktData(option)
    await until(ib, lambda: ticker.bidGreeks and ticker.askGreeks and ticker.modelGreeks)
    assert ticker.bidGreeks.impliedVol < ticker.askGreeks.impliedVol
    assert 0.3 < ticker.modelGreeks.delta < 0.8
    assert ticker.modelGreeks.undPrice == pytest.approx(270, abs=20)


async def test_an_index_shows_its_level(ib):
    (index,) = await ib.qualifyContractsAsync(ib_insync.Index("SPX", "CBOE"))
    ticker = ib.reqMktData(index)
    await until(ib, lambda: ticker.last > 0)
    assert ib_insync.util.isNan(ticker.bid)


@pytest.mark.parametrize("contract", [EURUSD, ES, AAPL])
async def test_a_clients_book_is_never_crossed_and_begins_with_the_quote(ib, contract):
    smart = contract is AAPL
    ticker = ib.reqMktDepth(contract, numRows=5, isSmartDepth=smart)
    changes = []
    ticker.updateEvent += lambda t: changes.extend(t.domTicks)
    await until(ib, lambda: len(changes) > 60 and {change.operation for change in changes} == {0, 1, 2})
    assert len(ticker.domBids) == len(ticker.domAsks) == 5
    assert ticker.domBids[0].price < ticker.domAsks[0].price
    assert [level.price for level in ticker.domBids] == sorted((level.price for level in ticker.domBids), reverse=True)
    ib.cancelMktDepth(contract, isSmartDepth=smart)
    assert ib.errors == []


async def test_depth_exchanges_are_listed(ib):
    async with within():
        offers = await ib.reqMktDepthExchangesAsync()
    assert ("CME", "FUT") in {(one.exchange, one.secType) for one in offers}


async def test_without_a_subscription_delayed_data_come_with_their_advice(make_gateway, connect):
    gateway = await make_gateway(entitlements=Entitlements(kinds={"STK": Permission.DELAYED}))
    ib = await connect(gateway)
    ib.reqMktData(AAPL)
    await until(ib, lambda: codes(ib) == [10168])
    ib.reqMarketDataType(3)
    ib.errors.clear()
    other = ib_insync.Stock("MSFT", "SMART", "USD", conId=272093)
    ticker = ib.reqMktData(other)
    await until(ib, lambda: ticker.bid > 0)
    assert (codes(ib), ticker.marketDataType) == ([10167], 3)
    assert {tick.tickType for tick in ticker.ticks} <= {49, *range(66, 77), 88}


async def test_on_a_weekend_the_last_quote_stands_frozen(make_gateway, connect):
    gateway = await make_gateway(start_ns=SATURDAY)
    ib = await connect(gateway)
    live = ib.reqMktData(EURUSD)
    await until(ib, lambda: live.bid == -1 and live.close > 0)
    ib.reqMarketDataType(2)
    frozen = ib.reqMktData(AAPL)
    await until(ib, lambda: frozen.bid > 0)
    assert frozen.marketDataType == 2
    assert 0 < frozen.ask - frozen.bid < 1


async def test_limits_are_told_with_their_codes(make_gateway, connect):
    gateway = await make_gateway(rules=Rules(market_data_lines=1, tick_by_tick_lines=1, depth_lines=1))
    ib = await connect(gateway)
    for contract in (EURUSD, ES):
        ib.reqMktData(contract)
        ib.reqTickByTickData(contract, "BidAsk")
        ib.reqMktDepth(contract)
    await until(ib, lambda: sorted(codes(ib)) == [101, 309, 10190])


async def test_a_competing_session_is_heard_and_ends(gateway, connect):
    ib = await connect(gateway)
    ticker = ib.reqMktData(EURUSD)
    await until(ib, lambda: ticker.bid > 0)
    gateway._broker.compete(True)
    gateway._hall.flush()
    await until(ib, lambda: codes(ib) == [10197])
    ticks = []
    ticker.updateEvent += lambda t: ticks.append(t.bid)
    gateway._broker.compete(False)
    gateway._hall.flush()
    async with within():
        while not ticks:
            await ib.updateEvent


async def test_older_ticks_come_before_new_ones(make_gateway, connect):
    gateway = await make_gateway(quotes_per_second=200.0)
    ib = await connect(gateway)
    ticker = ib.reqMktData(AAPL)
    await until(ib, lambda: ticker.volume > 5000)
    heard = []
    ib.wrapper.historicalTicksLast = lambda _req_id, ticks, done: heard.append((len(ticks), done))
    ib.reqTickByTickData(AAPL, "AllLast", numberOfTicks=3)
    await until(ib, lambda: heard)
    assert heard == [(3, True)]


def frame(*fields):
    body = "".join(f"{field}\0" for field in fields).encode()
    return struct.pack(">I", len(body)) + body


async def session(gateway):
    """All bytes that a client gets of a whole recording at speed 0."""
    reader, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
    writer.write(b"API\0" + struct.pack(">I", 9) + b"v157..176")
    await reader.readexactly(struct.unpack(">I", await reader.readexactly(4))[0])
    contract = (12087792, "", "", "", "0.0", "", "", "IDEALPRO", "", "", "", "")
    requests = (
        frame(71, 2, 1, ""),
        frame(97, 1, *contract, "BidAsk", 0, 0),
        frame(10, 5, 2, *contract, 5, 0, ""),
        frame(1, 11, 3, *contract, 0, "", 0, 0, ""),
    )
    writer.write(b"".join(requests))
    await gateway.feed.wait_finished()
    writer.write(frame(49, 1))  # the answer to this one is the last
    said = bytearray()
    last = struct.pack(">I", 16) + b"49\x001\x00"
    async with within(30):
        while last not in said:
            said += await reader.read(1 << 16)
    writer.close()
    return bytes(said)


async def test_the_same_recording_and_requests_get_the_same_bytes_through_a_socket(make_gateway, tmp_path):
    path = tmp_path / "ticks.csv"
    rows = ["time,instrument,bid,ask,bid_size,ask_size"]
    for n in range(3000):
        bid = 1.16 + (n * 7919 % 41) * 0.00005
        rows.append(
            f"{1_780_671_600_000_000_000 + n * 10**8},EUR.USD@IDEALPRO,{bid:.5f},{bid + 0.00005:.5f},{n % 9 + 1}000000,2000000"
        )
    path.write_text("\n".join(rows))
    first, second = [await session(await make_gateway(recording=path, speed=0.0, play_after_seconds=0.3)) for _ in range(2)]
    assert first == second
    assert len(first) > 3000 * 100
