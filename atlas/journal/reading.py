"""Reading a journal, also while another process writes it. Readers take no lock and change nothing.

The end of what can be read is the end, torn or not: what stands there may be half written at this moment. A damage before the
end is an error.
"""

from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import msgspec

from atlas.domain import BadInput, CorruptJournal, Unavailable
from atlas.journal._records import HEAD, End, Segment, judge, list_segments, read_records, segment_head


def read(folder: Path, event_type: Any, from_sequence: int = 1) -> Iterator[tuple[int, Any]]:
    """Sequence number and event of the records from `from_sequence` on, or from the oldest that is still kept.

    `event_type` is the struct, or the union of tagged structs, that the journal was written with.

    Raises:
        CorruptJournal: a damage before the end.
        BadInput: a record does not hold an `event_type`.
        Unavailable: the files cannot be read.
    """
    decode = msgspec.msgpack.Decoder(event_type).decode
    for number, payload, path in payloads(Path(folder), from_sequence):
        try:
            event = decode(payload)
        except msgspec.DecodeError as error:
            raise BadInput(
                f"{path}: record {number} does not fit ({error}); it was written by another version or another service"
            ) from None
        yield number, event


def payloads(folder: Path, from_sequence: int = 1) -> Iterator[tuple[int, bytes, Path]]:
    """As `read`, not decoded, and with the file."""
    try:
        segments = list_segments(folder)
        earlier = [segment for segment in segments if segment.first <= from_sequence]
        segment = next(iter(earlier[-1:] or segments[:1]), None)
        while segment is not None:
            for number, payload in segment_payloads(segment):
                if number >= from_sequence:
                    yield number, payload, segment.path
            segment = newer_than(segment)
    except OSError as error:
        raise Unavailable(f"journal {folder} cannot be read: {error.strerror} (errno {error.errno})") from error


def segment_payloads(segment: Segment) -> Generator[tuple[int, bytes], None, tuple[int, int]]:
    """The records of a segment. Returns the number and the offset of the record after the last one.

    Raises:
        CorruptJournal: it does not end as it may.
        OSError: it cannot be read.
    """
    number, offset, end = segment.first, HEAD.size, End.MORE
    if is_being_made(segment):
        return number, 0
    with segment.path.open("rb") as file:
        if file.read(HEAD.size) != segment_head(segment.first):
            raise CorruptJournal(f"{segment.path}, offset 0: the head is damaged; restore the file from a backup")
    while end is End.MORE:
        for number_read, payload, behind in read_records(segment.path, offset, number):
            yield number_read, payload
            number, offset = number_read + 1, behind
        end = judge(segment.path, offset, number)
    newer = newer_than(segment)
    where = f"{segment.path}, offset {offset}"
    if end is End.DAMAGED or (newer is not None and end is End.TORN):
        raise CorruptJournal(f"{where}: record {number} is damaged, with synced records behind it; restore it from a backup")
    if newer is not None and newer.first != number:
        raise CorruptJournal(f"{where}: the records {number} to {newer.first - 1} are missing; restore them from a backup")
    return number, offset


def is_being_made(segment: Segment) -> bool:
    """Whether its head is not whole yet, or never will be because its maker was interrupted. Then it holds no record."""
    with segment.path.open("rb") as file:
        content = file.read(HEAD.size + 1)
    return len(content) <= HEAD.size and content != segment_head(segment.first)


def newer_than(segment: Segment) -> Segment | None:
    """The segment after `segment`, if there is one."""
    return next((other for other in list_segments(segment.path.parent) if other.first > segment.first), None)
