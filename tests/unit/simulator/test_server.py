"""The server's shell on real sockets: who may speak, who is hung up on, and that nobody else notices."""

import asyncio
import os
import resource
import signal
import socket
import sys

import pytest

from atlas.domain import BadInput, Unavailable
from ib_gateway.simulator import SimulatedGateway, SimulatorOptions, instruments_of_recording, serve
from ib_gateway.simulator.__main__ import main

GREETING = b"API\0\0\0\0\x09v157..176"
START = ("71", "2", "1", "")


def message(*fields):
    body = "".join(f"{field}\0" for field in fields).encode()
    return len(body).to_bytes(4, "big") + body


class Peer:
    """A raw client."""

    def __init__(self, reader, writer):
        self.reader, self.writer = reader, writer

    async def next(self):
        """The fields of the next message; None when the gateway has hung up."""
        try:
            async with asyncio.timeout(5):
                length = int.from_bytes(await self.reader.readexactly(4), "big")
                return (await self.reader.readexactly(length)).decode().split("\0")[:-1]
        except (asyncio.IncompleteReadError, ConnectionError):
            return None

    async def until(self, message_id):
        """The next message with an id; what comes before it is passed over."""
        while (fields := await self.next()) is not None and fields[0] != message_id:
            pass
        return fields

    async def is_hung_up_on(self):
        while await self.next() is not None:
            pass
        return True

    async def asks_for_the_time(self):
        self.writer.write(message(49, 1))
        return await self.until("49")


@pytest.fixture
async def gateway():
    async with SimulatedGateway(SimulatorOptions(port=0, handshake_seconds=2.0)) as gateway:
        yield gateway


@pytest.fixture
async def dial(gateway):
    """Opens raw connections."""
    writers = []

    async def dial(first=b""):
        reader, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
        writers.append(writer)
        writer.write(first)
        return Peer(reader, writer)

    yield dial
    for writer in writers:
        writer.close()


@pytest.fixture
async def client(dial):
    """A client that has started the API."""
    peer = await dial(GREETING + message(*START))
    await peer.until("9")
    return peer


async def test_nothing_is_said_between_the_handshake_and_the_start_of_the_api(dial):
    peer = await dial(GREETING)
    version, time = await peer.next()
    assert version == "176"
    assert time.endswith(" UTC")
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.1):
            await peer.reader.read(1)
    peer.writer.write(message(*START))
    assert [(await peer.next())[0] for _ in range(5)] == ["15", "9", "4", "4", "4"]


@pytest.mark.parametrize(
    ("first", "kind"),
    [
        (b"GET / HTTP/1.1\r\n\r\n", "no_api_client"),
        (b"\x00" * 64, "no_api_client"),
        (bytes(range(255, 127, -1)) * 20, "no_api_client"),
        (b"API\0\0\0\0\x09v100..156", "version"),
        (b"API\0\xff\xff\xff\xff", "oversized_frame"),
        (GREETING + (0xFFFFFF + 1).to_bytes(4, "big"), "oversized_frame"),
        (GREETING + (0xFFFFFF).to_bytes(4, "big") + b"x" * 5000, "oversized_frame"),
        (GREETING + message("61", "1"), "not_started"),
        (GREETING + message("no number"), "malformed"),
        (GREETING, "silent"),
        (b"", "silent"),
        (b"API\0\0\0", "silent"),
    ],
)
async def test_a_peer_that_is_no_client_is_hung_up_on_and_the_others_notice_nothing(gateway, dial, client, capsys, first, kind):
    peer = await dial(first)
    assert await peer.is_hung_up_on()
    assert gateway.counters[kind] == 1
    assert capsys.readouterr().out.count("bad client") == 1
    assert await client.asks_for_the_time()


@pytest.mark.parametrize(
    ("wrong", "req_id", "code"),
    [
        (("3", "17"), "17", "320"),
        (("97", "12", "0", "EUR"), "12", "320"),
        (("no number",), "-1", "320"),
        (("12345",), "-1", "321"),
    ],
)
async def test_a_message_that_cannot_be_read_is_answered_and_the_connection_lives(gateway, client, capsys, wrong, req_id, code):
    for _ in range(3):
        client.writer.write(message(*wrong))
        error = await client.until("4")
        while error[3].startswith("21"):
            error = await client.until("4")
        assert error[2:4] == [req_id, code]
    assert gateway.counters["malformed"] + gateway.counters["unknown_message"] == 3
    assert capsys.readouterr().out.count("bad client") == 1
    assert await client.asks_for_the_time()


@pytest.mark.parametrize(
    "huge", [b"\0" * 0xFFFFFF, b"3\0" + b"\0" * 0xFFFFF0, b"22\0-1\0" + b"x\0" * 0x7FFFF0, b"\xff" * 0xFFFFFE + b"\0"]
)
async def test_a_message_of_16_mib_ends_its_connection_and_holds_nobody_up(gateway, dial, client, huge):
    peer = await dial(GREETING + message("71", "2", "2", ""))
    await peer.until("9")
    peer.writer.write(len(huge).to_bytes(4, "big") + huge[:5000])
    while (error := await peer.until("4"))[3].startswith("21"):
        pass
    assert error[3] == "320"
    assert "at most 1048576 are allowed" in error[4]
    peer.writer.write(huge[5000:])
    assert await peer.is_hung_up_on()
    assert gateway.counters["oversized_frame"] == 1
    assert await client.asks_for_the_time()
    assert not any(session._reader.pending for session in gateway._hall.connections)


async def test_a_fault_of_our_own_is_logged_and_answered_and_nobody_is_cut_off(gateway, client, capsys, monkeypatch):
    def fail(*_):
        raise ZeroDivisionError

    monkeypatch.setattr(gateway._broker, "answer", fail)
    client.writer.write(message(61, 1))
    error = await client.until("4")
    while error[3].startswith("21"):
        error = await client.until("4")
    assert error[3] == "320"
    monkeypatch.undo()
    assert gateway.counters["faults"] == 1
    assert "ZeroDivisionError" in capsys.readouterr().out
    assert await client.asks_for_the_time()


async def test_a_gateway_whose_market_fails_ends_instead_of_standing_still(monkeypatch):
    def fail(*_):
        raise RuntimeError("no more prices")

    monkeypatch.setattr("ib_gateway.simulator.market.synthetic.SyntheticMarket.take", fail)
    with pytest.raises(RuntimeError, match="no more prices"):
        async with asyncio.timeout(5):
            await serve(SimulatorOptions(port=0))


async def test_an_unfinished_frame_is_waited_for(client):
    whole = message(49, 1)
    client.writer.write(whole[:3])
    await client.writer.drain()
    await asyncio.sleep(0)
    client.writer.write(whole[3:])
    assert await client.until("49")


async def test_five_hundred_clients_at_once_each_get_their_answer(dial):
    async def one(number):
        peer = await dial(GREETING + message("71", "2", str(number), ""))
        await peer.until("9")
        return await peer.asks_for_the_time()

    async with asyncio.timeout(60):
        assert all(await asyncio.gather(*(one(number) for number in range(500))))


async def test_a_client_that_is_cut_off_in_the_middle_leaves_its_id_free(dial, client):
    client.writer.transport.abort()
    while True:
        peer = await dial(GREETING + message(*START))
        if await peer.until("9"):
            break


async def test_a_taken_port_is_named_with_what_to_do(gateway):
    with pytest.raises(Unavailable, match=f"port {gateway.port} is in use; .* --port"):
        await serve(SimulatorOptions(port=gateway.port))


async def test_a_recording_plays_only_when_somebody_has_subscribed_to_it(tmp_path):
    path = tmp_path / "ticks.csv"
    lines = "".join(f"{1_780_671_600_000_000_000 + n},EUR.USD@IDEALPRO,1.16,1.1601,,\n" for n in range(1000))
    path.write_text("time,instrument,bid,ask,bid_size,ask_size\n" + lines)
    options = SimulatorOptions(port=0, recording=path, speed=0.0, play_after_seconds=0.0)
    async with SimulatedGateway(options) as gateway:
        reader, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
        peer = Peer(reader, writer)
        writer.write(GREETING + message(*START))
        await peer.until("9")
        writer.write(message(1, 11, 5, 265598, *[""] * 3, "0.0", *[""] * 7, 0, "", 0, 0, ""))
        assert await peer.asks_for_the_time()
        assert not gateway.feed.started
        writer.write(message(97, 6, 12087792, *[""] * 3, "0.0", *[""] * 7, "BidAsk", 0, 0))
        ticks = 0
        while ticks < 1000:
            ticks += (await peer.next())[0] == "99"
        await gateway.feed.wait_finished()
        assert gateway.feed.quotes_played == 1000
        writer.close()


async def test_a_reader_that_stands_still_holds_a_recording_at_speed_zero(tmp_path):
    path = tmp_path / "ticks.csv"
    count = 200_000
    with path.open("w") as stream:
        stream.write("time,instrument,bid,ask,bid_size,ask_size\n")
        stream.writelines(f"{n},EUR.USD@IDEALPRO,1.16,1.1601,,\n" for n in range(count))
    options = SimulatorOptions(port=0, recording=path, speed=0.0, play_after_seconds=0.0)
    async with SimulatedGateway(options) as gateway:
        peer = Peer(*await asyncio.open_connection("127.0.0.1", gateway.port, limit=4096))
        peer.writer.write(GREETING + message(*START))
        await peer.until("9")
        peer.writer.write(message(97, 6, 12087792, *[""] * 3, "0.0", *[""] * 7, "BidAsk", 0, 0))
        await peer.until("99")
        stood = -1
        while gateway.feed.quotes_played != stood:
            stood = gateway.feed.quotes_played
            await asyncio.sleep(0.2)  # nothing can tell that nothing more will happen
        assert 0 < stood < count
        for _ in range(count - 1):
            assert (await peer.next())[0] == "99"
        assert gateway.feed.quotes_played == count
        peer.writer.close()


async def test_closing_does_not_wait_for_a_peer_that_does_not_read():
    async with asyncio.timeout(60):  # small buffers are soon full, however slow the machine is; without an end it would wait
        async with SimulatedGateway(SimulatorOptions(port=0, quotes_per_second=200.0, hours="always")) as gateway:
            narrow = socket.socket()
            narrow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            narrow.setblocking(False)
            await asyncio.get_running_loop().sock_connect(narrow, ("127.0.0.1", gateway.port))
            reader, writer = await asyncio.open_connection(sock=narrow, limit=1024)
            writer.write(GREETING + message(*START))
            for number, con_id in enumerate((12087792, 12087797, 15016059, 39453441)):
                writer.write(message(97, number, con_id, *[""] * 3, "0.0", *[""] * 7, "BidAsk", 0, 0))
            session = next(iter(gateway._hall.connections))
            session._transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 8192)
            await reader.readexactly(1024)
            while not session._transport.get_write_buffer_size():  # noqa: ASYNC110 - nothing tells
                await asyncio.sleep(0.01)
        writer.close()


# The command


def test_the_command_says_in_one_line_what_is_wrong_and_exits_2(tmp_path, capsys):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        for arguments, words in [
            (["--port", str(taken.getsockname()[1])], "is in use"),
            (["--recording", str(tmp_path / "none.csv")], "cannot be read"),
            (["--instruments", str(tmp_path / "none.yaml")], "cannot be read"),
            (["--accounts", "DU1,DU1"], "must be one or more different names"),
            (["--speed", "-1"], "speed -1.0 must be 0 or more"),
            (["--port", "70000"], "is not a port"),
            (["--quotes-per-second", "0"], "quotes per second"),
        ]:
            assert main(["--port", "0", *arguments]) == 2
            error = capsys.readouterr().err
            assert words in error
            assert error.count("\n") == 1


@pytest.mark.parametrize("accounts", [(), ("DU1", "DU1"), ("",), ("DU 1",), ("DU1|",)])
def test_accounts_are_distinct_names(accounts):
    with pytest.raises(BadInput, match="account"):
        SimulatorOptions(accounts=accounts)


async def test_killed_at_once_and_started_again_the_command_has_the_same_books(tmp_path):
    state = tmp_path / "gateway.state"

    async def start():
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "ib_gateway.simulator", "--port", "0", "--state", str(state), stdout=asyncio.subprocess.PIPE
        )
        while not (line := await asyncio.wait_for(process.stdout.readline(), 20)).startswith(b"listening"):
            assert line
        peer = Peer(*await asyncio.open_connection("127.0.0.1", int(line.split()[-1])))
        peer.writer.write(GREETING + message(*START))
        return process, peer

    process, peer = await start()
    first_id = (await peer.until("9"))[2]
    peer.writer.write(message(97, 6, 12087792, *[""] * 3, "0.0", *[""] * 7, "BidAsk", 0, 0))
    await peer.until("99")
    peer.writer.write(placed(1, "MKT") + placed(2, "LMT", 0.5))
    execution = await peer.until("11")
    while (status := await peer.until("3"))[1] != "2":
        pass
    os.kill(process.pid, signal.SIGKILL)
    await process.wait()
    peer.writer.close()

    process, peer = await start()
    assert (first_id, (await peer.until("9"))[2]) == ("1", "3")
    peer.writer.write(message(7, 3, 4, 0, *[""] * 6) + message(5, 1) + message(61, 1))
    assert (await peer.until("11"))[14] == execution[14]
    order = await peer.until("5")
    assert (order[1], order[25]) == ("2", status[6])
    position = await peer.until("61")
    assert position[-2] == "20000"
    process.terminate()
    assert await asyncio.wait_for(process.wait(), 5) == 0
    peer.writer.close()


async def test_a_full_disk_ends_the_command_with_one_line_and_nothing_that_was_told_is_lost(tmp_path):
    state = tmp_path / "gateway.state"

    async def start(*, most_bytes):
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "ib_gateway.simulator", "--port", "0", "--state", str(state), "--hours", "always"),
            *("--rules", "none"),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (most_bytes, most_bytes)),
        )
        while not (line := await asyncio.wait_for(process.stdout.readline(), 20)).startswith(b"listening"):
            assert line
        peer = Peer(*await asyncio.open_connection("127.0.0.1", int(line.split()[-1])))
        peer.writer.write(GREETING + message(*START) + message(97, 6, 12087792, *[""] * 3, "0.0", *[""] * 7, "BidAsk", 0, 0))
        await peer.until("99")
        return process, peer

    process, peer = await start(most_bytes=60_000)
    told, statuses = set(), {}
    for number in range(1, 500):
        peer.writer.write(placed(number, *(("MKT",) if number % 2 else ("LMT", 0.5))))
        while (fields := await peer.next()) and fields[0] != "3":
            if fields[0] == "11":
                told.add(fields[14])
        if not fields:
            break
        statuses[fields[1]] = fields[2]
    peer.writer.close()
    out, err = await asyncio.wait_for(process.communicate(), 20)
    assert process.returncode == 1
    assert err.decode().count("\n") == 1
    assert f"the state file {state} cannot be written any more: File too large; make room" in err.decode()
    assert out.decode().count("state file failed") == 1
    assert out.decode().count("\n") == 1
    assert told
    assert statuses

    process, peer = await start(most_bytes=1_000_000)
    peer.writer.write(message(7, 3, 4, 0, *[""] * 6) + message(5, 1))
    found, orders = set(), set()
    while (fields := await peer.next())[0] != "53":
        if fields[0] == "11":
            found.add(fields[14])
        elif fields[0] == "5":
            orders.add(fields[1])
    assert told <= found
    assert {number for number in statuses if not int(number) % 2} <= orders
    process.terminate()
    assert await asyncio.wait_for(process.wait(), 5) == 0
    peer.writer.close()


def placed(order_id, kind, limit=""):
    """A placeOrder message for 20000 EUR.USD with every optional field unset."""
    from ib_gateway.simulator.codec.layout import compile_writer
    from ib_gateway.simulator.codec.tables.tickets import PLACE_ORDER
    from ib_gateway.simulator.messages import Contract, Ticket, requests

    ticket = Ticket(action="BUY", quantity=20_000.0, order_type=kind, limit_price=limit or None, time_in_force="GTC")
    text = compile_writer(PLACE_ORDER, 176)(requests.PlaceOrder(order_id, Contract(con_id=12087792), ticket))
    return message(*text.split("\0")[:-1])


def test_the_instruments_of_a_recording_can_be_asked_beforehand(tmp_path):
    path = tmp_path / "ticks.csv"
    path.write_text(
        "time,instrument,bid,ask,bid_size,ask_size\n1,AAPL@SMART,1,2,,\n2,EUR.USD@IDEALPRO,1,2,,\n3,AAPL@SMART,1,2,,\n"
    )
    assert instruments_of_recording(path) == ("AAPL@SMART", "EUR.USD@IDEALPRO")


async def test_who_serves_is_told_the_port():
    told = asyncio.get_running_loop().create_future()
    task = asyncio.create_task(serve(SimulatorOptions(port=0), ready=told.set_result))
    reader, writer = await asyncio.open_connection("127.0.0.1", await asyncio.wait_for(told, 10))
    writer.write(GREETING)
    assert (await Peer(reader, writer).next())[0] == "176"
    writer.close()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    with pytest.raises(ConnectionError):
        await asyncio.open_connection("127.0.0.1", told.result())
