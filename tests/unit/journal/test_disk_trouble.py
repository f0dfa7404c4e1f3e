"""A disk that is full, or fails: said clearly, nothing torn, and on it goes when there is room."""

import resource
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from atlas.domain import Unavailable
from atlas.journal import verify


@contextmanager
def largest_file(size: int) -> Iterator[None]:
    """The kernel refuses to let any file of this process grow beyond `size`, as a full disk does."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_sync_that_finds_no_room_says_so_leaves_nothing_torn_and_can_be_repeated(open_journal, folder, events, tick):
    with open_journal() as journal:
        for number in range(1, 11):
            journal.append(tick(number))
        journal.sync()
        for number in range(11, 501):
            journal.append(tick(number, "x" * 50))
        with largest_file(2000):
            for _ in range(3):
                with pytest.raises(Unavailable, match=r"errno 27") as refused:
                    journal.sync()
                report = verify(folder, events)
                assert (report.last_sequence, report.torn_bytes, report.damage) == (10, 0, "")
        assert str(folder) in str(refused.value)
        assert "\n" not in str(refused.value)
        assert journal.synced_sequence == 10
        assert journal.append(tick(501)) == 501
        assert journal.sync() == 501
        assert [event.number for _, event in journal.read()] == list(range(1, 502))


def test_an_append_that_finds_no_room_takes_nothing(open_journal, tick):
    large = tick(0, "x" * 500_000)
    with open_journal() as journal:
        with largest_file(300_000):
            taken = journal.append(large)  # waits in the buffer
            with pytest.raises(Unavailable):
                journal.append(large)
            assert journal.last_sequence == taken
        assert journal.append(large) == taken + 1
        journal.sync()
        assert len(list(journal.read())) == taken + 1


def test_a_roll_over_that_finds_no_room_keeps_the_old_segment(open_journal, folder, tick, monkeypatch):
    from atlas.journal import _segment

    with open_journal(segment_bytes=50) as journal:
        journal.append(tick(1, "x" * 60))
        journal.sync()
        journal.append(tick(2))
        with monkeypatch.context() as patched:
            patched.setattr(_segment, "sync_folder", lambda _folder: (_ for _ in ()).throw(OSError(28, "No space left")))
            with pytest.raises(Unavailable, match="errno 28"):
                journal.sync()
        assert len(list(folder.glob("*.journal"))) == 1
        journal.sync()
        assert len(list(folder.glob("*.journal"))) == 2
        assert [number for number, _ in journal.read()] == [1, 2]


def test_after_a_failed_sync_nothing_is_promised_until_the_journal_is_opened_anew(open_journal, tick, monkeypatch):
    journal = open_journal()
    journal.append(tick(1))
    journal.sync()
    journal.append(tick(2))
    with monkeypatch.context() as patched:
        patched.setattr("os.fdatasync", lambda _descriptor: (_ for _ in ()).throw(OSError(5, "Input/output error")))
        with pytest.raises(Unavailable, match="errno 5"):
            journal.sync()
    for attempt in (journal.sync, journal.flush, lambda: journal.append(tick(3))):
        with pytest.raises(Unavailable, match="open it again"):
            attempt()
    assert journal.synced_sequence == 1
    journal.close()
    with open_journal() as again:
        assert again.last_sequence >= 1


def test_a_file_system_that_cannot_allocate_ahead_is_good_enough(open_journal, tick, monkeypatch):
    def refuse(*_arguments: int) -> None:
        raise OSError(95, "Operation not supported")

    monkeypatch.setattr("os.posix_fallocate", refuse)
    for start in (0, 100):
        with open_journal(segment_bytes=500) as journal:
            for number in range(start, start + 100):
                journal.append(tick(number))
                journal.sync()
            assert [event.number for _, event in journal.read()] == list(range(start + 100))


FILL_THE_DISK = """
import sys
from pathlib import Path
from atlas.domain import Unavailable
from atlas.journal import Journal, verify

folder, ballast = Path(sys.argv[1]) / "journal", Path(sys.argv[1]) / "ballast"
with Journal.open(folder, bytes) as journal:
    ballast.write_bytes(bytes(100_000))
    promised = 0
    try:
        while True:
            journal.append(bytes(10_000))
            promised = journal.sync()
    except Unavailable as error:
        print(error)
        appended = journal.last_sequence
    report = verify(folder)
    assert (report.last_sequence, report.torn_bytes, report.damage) == (promised, 0, ""), report
    assert appended == promised + 1
    ballast.unlink()
    assert journal.sync() == appended
    assert journal.append(b"there is room again") == appended + 1
assert verify(folder).last_sequence == appended + 1
print("passed", promised)
"""


def test_on_a_disk_that_is_really_full_nothing_synced_is_lost_and_it_goes_on(tmp_path):
    """A file system of its own, 256 KiB large; the kernel has to allow that to plain users."""
    mount = f"mount -t tmpfs -o size=256k tmpfs {tmp_path} && exec {sys.executable} -c '{FILL_THE_DISK}' {tmp_path}"
    in_namespace = ["unshare", "--user", "--map-root-user", "--mount"]
    if subprocess.run([*in_namespace, "true"], capture_output=True, check=False).returncode != 0:
        pytest.skip("this kernel does not let us mount a small file system")
    done = subprocess.run([*in_namespace, "sh", "-c", mount], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "errno 28" in done.stdout
    assert "passed" in done.stdout
