"""The event loop and the network on which models run behave as those of the machine, but for time."""

import asyncio

import pytest
from support.memory_network import Network
from support.virtual_loop import Process, Stuck, VirtualLoop


@pytest.fixture
def loop():
    made = VirtualLoop()
    Network(made)
    yield made
    if not made.is_closed():
        made.end([])


def test_a_day_passes_at_once_and_timers_keep_their_order(loop):
    heard = []

    async def day():
        loop.call_later(3600, heard.append, "hour")
        loop.call_later(0.5, heard.append, "half a second")
        await asyncio.sleep(86_400)

    loop.run(day())
    assert loop.time() == pytest.approx(86_400)
    assert heard == ["half a second", "hour"]


def test_what_waits_for_nothing_is_found_out(loop):
    with pytest.raises(Stuck):
        loop.run(asyncio.Event().wait())


def test_a_killed_process_does_nothing_any_more_not_even_clean_up(loop):
    heard, process = [], Process("one")

    async def work():
        try:
            for number in range(10):
                heard.append(number)
                await asyncio.sleep(1)
        finally:
            heard.append("cleaned up")

    async def kill_it():
        loop.spawn(process, work())
        await asyncio.sleep(2.5)
        process.kill()
        await asyncio.sleep(100)

    loop.run(kill_it())
    assert heard == [0, 1, 2]
    loop.end([process])
    assert heard == [0, 1, 2, "cleaned up"]  # when the world is over


def test_what_a_killed_process_started_dies_with_it_and_others_live(loop):
    heard, process = [], Process("one")

    async def child():
        await asyncio.sleep(1)
        heard.append("child")

    async def parent():
        loop.call_later(1, heard.append, "timer")
        _keep.append(asyncio.create_task(child()))
        await asyncio.sleep(10)

    async def other():
        await asyncio.sleep(1)
        heard.append("other")

    _keep = []

    async def kill_it():
        loop.spawn(process, parent())
        task = asyncio.create_task(other())
        await asyncio.sleep(0.5)
        process.kill()
        await task

    loop.run(kill_it())
    assert heard == ["other"]
    loop.end([process])


def test_work_of_a_thread_is_done_a_moment_later(loop):
    async def work():
        return await asyncio.to_thread(lambda: 7)

    assert loop.run(work()) == 7
    assert loop.time() > 0


async def _echo(reader, writer):
    while data := await reader.read(100):
        writer.write(data.upper())
    writer.close()


async def _serve():
    server = await asyncio.start_server(_echo, "127.0.0.1", 0)
    return server.sockets[0].getsockname()[1]


def test_streams_carry_bytes_in_order_both_ways_and_end(loop):
    async def talk():
        reader, writer = await asyncio.open_connection("127.0.0.1", await _serve())
        writer.write(b"one ")
        writer.write(b"two")
        writer.write_eof()
        heard = await reader.read()
        writer.close()
        return heard

    assert loop.run(talk()) == b"ONE TWO"


def test_nobody_listening_refuses(loop):
    with pytest.raises(ConnectionRefusedError):
        loop.run(asyncio.open_connection("127.0.0.1", 9))


def test_a_partition_holds_bytes_back_and_healing_delivers_them(loop):
    async def talk():
        reader, writer = await asyncio.open_connection("127.0.0.1", await _serve())
        loop.network.partition()
        writer.write(b"late")
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(reader.read(4), 60)
        loop.network.heal()
        heard = await reader.read(4)
        writer.close()
        return heard

    assert loop.run(talk()) == b"LATE"


def test_a_reset_is_heard_on_both_sides(loop):
    async def talk():
        sides = []

        async def hear(reader, writer):
            sides.append(writer)
            with pytest.raises(ConnectionResetError):
                await reader.read(1)
            sides.append("far")

        server = await asyncio.start_server(hear, "127.0.0.1", 0)
        reader, writer = await asyncio.open_connection("127.0.0.1", server.sockets[0].getsockname()[1])
        await asyncio.sleep(1)
        loop.network.reset()
        with pytest.raises(ConnectionResetError):
            await reader.read(1)
        await asyncio.sleep(1)
        return sides[1:], writer.is_closing()

    assert loop.run(talk()) == (["far"], True)


def test_what_a_process_wrote_before_it_was_killed_still_arrives(loop):
    heard, process = [], Process("client")
    process.on_death.append(lambda: loop.network.hang_up_of(process))

    async def hear(reader, writer):
        heard.append(await reader.read())
        writer.close()

    async def client(port):
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"last words")
        process.kill()

    async def kill_it():
        server = await asyncio.start_server(hear, "127.0.0.1", 0)
        loop.spawn(process, client(server.sockets[0].getsockname()[1]))
        await asyncio.sleep(1)

    loop.run(kill_it())
    assert heard == [b"last words"]
    loop.end([process])


def test_a_writer_whose_reader_pauses_is_held_up(loop):
    async def pour():
        taken = asyncio.Event()

        async def read_late(reader, writer):
            await asyncio.sleep(100)
            while await reader.read(1 << 20):
                pass
            taken.set()
            writer.close()

        server = await asyncio.start_server(read_late, "127.0.0.1", 0)
        _, writer = await asyncio.open_connection("127.0.0.1", server.sockets[0].getsockname()[1])
        for _ in range(20):
            writer.write(b"x" * 100_000)
            await writer.drain()
        waited = loop.time()
        writer.close()
        await taken.wait()
        return waited

    assert loop.run(pour()) > 99
