"""Turns at the socket writer: never more than the limit in any second, orders first, and fair among equals."""

import asyncio
import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.virtual_loop import VirtualLoop

from atlas.ib.limiter import Limiter, Priority


class Writer:
    """Writes messages in turns, and keeps when and what."""

    def __init__(self, limit: int) -> None:
        self.limiter = Limiter(limit)
        self.written: list[tuple[float, str]] = []

    async def write(self, name: str, priority: Priority = Priority.DATA) -> None:
        await self.limiter.turn(priority)
        self.put(name)

    def put(self, name: str) -> None:
        self.limiter.written()
        self.written.append((asyncio.get_running_loop().time(), name))

    @property
    def names(self) -> list[str]:
        return [name for _, name in self.written]

    def most_in_a_second(self) -> int:
        times = [time for time, _ in self.written]
        return max(sum(1 for other in times if time <= other < time + 1.0) for time in times)


@pytest.fixture
def loop():
    made = VirtualLoop()
    yield made
    made.end([])


def queue(writer: Writer, count: int, priority: Priority = Priority.DATA) -> list["asyncio.Task[None]"]:
    return [asyncio.create_task(writer.write(f"{priority.name} {number}", priority)) for number in range(count)]


def test_a_burst_within_the_limit_is_not_held_up(loop):
    async def burst():
        writer = Writer(45)
        await asyncio.gather(*queue(writer, 45, Priority.ORDER))
        return writer

    assert {time for time, _ in loop.run(burst()).written} == {0.0}


def test_no_second_sees_more_than_the_limit(loop):
    async def flood():
        writer = Writer(45)
        await asyncio.gather(*queue(writer, 200))
        return writer

    writer = loop.run(flood())
    assert writer.most_in_a_second() == 45
    assert writer.written[-1][0] == pytest.approx(4.0)
    assert writer.names == [f"DATA {number}" for number in range(200)], "and of equals the first is the first"


def test_with_two_hundred_requests_waiting_an_order_leaves_next(loop):
    async def flood():
        writer = Writer(45)
        requests = queue(writer, 200)
        await asyncio.sleep(0.5)
        assert len(writer.written) == 45
        assert writer.limiter.waiting == 155
        await asyncio.gather(writer.write("probe", Priority.PROBE), writer.write("order", Priority.ORDER))
        await asyncio.gather(*requests)
        return writer

    assert loop.run(flood()).names[45:48] == ["order", "probe", "DATA 45"]


def test_what_is_written_without_a_turn_is_spent_all_the_same(loop):
    async def connect():
        writer = Writer(10)
        for number in range(14):
            writer.put(f"greeting {number}")
        await asyncio.gather(*queue(writer, 10))
        return writer

    writer = loop.run(connect())
    assert writer.written[14][0] == pytest.approx(1.0)
    assert writer.most_in_a_second() == 14, "which were there at once; nothing more came in their second"


def test_turns_of_a_connection_that_broke_stand_for_nothing(loop):
    async def scenario():
        limiter = Limiter(2)
        await limiter.turn()
        await limiter.turn()
        limiter.forget_turns()
        await asyncio.sleep(1)
        limiter.written()
        limiter.written()
        late = asyncio.create_task(limiter.turn())
        await asyncio.sleep(0.5)
        assert not late.done()
        await late

    loop.run(scenario())
    assert loop.time() == pytest.approx(2.0)


def test_who_gives_up_waiting_holds_nobody_up(loop):
    async def scenario():
        writer = Writer(1)
        await writer.write("first")
        given_up, stays = asyncio.create_task(writer.write("given up")), asyncio.create_task(writer.write("stays"))
        await asyncio.sleep(0.1)
        given_up.cancel()
        await stays
        return writer

    writer = loop.run(scenario())
    assert writer.names == ["first", "stays"]
    assert writer.written[-1][0] == pytest.approx(1.0)


def test_who_gives_up_in_the_moment_of_its_turn_passes_it_on(loop):
    async def scenario():
        writer = Writer(1)
        await writer.write("first")
        given_up, stays = asyncio.create_task(writer.write("given up")), asyncio.create_task(writer.write("stays"))
        await asyncio.sleep(0.1)
        asyncio.get_running_loop().call_at(1.0, given_up.cancel)  # after the limiter's own timer of that moment
        await stays
        return writer

    assert loop.run(scenario()).written[-1] == (pytest.approx(1.0), "stays")


def test_no_limit_makes_nobody_wait(loop):
    async def scenario():
        writer = Writer(0)
        await asyncio.gather(*queue(writer, 1000))
        return writer

    assert len(loop.run(scenario()).written) == 1000
    assert loop.time() == 0.0


ARRIVALS = st.lists(st.tuples(st.floats(0, 3), st.sampled_from(list(Priority))), max_size=60)


@settings(max_examples=60, deadline=None)
@given(ARRIVALS, st.integers(1, 7))
def test_however_they_come_all_get_their_turn_and_nobody_overtakes_a_better_one(arrivals, limit):
    loop = VirtualLoop()

    async def one(writer: Writer, number: int, at: float, priority: Priority) -> None:
        await asyncio.sleep(at)
        await writer.write(f"{number}", priority)

    async def scenario() -> Writer:
        writer = Writer(limit)
        await asyncio.gather(*(one(writer, number, *arrival) for number, arrival in enumerate(arrivals)))
        return writer

    writer = loop.run(scenario())
    loop.end([])
    assert sorted(writer.names, key=int) == [str(number) for number in range(len(arrivals))]
    if arrivals:
        assert writer.most_in_a_second() <= limit
    for (time, first), (then, second) in itertools.pairwise(writer.written):
        (_, before), (came, after) = arrivals[int(first)], arrivals[int(second)]
        assert before <= after or came >= time or then == time, "who goes first and is there is not made to wait"
