"""How fast we may talk to the gateway: one bucket of tokens at the socket writer, orders before everything else.

The broker takes 50 messages per second ("Max rate of messages per second has been exceeded", error 100; a warning comes from
about 44 on) and hangs up on a client that goes on. Its documentation counts them "from the client side" and names no limit
across clients; libraries and gateways count each connection by itself. Nobody outside can rule out that a login as a whole is
counted, so the shares of our services together stay within one connection's limit; see `gateway.messages_per_second`.

A token comes back one second after it was spent: however it is measured, no second sees more than the limit, and a burst of
orders is not held up while there are tokens.

The client libraries throttle too, by a queue of their own in the order of arrival, in which an order waits behind a thousand
data requests, and vanishes without a word when the connection is lost. `Connection` switches that off and has this in its
place: nothing waits behind our back, and what was written is what the socket has.
"""

import asyncio
import enum
import heapq
import itertools
from collections import deque

_WINDOW_SECONDS = 1.0


class Priority(enum.IntEnum):
    """Who goes first. Of equals, whoever has waited longest."""

    ORDER = 0
    """Placing, changing and cancelling."""
    PROBE = 1
    """Proof of life, and what reconciliation asks."""
    DATA = 2
    """Everything else."""


class Limiter:
    """Turns at the socket writer.

    Whoever wants to send awaits `turn` and then writes without awaiting anything in between; the writer says `written` for
    each message. What is written without a turn, as a client library does when it connects, is spent all the same: others
    wait longer.

    Args:
        messages_per_second: tokens there are; 0 is no limit.
    """

    def __init__(self, messages_per_second: int) -> None:
        self.messages_per_second = messages_per_second
        self._spent: deque[float] = deque()
        self._granted = 0
        self._waiting: list[tuple[Priority, int, asyncio.Future[None]]] = []
        self._arrivals = itertools.count()
        self._alarm: asyncio.TimerHandle | None = None

    @property
    def waiting(self) -> int:
        """How many wait for their turn."""
        return sum(1 for _, _, turn in self._waiting if not turn.done())

    async def turn(self, priority: Priority = Priority.DATA) -> None:
        """Wait until one message may be written."""
        if not self.messages_per_second:
            return
        loop = asyncio.get_running_loop()
        if self._waiting or not self._take(loop.time()):
            mine: asyncio.Future[None] = loop.create_future()
            heapq.heappush(self._waiting, (priority, next(self._arrivals), mine))
            self._serve()
            try:
                await mine
            except asyncio.CancelledError:
                if mine.done() and not mine.cancelled():  # it was our turn already: the next one's now
                    self._give_back()
                raise

    def written(self) -> None:
        """One message was written: by whoever had a turn, or by somebody who did not ask."""
        if not self.messages_per_second:
            return
        if self._granted:
            self._granted -= 1
        else:
            self._spent.append(asyncio.get_running_loop().time())

    def forget_turns(self) -> None:
        """Turns that were given and never used, as those on a connection that broke, stand for no message any more."""
        self._granted = 0

    def _take(self, now: float) -> bool:
        while self._spent and self._spent[0] + _WINDOW_SECONDS <= now:
            self._spent.popleft()
        if len(self._spent) >= self.messages_per_second:
            return False
        self._spent.append(now)
        self._granted += 1
        return True

    def _give_back(self) -> None:
        self._granted = max(0, self._granted - 1)
        if self._spent:
            self._spent.pop()
        self._serve()

    def _serve(self) -> None:
        """Give turns while there are tokens; come back when the next token does."""
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None
        loop = asyncio.get_running_loop()
        while self._waiting:
            if self._waiting[0][2].done():  # its owner gave up
                heapq.heappop(self._waiting)
            elif self._take(loop.time()):
                heapq.heappop(self._waiting)[2].set_result(None)
            else:
                due = self._spent[len(self._spent) - self.messages_per_second] + _WINDOW_SECONDS
                self._alarm = loop.call_at(due, self._serve)
                return
