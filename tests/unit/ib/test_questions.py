"""Lists without a request id: the end of one question is not taken for that of another."""

import asyncio
from typing import Any

import pytest
from eventkit import Event

from atlas.domain import Unavailable
from atlas.ib.questions import Questions


class Wire:
    """A connection on which nothing comes but what the test says; `sent` is what was asked."""

    request_timeout_seconds = 0.05

    def __init__(self) -> None:
        self.sent: list[str] = []
        self.sinks: dict[str, list[Any]] = {}
        self.last_number = 0
        self.ib = self.client = self.wrapper = self.decoder = self
        self.handlers = dict.fromkeys((3, 5, 11, 59, 61, 101), self.read)
        self.disconnectedEvent = Event("disconnectedEvent")
        for name in ("reqOpenOrders", "reqAllOpenOrders", "reqCompletedOrders", "reqPositions"):
            setattr(self, name, lambda *_, name=name: self.sent.append(name))

    def read(self, fields: Any) -> None:
        if fields == "nonsense":
            raise ValueError(fields)

    def tap(self, name: str, sink: Any) -> None:
        self.sinks.setdefault(name, []).append(sink)

    def say(self, name: str, *what: Any) -> None:
        for sink in self.sinks[name]:
            sink(*what)

    async def ask(self, request: Any, what: str, *_: Any) -> Any:
        try:
            return await asyncio.wait_for(request(), self.request_timeout_seconds)
        except (TimeoutError, ConnectionError) as error:
            raise Unavailable(f"{what}: {error or 'timed out'}") from error

    # The client library's side

    def getReqId(self) -> int:  # noqa: N802 - the library's name
        self.last_number += 1
        return self.last_number

    def startReq(self, _key: object) -> Any:  # noqa: N802
        return asyncio.get_running_loop().create_future()

    def reqExecutions(self, number: int, _filter: Any) -> None:  # noqa: N802
        self.sent.append(f"executions {number}")

    def __getattr__(self, name: str) -> Any:
        if name in ("reqAllOpenOrdersAsync", "reqCompletedOrdersAsync", "reqPositionsAsync"):

            def ask(*arguments: Any) -> Any:
                getattr(self, name.removesuffix("Async"))(*arguments)
                return asyncio.get_running_loop().create_future()

            return ask
        raise AttributeError(name)


@pytest.fixture
def wire() -> Wire:
    return Wire()


@pytest.fixture
def questions(wire) -> Questions:
    return Questions(wire)


async def asked(wire: Wire, count: int) -> None:
    async with asyncio.timeout(5):
        while len(wire.sent) < count:  # noqa: ASYNC110 - nothing tells
            await asyncio.sleep(0)


async def test_a_list_is_what_came_between_the_question_and_its_end(wire, questions):
    wire.say("position", "before")
    answer = asyncio.create_task(questions.positions())
    await asked(wire, 1)
    wire.say("position", "a")
    wire.say("position", "b")
    wire.say("positionEnd")
    wire.say("position", "after")
    assert await answer == [("a",), ("b",)]


async def test_without_an_end_there_is_no_list(wire, questions):
    answer = asyncio.create_task(questions.open_orders())
    await asked(wire, 1)
    wire.say("openOrder", "a")
    with pytest.raises(Unavailable):
        await answer


async def test_the_late_end_of_a_question_that_was_given_up_does_not_end_the_next_one(wire, questions):
    with pytest.raises(Unavailable):
        await questions.open_orders()
    wire.say("openOrder", "of the first")
    answer = asyncio.create_task(questions.open_orders())
    await asked(wire, 2)
    wire.say("openOrder", "of the first, too")
    wire.say("openOrderEnd")
    await asyncio.sleep(0)
    assert not answer.done()
    wire.say("openOrder", "of the second")
    wire.say("openOrderEnd")
    assert await answer == [("of the second",)]


async def test_questions_of_the_library_are_counted_too(wire, questions):
    wire.reqOpenOrders()
    answer = asyncio.create_task(questions.open_orders())
    await asked(wire, 2)
    wire.say("openOrderEnd")
    await asyncio.sleep(0)
    assert not answer.done()
    wire.say("openOrderEnd")
    assert await answer == []


async def test_an_end_that_never_comes_is_written_off_once_a_later_question_was_answered(wire, questions):
    with pytest.raises(Unavailable):
        await questions.positions()
    settling = asyncio.create_task(questions.settle())
    await asked(wire, 2)
    wire.say("execDetailsEnd", wire.last_number)
    await settling
    answer = asyncio.create_task(questions.positions())
    await asked(wire, 3)
    wire.say("positionEnd")
    assert await answer == []


async def test_nothing_is_written_off_while_the_gateway_answers_nothing(wire, questions):
    with pytest.raises(Unavailable):
        await questions.positions()
    with pytest.raises(Unavailable):
        await questions.settle()
    answer = asyncio.create_task(questions.positions())
    await asked(wire, 3)
    wire.say("positionEnd")
    await asyncio.sleep(0)
    assert not answer.done()
    wire.say("positionEnd")
    assert await answer == []


async def test_nobody_owes_an_answer_over_the_end_of_a_session(wire, questions):
    with pytest.raises(Unavailable):
        await questions.positions()
    wire.disconnectedEvent.emit()
    answer = asyncio.create_task(questions.positions())
    await asked(wire, 2)
    wire.say("positionEnd")
    assert await answer == []


async def test_the_end_of_the_session_ends_a_question_at_once(wire, questions):
    wire.request_timeout_seconds = 60
    answer = asyncio.create_task(questions.completed_orders())
    await asked(wire, 1)
    before = questions.breaks
    wire.disconnectedEvent.emit()
    with pytest.raises(Unavailable, match="the connection was lost"):
        await answer
    assert questions.breaks == before + 1


@pytest.mark.parametrize("code", [1100, 1101, 1102, 1300, 2110])
def test_a_broker_that_was_lost_or_found_breaks_what_is_being_asked(wire, questions, code):
    wire.say("error", -1, code, "text")
    assert questions.breaks == 1


def test_a_message_that_cannot_be_read_breaks_what_is_being_asked(wire, questions):
    with pytest.raises(ValueError, match="nonsense"):
        wire.handlers[11]("nonsense")
    assert questions.breaks == 1


async def test_a_read_only_api_turns_the_question_down_at_once(wire, questions):
    wire.request_timeout_seconds = 60
    answer = asyncio.create_task(questions.open_orders())
    await asked(wire, 1)
    wire.say("error", -1, 321, "The API interface is currently in Read-Only mode.")
    with pytest.raises(Unavailable, match="Read-Only"):
        await answer
    again = asyncio.create_task(questions.open_orders())
    await asked(wire, 2)
    wire.say("openOrderEnd")
    assert await again == []


async def test_an_error_to_a_numbered_question_is_no_empty_answer(wire, questions):
    wire.request_timeout_seconds = 60
    answer = asyncio.create_task(questions.executions())
    await asked(wire, 1)
    wire.say("error", wire.last_number, 321, "bad filter")
    with pytest.raises(Unavailable, match="bad filter"):
        await answer


async def test_executions_of_another_question_are_not_in_the_answer(wire, questions):
    answer = asyncio.create_task(questions.executions())
    await asked(wire, 1)
    wire.say("execDetails", -1, "contract", "live")
    wire.say("execDetails", wire.last_number, "contract", "asked for")
    wire.say("execDetailsEnd", wire.last_number + 1)
    wire.say("execDetailsEnd", wire.last_number)
    assert await answer == [(wire.last_number, "contract", "asked for")]
