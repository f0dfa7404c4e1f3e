"""One segment, written. Whatever fails, the file ends with a whole record, and what was not taken can be written again.

Room is allocated ahead: fdatasync is about a third quicker when it has no new file size to write, and a full disk is found
before anything is half written.
"""

import errno
import os
from pathlib import Path

from atlas.journal._records import encode_record, segment_head, segment_path

_ROOM_BYTES = 1 << 20
_CANNOT_ALLOCATE = frozenset({errno.EOPNOTSUPP, errno.EINVAL, errno.ENOSYS})  # a file system without; then it goes without


class SegmentWriter:
    """Appends bytes to a segment. All methods raise OSError."""

    def __init__(self, path: Path, offset: int) -> None:
        """Go on at `offset`; what stands behind it is cut off."""
        self.path = path
        self.offset = offset
        self._descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
        self._room_end = offset
        try:
            self._cut()
        except OSError:
            self.abandon()
            raise

    @classmethod
    def create(cls, folder: Path, first: int) -> "SegmentWriter":
        """A new segment, which outlives a power cut from now on."""
        path = segment_path(folder, first)
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o640))
        writer = cls(path, 0)
        try:
            # The head goes without room behind it: a segment that is no longer than its head was perhaps never finished.
            os.pwrite(writer._descriptor, segment_head(first), 0)
            writer.offset = len(segment_head(first))
            writer.sync()
            sync_folder(folder)
        except OSError:
            writer.abandon()
            path.unlink()
            raise
        return writer

    def write(self, data: bytes) -> None:
        """Append all of `data`; on failure, none of it."""
        try:
            if self.offset + len(data) > self._room_end:
                self._allocate(len(data))
            view, at = memoryview(data), self.offset
            while view:
                written = os.pwrite(self._descriptor, view, at)
                view, at = view[written:], at + written
        except OSError:
            self._cut()
            raise
        self.offset += len(data)

    def _allocate(self, need: int) -> None:
        try:
            self._extend(need + _ROOM_BYTES)
        except OSError:
            self._extend(need)  # the last of the room, if there is that much

    def _extend(self, by: int) -> None:
        try:
            os.posix_fallocate(self._descriptor, self.offset, by)
        except OSError as error:
            if error.errno not in _CANNOT_ALLOCATE:
                raise
        self._room_end = self.offset + by

    def _cut(self) -> None:
        os.ftruncate(self._descriptor, self.offset)
        self._room_end = self.offset

    def sync(self) -> None:
        """Bring everything written so far to disk."""
        os.fdatasync(self._descriptor)

    def finish(self) -> None:
        """Give back the room behind the last record, and close."""
        try:
            self._cut()
            self.sync()
        finally:
            self.abandon()

    def seal(self, number: int) -> None:
        """Write down that everything before record `number` is on disk, which the caller has seen to, and close."""
        try:
            self._cut()
            os.pwrite(self._descriptor, encode_record(number, b"", synced_before=True), self.offset)
            self.sync()
        finally:
            self.abandon()

    def abandon(self) -> None:
        """Close, and leave the file as it is."""
        os.close(self._descriptor)


def sync_folder(folder: Path) -> None:
    """Bring the names of files made or removed in `folder` to disk."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
