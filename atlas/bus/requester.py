"""Asks another service: over a DEALER socket, with a deadline, and never by leaving a request for who is not there.

After a timeout the outcome is unknown, and the error says so; the requester goes on working.
"""

import asyncio
import time
from typing import Any, Generic, TypeVar

import zmq

from atlas.bus._calls import Calls
from atlas.bus._fd_reader import NOBLOCK, FdReader, readable
from atlas.bus._link import Link
from atlas.bus.bus import Bus
from atlas.domain import AtlasError, Unavailable

R = TypeVar("R")

_HIGH_WATER_MARK = 1_000
_BUDGET = 256  # replies taken in one go, before others on the loop have their turn


class Requester(Generic[R]):
    """Asks `server` from an event loop. Made inside the running loop; many requests may be under way at once.

    Requests leave in the order in which they were asked.
    """

    def __init__(self, bus: Bus, endpoint: str, server: str, reply_type: Any) -> None:
        self._bus = bus
        self._loop = asyncio.get_running_loop()
        self._calls: Calls[R] = Calls(bus, server, endpoint, reply_type)
        self._link = Link(bus, zmq.DEALER, endpoint, server, _HIGH_WATER_MARK, heartbeat=True)
        self._receive = self._link.socket.recv
        self._losses = 0
        self._futures: dict[int, asyncio.Future[R]] = {}
        self._timer: asyncio.TimerHandle | None = None  # one for all requests, at the time of the next to be given up
        self._changed = asyncio.Event()  # something has happened to the connection
        self._line = asyncio.Lock()  # whoever waits for the connection stands in line
        self._waiting = 0
        self._reader = FdReader(self._link.socket, self._drain)
        self._watcher = FdReader(self._link.monitor, self._notice)
        bus.opened(self)

    @property
    def connected(self) -> bool:
        """Whether the server is there, as far as is known."""
        self._notice()
        return self._link.connected

    async def ask(self, body: object, timeout_seconds: float, key: str = "") -> R:
        """The reply to `body`. Ask again with the same `key` to be answered the same.

        Raises:
            Unavailable: the server is not there and nothing was sent, or it did not answer in time and the outcome is unknown.
            Refused: the server refuses our key.
            BadInput: the request is over the size limit.
            AtlasError: as the server has raised it.
        """
        give_up = self._loop.time() + timeout_seconds
        number, frame = self._calls.frame(body, timeout_seconds, key)
        if self._waiting or not self._link.send(frame):
            await self._send_later(frame, give_up)
        self._calls.posted(number, body, give_up)
        future: asyncio.Future[R] = self._loop.create_future()
        self._futures[number] = future
        self._reader.look_again()
        if self._timer is None or give_up < self._timer.when():
            self._set_timer(give_up)
        try:
            return await future
        finally:
            del self._futures[number]
            self._calls.forget(number)

    async def _send_later(self, frame: bytes, give_up: float) -> None:
        """Send as soon as there is a connection with room, and all who have waited longer have sent."""
        self._notice()
        self._waiting += 1
        try:
            async with asyncio.timeout_at(give_up), self._line:
                while not self._link.send(frame):
                    if self._link.refused:
                        raise self._link.why_not_there()
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            raise self._link.why_not_there() from None
        finally:
            self._waiting -= 1

    def _set_timer(self, give_up: float | None) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = None if give_up is None else self._loop.call_at(give_up, self._time_is_up)

    def _time_is_up(self) -> None:
        for number, error in self._calls.expire():
            self._resolve(number, error)
        self._set_timer(self._calls.next_give_up())

    def _drain(self) -> bool:
        """Take in replies. Mostly there is one, and to look whether there are more is cheaper than to fail reading."""
        if self._waiting:
            self._changed.set()
        try:
            self._settle(self._receive(NOBLOCK))
            if not readable(self._link.socket):
                return False
            for _ in range(_BUDGET):
                self._settle(self._receive(NOBLOCK))
        except zmq.Again:
            return False
        return True

    def _settle(self, frame: bytes) -> None:
        settled = self._calls.settle(frame)
        if settled is not None:
            self._resolve(*settled)

    def _resolve(self, number: int, outcome: R | AtlasError) -> None:
        future = self._futures.get(number)
        if future is None or future.done():
            return
        if isinstance(outcome, AtlasError):
            future.set_exception(outcome)
        else:
            future.set_result(outcome)

    def _notice(self) -> bool:
        """Take in what has happened to the connection. Fails what was under way on one that is gone."""
        self._link.pump()
        self._changed.set()
        if self._link.losses != self._losses:
            self._losses = self._link.losses
            while self._drain():  # replies that came before it broke
                pass
            for number, error in self._calls.lose():
                self._resolve(number, error)
            self._link.renew()
        self._reader.look_again()
        return False

    def close(self) -> None:
        """Close the socket; whoever still waits gets Unavailable."""
        self._bus.forget(self)
        if self._link.socket.closed:
            return
        self._reader.close()
        self._watcher.close()
        self._set_timer(None)
        if not self._loop.is_closed():
            for number, error in self._calls.lose():
                self._resolve(number, error)
        self._link.close()


class BlockingRequester(Generic[R]):
    """Asks `server` from a plain thread: all at once with `ask`, or in halves with `post` and `receive`."""

    def __init__(self, bus: Bus, endpoint: str, server: str, reply_type: Any) -> None:
        self._bus = bus
        self._calls: Calls[R] = Calls(bus, server, endpoint, reply_type)
        self._link = Link(bus, zmq.DEALER, endpoint, server, _HIGH_WATER_MARK, heartbeat=True)
        self._losses = 0
        self._kept: list[tuple[int, R | AtlasError]] = []  # settled, and not received yet
        bus.opened(self)

    @property
    def socket(self) -> zmq.Socket[bytes]:
        """For polling only. Call `receive` from time to time even if it shows nothing: requests expire."""
        return self._link.socket

    @property
    def connected(self) -> bool:
        """Whether the server is there, as far as is known."""
        self._look()
        return self._link.connected

    def post(self, body: object, key: str = "", timeout_seconds: float = 5.0) -> int:
        """Send a request without waiting for anything. Its id comes back from `receive`, within `timeout_seconds`.

        Raises:
            Unavailable: the server is not there; nothing was sent.
            BadInput: the request is over the size limit.
        """
        self._look()
        number, frame = self._calls.frame(body, timeout_seconds, key)
        if not self._link.send(frame):
            raise self._link.why_not_there()
        self._calls.posted(number, body, time.monotonic() + timeout_seconds)
        return number

    def receive(self) -> list[tuple[int, R | AtlasError]]:
        """What came of which request, without waiting. A request that got no reply in time comes as Unavailable."""
        self._look()
        settled, self._kept = self._kept, []
        return settled + self._calls.expire()

    def _look(self) -> None:
        """Take in what has happened to the connection, and what has come."""
        self._link.pump()  # first, so that replies which came before the connection broke are read
        try:
            while True:
                settled = self._calls.settle(self._link.socket.recv(NOBLOCK))
                if settled is not None:
                    self._kept.append(settled)
        except zmq.Again:
            pass
        if self._link.losses != self._losses:
            self._losses = self._link.losses
            self._kept += self._calls.lose()
            self._link.renew()

    def ask(self, body: object, timeout_seconds: float, key: str = "") -> R:
        """The reply to `body`; errors as `Requester.ask` raises them."""
        give_up = time.monotonic() + timeout_seconds
        number = self._post_when_there(body, key, give_up)
        while True:
            for settled in self.receive():
                if settled[0] != number:
                    self._kept.append(settled)
                elif isinstance(settled[1], AtlasError):
                    raise settled[1]
                else:
                    return settled[1]
            self._wait(zmq.POLLIN, give_up)

    def _post_when_there(self, body: object, key: str, give_up: float) -> int:
        while True:
            try:
                return self.post(body, key, max(0.0, give_up - time.monotonic()))
            except Unavailable:
                if self._link.refused or time.monotonic() >= give_up:
                    raise
            self._wait(zmq.POLLOUT if self._link.connected else 0, give_up)

    def _wait(self, events: int, give_up: float) -> None:
        poller = zmq.Poller()
        poller.register(self._link.socket, events)
        poller.register(self._link.monitor, zmq.POLLIN)
        left_ms = max(0.0, give_up - time.monotonic()) * 1_000
        poller.poll(int(left_ms) + 1)

    def close(self) -> None:
        """Close the socket."""
        self._bus.forget(self)
        if not self._link.socket.closed:
            self._link.close()
