"""The state file: what happened to orders, appended record by record, so that a restart finds the same books.

A record is its length, the CRC-32 of that and the CRC-32 of its payload (4 bytes each), and the payload in MessagePack.
It is written before the client hears of it, so killing the process loses nothing that anyone was told. A torn last record is
cut off; damage anywhere else is an error. On opening, the file is replaced by one snapshot.

A record that cannot be written (a full disk) is the end of the gateway: it must not go on with what it could not keep.
"""

import contextlib
import os
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Self

import msgspec

from atlas.domain import BadInput, Unavailable
from ib_gateway.simulator.broker import Record

_HEAD = struct.Struct(">III")
_LENGTH = struct.Struct(">I")
_MAGIC = b"ATLAS-SIM-1\n"
_decode = msgspec.msgpack.Decoder(Record)
_encode = msgspec.msgpack.Encoder()


class StateLost(Unavailable):
    """The state file cannot be written any more. What clients were told until then is in it."""


class NoStateFile:
    """A state that is forgotten."""

    def append(self, record: Record) -> None:
        """Forget."""

    def close(self) -> None:
        """Nothing is open."""


class StateFile:
    """An open state file."""

    def __init__(self, stream: BinaryIO, path: Path) -> None:
        self._stream = stream
        self._path = path

    @staticmethod
    def read(path: Path) -> Iterator[Record]:
        """The records of a file, none if it is not there.

        Raises:
            BadInput: the file is no state file, or damaged before its end.
        """
        try:
            data = path.read_bytes()
        except FileNotFoundError:
            return
        except (OSError, ValueError) as error:  # a name with a NUL is no name
            raise BadInput(f"the state file {str(path)!r} cannot be read: {getattr(error, 'strerror', error)}") from error
        if not data:
            return
        if not data.startswith(_MAGIC):
            raise BadInput(f"{path} is not a state file of the simulated gateway; name another, or move it away")
        at = len(_MAGIC)
        while len(data) - at >= _HEAD.size:
            length, head_checksum, checksum = _HEAD.unpack_from(data, at)
            payload = data[at + _HEAD.size : at + _HEAD.size + length]
            whole_head = zlib.crc32(_LENGTH.pack(length)) == head_checksum
            if whole_head and len(payload) < length:
                return  # torn
            if not whole_head or zlib.crc32(payload) != checksum:
                raise BadInput(f"the state file {path} is damaged at byte {at}; restore a copy, or move it away to begin anew")
            try:
                yield _decode.decode(payload)
            except msgspec.DecodeError as error:
                raise BadInput(f"the state file {path} holds a record that is not known at byte {at}: {error}") from error
            at += _HEAD.size + length

    @classmethod
    def begin(cls, path: Path, snapshot: Record) -> Self:
        """Replace the file by a snapshot, and go on after it.

        Raises:
            BadInput: the file cannot be written.
        """
        fresh = path.with_name(path.name + ".new")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with fresh.open("wb") as stream:
                stream.write(_MAGIC + _framed(snapshot))
                stream.flush()
                os.fsync(stream.fileno())
            fresh.replace(path)
            return cls(path.open("ab", buffering=0), path)
        except OSError as error:
            with contextlib.suppress(OSError):
                fresh.unlink()  # half of a snapshot is of no use
            raise BadInput(f"the state file {path} cannot be written: {error.strerror}") from error

    def append(self, record: Record) -> None:
        """Write one record through to the operating system.

        Raises:
            StateLost: it cannot be written whole; the next reader cuts off what there is of it.
        """
        data = memoryview(_framed(record))
        try:
            while data:
                data = data[self._stream.write(data) :]
        except OSError as error:
            raise StateLost(f"the state file {self._path} cannot be written any more: {error.strerror or error}; "
                            "make room or name another with --state, and start again") from error  # fmt: skip

    def close(self) -> None:
        """Close the file."""
        self._stream.close()


def _framed(record: Record) -> bytes:
    payload = _encode.encode(record)
    return _HEAD.pack(len(payload), zlib.crc32(_LENGTH.pack(len(payload))), zlib.crc32(payload)) + payload
