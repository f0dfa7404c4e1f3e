"""Looking into a journal from outside: for `atlas journal cat` and `atlas journal verify`. Changes nothing, takes no lock."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from atlas.domain import BadInput, CorruptJournal, Unavailable, plain
from atlas.journal._records import Segment, list_segments
from atlas.journal.reading import UNDECODABLE, read, segment_payloads


@dataclass(slots=True)
class Report:
    """What `verify` has found. `damage` is empty, or names file and offset; the `records` before it are right.

    `torn_bytes` stand behind the last record. They were never synced, and are cut off when the journal is next opened for
    writing; or they are being written at this moment.
    """

    folder: Path
    segments: int = 0
    records: int = 0
    first_sequence: int = 0
    last_sequence: int = 0
    file_bytes: int = 0
    torn_bytes: int = 0
    damage: str = ""

    @property
    def is_right(self) -> bool:
        """Whether every synced record is there and right."""
        return not self.damage


def verify(folder: Path, event_type: Any = None) -> Report:
    """Check every record of the journal in `folder`; with an `event_type`, also that each holds one.

    Raises:
        BadInput: there is no journal.
        Unavailable: the files cannot be read.
    """
    segments = _segments(Path(folder))
    report = Report(Path(folder))
    decoder = msgspec.msgpack.Decoder(event_type) if event_type is not None else None
    try:
        for segment in segments:
            _verify_segment(segment, report, decoder)
    except CorruptJournal as error:
        report.damage = str(error)
    except OSError as error:
        raise Unavailable(f"journal {folder} cannot be read: {error.strerror} (errno {error.errno})") from error
    return report


def _verify_segment(segment: Segment, report: Report, decoder: "msgspec.msgpack.Decoder[Any] | None") -> None:
    report.segments += 1
    report.file_bytes += segment.path.stat().st_size
    records = segment_payloads(segment)
    while True:
        try:
            number, payload, _ = next(records)
        except StopIteration as stop:
            _, offset = stop.value
            break
        if decoder is not None:
            _decode(decoder, payload, f"{segment.path}: record {number}")
        report.first_sequence = report.first_sequence or number
        report.last_sequence = number
        report.records += 1
    report.torn_bytes = _torn_bytes(segment, offset)


def _decode(decoder: "msgspec.msgpack.Decoder[Any]", payload: bytes, where: str) -> None:
    try:
        decoder.decode(payload)
    except UNDECODABLE as error:
        raise CorruptJournal(f"{where} is whole, and does not fit: {error}") from None


def _torn_bytes(segment: Segment, offset: int) -> int:
    with segment.path.open("rb") as file:
        file.seek(offset)
        rest = file.read()
    is_seal = len(rest) >= 4 and rest[:4] == bytes(4)
    return 0 if is_seal else len(rest.rstrip(b"\0"))


def cat(folder: Path, event_type: Any = None, from_sequence: int = 1) -> Iterator[dict[str, Any]]:
    """The records as plain values: `sequence`, and `type` and fields of the event; without an `event_type`, bare `values`.

    Raises:
        BadInput: there is no journal, or a record does not hold an `event_type`.
        CorruptJournal: a damage before the end.
        Unavailable: the files cannot be read.
    """
    _segments(Path(folder))
    for sequence, event in read(folder, Any if event_type is None else event_type, from_sequence):
        if isinstance(event, msgspec.Struct):
            yield {"sequence": sequence, "type": type(event).__name__, **plain(event)}
        else:
            yield {"sequence": sequence, "values": event}


def _segments(folder: Path) -> list[Segment]:
    segments = list_segments(folder) if folder.is_dir() else []
    if not segments:
        raise BadInput(f"there is no journal in {folder}; give the folder that holds its .journal files")
    return segments
