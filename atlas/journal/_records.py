"""How a journal lies on disk. A segment is a head and then records, one after the other, until the zeros at its end.

    head     8 bytes magic, u64 number of its first record (which also names the file)
    record   u32 length of the payload, u32 crc32 of all that follows, u64 number, payload (msgpack)
    seal     a record without payload, behind the last one of a journal that was closed in order; the next append replaces it

The highest bit of a number says that everything before it was on disk when it was written. It tells a damage from a torn
tail: what was never synced may be missing or scrambled after a power cut, and is cut off; what was synced must be there. All
integers are little-endian. Records are numbered from 1, without gaps, over all segments.
"""

import enum
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from atlas.domain import CorruptJournal

MAGIC = b"ATLASJ1\n"
HEAD = struct.Struct("<8sQ")
PREFIX = struct.Struct("<II")  # length, crc32
NUMBER = struct.Struct("<Q")
_RECORD_HEAD = struct.Struct("<IIQ")
OVERHEAD = _RECORD_HEAD.size
SYNCED_BEFORE = 1 << 63
MAX_PAYLOAD_BYTES = 16 << 20
SUFFIX = ".journal"
_CHUNK_BYTES = 1 << 20


class End(enum.Enum):
    """What is found where the next record should be."""

    MORE = "another record, which was written meanwhile"
    CLEAN = "nothing, or a seal"
    TORN = "bytes that were never synced"
    DAMAGED = "bytes that were synced as something else"


@dataclass(frozen=True, slots=True)
class Segment:
    """A file of a journal, and the number of its first record."""

    path: Path
    first: int


def segment_path(folder: Path, first: int) -> Path:
    """Where the segment that begins with record `first` lies."""
    return folder / f"{first:020d}{SUFFIX}"


def list_segments(folder: Path) -> list[Segment]:
    """The segments of a journal, oldest first.

    Raises:
        CorruptJournal: a file looks like a segment and has no number for a name.
    """
    segments = []
    for path in sorted(folder.glob(f"*{SUFFIX}")):
        if not path.stem.isdecimal():
            raise CorruptJournal(f"{path} is no part of a journal; move it away")
        segments.append(Segment(path, int(path.stem)))
    return segments


def segment_head(first: int) -> bytes:
    """The head of the segment that begins with record `first`."""
    return HEAD.pack(MAGIC, first)


def encode_record(number: int, payload: bytes, *, synced_before: bool) -> bytes:
    """A record as it stands on disk; without payload, a seal."""
    marked = number | SYNCED_BEFORE if synced_before else number
    return _RECORD_HEAD.pack(len(payload), zlib.crc32(payload, zlib.crc32(NUMBER.pack(marked))), marked) + payload


def read_records(path: Path, offset: int, number: int) -> Iterator[tuple[int, bytes, int]]:
    """Number, payload and end offset of the records of a segment, the first of which must be `number` and stand at `offset`.

    Ends where the next record is not there or not right; which of the two it is, `judge` can tell. Raises OSError.
    """
    with path.open("rb", buffering=0) as file:
        file.seek(offset)
        data, at = b"", 0
        while more := file.read(_CHUNK_BYTES):
            data, offset, at = data[at:] + more, offset + at, 0
            size = len(data)
            while at + OVERHEAD <= size:
                length, checksum = PREFIX.unpack_from(data, at)
                end = at + OVERHEAD + length
                if not 0 < length <= MAX_PAYLOAD_BYTES:
                    return
                if end > size:
                    break
                body = data[at + PREFIX.size : end]
                if zlib.crc32(body) != checksum or NUMBER.unpack_from(body)[0] & ~SYNCED_BEFORE != number:
                    return
                yield number, body[NUMBER.size :], offset + end
                number, at = number + 1, end


def judge(path: Path, offset: int, number: int) -> End:
    """What stands at `offset` of a segment, where record `number` should. Raises OSError."""
    with path.open("rb") as file:
        file.seek(offset)
        rest = file.read()
    if not rest.strip(b"\0"):  # the zeros of the preallocated room
        return End.CLEAN
    if _is_record(rest, 0, number, number):
        return End.MORE if PREFIX.unpack_from(rest)[0] else End.CLEAN
    return End.DAMAGED if _synced_later(rest, number) else End.TORN


def _synced_later(rest: bytes, number: int) -> bool:
    """Whether anywhere in `rest` stands a record, or a seal, that says that record `number` was on disk before it."""
    highest = number + len(rest) // OVERHEAD
    at = rest.find(b"\x00\x80", PREFIX.size)  # the two highest bytes of any number that has the bit
    while at >= 0:
        if _is_record(rest, at + 2 - OVERHEAD, number, highest):
            return True
        at = rest.find(b"\x00\x80", at + 1)
    return False


def _is_record(data: bytes, at: int, lowest: int, highest: int) -> bool:
    if at < 0 or len(data) < at + OVERHEAD:
        return False
    length, checksum = PREFIX.unpack_from(data, at)
    number = NUMBER.unpack_from(data, at + PREFIX.size)[0] & ~SYNCED_BEFORE
    end = at + OVERHEAD + length
    if length > MAX_PAYLOAD_BYTES or end > len(data) or not lowest <= number <= highest:
        return False
    return bool(zlib.crc32(data[at + PREFIX.size : end]) == checksum)
