"""One client asks for a lot: it gets all of it, in order, and nobody else has to wait."""

import asyncio

import ib_insync
import pytest

from ib_gateway.simulator.codec import Codec
from ib_gateway.simulator.codec.slices import encode_in_slices, is_long
from ib_gateway.simulator.messages import replies
from ib_gateway.simulator.rules import Rules
from tests.contract.conftest import within

AAPL = ib_insync.Stock("AAPL", "SMART", "USD", conId=265598)
CHAIN = ib_insync.Option("AAPL", exchange="SMART", currency="USD")
FREE = Rules.none()


class Turns:
    """How often the event loop came round."""

    count = 0

    async def watch(self):
        while True:
            await asyncio.sleep(0)
            self.count += 1


def bars(ib, duration, size):
    return ib.reqHistoricalDataAsync(AAPL, "", duration, size, "TRADES", useRTH=False, formatDate=2, timeout=60)


@pytest.mark.parametrize("hours", ["real", "always"])
async def test_twenty_years_of_days_hold_nobody_up(make_gateway, connect, hours):
    gateway = await make_gateway(rules=FREE, hours=hours, quotes_per_second=1.0)
    first, second = await connect(gateway), await connect(gateway, client_id=2)
    asked = asyncio.ensure_future(bars(first, "20 Y", "1 day"))
    answered = 0
    async with within(60):
        while not asked.done():
            await second.reqCurrentTimeAsync()
            answered += 1
    assert len(await asked) > 2500
    assert answered > 20  # each of them between two slices of the other's answer


@pytest.mark.parametrize(("duration", "size"), [("1 M", "1 min"), ("1 Y", "1 hour")])
async def test_what_is_asked_meanwhile_is_answered_afterwards_and_in_order(make_gateway, connect, duration, size):
    gateway = await make_gateway(rules=FREE, quotes_per_second=1.0)
    ib = await connect(gateway)
    kinds, interpret = [], ib.client.decoder.interpret
    ib.client.decoder.interpret = lambda fields: (kinds.append(fields[0]), interpret(fields))
    async with within(60):
        long = asyncio.ensure_future(bars(ib, duration, size))
        await asyncio.sleep(0)  # it is asked as soon as the task runs
        chain, now = await asyncio.gather(ib.reqContractDetailsAsync(CHAIN), ib.reqCurrentTimeAsync())
        await bars(ib, "5 D", "1 day")
    assert len(await long) > 3000
    assert now
    assert len(chain) > 200
    asked = [kind for kind in kinds if kind in ("17", "10", "52", "49")]
    assert asked == ["17", *["10"] * len(chain), "52", "49", "17"]


async def test_a_client_that_leaves_takes_its_questions_with_it(make_gateway, connect):
    gateway = await make_gateway(rules=FREE, quotes_per_second=1.0)
    ib, other = await connect(gateway), await connect(gateway, client_id=2)
    asked = asyncio.ensure_future(bars(ib, "20 Y", "1 day"))
    await other.reqCurrentTimeAsync()
    ib.disconnect()
    async with within():
        while 1 in gateway._hall.sessions:
            await other.reqCurrentTimeAsync()
    again = await connect(gateway)
    assert len(await bars(again, "5 D", "1 day")) == 5
    assert gateway.counters["faults"] == 0
    asked.cancel()


def message(*fields):
    payload = "".join(f"{field}\0" for field in fields).encode()
    return len(payload).to_bytes(4, "big") + payload


@pytest.mark.parametrize(("duration", "size"), [("20 Y", "1 day"), ("1 Y", "1 hour"), ("1 M", "1 min"), ("1 D", "5 secs")])
async def test_the_loop_has_its_turn_all_the_time(make_gateway, duration, size):
    gateway = await make_gateway(rules=FREE, quotes_per_second=1.0)
    reader, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
    versions = b"v100..176"
    writer.write(b"API\0" + len(versions).to_bytes(4, "big") + versions)
    writer.write(message(71, 2, 77, ""))
    contract = (265598, "AAPL", "STK", "", 0, "", "", "SMART", "", "USD", "", "")
    writer.write(message(20, 1, *contract, 0, "", size, duration, 0, "TRADES", 1, 0, ""))
    turns = Turns()
    watch = asyncio.ensure_future(turns.watch())
    async with within(60):
        kind = b""
        while kind != b"17":
            kind = (await reader.readexactly(int.from_bytes(await reader.readexactly(4), "big"))).partition(b"\0")[0]
    watch.cancel()
    writer.close()
    assert turns.count > 10  # in one piece it comes round a few times


@pytest.mark.parametrize("version", [157, 163, 166, 170, 176, 177, 178])
def test_a_reply_that_is_encoded_in_slices_is_the_same(version):
    moment = replies.Moment(1_780_671_600_000_000_000, "US/Eastern")
    bar = replies.Bar(moment, 270.01, 270.5, 269.9, 270.25, 1234.0, 270.123, 55)
    reply = replies.HistoricalData(7, moment, moment, [bar] * 4500)
    assert is_long(reply)
    slices = []

    def encode(codec):
        slices.append((yield from encode_in_slices(codec, reply)))

    assert len(list(encode(Codec(version)))) == 3
    assert slices == [Codec(version).encode(reply)]
