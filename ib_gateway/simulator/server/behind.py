"""Replies that take long to encode, and what has to wait behind them: written in the order in which it was said."""

from collections import deque
from collections.abc import Generator
from itertools import chain

from ib_gateway.simulator.codec import Codec
from ib_gateway.simulator.codec.slices import encode_in_slices
from ib_gateway.simulator.messages.replies import HistoricalData, Reply


class Behind:
    """What waits to be written of one connection; mostly nothing."""

    def __init__(self) -> None:
        self._waiting: deque[bytes | Generator[None, None, bytes]] = deque()

    def __bool__(self) -> bool:
        """Whether anything waits."""
        return bool(self._waiting)

    def put_long(self, codec: Codec, reply: HistoricalData) -> None:
        """Let a long reply wait until it is encoded."""
        self._waiting.append(encode_in_slices(codec, reply))

    def put(self, codec: Codec, reply: Reply) -> None:
        """Let a reply wait until those before it are written."""
        self._waiting.append(codec.encode(reply))

    def work(self) -> list[bytes]:
        """Encode one slice; returns what may be written now."""
        if self._waiting and not isinstance(self._waiting[0], bytes):
            try:
                next(self._waiting[0])
            except StopIteration as end:
                self._waiting[0] = end.value
        ready = []
        while self._waiting and isinstance(first := self._waiting[0], bytes):
            ready.append(first)
            self._waiting.popleft()
        return ready

    def finish(self) -> list[bytes]:
        """Encode all that is left, at once."""
        return list(chain.from_iterable(iter(lambda: self.work() if self else None, None)))

    def clear(self) -> None:
        """Nobody will read it."""
        self._waiting.clear()
