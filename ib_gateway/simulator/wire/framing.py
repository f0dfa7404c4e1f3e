"""Frames: a big-endian length of four bytes, then so many bytes. A frame is never longer than 0xFFFFFF bytes."""

MAX_FRAME = 0xFFFFFF


class WireError(Exception):
    """The peer does not speak this protocol. `kind` is one word for counters and logs."""

    def __init__(self, kind: str, text: str) -> None:
        super().__init__(text)
        self.kind = kind


def frame(payload: bytes) -> bytes:
    """`payload` with its length before it."""
    return len(payload).to_bytes(4, "big") + payload


class FrameReader:
    """Cuts a stream of bytes into frames, whatever pieces it arrives in."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    @property
    def pending(self) -> int:
        """Bytes that do not make a frame yet."""
        return len(self._buffer)

    def feed(self, data: bytes) -> list[bytes]:
        """All frames that are complete with `data`.

        Raises:
            WireError: a length is beyond what the protocol allows.
        """
        buffer = self._buffer
        buffer += data
        frames, start, end = [], 0, len(buffer)
        while end - start >= 4:
            length = int.from_bytes(buffer[start : start + 4], "big")
            if length > MAX_FRAME:
                raise WireError("oversized_frame", f"a frame of {length} bytes; at most {MAX_FRAME} are allowed")
            if end - start - 4 < length:
                break
            frames.append(bytes(buffer[start + 4 : start + 4 + length]))
            start += 4 + length
        if start:
            del buffer[:start]
        return frames
