"""Frames: a big-endian length of four bytes, then so many bytes.

The protocol allows 0xFFFFFF bytes, and a gateway may send so much. No message of a client comes near it: the largest is an
advisor's groups in XML. What is longer than it can be is refused once its length is read, and nothing of it is kept.
"""

MAX_FRAME = 1024 * 1024
"""The longest message of a client, in bytes."""

MAX_OPENING = 4096
"""The longest of those that begin a connection: the greeting, and the start of the API."""


class WireError(Exception):
    """The peer does not speak this protocol. `kind` is one word for counters and logs."""

    def __init__(self, kind: str, text: str) -> None:
        super().__init__(text)
        self.kind = kind


def frame(payload: bytes) -> bytes:
    """`payload` with its length before it."""
    return len(payload).to_bytes(4, "big") + payload


class FrameReader:
    """Cuts a stream of bytes into frames, whatever pieces it arrives in. `opening` is how many frames begin a connection."""

    def __init__(self, opening: int = 0) -> None:
        self._buffer = bytearray()
        self._opening = opening

    @property
    def pending(self) -> int:
        """Bytes that do not make a frame yet."""
        return len(self._buffer)

    def feed(self, data: bytes) -> list[bytes]:
        """All frames that are complete with `data`.

        Raises:
            WireError: a length is beyond what a client can have to say.
        """
        buffer = self._buffer
        buffer += data
        frames, start, end = [], 0, len(buffer)
        while end - start >= 4:
            length = int.from_bytes(buffer[start : start + 4], "big")
            if length > MAX_OPENING:
                allowed = MAX_OPENING if self._opening else MAX_FRAME
                if length > allowed:
                    buffer.clear()
                    raise WireError("oversized_frame", f"a message of {length} bytes; at most {allowed} are allowed")
            if end - start - 4 < length:
                break
            self._opening -= self._opening > 0
            frames.append(bytes(buffer[start + 4 : start + 4 + length]))
            start += 4 + length
        if start:
            del buffer[:start]
        return frames
