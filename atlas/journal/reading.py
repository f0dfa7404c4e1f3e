"""Reading a journal, also while another process writes it. Readers take no lock and change nothing.

The end of what can be read is the end, torn or not: what stands there may be half written at this moment. A damage before the
end is an error.
"""

from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import msgspec

from atlas.domain import BadInput, CorruptJournal, Unavailable
from atlas.journal._records import HEAD, End, Segment, judge, list_segments, read_records, segment_head, segment_path

UNDECODABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""What msgspec raises on bytes that it cannot take: no message, no text, or too deep."""


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
        except UNDECODABLE as error:
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
            number, _ = yield from segment_payloads(segment, from_sequence)
            segment = following(segment, number)
    except OSError as error:
        raise Unavailable(f"journal {folder} cannot be read: {error.strerror} (errno {error.errno})") from error


def segment_payloads(segment: Segment, from_sequence: int = 1) -> Generator[tuple[int, bytes, Path], None, tuple[int, int]]:
    """The records of a segment. Returns the number and the offset of the record after the last one.

    Raises:
        CorruptJournal: it does not end as it may.
        OSError: it cannot be read.
    """
    path, number, offset = segment.path, segment.first, HEAD.size
    if not has_head(segment):
        return number, 0
    while True:
        # Whatever has a newer segment is whole. That is looked for before reading, for it may come about meanwhile.
        begin, is_whole = number, has_newer(segment)
        for number_read, payload, behind in read_records(path, offset, number):
            if number_read >= from_sequence:
                yield number_read, payload, path
            number, offset = number_read + 1, behind
        end = judge(path, offset, number)
        if following(segment, number) is not None or (
            begin == number and end is not End.MORE and is_whole == has_newer(segment)
        ):
            break
    if end is End.DAMAGED or (is_whole and end is End.TORN):
        raise CorruptJournal(
            f"{path}, offset {offset}: record {number} is damaged, with synced records behind it; restore it from a backup"
        )
    if is_whole and following(segment, number) is None:
        raise CorruptJournal(f"{path}, offset {offset}: the records from {number} on are missing; restore them from a backup")
    return number, offset


def following(segment: Segment, number: int) -> Segment | None:
    """The segment that begins with record `number`, right behind `segment`.

    It is asked for by name: a folder that is listed while files are made in it may show a newer one and not the one before.
    """
    path = segment_path(segment.path.parent, number)
    return Segment(path, number) if number > segment.first and path.exists() else None


def has_head(segment: Segment) -> bool:
    """Whether the file begins as it must; False while the newest segment is being made.

    Raises:
        CorruptJournal: it begins otherwise.
        OSError: it cannot be read.
    """
    while is_being_made(segment):
        if not has_newer(segment):
            return False
        if is_being_made(segment):
            raise CorruptJournal(f"{segment.path}, offset 0: the file is cut off; restore it from a backup")
    with segment.path.open("rb") as file:
        if file.read(HEAD.size) != segment_head(segment.first):
            raise CorruptJournal(f"{segment.path}, offset 0: the head is damaged; restore the file from a backup")
    return True


def has_newer(segment: Segment) -> bool:
    """Whether there is any segment after `segment`."""
    return any(other.first > segment.first for other in list_segments(segment.path.parent))


def is_being_made(segment: Segment) -> bool:
    """Whether its head is not whole yet, or never will be because its maker was interrupted. Then it holds no record."""
    with segment.path.open("rb") as file:
        content = file.read(HEAD.size + 1)
    return len(content) <= HEAD.size and content != segment_head(segment.first)
