"""Reading while another process writes."""

import subprocess
import sys

from atlas.journal import read

WRITER = """
import sys
from pathlib import Path
from atlas.journal import Journal

with Journal.open(Path(sys.argv[1]), int, segment_bytes=2000) as journal:
    print("ready", flush=True)
    for number in range(1, 30_001):
        journal.append(number)
        if number % 7 == 0:
            journal.flush()
        if number % 1000 == 0:
            journal.sync()
"""


def test_a_reader_sees_a_growing_gapless_prefix_and_at_last_everything(tmp_path):
    with subprocess.Popen([sys.executable, "-c", WRITER, str(tmp_path)], stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout is not None
        writer.stdout.readline()
        seen, seen_at_work = 0, 0
        while writer.poll() is None:
            for number, event in read(tmp_path, int, seen + 1):
                assert number == event == seen + 1
                seen = number
                if seen % 100 == 0 and writer.poll() is None:
                    seen_at_work = seen
        assert writer.returncode == 0
    assert seen_at_work > 0, "the reader should have met the writer at work"
    assert [number for number, _ in read(tmp_path, int)] == list(range(1, 30_001))


def test_a_reader_stops_before_a_half_written_record_and_takes_it_up_later(open_journal, folder, events, tick):
    with open_journal() as journal:
        for number in (1, 2, 3):
            journal.append(tick(number))
        journal.sync()
        (path,) = folder.glob("*.journal")
        whole = path.read_bytes()
        used = len(whole.rstrip(b"\0"))
        path.write_bytes(whole[: used - 2])
        assert [number for number, _ in read(folder, events)] == [1, 2]
        path.write_bytes(whole)
        assert [number for number, _ in read(folder, events)] == [1, 2, 3]
