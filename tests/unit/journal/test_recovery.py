"""What a journal is worth: after cuts, flipped bits, power cuts and kills."""

import os
import random
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from atlas.domain import CorruptJournal
from atlas.journal import Journal, read, verify
from atlas.journal._records import read_records

COUNT = 60
HEAD_BYTES = 16
SEAL_BYTES = 16


def laid_down(files: dict[str, bytes], folder: Path) -> Path:
    """`files` in a folder that held another journal before."""
    folder.mkdir(exist_ok=True)
    for old in folder.glob("*.journal"):
        old.unlink()
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return folder


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.glob("*.journal"))}


@pytest.fixture(scope="module")
def closed(tmp_path_factory, events, tick) -> dict[str, bytes]:
    """The files of a journal that was closed in order: several segments, several syncs in each."""
    folder = tmp_path_factory.mktemp("closed")
    with Journal.open(folder, events, segment_bytes=400) as journal:
        for number in range(1, COUNT + 1):
            journal.append(tick(number, "x" * (number % 7)))
            if number % 3 == 0:
                journal.sync()
    return contents(folder)


@pytest.fixture(scope="module")
def crashed(tmp_path_factory, events, tick) -> dict[str, bytes]:
    """The files as a killed process leaves them: no seal, preallocated room, the last sync at COUNT - 6."""
    folder = tmp_path_factory.mktemp("crashed")
    journal = Journal.open(folder, events)
    for number in range(1, COUNT + 1):
        journal.append(tick(number))
        if number % 6 == 0 and number < COUNT:
            journal.sync()
    journal.flush()
    files = contents(folder)
    journal.close()
    return files


@pytest.fixture(scope="module")
def scratch(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("scratch")


def numbers_after_opening(folder, events) -> list[int]:
    with Journal.open(folder, events) as journal:
        numbers = [number for number, _ in journal.read()]
        assert not numbers or journal.last_sequence == numbers[-1]
        return numbers


@given(data=st.data())
@settings(max_examples=150, deadline=None)
def test_a_cut_of_the_last_segment_loses_only_a_tail_and_the_journal_goes_on(closed, scratch, events, tick, data):
    last = max(closed)
    kept = data.draw(st.integers(0, len(closed[last])))
    folder = laid_down({**closed, last: closed[last][:kept]}, scratch)
    numbers = numbers_after_opening(folder, events)
    assert numbers == list(range(1, len(numbers) + 1))
    assert len(numbers) >= int(Path(last).stem) - 1
    with Journal.open(folder, events) as journal:
        assert journal.append(tick(0)) == len(numbers) + 1
    assert numbers_after_opening(folder, events) == list(range(1, len(numbers) + 2))


@given(data=st.data())
@settings(max_examples=150, deadline=None)
def test_a_cut_of_an_older_segment_is_always_found_and_named(closed, scratch, events, data):
    name = data.draw(st.sampled_from(sorted(closed)[:-1]))
    kept = data.draw(st.integers(0, len(closed[name]) - 1))
    folder = laid_down({**closed, name: closed[name][:kept]}, scratch)
    for attempt in (lambda: Journal.open(folder, events), lambda: list(read(folder, events))):
        with pytest.raises(CorruptJournal, match=name):
            attempt()
    assert name in verify(folder).damage


@given(data=st.data())
@settings(max_examples=300, deadline=None)
def test_a_flipped_byte_in_a_closed_journal_is_always_found_and_named(closed, scratch, events, data):
    name = data.draw(st.sampled_from(sorted(closed)))
    content = bytearray(closed[name])
    sealed = SEAL_BYTES if name == max(closed) else 0
    at = data.draw(st.integers(0, len(content) - sealed - 1))
    content[at] ^= data.draw(st.integers(1, 255))
    folder = laid_down({**closed, name: bytes(content)}, scratch)
    for attempt in (lambda: Journal.open(folder, events), lambda: list(read(folder, events))):
        with pytest.raises(CorruptJournal) as found:
            attempt()
        assert name in str(found.value)
        assert "offset" in str(found.value)
        assert "\n" not in str(found.value)


@given(at=st.integers(0, SEAL_BYTES - 1), flip=st.integers(1, 255))
@settings(deadline=None)
def test_a_damaged_seal_costs_no_record(closed, scratch, events, at, flip):
    last = max(closed)
    content = bytearray(closed[last])
    content[len(content) - SEAL_BYTES + at] ^= flip
    folder = laid_down({**closed, last: bytes(content)}, scratch)
    assert numbers_after_opening(folder, events) == list(range(1, COUNT + 1))


@given(data=st.data())
@settings(max_examples=200, deadline=None)
def test_a_flipped_byte_after_a_crash_never_costs_more_than_the_last_sync(crashed, scratch, events, data):
    (name,) = crashed
    content = bytearray(crashed[name])
    used = len(content.rstrip(b"\0"))
    at = data.draw(st.integers(HEAD_BYTES, used - 1))
    content[at] ^= data.draw(st.integers(1, 255))
    folder = laid_down({name: bytes(content)}, scratch)
    try:
        numbers = numbers_after_opening(folder, events)
    except CorruptJournal:
        return
    assert numbers == list(range(1, len(numbers) + 1))
    assert COUNT - 12 <= len(numbers) < COUNT


@given(data=st.data())
@settings(max_examples=100, deadline=None)
def test_a_power_cut_that_scrambles_what_was_not_synced_leaves_what_was(tmp_path_factory, events, tick, data):
    folder = tmp_path_factory.mktemp("power")
    journal = Journal.open(folder, events)
    synced = data.draw(st.integers(0, 10))
    for number in range(1, synced + 1):
        journal.append(tick(number))
    journal.sync()
    (path,) = folder.glob("*.journal")
    durable = max((end for _, _, end in read_records(path, HEAD_BYTES, 1)), default=HEAD_BYTES)
    for number in range(data.draw(st.integers(1, 30))):
        journal.append(tick(number, "unsynced"))
        if data.draw(st.booleans()):
            journal.flush()
    journal.flush()
    content = bytearray(path.read_bytes())
    journal.close()
    for start in range(durable, len(content.rstrip(b"\0")), 16):  # a block is there or not, in any combination
        if data.draw(st.booleans()):
            content[start : start + 16] = bytes(len(content[start : start + 16]))
    laid_down({path.name: bytes(content)}, folder)
    numbers = numbers_after_opening(folder, events)
    assert numbers == list(range(1, len(numbers) + 1))
    assert len(numbers) >= synced


def test_a_segment_whose_making_was_interrupted_is_made_again(closed, scratch, events):
    for head in (b"", b"ATLASJ1\n", b"ATLASJ1\n" + bytes(4)):
        folder = laid_down({**closed, f"{COUNT + 1:020d}.journal": head}, scratch)
        assert numbers_after_opening(folder, events) == list(range(1, COUNT + 1))


def test_a_quick_opening_leaves_old_damages_to_the_reading(closed, scratch, events):
    oldest = min(closed)
    content = bytearray(closed[oldest])
    content[HEAD_BYTES + 20] ^= 1
    folder = laid_down({**closed, oldest: bytes(content)}, scratch)
    with Journal.open(folder, events, verify=False) as journal:
        assert journal.last_sequence == COUNT
        with pytest.raises(CorruptJournal):
            list(journal.read())


WRITER = """
import sys
from pathlib import Path
from atlas.journal import Journal

journal = Journal.open(Path(sys.argv[1]), int, segment_bytes=4096)
print(journal.last_sequence, flush=True)
while True:
    for _ in range(5):
        journal.append(journal.last_sequence + 1)
    print(journal.sync(), flush=True)
"""


def test_no_synced_record_is_missing_after_kills_at_random_moments(tmp_path):
    moments = random.Random(20140505)
    promised = 0
    for _ in range(15):
        writer = subprocess.Popen([sys.executable, "-c", WRITER, str(tmp_path)], stdout=subprocess.PIPE, text=True)
        assert writer.stdout is not None
        found = int(writer.stdout.readline())
        assert found >= promised, "a synced record is missing"
        for _ in range(moments.randrange(1, 200)):
            promised = int(writer.stdout.readline())
        for _ in range(moments.randrange(20_000)):
            pass  # anywhere between two syncs
        writer.kill()
        promised = max([promised, *(int(line) for line in writer.stdout.read().splitlines(keepends=True) if line[-1] == "\n")])
        writer.wait()
        writer.stdout.close()
    with Journal.open(tmp_path, int) as journal:
        records = list(journal.read())
    assert records == [(number, number) for number in range(1, len(records) + 1)]
    assert len(records) >= promised > 0
    assert len(list(tmp_path.glob("*.journal"))) > 1, "the kills should meet roll-overs as well"


def test_what_a_killed_process_had_written_is_synced_when_the_journal_is_opened(tmp_path, monkeypatch):
    with Journal.open(tmp_path, int) as journal:
        journal.append(1)
    synced = []
    real = os.fdatasync
    monkeypatch.setattr("os.fdatasync", lambda descriptor: (synced.append(descriptor), real(descriptor)))
    Journal.open(tmp_path, int).close()
    assert synced
