"""A journal whose owner writes down all that it needs anew, and gives back the room of what lies before."""

import pytest

from atlas.domain import Unavailable
from atlas.journal import read
from atlas.journal._segment import SegmentWriter


def test_what_lies_before_a_new_segment_can_be_dropped_and_numbers_go_on(open_journal, tick, folder):
    with open_journal() as journal:
        for number in range(1, 11):
            journal.append(tick(number))
        journal.roll()
        assert journal.append(tick(11)) == 11
        journal.sync()
        journal.drop_before(11)
        assert [number for number, _ in journal.read()] == [11]
    with open_journal() as journal:
        assert journal.append(tick(12)) == 12
    assert [event.number for _, event in read(folder, tick)] == [11, 12]


def test_a_segment_that_holds_a_record_still_wanted_stays_whole(open_journal, tick):
    with open_journal() as journal:
        for number in range(1, 4):
            journal.append(tick(number))
        journal.roll()
        journal.append(tick(4))
        journal.roll()
        journal.append(tick(5))
        journal.drop_before(3)
        assert [number for number, _ in journal.read()] == [1, 2, 3, 4, 5]
        journal.drop_before(4)
        assert [number for number, _ in journal.read()] == [4, 5]
        journal.drop_before(100)
        assert [number for number, _ in journal.read()] == [5]


def test_rolling_an_empty_segment_changes_nothing(open_journal, tick, folder):
    with open_journal() as journal:
        journal.roll()
        journal.append(tick(1))
        journal.roll()
        journal.roll()
        assert len(list(folder.glob("*.journal"))) == 2
        assert journal.append(tick(2)) == 2
        journal.sync()
        assert [number for number, _ in journal.read()] == [1, 2]


def test_a_disk_that_takes_no_new_segment_leaves_the_old_one_in_use(open_journal, tick, monkeypatch):
    def no_room(*_):
        raise OSError(28, "No space left on device")

    with open_journal() as journal:
        journal.append(tick(1))
        with monkeypatch.context() as patched:
            patched.setattr(SegmentWriter, "create", no_room)
            with pytest.raises(Unavailable, match="No space left"):
                journal.roll()
        journal.append(tick(2))
        journal.sync()
        assert [number for number, _ in journal.read()] == [1, 2]
