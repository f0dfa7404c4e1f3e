"""A network in memory for the virtual loop: connections whose bytes take time, stand still, or are lost with a reset.

Bytes keep their order within a direction. What was written before a process died still arrives, as from a kernel's buffer.
"""

import asyncio
import contextvars
import itertools
from collections import deque
from collections.abc import Callable
from typing import Any

from support.virtual_loop import VirtualLoop, current_process

_KERNEL_BYTES = 256 * 1024
_HIGH, _LOW = 64 * 1024, 16 * 1024
_END = b""


class MemoryServer:
    """A listening port."""

    def __init__(self, network: "Network", factory: Callable[[], asyncio.Protocol], port: int, sock: Any) -> None:
        self.port = port
        self.factory = factory
        self.context = contextvars.copy_context()
        self._network = network
        self._sock = sock

    @property
    def sockets(self) -> tuple["MemoryServer", ...]:
        """Itself, for who asks a server's socket for its port."""
        return (self,)

    def getsockname(self) -> tuple[str, int]:
        """Its address."""
        return ("127.0.0.1", self.port)

    def is_serving(self) -> bool:
        """Whether connections are accepted."""
        return self._network.servers.get(self.port) is self

    async def start_serving(self) -> None:
        """Accept connections."""
        self._network.servers[self.port] = self

    def close(self) -> None:
        """Accept nothing more; what is connected stays."""
        if self.is_serving():
            del self._network.servers[self.port]
        if self._sock is not None:
            self._sock.close()

    async def wait_closed(self) -> None:
        """Nothing is left to wait for."""


class Network:
    """All ports and connections. `latency` is seconds from one end to the other; partitioned, nothing arrives until healed."""

    def __init__(self, loop: VirtualLoop, latency: float = 0.0005) -> None:
        self.loop = loop
        self.latency = latency
        self.partitioned = False
        self.servers: dict[int, MemoryServer] = {}
        self.ends: set[MemoryTransport] = set()
        self._ports = itertools.count(40_000)
        loop.network = self

    def listen(self, factory: Any, _host: Any, port: int | None, *, sock: Any, serve: bool) -> MemoryServer:
        """A server; port 0 takes a free one."""
        number = sock.getsockname()[1] if sock is not None else port or next(self._ports)
        if number in self.servers:
            raise OSError(98, f"port {number} is in use")
        server = MemoryServer(self, factory, number, sock)
        if serve:
            self.servers[number] = server
        return server

    async def connect(self, factory: Any, _host: Any, port: int) -> tuple["MemoryTransport", Any]:
        """Connect; while the network is partitioned, wait."""
        await asyncio.sleep(2 * self.latency)
        while self.partitioned:  # noqa: ASYNC110 - as a SYN that is sent again and again
            await asyncio.sleep(0.5)
        server = self.servers.get(port)
        if server is None:
            raise ConnectionRefusedError(111, f"nothing listens at {port}")
        number = next(self._ports)
        near = MemoryTransport(self, number, port, contextvars.copy_context())
        far = MemoryTransport(self, port, number, server.context.copy())
        near.peer, far.peer = far, near
        protocol = factory()
        far.context.run(far.begin, server.context.copy().run(server.factory))
        near.begin(protocol)
        return near, protocol

    def partition(self) -> None:
        """Let nothing arrive any more; nobody is told."""
        self.partitioned = True

    def heal(self) -> None:
        """Let everything arrive again, beginning with what is on its way."""
        self.partitioned = False
        for end in sorted(self.ends, key=lambda one: one.number):
            end.go_on()

    def reset(self) -> None:
        """Cut every connection; what is on its way is lost."""
        for end in sorted(self.ends, key=lambda one: one.number):
            end.cut()

    def hang_up_of(self, process: Any) -> None:
        """The kernel closes the connections of a process that died; what it had written still goes out."""
        for end in sorted(self.ends, key=lambda one: one.number):
            if end.process is process:
                end.forsake()


class MemoryTransport(asyncio.Transport):
    """One end of a connection."""

    _numbers = itertools.count()

    def __init__(self, network: Network, here: int, there: int, context: contextvars.Context) -> None:
        super().__init__({"peername": ("127.0.0.1", there), "sockname": ("127.0.0.1", here), "socket": None})
        self.number = next(self._numbers)
        self.context = context
        self.process = context.run(current_process)
        self.peer: MemoryTransport
        self._network = network
        self._protocol: Any = None
        self._inbox: deque[bytes] = deque()
        self._arrived = 0  # of those in the inbox
        self._waiting_bytes = 0  # in the inbox
        self._reading = True
        self._working = False
        self._closing = False
        self._lost = False
        self._ended = False
        self._paused_writing = False
        self._high, self._low = _HIGH, _LOW

    def begin(self, protocol: Any) -> None:
        """The connection stands."""
        self._protocol = protocol
        self._network.ends.add(self)
        protocol.connection_made(self)

    # What a transport does.

    def set_protocol(self, protocol: Any) -> None:
        self._protocol = protocol

    def get_protocol(self) -> Any:
        return self._protocol

    def is_closing(self) -> bool:
        return self._closing

    def is_reading(self) -> bool:
        return self._reading and not self._closing

    def pause_reading(self) -> None:
        self._reading = False

    def resume_reading(self) -> None:
        self._reading = True
        self.go_on()

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        self._high = _HIGH if high is None else high
        self._low = self._high // 4 if low is None else low

    def get_write_buffer_size(self) -> int:
        return max(0, self.peer._waiting_bytes - _KERNEL_BYTES)

    def get_write_buffer_limits(self) -> tuple[int, int]:
        return self._low, self._high

    def can_write_eof(self) -> bool:
        return True

    def write(self, data: Any) -> None:
        if self._closing or self._ended or not data:
            return
        self.peer._send(bytes(data))
        if not self._paused_writing and self.get_write_buffer_size() > self._high:
            self._paused_writing = True
            self._protocol.pause_writing()

    def write_eof(self) -> None:
        if not self._closing and not self._ended:
            self._ended = True
            self.peer._send(_END)

    def close(self) -> None:
        if not self._closing:
            self.write_eof()
            self._shut(None)

    def abort(self) -> None:
        if not self._lost:
            self.peer.cut()
            self._shut(None)

    def forsake(self) -> None:
        """Its process is dead: nobody here hears of anything, and the other end comes to the end of what was written."""
        self._network.ends.discard(self)
        if not self._closing:
            self._closing = self._lost = True
            self.peer._send(_END)

    # How it is done.

    def _send(self, data: bytes) -> None:
        if self._closing:
            return
        self._inbox.append(data)
        self._waiting_bytes += len(data)
        self._network.loop.call_later(self._network.latency, self._arrive, context=self.context)

    def _arrive(self) -> None:
        self._arrived += 1
        self._work()

    def go_on(self) -> None:
        """Take what has arrived meanwhile."""
        if self._arrived and not self._working:
            self._network.loop.call_soon(self._work, context=self.context)

    def _work(self) -> None:
        self._working = True
        try:
            while self._arrived and self._inbox and self._reading and not self._closing and not self._network.partitioned:
                self._arrived -= 1
                data = self._inbox.popleft()
                self._waiting_bytes -= len(data)
                self.peer._drained()
                if data:
                    self._protocol.data_received(data)
                elif not self._protocol.eof_received():
                    self.close()
        finally:
            self._working = False

    def _drained(self) -> None:
        if self._paused_writing and not self._closing and self.get_write_buffer_size() <= self._low:
            self._paused_writing = False
            self._network.loop.call_soon(self._protocol.resume_writing, context=self.context)

    def cut(self) -> None:
        """The connection is reset: whatever was on its way is lost."""
        if not self._lost:
            self._shut(ConnectionResetError(104, "Connection reset by peer"))

    def _shut(self, error: Exception | None) -> None:
        if self._lost:
            return
        self._closing = self._lost = True
        self._inbox.clear()
        self._arrived = self._waiting_bytes = 0
        self._network.ends.discard(self)
        self._network.loop.call_soon(self._protocol.connection_lost, error, context=self.context)
