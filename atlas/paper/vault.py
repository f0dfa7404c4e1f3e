"""Where a paper account is kept: a journal of all that happened, and now and then everything at once, so that it stays short.

What was synced before it was told is there after any end of the process or the machine. A snapshot is written behind everything
else, and only once it is on disk whole is what lies before it given back.
"""

from collections import deque
from pathlib import Path

import msgspec

from atlas.domain import CorruptJournal, Unavailable
from atlas.journal import Journal
from atlas.paper.records import Batch, Line, Part, Snapshot, joined, parts_of

REST_AFTER = 20_000


class Vault:
    """The open journal of one account.

    Args:
        folder: where it lies; made if it is not there.
        rest_after: records of batches after which `is_long`: it is time for a snapshot.

    Raises:
        CorruptJournal: it is damaged before its end.
        Refused: another process has it open.
        Unavailable: the folder cannot be used.
    """

    def __init__(self, folder: Path, rest_after: int = REST_AFTER) -> None:
        self._journal: Journal[Line] = Journal.open(folder, Line, verify=False)
        self._rest_after = rest_after
        self._since_rest = 0
        self._unwritten: deque[Batch] = deque()
        self.problem = ""

    def read(self) -> tuple[Snapshot | None, list[Batch]]:
        """The last whole snapshot, and what happened since.

        Raises:
            CorruptJournal: the journal, or the snapshot, cannot be read.
        """
        snapshot, parts, batches = None, list[Part](), list[Batch]()
        for number, line in self._journal.read():
            if isinstance(line, Batch):
                parts = []
                batches.append(line)
                continue
            parts = [*parts, line] if line.index else [line]
            if len(parts) == line.count:
                try:
                    snapshot, batches = joined(parts), []
                except msgspec.DecodeError as error:
                    raise CorruptJournal(
                        f"{self._journal.folder}: the snapshot in record {number} does not fit ({error})"
                    ) from None
        self._since_rest = sum(len(batch.records) for batch in batches)
        return snapshot, batches

    def append(self, batch: Batch) -> None:
        """Take `batch`; it is written with the next `write`."""
        self._unwritten.append(batch)
        self._since_rest += len(batch.records)

    def write(self, *, durably: bool) -> bool:
        """Hand over what was appended: to the disk if `durably`, else to the operating system, which a killed process outlives.

        False while that cannot be done; then `problem` says why, nothing is lost, and it is tried again with the next call.
        """
        try:
            while self._unwritten:
                self._journal.append(self._unwritten[0])
                self._unwritten.popleft()
            if durably:
                self._journal.sync()
            else:
                self._journal.flush()
        except Unavailable as error:
            self.problem = str(error)
            return False
        self.problem = ""
        return True

    @property
    def is_long(self) -> bool:
        """Whether reading it would take more than it has to."""
        return self._since_rest >= self._rest_after

    @property
    def is_clean(self) -> bool:
        """Whether nothing has happened since the last snapshot."""
        return not self._since_rest

    def rest(self, snapshot: Snapshot) -> None:
        """Write down `snapshot`, which is what everything before comes to, and give back the room of that.

        If the disk does not take it, all stays as it is, to be tried again.
        """
        if not self.write(durably=True):
            return
        try:
            self._journal.roll()
            first = self._journal.last_sequence + 1
            for part in parts_of(snapshot):
                self._journal.append(part)
            self._journal.sync()
        except Unavailable as error:
            self.problem = str(error)
            return
        self._journal.drop_before(first)
        self._since_rest = 0

    def close(self) -> None:
        """Write what is left, and let go.

        Raises:
            Unavailable: it cannot be written; what nobody was told of is lost then.
        """
        self.write(durably=True)
        self._journal.close()
