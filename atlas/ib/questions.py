"""What the broker is asked about orders, executions, positions and accounts: lists that are whole, or no answer at all.

A list is known only when its end has come. Lists without a request id (open orders, completed orders, positions) have ends that
look alike: the late end of a question that was given up would end the next one early, with half a list. So questions and ends
are counted, whoever asked, and a list is read between the end before it and its own.

The lists are read from the messages as they are decoded. The client library's own are no help: it fills in the terms of old
orders, and loses commissions of executions that it does not know.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from atlas.domain import Unavailable
from atlas.ib.connection import Connection
from atlas.ib.library import library
from atlas.ib.limiter import Priority

BROKER_LINK = frozenset({1100, 1101, 1102, 1300, 2110})
"""Codes that say that the gateway lost the broker or found it again: an answer given across one of them is of two worlds."""

_INVALID_REQUEST, _NO_REQUEST = 321, -1
_READ_MESSAGES = (3, 5, 11, 59, 61, 101)  # order status, open order, execution, commission, position, completed order


@dataclass(slots=True)
class _List:
    """A question without a request id, and what came since it was asked last."""

    name: str
    asks: tuple[str, ...]
    row: str
    end: str
    asked: int = 0
    ended: int = 0
    rows: list[tuple[Any, ...]] = field(default_factory=list)
    waiting: "asyncio.Future[list[tuple[Any, ...]]] | None" = None

    def on_row(self, *row: Any) -> None:
        if self.ended < self.asked:
            self.rows.append(row)

    def on_end(self) -> None:
        if self.ended == self.asked:
            return  # nobody has asked
        self.ended += 1
        rows, self.rows = self.rows, []
        if self.ended == self.asked and self.waiting is not None and not self.waiting.done():
            self.waiting.set_result(rows)

    def forget(self) -> None:
        """The session is over, and with it every answer that is owed."""
        self.asked = self.ended = 0
        self.rows = []


@dataclass(slots=True)
class _Numbered:
    """A question with a request id."""

    rows: list[tuple[Any, ...]]
    done: "asyncio.Future[list[tuple[Any, ...]]]"


class Questions:
    """The questions of one connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._open = _List("open orders", ("reqOpenOrders", "reqAllOpenOrders"), "openOrder", "openOrderEnd")
        self._completed = _List("completed orders", ("reqCompletedOrders",), "completedOrder", "completedOrdersEnd")
        self._positions = _List("positions", ("reqPositions",), "position", "positionEnd")
        self._lists = (self._open, self._completed, self._positions)
        self._numbered: dict[int, _Numbered] = {}
        self.breaks = 0
        """How often the way to the broker broke, or a message could not be read: a list across one of these is not whole."""
        for one in self._lists:
            connection.tap(one.row, one.on_row)
            connection.tap(one.end, one.on_end)
            for ask in one.asks:
                self._count(ask, one)
        connection.tap("execDetails", self._execution)
        connection.tap("execDetailsEnd", self._end)
        connection.tap("accountUpdateMulti", self._value)
        connection.tap("accountUpdateMultiEnd", self._end)
        connection.tap("error", self._error)
        connection.ib.disconnectedEvent += self._disconnected
        handlers = connection.ib.client.decoder.handlers
        for number in _READ_MESSAGES:
            handlers[number] = self._heeded(handlers[number])

    # The questions

    async def open_orders(self) -> list[tuple[Any, ...]]:
        """Open orders of all clients: order id, contract, order, order state.

        Raises:
            Unavailable: no whole answer in time, as for all questions.
        """
        return await self._whole(self._open, self._connection.ib.reqAllOpenOrdersAsync)

    async def completed_orders(self) -> list[tuple[Any, ...]]:
        """The orders that were done today: contract, order, order state."""
        return await self._whole(self._completed, lambda: self._connection.ib.reqCompletedOrdersAsync(False))

    async def positions(self) -> list[tuple[Any, ...]]:
        """All positions: account, contract, quantity, average cost."""
        return await self._whole(self._positions, self._connection.ib.reqPositionsAsync)

    async def executions(self) -> list[tuple[Any, ...]]:
        """The executions of the broker's day, of all clients: request id, contract, execution."""
        ib = self._connection.ib
        return await self._ask_numbered("executions", lambda number: _executions(ib, number))

    async def account_values(self, account: str) -> list[tuple[Any, ...]]:
        """The values of an account: request id, account, model, tag, value, currency."""
        client = self._connection.ib.client
        numbers: list[int] = []

        def ask(number: int) -> None:
            numbers.append(number)
            client.reqAccountUpdatesMulti(number, account, "", False)

        try:
            return await self._ask_numbered(f"account values of {account}", ask)
        finally:
            for number in numbers:  # it is a subscription, which would go on for ever
                with contextlib.suppress(ConnectionError):
                    client.cancelAccountUpdatesMulti(number)

    async def settle(self) -> None:
        """Have no end outstanding of a question that was given up.

        A gateway that has answered a question asked later has read the earlier ones; what it has still not answered after that,
        in the time of a question, it never will.

        Raises:
            Unavailable: the gateway does not answer.
        """
        if all(one.asked == one.ended for one in self._lists):
            return
        await self.executions()
        owed = [one for one in self._lists if one.asked > one.ended]
        deadline = self._connection.request_timeout_seconds
        for one in owed:
            one.waiting = asyncio.get_running_loop().create_future()
        try:
            async with asyncio.timeout(deadline):
                await asyncio.gather(*(one.waiting for one in owed if one.waiting is not None))
        except TimeoutError:
            pass
        except ConnectionError as error:
            raise Unavailable(f"{owed[0].name}: {error}") from error
        for one in owed:
            one.ended = one.asked

    def is_asked(self, number: int) -> bool:
        """Whether a question with this request id is under way."""
        return number in self._numbered

    # How they are asked

    async def _whole(self, one: _List, ask: Callable[[], Awaitable[Any]]) -> list[tuple[Any, ...]]:
        async def answer() -> list[tuple[Any, ...]]:
            one.rows = []
            one.waiting = asyncio.get_running_loop().create_future()
            _let_go(ask())
            return await one.waiting

        return await self._connection.ask(answer, one.name, Priority.PROBE)

    async def _ask_numbered(self, what: str, ask: Callable[[int], None]) -> list[tuple[Any, ...]]:
        async def answer() -> list[tuple[Any, ...]]:
            number = int(self._connection.ib.client.getReqId())
            one = _Numbered([], asyncio.get_running_loop().create_future())
            self._numbered[number] = one
            try:
                ask(number)
                return await one.done
            finally:
                del self._numbered[number]

        return await self._connection.ask(answer, what, Priority.PROBE)

    def _count(self, name: str, one: _List) -> None:
        """Count each time that a question is asked, by us or by the library."""
        client = self._connection.ib.client
        inner = getattr(client, name)

        def asked(*args: Any) -> None:
            inner(*args)
            one.asked += 1

        setattr(client, name, asked)

    # What comes

    def _execution(self, request_id: int, *row: Any) -> None:
        if request_id in self._numbered:
            self._numbered[request_id].rows.append((request_id, *row))

    def _value(self, request_id: int, *row: Any) -> None:
        if request_id in self._numbered:
            self._numbered[request_id].rows.append((request_id, *row))

    def _end(self, request_id: int) -> None:
        one = self._numbered.get(request_id)
        if one is not None and not one.done.done():
            one.done.set_result(one.rows)

    def _error(self, request_id: int, code: int, text: str, *_: Any) -> None:
        if code in BROKER_LINK:
            self.breaks += 1
        if code == _INVALID_REQUEST and request_id == _NO_REQUEST:
            self._turned_down(text)
        one = self._numbered.get(request_id)
        if one is not None and not one.done.done():
            one.done.set_exception(Unavailable(f"the gateway answered with error {code}: {text}"))

    def _turned_down(self, text: str) -> None:
        """A question without a request id is not answered, as those about orders are not by a read-only API."""
        for one in self._lists:
            if one.waiting is not None and not one.waiting.done():
                one.ended = one.asked
                one.waiting.set_exception(Unavailable(f"{one.name}: {text} ({_INVALID_REQUEST})"))

    def _disconnected(self) -> None:
        self.breaks += 1
        error = ConnectionError("the connection was lost")
        waiting = [one.waiting for one in self._lists if one.waiting is not None]
        for future in [*waiting, *(one.done for one in self._numbered.values())]:
            if not future.done():
                future.set_exception(error)
        for one in self._lists:
            one.forget()

    def _heeded(self, handler: Callable[[Any], None]) -> Callable[[Any], None]:
        def handle(fields: Any) -> None:
            try:
                handler(fields)
            except Exception:
                self.breaks += 1  # the library would only log it, and the row would be missing
                raise

        return handle


def _executions(ib: Any, number: int) -> None:
    _let_go(ib.wrapper.startReq(number))  # so that the library does not take them for live ones
    ib.client.reqExecutions(number, library.ExecutionFilter())


def _let_go(future: Any) -> None:
    """Nobody awaits the library's own answer; what becomes of it is nobody's fault."""
    future.add_done_callback(lambda done: done.cancelled() or done.exception())
