import asyncio

import pytest
import zmq
from structlog.testing import capture_logs
from support.bus_peers import ENCODE

from atlas.bus import Requester, RequestServer, control, market
from atlas.domain import NS_PER_SECOND, AtlasError, BadInput, ManualClock, Refused, Unavailable, UnknownInstrument

LOCAL = "tcp://127.0.0.1:0"

with_curve = pytest.mark.parametrize("keys", [True], indirect=True, ids=["CURVE"])
ANSWER = market.Instruments([])
ASK = market.InstrumentsRequest([])


async def test_a_request_is_answered_and_the_handler_knows_who_asked(serve, requester_of, keys):
    seen = []
    requester = requester_of(serve(lambda body, peer: seen.append((body, peer)) or ANSWER))
    assert await requester.ask(ASK, 5) == ANSWER
    assert seen == [(ASK, "strategy" if keys.curve else "127.0.0.1")]


@pytest.mark.parametrize("name", ["\ud800", 10**26], ids=["no character", "too large"])
async def test_what_no_message_can_hold_is_bad_input_and_the_next_request_is_answered(serve, requester_of, name):
    requester = requester_of(serve(lambda _body, _peer: ANSWER))
    with pytest.raises(BadInput, match="the request Greet cannot be sent"):
        await requester.ask(market.Greet(name), 5)
    with pytest.raises(BadInput, match="the request InstrumentsRequest cannot be sent"):
        await requester.ask(ASK, 5, "\ud800")
    assert await requester.ask(ASK, 5) == ANSWER


async def test_requests_start_in_order_and_end_in_any(serve, requester_of):
    started, ended, gates = [], [], {name: asyncio.Event() for name in "abc"}
    before = {"c": "b", "b": "a"}

    async def handle(body, _):
        started.append(body.id)
        await gates[body.id].wait()
        return market.Done()

    async def ask(name):
        await requester.ask(market.Greet(name), 10)
        ended.append(name)
        if name in before:
            gates[before[name]].set()

    requester = requester_of(serve(handle))
    tasks = [asyncio.create_task(ask(name)) for name in "abc"]
    gates["c"].set()
    await asyncio.gather(*tasks)
    assert started == ["a", "b", "c"]
    assert ended == ["c", "b", "a"]


async def test_many_requests_at_once_each_get_their_own_answer(serve, requester_of):
    async def handle(body, _):
        await asyncio.sleep(0)
        raise UnknownInstrument(body.id)

    requester = requester_of(serve(handle))
    asked = [requester.ask(market.Greet(str(n)), 30) for n in range(2_000)]
    answers = await asyncio.gather(*asked, return_exceptions=True)
    assert [str(answer) for answer in answers] == [str(n) for n in range(2_000)]


@pytest.mark.parametrize("error", [UnknownInstrument("no X here; see the list"), BadInput("no"), Unavailable("later")])
async def test_an_error_of_ours_is_raised_where_it_was_asked(serve, requester_of, error):
    def handle(*_):
        raise error

    requester = requester_of(serve(handle))
    with pytest.raises(type(error)) as raised:
        await requester.ask(ASK, 5)
    assert type(raised.value) is type(error)
    assert str(raised.value) == str(error)


@pytest.mark.parametrize("late", [False, True], ids=["at once", "in a coroutine"])
async def test_a_defect_is_logged_once_here_and_told_without_details_there(serve, requester_of, late):
    def fail(*_):
        raise RuntimeError("password=hunter2")

    async def fail_late(*_):
        fail()

    server = serve(fail_late if late else fail)
    requester = requester_of(server)
    with capture_logs() as lines:
        for _ in range(3):
            with pytest.raises(AtlasError, match="internal error of watcher on InstrumentsRequest; see its log") as raised:
                await requester.ask(ASK, 5)
            assert "hunter2" not in str(raised.value)
    assert server.bus.faults["market requests", "internal_error"] == 3
    assert len([line for line in lines if line["kind"] == "internal_error"]) == 1
    assert "hunter2" in str(lines[0]["exc_info"])


@pytest.mark.parametrize(
    "answer", [None, object(), market.Snapshot(["x" * 9_000], [])], ids=["nothing", "no message", "too big"]
)
async def test_an_answer_that_cannot_be_sent_is_an_error_there_and_not_a_silence(serve, requester_of, answer):
    requester = requester_of(serve(lambda *_: answer, max_message_bytes=5_000))
    with pytest.raises(AtlasError, match=r"internal error of watcher.* see its log"):
        await requester.ask(ASK, 5)


async def test_a_message_that_is_no_request_here_is_refused_with_the_reason(serve, requester_of):
    server = serve(lambda *_: ANSWER)
    requester = requester_of(server)
    with pytest.raises(BadInput, match="cannot read the request: Invalid value 'stop'"):
        await requester.ask(control.Stop(), 5)
    assert server.bus.faults["market requests", "unknown_message"] == 1


async def test_the_same_key_is_carried_out_once_and_answered_the_same(serve, requester_of):
    calls = []

    async def handle(body, _):
        calls.append(body)
        await asyncio.sleep(0)
        return market.Snapshot([], []) if len(calls) == 1 else ANSWER

    requester = requester_of(serve(handle))
    together = await asyncio.gather(*[requester.ask(ASK, 5, key="k1") for _ in range(3)])
    assert [*together, await requester.ask(ASK, 5, key="k1")] == [market.Snapshot([], [])] * 4
    assert calls == [ASK]
    assert await requester.ask(ASK, 5, key="k2") == ANSWER
    assert len(calls) == 2


async def test_a_handler_whose_work_is_cancelled_is_a_defect_and_not_a_silence(serve, requester_of):
    async def handle(*_):
        work = asyncio.get_running_loop().create_future()
        work.cancel()
        await work

    server = serve(handle)
    requester = requester_of(server)
    for _ in range(2):
        with pytest.raises(AtlasError, match="internal error"):
            await requester.ask(ASK, 5, key="k")
    assert server.bus.faults["market requests", "internal_error"] == 2


async def test_a_key_that_failed_is_tried_again(serve, requester_of):
    outcomes = [Unavailable("the database is away"), ANSWER]

    def handle(*_):
        outcome = outcomes.pop(0)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    requester = requester_of(serve(handle))
    with pytest.raises(Unavailable, match="database"):
        await requester.ask(ASK, 5, key="k")
    assert await requester.ask(ASK, 5, key="k") == ANSWER


async def test_a_key_used_for_something_else_is_refused(serve, requester_of):
    requester = requester_of(serve(lambda *_: ANSWER))
    await requester.ask(ASK, 5, key="k")
    with pytest.raises(BadInput, match="the key k was used for another request"):
        await requester.ask(market.Greet("x"), 5, key="k")


async def test_who_is_not_there_is_told_in_bounded_time_and_nothing_is_sent(serve, requester_of):
    server = serve(lambda *_: ANSWER)
    server.bus.close()
    requester = requester_of(server)
    with pytest.raises(Unavailable, match=rf"watcher at {server.endpoint} is not there; nothing was sent") as raised:
        await requester.ask(ASK, 0.3)
    assert type(raised.value) is Unavailable


async def test_who_hung_up_in_the_handshake_and_is_gone_since_is_not_there(make_bus):
    listener = await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", 0)
    port = listener.sockets[0].getsockname()[1]
    bus = make_bus("strategy")
    if bus.keys is not None:
        make_bus("watcher")
    requester = Requester(bus, f"tcp://127.0.0.1:{port}", "watcher", market.Reply)
    with pytest.raises(Unavailable, match="no handshake succeeds"):
        await requester.ask(ASK, 0.5)
    listener.close()
    await listener.wait_closed()
    with pytest.raises(Unavailable, match="is not there; nothing was sent"):
        await requester.ask(ASK, 1)


async def test_a_request_given_up_is_not_delivered_when_the_server_comes_back(serve, requester_of):
    first = serve(lambda *_: ANSWER)
    requester = requester_of(first)
    assert await requester.ask(ASK, 5) == ANSWER
    first.bus.close()
    with pytest.raises(Unavailable):
        await requester.ask(market.Greet("never, either"), 0.1)
    for number in range(5):
        with pytest.raises(Unavailable, match="is not there; nothing was sent"):
            await requester.ask(market.Greet(f"never {number}"), 0.1)
    seen = []
    serve(lambda body, _: seen.append(body) or ANSWER, endpoint=first.endpoint)
    assert await requester.ask(ASK, 10) == ANSWER
    assert seen == [ASK]


async def test_a_request_made_while_the_server_restarts_is_sent_once_it_is_there(serve, requester_of):
    first = serve(lambda *_: ANSWER)
    requester = requester_of(first)
    await requester.ask(ASK, 5)
    first.bus.close()
    with pytest.raises(Unavailable):
        await requester.ask(ASK, 0.1)
    asking = asyncio.create_task(requester.ask(ASK, 20))
    await asyncio.sleep(0)
    serve(lambda *_: ANSWER, endpoint=first.endpoint)
    assert await asking == ANSWER


@pytest.mark.parametrize("attempt", range(5))
async def test_a_request_made_at_the_moment_the_server_dies_is_answered_or_given_up_at_once(serve, requester_of, attempt):
    first = serve(lambda *_: ANSWER)
    requester = requester_of(first)
    await requester.ask(ASK, 5)
    first.bus.close()
    await asyncio.sleep(attempt / 5_000)  # the moments at which a dying connection still looks alive
    asking = asyncio.create_task(requester.ask(ASK, 60))
    await asyncio.sleep(0)
    serve(lambda *_: ANSWER, endpoint=first.endpoint)
    [outcome] = await asyncio.gather(asyncio.wait_for(asking, 10), return_exceptions=True)
    assert outcome == ANSWER or "broke before it answered" in str(outcome)
    assert await requester.ask(ASK, 10) == ANSWER


async def test_an_answer_that_does_not_come_in_time_leaves_the_outcome_unknown_and_the_requester_working(serve, requester_of):
    gate = asyncio.Event()

    async def handle(body, _):
        if isinstance(body, market.Greet):
            await gate.wait()
        return ANSWER

    requester = requester_of(serve(handle))
    await requester.ask(ASK, 5)
    with pytest.raises(Unavailable, match="did not answer Greet in time; its outcome is unknown"):
        await requester.ask(market.Greet("slow"), 0.1)
    assert await requester.ask(ASK, 5) == ANSWER
    gate.set()
    await asyncio.to_thread(requester.bus.box.wait, "late_reply")
    assert await requester.ask(ASK, 5) == ANSWER


async def test_a_connection_that_breaks_under_a_request_is_told_at_once(serve, requester_of):
    started = asyncio.Event()

    async def handle(*_):
        started.set()
        await asyncio.Event().wait()

    server = serve(handle)
    requester = requester_of(server)
    asking = asyncio.create_task(requester.ask(ASK, 60))
    await asyncio.wait_for(started.wait(), 5)
    server.bus.close()
    with pytest.raises(Unavailable, match="broke before it answered InstrumentsRequest; its outcome is unknown"):
        await asyncio.wait_for(asking, 10)


async def test_a_request_that_comes_after_its_deadline_is_dropped(serve, requester_of):
    ahead = ManualClock(2**62)
    seen = []
    server = serve(lambda body, _: seen.append(body) or ANSWER, clock=ahead)
    requester = requester_of(server)
    with pytest.raises(Unavailable, match="its outcome is unknown"):
        await requester.ask(ASK, 0.3)
    assert seen == []
    assert server.bus.faults["market requests", "expired"] == 1
    ahead.set(NS_PER_SECOND)
    assert await requester.ask(ASK, 5) == ANSWER


@with_curve
async def test_a_refused_key_is_told_as_such_and_works_as_soon_as_it_is_let_in(serve, requester_of, tmp_path):
    server = serve(lambda *_: ANSWER)
    requester = requester_of(server)
    public = tmp_path / "public" / "strategy.key"
    kept = public.read_text()
    public.unlink()
    with pytest.raises(Refused, match=rf"watcher at {server.endpoint} refuses the key of strategy"):
        await requester.ask(ASK, 10)
    public.write_text(kept)
    async with asyncio.timeout(20):
        while True:
            try:
                assert await requester.ask(ASK, 5) == ANSWER
                break
            except Refused:
                await asyncio.sleep(0.1)


@with_curve
async def test_a_server_with_another_key_than_expected_is_told_as_such(serve, requester_of, tmp_path):
    server = serve(lambda *_: ANSWER)
    public = tmp_path / "public" / "watcher.key"
    public.write_text(f'curve\n    public-key = "{zmq.curve_keypair()[0].decode()}"\n')
    requester = requester_of(server)
    with pytest.raises(
        Unavailable, match=r"no handshake succeeds; see that it is watcher, .* and that its public key is the one"
    ):
        await requester.ask(ASK, 1)


async def test_a_caller_that_gives_up_hurts_nobody(serve, requester_of):
    gate, started = asyncio.Event(), asyncio.Event()

    async def handle(body, _):
        if isinstance(body, market.Greet):
            started.set()
            await gate.wait()
        return ANSWER

    requester = requester_of(serve(handle))
    asking = asyncio.create_task(requester.ask(market.Greet("x"), 60))
    await started.wait()
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    gate.set()
    assert await requester.ask(ASK, 5) == ANSWER


async def test_the_answer_to_a_caller_that_is_gone_is_counted_and_dropped(serve, requester_of):
    gate, started = asyncio.Event(), asyncio.Event()

    async def handle(body, _):
        if isinstance(body, market.Greet):
            started.set()
            await gate.wait()
        return ANSWER

    server = serve(handle)
    gone = requester_of(server)
    asking = asyncio.create_task(gone.ask(market.Greet("x"), 60))
    await started.wait()
    gone.bus.close()
    with pytest.raises(Unavailable):
        await asking
    await asyncio.to_thread(server.bus.box.wait, "disconnected")
    gate.set()
    await asyncio.to_thread(server.bus.box.wait, "lost_reply")
    assert await requester_of(server).ask(ASK, 5) == ANSWER


async def test_closing_the_requester_answers_those_who_wait(serve, requester_of):
    async def never(*_):
        await asyncio.Event().wait()

    requester = requester_of(serve(never))
    asking = asyncio.create_task(requester.ask(ASK, 60))
    await asyncio.sleep(0.05)
    requester.close()
    with pytest.raises(Unavailable):
        await asyncio.wait_for(asking, 5)


async def test_more_requests_than_may_run_at_once_wait_for_their_turn(make_bus, requester_of):
    running, most = 0, 0

    async def handle(*_):
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0.001)
        running -= 1
        return ANSWER

    server = RequestServer(make_bus("watcher"), LOCAL, "market requests", market.Request, handle, max_running=4)
    requester = requester_of(server)
    assert await asyncio.gather(*[requester.ask(ASK, 30) for _ in range(100)]) == [ANSWER] * 100
    assert most == 4


async def test_a_server_gone_wrong_is_counted_and_its_good_reply_arrives(make_bus, requester_of):
    rogue = make_bus("watcher")
    socket = rogue.socket(zmq.ROUTER, 100)

    class Server:
        endpoint = rogue.bind(socket, LOCAL, "market requests")

    requester = requester_of(Server)
    asking = asyncio.create_task(requester.ask(ASK, 10))
    identity, _ = await asyncio.to_thread(socket.recv_multipart)
    for bad in (
        b"",
        b"\xc1",
        ENCODE((2, 1, "", "", ("instruments", []))),
        ENCODE((1, 1, "", "", ("bad tag", []))),
        ENCODE((1, 99, "", "", ("instruments", []))),
        ENCODE((1, 1, "", "", ("instruments", ["x" * 5_000_000]))),
        ENCODE((1, 1, "", "", ("instruments", []))),
    ):
        socket.send_multipart([identity, bad])
    assert await asking == ANSWER
    assert requester.bus.box.counts == {
        "malformed": 2,
        "wrong_version": 1,
        "unknown_message": 1,
        "late_reply": 1,
        "oversized": 1,
    }
    socket.disable_monitor()
    socket.close()
