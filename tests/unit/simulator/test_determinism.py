"""Same seed, same start, same requests, same advances of a clock that stands: the same bytes, however fast the machine is."""

import asyncio

import pytest

from ib_gateway.simulator import SimulatedGateway
from ib_gateway.simulator.codec import tables
from ib_gateway.simulator.codec.layout import compile_writer
from ib_gateway.simulator.command import options_of
from ib_gateway.simulator.messages import Contract, Ticket, requests
from ib_gateway.simulator.wire import frame

COMMAND = ("--port", "0", "--seed", "7", "--start", "2026-06-05T15:00:00Z", "--paused", "--rules", "none")
EUR = Contract(12087792, "EUR", "CASH", exchange="IDEALPRO", currency="USD")
AAPL = Contract(265598, "AAPL", "STK", exchange="SMART", currency="USD")
CALL = Contract(0, "AAPL", "OPT", "20260918", 270.0, "C", exchange="SMART", currency="USD")
LAYOUTS = {layout.struct: layout for layout in tables.REQUESTS}
DAY_OF_BARS = requests.HistoricalData(
    req_id=6, contract=AAPL, include_expired=False, end="", bar_size="1 min", duration="1 D", use_rth=True,
    what_to_show="TRADES", format_date=1, keep_up_to_date=False,
)  # fmt: skip
SESSION = [
    [requests.MarketData(1, EUR), requests.MarketData(2, AAPL), requests.MarketDepth(5, EUR, 5)],
    [requests.TickByTick(7, EUR, "BidAsk", 0, False), requests.Pnl(11, "DU1000001", ""), requests.MarketData(13, CALL)],
    [requests.PlaceOrder(1, EUR, Ticket("BUY", 20_000.0, "MKT"))],
    [requests.PlaceOrder(2, AAPL, Ticket("SELL", 500.0, "LMT", 250.0))],
    [requests.PlaceOrder(3, AAPL, Ticket("BUY", 100.0, "STP", aux_price=1000.0)), DAY_OF_BARS, requests.Executions(10)],
    [requests.AccountUpdates(True, "DU1000001"), requests.CompletedOrders(False)],
]


def written(request):
    return frame(compile_writer(LAYOUTS[type(request)], 176)(request).encode())


async def heard(options, pause):
    """All that a client hears in the session; between any two steps `pause` real seconds pass."""
    content = bytearray()
    async with SimulatedGateway(options) as gateway:
        reader, writer = await asyncio.open_connection("127.0.0.1", gateway.port)

        async def ask(request):
            writer.write(written(request) + written(requests.CurrentTime()))
            while True:
                head = await reader.readexactly(4)
                payload = await reader.readexactly(int.from_bytes(head, "big"))
                content.extend(head + payload)
                if payload.startswith(b"49\0"):
                    return

        writer.write(b"API\0" + frame(b"v176..176"))
        await reader.readexactly(int.from_bytes(await reader.readexactly(4), "big"))
        writer.write(written(requests.StartApi(1)))
        for step in SESSION:
            for request in step:
                await ask(request)
                await asyncio.sleep(pause)
            advanced = gateway.time.advance(20.0)
            await advanced
            await ask(requests.CurrentTime())
        writer.close()
    return bytes(content)


@pytest.mark.parametrize("speed", ["1", "0", "60"])
async def test_a_session_on_a_clock_that_stands_and_is_advanced_is_the_same_to_the_byte(speed):
    options = options_of([*COMMAND, "--speed", speed], "ib-simulator")
    first, second = await heard(options, 0.0), await heard(options, 0.02)
    assert len(first) > 50_000
    for message in (b"11\0", b"\x0011\0", b"12\0", b"99\0", b"94\0", b"17\0", b"21\0"):
        assert message in first
    assert first == second


async def test_a_clock_that_is_paused_from_the_start_has_not_moved_at_all():
    options = options_of(COMMAND, "ib-simulator")
    async with SimulatedGateway(options) as gateway:
        await asyncio.sleep(0.02)
        assert gateway.time.now_ns == options.start_ns
        assert gateway.time.paused
        gateway.time.resume()
        await asyncio.sleep(0.02)
        assert gateway.time.now_ns > options.start_ns
