"""The state file: what was written is found again, and what was torn is cut off."""

import errno
import itertools
import os

import pytest

from atlas.domain import BadInput, Order, Side
from atlas.exchange import Accepted, Cancelled, Exchange
from ib_gateway.simulator.broker import Snapshot
from ib_gateway.simulator.broker.held import Placed
from ib_gateway.simulator.messages import Contract, Ticket
from ib_gateway.simulator.state import StateFile, StateLost

ORDER = Order("1.5", "r", "EUR.USD@IDEALPRO", Side.BUY, 20_000.0, account="DU1")
RECORDS = [
    Placed("1.5", 1, 5, ORDER.instrument, Contract(con_id=12087792), Ticket(action="BUY", quantity=20_000.0, order_ref="a")),
    Accepted(ORDER, 1_000_000_001, 1, 7),
    Cancelled("1.5", "", 8),
]


@pytest.fixture
def empty():
    return Snapshot(Exchange([], {"DU1": {}}).state(), [], [], {3: 9})


@pytest.fixture
def written(tmp_path, empty):
    path = tmp_path / "gateway.state"
    state = StateFile.begin(path, empty)
    for record in RECORDS:
        state.append(record)
    state.close()
    return path


def test_records_are_found_again_in_order(written, empty):
    assert list(StateFile.read(written)) == [empty, *RECORDS]


def test_a_file_that_is_not_there_or_empty_holds_nothing(tmp_path):
    assert list(StateFile.read(tmp_path / "none")) == []
    (tmp_path / "empty").touch()
    assert list(StateFile.read(tmp_path / "empty")) == []


def test_a_torn_last_record_is_cut_off_wherever_it_was_torn(written, empty):
    whole = written.read_bytes()
    previous = None
    for length in range(len(b"ATLAS-SIM-1\n"), len(whole)):
        written.write_bytes(whole[:length])
        records = list(StateFile.read(written))
        assert records == [empty, *RECORDS][: len(records)]
        assert previous is None or len(records) in (previous, previous + 1)
        previous = len(records)
    assert previous == 3


def test_damage_before_the_end_is_an_error_not_a_shorter_history(written):
    whole = written.read_bytes()
    for at in range(12, len(whole)):
        content = bytearray(whole)
        content[at] ^= 0x55
        written.write_bytes(content)
        with pytest.raises(BadInput, match="is damaged at byte"):
            list(StateFile.read(written))


def test_another_file_is_not_taken_for_a_state_file(tmp_path):
    path = tmp_path / "notes.txt"
    path.write_text("dear diary")
    with pytest.raises(BadInput, match="is not a state file"):
        list(StateFile.read(path))
    assert path.read_text() == "dear diary"


def test_a_place_that_cannot_be_written_is_an_error(tmp_path, empty):
    (tmp_path / "file").touch()
    with pytest.raises(BadInput, match="cannot be written"):
        StateFile.begin(tmp_path / "file" / "gateway.state", empty)


class FullDisk:
    """Takes so many bytes, the last write in part, and then none."""

    def __init__(self, room):
        self.room, self.content = room, b""

    def write(self, data):
        taken = bytes(data[: self.room - len(self.content)])
        if not taken:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        self.content += taken
        return len(taken)


def test_a_record_that_does_not_fit_is_told_with_the_file_and_the_reason_and_what_was_whole_is_found(written, empty):
    snapshot = written.read_bytes()
    disk = FullDisk(len(snapshot))
    state = StateFile(disk, written)
    for record in RECORDS:
        state.append(record)
    rest = itertools.cycle(RECORDS)
    with pytest.raises(StateLost, match=r"gateway.state cannot be written any more: No space left on device; make room"):
        all(state.append(record) is None for record in rest)
    assert len(disk.content) == len(snapshot)
    written.write_bytes(snapshot + disk.content)
    records = list(StateFile.read(written))
    assert records[:7] == [empty, *RECORDS, *RECORDS]
    assert all(record in RECORDS for record in records[7:])


def test_a_full_disk_at_the_start_leaves_the_file_as_it_was(written, empty, monkeypatch):
    before = written.read_bytes()

    def full(_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("ib_gateway.simulator.state.os.fsync", full)
    with pytest.raises(BadInput, match="cannot be written: No space left on device"):
        StateFile.begin(written, empty)
    assert written.read_bytes() == before
    assert list(written.parent.iterdir()) == [written]


def test_beginning_anew_leaves_one_snapshot(written, empty):
    StateFile.begin(written, empty).close()
    assert list(StateFile.read(written)) == [empty]
