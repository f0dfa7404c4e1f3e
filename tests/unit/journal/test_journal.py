"""Appending, syncing, reading, rolling over."""

import subprocess
import sys
import threading

import msgspec
import pytest

from atlas.domain import BadInput, CorruptJournal, Refused, Unavailable
from atlas.journal import Journal, read, verify


def test_events_come_back_as_they_were_and_numbered_from_one(open_journal, tick, tock):
    events = [tick(1), tock(2, 1.5), tick(3, "three")]
    with open_journal() as journal:
        assert journal.last_sequence == 0
        assert [journal.append(event) for event in events] == [1, 2, 3]
        assert journal.sync() == 3
        assert list(journal.read()) == list(enumerate(events, start=1))


def test_numbers_go_on_after_closing_and_opening(open_journal, tick):
    for start in (0, 3, 6):
        with open_journal() as journal:
            assert journal.last_sequence == start
            for number in range(start, start + 3):
                journal.append(tick(number))
    with open_journal() as journal:
        assert [event.number for _, event in journal.read()] == list(range(9))


def test_reading_begins_where_asked(open_journal, tick):
    with open_journal(segment_bytes=200) as journal:
        for number in range(1, 101):
            journal.append(tick(number))
            journal.sync()
        for start in (1, 2, 50, 99, 100):
            assert [number for number, _ in journal.read(start)] == list(range(start, 101))
        assert list(journal.read(101)) == []


def test_the_writer_reads_what_it_has_not_synced(open_journal, tick):
    with open_journal() as journal:
        journal.append(tick(1))
        assert [number for number, _ in journal.read()] == [1]
        assert journal.synced_sequence == 0


def test_segments_roll_over_by_size_and_are_named_by_their_first_record(open_journal, folder, tick):
    with open_journal(segment_bytes=300) as journal:
        for number in range(1, 61):
            journal.append(tick(number, "x" * 20))
            journal.sync()
    firsts = [int(path.stem) for path in sorted(folder.glob("*.journal"))]
    assert firsts[0] == 1
    assert len(firsts) > 5
    for path, first in zip(sorted(folder.glob("*.journal")), firsts, strict=True):
        assert path.stat().st_size < 400
        number, _ = next(read(folder, msgspec.Raw, first))
        assert number == first


def test_many_appends_need_one_sync(open_journal, tick, monkeypatch):
    calls = []
    monkeypatch.setattr("os.fdatasync", calls.append)
    journal = open_journal()
    calls.clear()
    for number in range(1000):
        journal.append(tick(number))
    assert calls == []
    assert journal.sync() == journal.synced_sequence == 1000
    assert len(calls) == 1
    journal.sync()
    assert len(calls) == 1, "there was nothing to sync"
    journal.close()


def test_a_second_writer_is_refused_by_name_and_a_reader_is_not(open_journal, folder, events, tick):
    with open_journal() as journal:
        journal.append(tick(7))
        journal.flush()
        with pytest.raises(Refused, match=r"being written by process \d+"):
            open_journal()
        assert list(read(folder, events)) == [(1, tick(7))]
    open_journal().close()


def test_a_second_writing_process_is_refused(open_journal, folder):
    attempt = f"from atlas.journal import Journal; from pathlib import Path; Journal.open(Path({str(folder)!r}), int)"
    with open_journal():
        other = subprocess.run([sys.executable, "-c", attempt], capture_output=True, text=True, check=False)
    assert "Refused" in other.stderr
    assert subprocess.run([sys.executable, "-c", attempt], check=False).returncode == 0


def test_an_event_that_is_too_large_is_refused_and_leaves_no_trace(open_journal, tick):
    with open_journal() as journal:
        journal.append(tick(1))
        with pytest.raises(BadInput, match="16 MiB"):
            journal.append(tick(2, "x" * (17 << 20)))
        assert journal.append(tick(2, "x" * (2 << 20))) == 2
        assert [event.number for _, event in journal.read()] == [1, 2]


def test_a_closed_journal_says_so(open_journal, tick):
    journal = open_journal()
    journal.close()
    journal.close()
    with pytest.raises(Unavailable, match="closed"):
        journal.append(tick(1))
    with pytest.raises(Unavailable, match="closed"):
        journal.sync()


def test_leaving_the_context_syncs(open_journal, tick):
    with open_journal() as journal:
        journal.append(tick(1))
    assert journal.synced_sequence == 1


def test_an_event_of_another_kind_is_named_and_not_taken_for_a_damage(open_journal, folder, tick, tock):
    with open_journal() as journal:
        journal.append(tick(1))
        journal.append(tock(2, 2.0))
    with pytest.raises(BadInput, match="record 1 does not fit"):
        list(read(folder, tock))


@pytest.mark.parametrize("raw", [b"\x92\xa4tick\xa1", b"\x93\xa4tick\x01\xa1\xff", b"\x94\xa4tick\x01\xa0" + b"\x91" * 100_000])
def test_whatever_cannot_be_decoded_is_named_in_one_line(open_journal, folder, events, raw):
    with open_journal() as journal:
        journal.append(msgspec.Raw(raw))
    with pytest.raises(BadInput, match="record 1 does not fit") as refused:
        list(read(folder, events))
    assert "\n" not in str(refused.value)
    assert "record 1 is whole, and does not fit" in verify(folder, events).damage


def test_a_missing_segment_is_noticed(open_journal, folder, events, tick):
    with open_journal(segment_bytes=100) as journal:
        for number in range(1, 31):
            journal.append(tick(number))
            journal.sync()
    segments = sorted(folder.glob("*.journal"))
    segments[1].unlink()
    with pytest.raises(CorruptJournal, match="are missing"):
        list(read(folder, events))
    with pytest.raises(CorruptJournal, match="are missing"):
        open_journal()


def test_old_segments_may_be_taken_away_from_the_front(open_journal, folder, events, tick):
    with open_journal(segment_bytes=100) as journal:
        for number in range(1, 31):
            journal.append(tick(number))
            journal.sync()
    oldest, second, *_ = sorted(folder.glob("*.journal"))
    oldest.unlink()
    kept = list(range(int(second.stem), 31))
    assert [number for number, _ in read(folder, events)] == kept
    with open_journal() as journal:
        assert journal.append(tick(31)) == 31


def test_a_file_that_only_looks_like_a_segment_is_named(open_journal, folder):
    open_journal().close()
    (folder / "notes.journal").write_text("hello")
    with pytest.raises(CorruptJournal, match=r"notes\.journal"):
        open_journal()


def test_a_folder_that_cannot_be_is_unavailable(tmp_path, events):
    (tmp_path / "file").write_text("")
    with pytest.raises(Unavailable, match="file"):
        Journal.open(tmp_path / "file" / "journal", events)


def test_one_thread_may_sync_while_another_appends(open_journal, tick):
    count = 20_000
    with open_journal(segment_bytes=64 << 10) as journal:
        done = threading.Event()

        def keep_syncing() -> None:
            while not done.is_set():
                assert journal.sync() <= journal.last_sequence

        syncing = threading.Thread(target=keep_syncing)
        syncing.start()
        for number in range(1, count + 1):
            journal.append(tick(number))
        done.set()
        syncing.join()
        journal.sync()
        assert [(number, event.number) for number, event in journal.read()] == [(n, n) for n in range(1, count + 1)]
