"""The trader's disk: the real journal on a folder in memory, that can be full, and that a crash leaves as a power cut would."""

import os
import random
import shutil
import tempfile
from pathlib import Path
from typing import Any

from atlas.domain import Unavailable
from atlas.journal import Journal
from services.trader.ports import TraderRecord

_MEMORY = Path("/dev/shm")


class Disk:
    """A folder for journals. While it is `full`, nothing that was not written before gets there."""

    def __init__(self, chance: random.Random) -> None:
        self.full = False
        self.chance = chance
        self.folder = Path(tempfile.mkdtemp(prefix="atlas-model-", dir=_MEMORY if _MEMORY.is_dir() else None))

    def open(self) -> "ModelJournal":
        """The journal of the trader that starts now."""
        journal: Any = ModelJournal.open(self.folder / "trader", TraderRecord)
        journal.disk = self
        return journal

    def remove(self) -> None:
        """Leave nothing."""
        shutil.rmtree(self.folder)


class ModelJournal(Journal[TraderRecord]):
    """The journal as it is, on a disk that can be full."""

    disk: Disk | None = None

    def _flush(self) -> int:
        if self.disk is not None and self.disk.full and self._buffer:
            raise Unavailable(f"journal {self.folder} cannot be written: No space left on device (errno 28)")
        return super()._flush()

    def crash(self) -> None:
        """The power is cut: what was not written is gone, but for a torn piece of it."""
        segment = self._segment
        if segment is None:
            return
        torn = b"".join(self._buffer)
        if torn and self.disk is not None and not self.disk.full:
            kept = self.disk.chance.randrange(len(torn))
            os.pwrite(segment._descriptor, torn[:kept], segment.offset)
        self._segment = None
        self._failure = "the process is dead"
        segment.abandon()
        os.close(self._lock)
