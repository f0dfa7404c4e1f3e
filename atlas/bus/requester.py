"""Asks another service: over a DEALER socket, with a deadline, and never by leaving a request for who is not there.

After a timeout the outcome is unknown, and the error says so; the requester goes on working.
"""

import asyncio
import sys
import time
from typing import Any, Generic, TypeVar

import zmq

from atlas.bus._calls import Calls
from atlas.bus._fd_reader import FdReader
from atlas.bus._link import Link
from atlas.bus.bus import Bus
from atlas.domain import AtlasError, Unavailable

R = TypeVar("R")

_HIGH_WATER_MARK = 1_000
_BUDGET = 256  # replies taken in one go, before others on the loop have their turn


class Requester(Generic[R]):
    """Asks `server` from an event loop. Made inside the running loop; many requests may be under way at once."""

    def __init__(self, bus: Bus, endpoint: str, server: str, reply_type: Any) -> None:
        self._bus = bus
        self._loop = asyncio.get_running_loop()
        self._calls: Calls[R] = Calls(bus, server, endpoint, reply_type)
        self._link = Link(bus, zmq.DEALER, endpoint, server, _HIGH_WATER_MARK, heartbeat=True)
        self._losses = 0
        self._futures: dict[int, asyncio.Future[R]] = {}
        self._changed = asyncio.Event()  # something has happened to the connection
        self._line = asyncio.Lock()  # whoever waits for the connection stands in line
        self._waiting = 0
        self._reader = FdReader(self._link.socket, self._drain)
        self._watcher = FdReader(self._link.monitor, self._drain)
        bus.opened(self)

    @property
    def connected(self) -> bool:
        """Whether the server is there, as far as is known."""
        self._link.pump()
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
        await self._send(frame, give_up)
        self._calls.posted(number, body, timeout_seconds)
        future: asyncio.Future[R] = self._loop.create_future()
        self._futures[number] = future
        self._reader.look_again()
        timer = self._loop.call_at(give_up, self._time_is_up, number)
        try:
            return await future
        finally:
            timer.cancel()
            self._futures.pop(number, None)
            self._calls.pending.pop(number, None)

    async def _send(self, frame: bytes, give_up: float) -> None:
        """Send in the order of asking, at once if possible, else as soon as there is a connection with room."""
        self._notice()
        if not self._waiting and self._link.send(frame):
            return
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

    def _time_is_up(self, number: int) -> None:
        future = self._futures.get(number)
        if future is not None and not future.done():
            future.set_exception(self._calls.give_up(number))

    def _drain(self) -> bool:
        more = self._read(_BUDGET)
        if not more:
            self._notice()
        self._changed.set()
        return more

    def _read(self, limit: int) -> bool:
        """Take in up to `limit` replies. False if no more are there."""
        try:
            for _ in range(limit):
                self._settle(self._link.socket.recv(zmq.NOBLOCK))
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

    def _notice(self) -> None:
        """Fail what was under way on a connection that is gone."""
        self._link.pump()
        if self._link.losses != self._losses:
            self._losses = self._link.losses
            self._read(sys.maxsize)  # replies that came before the connection broke
            for number, error in self._calls.lose():
                self._resolve(number, error)
            self._link.renew()

    def close(self) -> None:
        """Close the socket; whoever still waits gets Unavailable."""
        self._bus.forget(self)
        if self._link.socket.closed:
            return
        self._reader.close()
        self._watcher.close()
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
        self._link.pump()
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
        self._calls.posted(number, body, timeout_seconds)
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
                settled = self._calls.settle(self._link.socket.recv(zmq.NOBLOCK))
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
            if time.monotonic() >= give_up:
                raise self._calls.give_up(number)
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
