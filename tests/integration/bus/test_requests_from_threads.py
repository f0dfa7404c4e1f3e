import asyncio
import threading

import pytest

from atlas.bus import BlockingRequester, market
from atlas.domain import Unavailable, UnknownInstrument

ANSWER = market.Instruments([])
ASK = market.InstrumentsRequest([])


async def in_thread(work, *arguments):
    return await asyncio.wait_for(asyncio.to_thread(work, *arguments), 30)


async def test_a_thread_asks_and_waits(serve, requester_of):
    def handle(body, _):
        if isinstance(body, market.Greet):
            raise UnknownInstrument(body.id)
        return ANSWER

    requester = requester_of(serve(handle), BlockingRequester)
    assert await in_thread(requester.ask, ASK, 5) == ANSWER
    with pytest.raises(UnknownInstrument, match="x"):
        await in_thread(requester.ask, market.Greet("x"), 5)
    assert await in_thread(requester.ask, ASK, 5) == ANSWER


async def test_a_thread_posts_and_polls(serve, requester_of):
    requester = requester_of(serve(lambda *_: ANSWER), BlockingRequester)

    def work():
        requester.ask(ASK, 5)
        first, second = requester.post(ASK), requester.post(ASK)
        settled = {}
        while len(settled) < 2:
            requester.socket.poll(1_000)
            settled.update(requester.receive())
        return settled == {first: ANSWER, second: ANSWER}

    assert await in_thread(work)


async def test_what_was_posted_before_is_not_lost_while_a_thread_asks(serve, requester_of):
    requester = requester_of(serve(lambda *_: ANSWER), BlockingRequester)

    def work():
        requester.ask(ASK, 5)
        posted = requester.post(ASK)
        requester.ask(ASK, 5)
        settled = requester.receive()
        while not settled:
            requester.socket.poll(1_000)
            settled = requester.receive()
        return settled == [(posted, ANSWER)]

    assert await in_thread(work)


async def test_nothing_is_posted_to_who_is_not_there(serve, requester_of):
    server = serve(lambda *_: ANSWER)
    server.bus.close()
    requester = requester_of(server, BlockingRequester)
    with pytest.raises(Unavailable, match="nothing was sent"):
        requester.post(ASK)
    with pytest.raises(Unavailable, match="nothing was sent"):
        await in_thread(requester.ask, ASK, 0.2)


async def test_a_posted_request_without_an_answer_comes_back_as_unknown(serve, requester_of):
    async def never(*_):
        await asyncio.Event().wait()

    requester = requester_of(serve(never), BlockingRequester)

    def work():
        with pytest.raises(Unavailable, match="its outcome is unknown"):
            requester.ask(ASK, 0.5)
        number = requester.post(ASK, timeout_seconds=0.1)
        while not (settled := requester.receive()):
            requester.socket.poll(20)
        [(settled_number, error)] = settled
        assert settled_number == number
        assert isinstance(error, Unavailable)
        return True

    assert await in_thread(work)


async def test_a_thread_learns_that_the_connection_broke_and_finds_the_server_again(serve, requester_of):
    started = threading.Event()

    async def never(*_):
        started.set()
        await asyncio.Event().wait()

    server = serve(never)
    requester = requester_of(server, BlockingRequester)
    asking = asyncio.create_task(in_thread(requester.ask, ASK, 20))
    await in_thread(started.wait, 5)
    server.bus.close()
    with pytest.raises(Unavailable, match="broke before it answered"):
        await asking
    serve(lambda *_: ANSWER, endpoint=server.endpoint)
    assert await in_thread(requester.ask, ASK, 10) == ANSWER
