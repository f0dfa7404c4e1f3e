"""The append-only log of events: what was synced is there for good, whatever happens to the process or the machine.

Append as often as you like, then sync once: that is one write and one fdatasync for all of them.
"""

import contextlib
import fcntl
import os
import threading
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from types import TracebackType
from typing import Any, Generic, TypeVar

import msgspec

from atlas.domain import BadInput, Refused, Unavailable
from atlas.journal._records import MAX_PAYLOAD_BYTES, Segment, encode_record, list_segments
from atlas.journal._segment import SegmentWriter, sync_folder
from atlas.journal.reading import is_being_made, read, segment_payloads

E = TypeVar("E")

SEGMENT_BYTES = 64 << 20
_BUFFER_RECORDS = 4096
_LARGE_BYTES = 64 << 10


class Journal(Generic[E]):
    """A journal that this process writes. Made by `Journal.open`; closed by `close` or as a context manager.

    One thread appends; `sync` may run in another meanwhile, and what is appended then waits for the next sync. What they
    share is a list that one grows at its end and the other cuts at its front, so that an append needs no lock.
    """

    def __init__(self, folder: Path, lock: int, event_type: Any, segment_bytes: int) -> None:
        self.folder = folder
        self._lock = lock
        self._event_type = event_type
        self._segment_bytes = segment_bytes
        self._encode = msgspec.msgpack.Encoder().encode
        self._io = threading.Lock()  # guards the file
        self._buffer: list[bytes] = []
        self._last = 0  # appended
        self._written = 0  # handed to the operating system
        self._synced = 0  # on disk
        self._failure = ""
        self._segment: SegmentWriter | None = None

    @classmethod
    def open(cls, folder: Path, event_type: Any, *, segment_bytes: int = SEGMENT_BYTES, verify: bool = True) -> "Journal[Any]":
        """Open the journal in `folder` for writing; make it if it is not there.

        A torn tail is cut off. `verify=False` checks the checksums of the newest segment only, for those who are going to
        read everything anyway. Segments roll over at about `segment_bytes`.

        Raises:
            CorruptJournal: records are damaged or missing before the end; names file and offset.
            Refused: another process has it open for writing.
            Unavailable: the folder or its files cannot be used.
        """
        folder = Path(folder)
        try:
            if not folder.is_dir():
                folder.mkdir(parents=True)
                sync_folder(folder.parent)
            lock = _lock(folder)
        except OSError as error:
            raise _unavailable(folder, "cannot be opened", error) from error
        journal: Journal[Any] = cls(folder, lock, event_type, segment_bytes)
        try:
            journal._recover(verify=verify)
        except OSError as error:
            os.close(lock)
            raise _unavailable(folder, "cannot be opened", error) from error
        except BaseException:
            os.close(lock)
            raise
        return journal

    def _recover(self, *, verify: bool) -> None:
        segments = list_segments(self.folder)
        first = segments[-1].first if segments else 1
        if segments and is_being_made(segments[-1]):
            segments.pop().path.unlink()
            sync_folder(self.folder)
        if not segments:
            self._segment = SegmentWriter.create(self.folder, first)
            self._last = self._written = self._synced = first - 1
            return
        next_number, offset = first, 0
        for segment in segments if verify else segments[-1:]:
            next_number, offset = _end_of(segment)
        self._segment = SegmentWriter(segments[-1].path, offset)
        self._segment.sync()  # what a killed process had only written is relied upon from here on
        self._last = self._written = self._synced = next_number - 1

    # Writing

    @property
    def last_sequence(self) -> int:
        """The number of the last event that was appended; 0 if there was none yet."""
        return self._last

    @property
    def synced_sequence(self) -> int:
        """Everything up to this number is on disk."""
        return self._synced

    @property
    def broken(self) -> str:
        """Why the journal must be closed and opened again before it takes anything; "" if all is well."""
        return self._failure

    def append(self, event: E) -> int:
        """Take `event` down; returns its sequence number. It is on disk after the next `sync`.

        Raises:
            BadInput: the event is larger than 16 MiB.
            Unavailable: the disk takes no more; `event` was not taken. Once there is room, it goes on.
        """
        if self._failure:
            raise Unavailable(self._failure)
        payload = self._encode(event)
        length = len(payload)
        if length > MAX_PAYLOAD_BYTES:
            raise BadInput(f"journal {self.folder}: an event of {length} bytes is too large; the limit is 16 MiB")
        if len(self._buffer) >= _BUFFER_RECORDS or length >= _LARGE_BYTES:
            self.flush()
        last = self._last
        self._buffer.append(encode_record(last + 1, payload, synced_before=self._synced == last))
        self._last = last + 1
        return last + 1

    def flush(self) -> int:
        """Hand everything appended to the operating system; other processes can read it. Returns the last number.

        Raises:
            Unavailable: the disk does not take it. Nothing torn is left, nothing is lost; try again once there is room.
        """
        with self._io:
            return self._flush()

    def _flush(self) -> int:
        if self._failure or self._segment is None:
            raise Unavailable(self._failure)
        count = len(self._buffer)
        if not count:
            return self._written
        try:
            if self._segment.offset >= self._segment_bytes:
                self._roll()
            self._segment.write(b"".join(self._buffer[:count]))
        except OSError as error:
            raise _unavailable(self.folder, "cannot be written", error) from error
        del self._buffer[:count]
        self._written += count
        return self._written

    def _roll(self) -> None:
        """Begin the next segment. On failure the old one stays the one that is written."""
        if self._segment is None:
            return
        self._sync_segment(self._segment)
        newer = SegmentWriter.create(self.folder, self._written + 1)
        old, self._segment = self._segment, newer
        with contextlib.suppress(OSError):  # its records are on disk; all that is left to do is to give back room
            old.finish()

    def sync(self) -> int:
        """Bring everything appended so far to disk. Returns the last number that is there now.

        Raises:
            Unavailable: the disk does not take it. If it could not be written, try again once there is room; if the sync
                itself failed, nobody can know what is on disk: close the journal and open it again.
        """
        with self._io:
            last = self._flush()
            if last != self._synced and self._segment is not None:
                self._sync_segment(self._segment)
            return last

    def _sync_segment(self, segment: SegmentWriter) -> None:
        try:
            segment.sync()
        except OSError as error:  # the kernel may forget what it could not write: a second sync would promise too much
            self._failure = (
                f"journal {self.folder} could not be synced: {error.strerror} (errno {error.errno}); "
                "see to the disk, close the journal and open it again"
            )
            raise Unavailable(self._failure) from error
        self._synced = self._written

    def roll(self) -> None:
        """Sync, and begin a new segment: what is appended next can outlive everything before it (`drop_before`).

        Raises:
            Unavailable: as `sync`. Nothing is lost; the old segment goes on where the new one could not be made.
        """
        self.sync()
        with self._io:
            if self._segment is None or self._written < self._first_of_segment:
                return
            try:
                self._roll()
            except OSError as error:
                raise _unavailable(self.folder, "cannot begin a new segment", error) from error

    def drop_before(self, sequence: int) -> None:
        """Give back the room of the records before `sequence`, as far as whole segments hold nothing else.

        For those who have written all that they need of them behind. What cannot be removed stays, for the next time.
        """
        segments = list_segments(self.folder)
        for segment, newer in pairwise(segments):  # the oldest first, each for good: there is never a hole
            if newer.first > sequence:
                return
            try:
                segment.path.unlink()
                sync_folder(self.folder)
            except OSError:
                return

    @property
    def _first_of_segment(self) -> int:
        return int(self._segment.path.stem) if self._segment is not None else 0

    def close(self) -> None:
        """Sync and let go. Harmless when closed already.

        Raises:
            Unavailable: as `sync`; what could not be written is lost then, and the journal is let go all the same.
        """
        segment = self._segment
        if segment is None:
            return
        try:
            if self._failure:
                segment.abandon()
            else:
                self._sync_and_seal(segment)
        finally:
            self._segment = None
            self._failure = f"journal {self.folder} is closed; open it again"
            os.close(self._lock)

    def _sync_and_seal(self, segment: SegmentWriter) -> None:
        try:
            self.sync()
        except Unavailable:
            segment.abandon()
            raise
        segment = self._segment or segment  # the sync may have rolled over
        with contextlib.suppress(OSError):  # a seal that could not be written is a torn tail, and no record is missing
            segment.seal(self._last + 1)

    def __enter__(self) -> "Journal[E]":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    # Reading

    def read(self, from_sequence: int = 1) -> Iterator[tuple[int, E]]:
        """Sequence number and event from `from_sequence` on, what was appended before the call included.

        Raises:
            CorruptJournal, BadInput, Unavailable: as `atlas.journal.read`.
        """
        if self._segment is not None:
            self.flush()
        return read(self.folder, self._event_type, from_sequence)


def _lock(folder: Path) -> int:
    """The descriptor that holds the one right to write."""
    path = folder / "lock"
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o640)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        holder = os.pread(descriptor, 20, 0).decode("ascii", "replace") or "unknown"
        os.close(descriptor)
        raise Refused(f"journal {folder} is being written by process {holder}; a journal has one writer") from None
    with contextlib.suppress(OSError):  # the number is for people; on a full disk the lock holds without it
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, str(os.getpid()).encode(), 0)
    return descriptor


def _end_of(segment: Segment) -> tuple[int, int]:
    """The number and the offset of the record that comes next. Raises CorruptJournal."""
    records = segment_payloads(segment)
    while True:
        try:
            next(records)
        except StopIteration as stop:
            end: tuple[int, int] = stop.value
            return end


def _unavailable(folder: Path, what: str, error: OSError) -> Unavailable:
    name = error.strerror or type(error).__name__
    return Unavailable(f"journal {folder} {what}: {name} (errno {error.errno}); see to the disk, then try again")
