"""What a live gateway answers to every request, in every version, is decoded by every client without an error.

The other tests of this folder choose the values of replies; here the gateway's desks do.
"""

import asyncio
from functools import cache

import msgspec
import pytest

from ib_gateway.simulator import SimulatedGateway, SimulatorOptions
from ib_gateway.simulator.codec import tables
from ib_gateway.simulator.codec.layout import compile_writer
from ib_gateway.simulator.messages import Condition, Contract, Ticket
from ib_gateway.simulator.messages import requests as ask
from ib_gateway.simulator.rules import Rules
from ib_gateway.simulator.wire import FrameReader, frame
from tests.contract.conformance.asked import ASKED
from tests.contract.conformance.clients import CLIENTS, VERSIONS

START_NS = 1_780_671_600_000_000_000  # Friday 2026-06-05 15:00 UTC: every exchange of the instruments file trades
RUNS = [pytest.param(client, version, id=f"{client.name}-{version}") for client in CLIENTS for version in client.versions()]
LAYOUTS = {layout.struct: layout for layout in tables.REQUESTS}
EURO = Contract(12087792, "EUR", "CASH", exchange="IDEALPRO", currency="USD")
APPLE = Contract(symbol="AAPL", sec_type="STK", exchange="SMART", currency="USD")
OPTION = Contract(symbol="AAPL", sec_type="OPT", expiry="20260918", strike=200.0, right="C", exchange="SMART", currency="USD")
ACCOUNT = "DU1000001"
LATER = Condition(3, ("a", "1", "20260605 23:00:00 UTC"))


def historical(contract, size, duration, what, **more):
    plain = {"include_expired": False, "end": "", "use_rth": False, "format_date": 1, "keep_up_to_date": False}
    return ask.HistoricalData(0, contract, bar_size=size, duration=duration, what_to_show=what, **plain | more)


_OF_A_KIND = 40

MORE = (
    ask.MarketData(0, EURO, "233"),
    ask.MarketData(0, APPLE, "100,104,106,165,233,236,258,292,375"),
    ask.TickByTick(0, EURO, "BidAsk"),
    ask.TickByTick(0, APPLE, "AllLast"),
    ask.MarketDepth(0, EURO, 5),
    ask.RealTimeBars(0, EURO, 5, "MIDPOINT", use_rth=False),
    ask.PlaceOrder(0, EURO, Ticket("BUY", 20_000.0, "MKT")),
    ask.PlaceOrder(0, EURO, Ticket("SELL", 20_000.0, "MKT", time_in_force="IOC")),
    ask.PlaceOrder(0, EURO, Ticket("BUY", 20_000.0, "LMT", 0.5, time_in_force="GTC", conditions=(LATER,))),
    ask.PlaceOrder(0, EURO, Ticket("BUY", 20_000.0, "TRAIL", trailing_percent=1.0)),
    ask.PlaceOrder(0, EURO, Ticket("BUY", 20_000.0, "LMT", 0.5, what_if=True)),
    ask.PlaceOrder(0, EURO, Ticket("BUY", 20_000.0, "LMT", 0.123456789)),
    ask.PlaceOrder(0, APPLE, Ticket("BUY", 100.0, "MKT")),
    historical(EURO, "1 min", "1 D", "MIDPOINT"),
    historical(EURO, "1 day", "1 M", "BID", format_date=2),
    historical(EURO, "5 secs", "300 S", "MIDPOINT", keep_up_to_date=True),
    historical(APPLE, "1 hour", "2 D", "TRADES"),
    historical(APPLE, "1 day", "1 W", "SCHEDULE"),
    ask.HeadTimestamp(0, EURO, False, False, "MIDPOINT", 1),
    ask.HistoricalTicks(0, EURO, False, "", "20260605 15:00:00 UTC", 20, "BID_ASK", False),
    ask.HistoricalTicks(0, EURO, False, "", "20260605 15:00:00 UTC", 20, "MIDPOINT", False),
    ask.HistoricalTicks(0, APPLE, False, "", "20260605 15:00:00 UTC", 20, "TRADES", False),
    ask.Histogram(0, APPLE, False, False, "3 days"),
    ask.ContractDetails(0, Contract(symbol="EUR", sec_type="CASH")),
    ask.ContractDetails(0, Contract(symbol="ES", sec_type="FUT")),
    ask.ContractDetails(0, APPLE),
    ask.OptionParameters(0, "AAPL", "", "STK", 265598),
    ask.ContractDetails(0, OPTION),
    ask.MarketData(0, OPTION, "100,101,106"),
    ask.ImpliedVolatility(0, OPTION, 10.0, 200.0),
    ask.OptionPrice(0, OPTION, 0.25, 200.0),
    ask.HistoricalNews(0, 265598, "BRFG+BRFUPDN+DJNL", "", "", 10),
    ask.MarketData(0, Contract(symbol="AAPL", sec_type="CFD", exchange="SMART", currency="USD")),
    ask.AccountUpdates(subscribe=True, account=ACCOUNT),
    ask.PnlSingle(0, ACCOUNT, "", 12087792),
    ask.AccountSummary(0, "All", "NetLiquidation,TotalCashValue,$LEDGER:ALL"),
)


def script():
    """Every request that clients send in the conformance suite, and more that the gateway can fill; the ends come last."""
    asked = [one.request for one in ASKED if not isinstance(one.request, ask.StartApi)]
    whole = sorted(
        [*asked, *MORE], key=lambda one: type(one).__name__.startswith("Cancel") or isinstance(one, ask.GlobalCancel)
    )
    for number, request in enumerate(whole, 10):
        name = next((one for one in ("req_id", "order_id") if hasattr(request, one)), None)
        changes = {name: number} if name and "Cancel" not in type(request).__name__ else {}
        if getattr(request, "account", ""):
            changes |= {"account": ACCOUNT} | ({"model_code": ""} if hasattr(request, "model_code") else {})
        yield msgspec.structs.replace(request, **changes)
    yield from (ask.CompletedOrders(api_only=False), ask.Executions(9))


async def conversation(version):
    """The payloads of all that a gateway says to one client that asks for everything."""
    options = SimulatorOptions(port=0, start_ns=START_NS, quotes_per_second=50.0, play_after_seconds=0.02, rules=Rules.none())
    payloads, frames = [], FrameReader()
    async with SimulatedGateway(options) as gateway:
        reader, writer = await asyncio.open_connection("127.0.0.1", gateway.port)

        def say(request):
            writer.write(frame(compile_writer(LAYOUTS[type(request)], version)(request).encode()))

        async def until(enough):
            async with asyncio.timeout(30):
                while not enough():
                    data = await reader.read(65536)
                    assert data, "the gateway hung up"
                    payloads.extend(frames.feed(data))

        writer.write(b"API\0" + frame(f"v{version}..{version}".encode()))
        await until(lambda: payloads)
        del payloads[0]  # the handshake's
        say(ask.StartApi(0))
        whole = list(script())
        ends = next(at for at, one in enumerate(whole) if "Cancel" in type(one).__name__)
        for part in (whole[:ends], whole[ends:]):
            for request in part:
                say(request)
            say(ask.CurrentTime())
            asked = sum(isinstance(one, ask.CurrentTime) for one in part) + 1
            before = len(payloads)
            await until(lambda: sum(one.startswith(b"49\0") for one in payloads[before:]) >= asked)  # noqa: B023
            streamed = len(payloads) + (300 if part is not whole[ends:] else 0)
            await until(lambda: len(payloads) >= streamed)  # noqa: B023
        writer.close()
        assert gateway.counters["faults"] == 0
        assert gateway.counters["malformed"] == 0
        assert gateway.counters["unknown_message"] == 0
    return tuple(payloads)


@cache
def said(version):
    """What was said in a version, at most so many messages of a kind; asked for once."""
    kinds: dict[bytes, list[bytes]] = {}
    for payload in asyncio.run(conversation(version)):
        kinds.setdefault(payload.split(b"\0", 1)[0], []).append(payload)
    return tuple(payload for payloads in kinds.values() for payload in payloads[:_OF_A_KIND])


@pytest.mark.timeout(300)  # the first run builds an environment
@pytest.mark.parametrize(("client", "version"), RUNS)
def test_a_client_decodes_all_that_the_gateway_says(client, version):
    payloads = said(version)
    wrong = {
        f"{payload[:200]!r}: {read['error'] or read['left']}"
        for payload, read in zip(payloads, client.read(version, payloads), strict=True)
        if read["error"] or read["left"]
    }
    assert not wrong, f"{len(wrong)} messages\n" + "\n".join(sorted(wrong)[:20])


@pytest.mark.parametrize("version", VERSIONS)
def test_the_gateway_has_something_to_say_of_most_kinds(version):
    kinds = {int(payload.split(b"\0", 1)[0]) for payload in said(version)}
    assert len(kinds) >= 60
