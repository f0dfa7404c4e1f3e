"""One API session at a time: the socket, the greeting, and the answers to requests. Owns the client library's `IB` object.

What the gateway says is tapped where the library decodes it, before the library interprets it: the library drops executions and
commissions of orders it does not know, and calls an order cancelled on any error. We do not, and nothing that comes is dropped
because of the state that the link is in.

The library's own taking of stock at the start is left out: it hides what was not answered, and orders and positions are asked
for in reconciliation anyway, where unknown is told from empty.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from atlas.domain import Clock, Refused, Unavailable
from atlas.ib.farms import FARM_NOTICES
from atlas.ib.library import IB, RequestError
from atlas.ib.limiter import Limiter, Priority

T = TypeVar("T")

_NOT_A_REFUSAL = frozenset({*FARM_NOTICES, 1100, 1101, 1102, 1300, 2110})


class RequestFailed(Unavailable):
    """The gateway answered a request with an error of its own: `code`."""

    def __init__(self, what: str, code: int, text: str) -> None:
        super().__init__(f"{what}: {text} ({code})")
        self.code = code


class Session:
    """The session under one client id, begun and ended any number of times.

    Args:
        on_end: called when a session ends that we did not end.
        on_notice: gets code and text of what the gateway says that is about no request.
    """

    def __init__(
        self,
        host: str,
        port: int,
        client_id: int,
        clock: Clock,
        limiter: Limiter,
        *,
        timeout_seconds: float,
        on_end: Callable[[], None],
        on_notice: Callable[[int, str], None],
    ) -> None:
        self.host, self.port, self.client_id = host, port, client_id
        self.ib = IB()
        self.limiter = limiter
        self.accounts: list[str] = []
        self.refusal, self.refused_with = "", 0
        self.last_heard_ns = 0
        self._clock = clock
        self._timeout_seconds = timeout_seconds
        self._on_end, self._on_notice = on_end, on_notice
        self._is_beginning = False
        self._over: asyncio.Future[str] | None = None
        client = self.ib.client
        client.MaxRequests = 0  # the library's own throttle: ours stands in its place
        self.ib.errorEvent.clear()  # upon 1102 the library asks for account summaries, which nobody here reads
        self.ib.RaiseRequestErrors = True  # by default an error reads as an empty answer
        self._count_what_is_written(client)
        client.conn.disconnect = self._hang_up
        client.conn.disconnected += lambda _: self._break("the gateway hung up")
        client.apiError += self._break
        self.ib.disconnectedEvent += self._ended
        self.tap("error", self._hear)

    def _count_what_is_written(self, client: Any) -> None:
        write = client.sendMsg

        def counted(message: str) -> None:
            self.limiter.written()
            write(message)

        client.sendMsg = counted

    def _hang_up(self) -> None:
        """Close the socket: in an orderly way, so that the gateway frees the client id; at once if it reads no more.

        In the library's place, which leaves a socket open that the gateway has reset when nobody has read that yet.
        """
        transport = self.ib.client.conn.transport
        if transport is None:
            return
        with contextlib.suppress(OSError):
            transport.write_eof()
        transport.abort() if transport.get_write_buffer_size() else transport.close()

    def tap(self, name: str, sink: Callable[..., None]) -> None:
        """Have `sink` called with the arguments of the library's callback `name`, before the library sees them."""
        wrapper = self.ib.wrapper
        inner = getattr(wrapper, name)

        def tapped(*args: Any, **kwargs: Any) -> None:
            self.last_heard_ns = self._clock.now_ns()
            sink(*args, **kwargs)
            inner(*args, **kwargs)

        setattr(wrapper, name, tapped)

    async def begin(self) -> None:
        """Connect, greet, and learn the accounts and the next order id.

        Raises:
            Refused: the gateway is there and turns us away; `refused_with` is its code.
            OSError, TimeoutError: nobody answers at the address, or not in time.
        """
        client = self.ib.client
        if client.conn.transport is not None:  # of the session before, whose end is not to be taken for that of this one
            self._hang_up()
            async with asyncio.timeout(self._timeout_seconds):
                await client.conn.disconnected
        self.refusal, self.refused_with = "", 0
        self.limiter.forget_turns()
        self._over = over = asyncio.get_running_loop().create_future()
        self._is_beginning = True
        self.ib.wrapper.clientId = self.client_id
        # Without a time limit of the library's: its `wait_for` forgets in Python 3.11 that it was cancelled
        # if the connection is made in the same moment, and the greeting would go on behind our back.
        greeting = asyncio.ensure_future(client.connectAsync(self.host, self.port, self.client_id, 0))
        try:
            ends: set[asyncio.Future[Any]] = {greeting, over}
            done, _ = await asyncio.wait(ends, timeout=self._timeout_seconds, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._is_beginning = False
            if not greeting.done():
                greeting.cancel()
                await asyncio.wait({greeting})
        if self.refusal and (greeting.cancelled() or greeting.exception()):
            raise Refused(self.refusal)
        if not done:
            raise TimeoutError
        if not greeting.cancelled():
            greeting.result()
        if over.done():
            client.disconnect()
            raise ConnectionError(over.result())
        self.accounts = list(client.getAccounts())

    def end(self, reason: str = "closed") -> None:
        """Close the socket."""
        was_ready = self.ib.client.isReady()
        self.ib.client.disconnect()
        if was_ready:
            self.ib.wrapper.connectionClosed()
        self._break(reason)

    async def answer(self, request: Callable[[], Awaitable[T]], what: str, priority: Priority) -> T:
        """The answer to one request, which is sent in its turn.

        Raises:
            Unavailable: no answer in time, or the session ended. The result is unknown, not empty.
            RequestFailed: the gateway's error in place of an answer.
        """
        self._need(what)
        await self.limiter.turn(priority)
        over = self._need(what)
        answer = asyncio.ensure_future(request())
        try:
            ends: set[asyncio.Future[Any]] = {answer, over}
            await asyncio.wait(ends, timeout=self._timeout_seconds, return_when=asyncio.FIRST_COMPLETED)
            if answer.done():
                result = answer.result()
                self.last_heard_ns = self._clock.now_ns()
                return result
        except RequestError as error:
            raise RequestFailed(what, error.code, error.message) from error
        except ConnectionError as error:
            raise Unavailable(f"{what}: the gateway did not answer ({error})") from error
        finally:
            answer.cancel()
        raise Unavailable(f"{what}: the gateway did not answer ({over.result() if over.done() else 'timed out'})")

    def _need(self, what: str) -> "asyncio.Future[str]":
        if self._over is None or self._over.done() or not self.ib.client.isReady():
            raise Unavailable(f"{what}: the gateway at {self.host}:{self.port} is not connected")
        return self._over

    def _break(self, reason: str) -> None:
        if self._over is not None and not self._over.done():
            self._over.set_result(reason)

    def _ended(self) -> None:
        self._break("the connection broke")
        self._on_end()

    def _hear(self, request_id: int, code: int, text: str, *_: Any) -> None:
        if request_id != -1:
            return
        if self._is_beginning and code not in _NOT_A_REFUSAL:
            self.refusal, self.refused_with = f"{text} ({code})", code
        self._on_notice(code, text)
