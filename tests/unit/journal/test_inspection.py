"""What `atlas journal verify` and `atlas journal cat` stand on."""

import pytest

from atlas.domain import BadInput
from atlas.journal import cat, verify

SEAL_BYTES = 16


@pytest.fixture
def written(open_journal, tick, tock, folder):
    with open_journal(segment_bytes=60) as journal:
        for event in (tick(1, "one"), tock(2, 2.5), tick(3)):
            journal.append(event)
            journal.sync()
    return folder


def test_a_sound_journal_is_reported_with_its_extent(written, events):
    report = verify(written, events)
    assert report.is_right
    assert (report.records, report.first_sequence, report.last_sequence, report.torn_bytes) == (3, 1, 3, 0)
    assert report.segments == len(list(written.glob("*.journal")))
    assert report.file_bytes == sum(path.stat().st_size for path in written.glob("*.journal"))


def test_a_damage_is_reported_and_what_is_before_it_counted(written):
    newest = max(written.glob("*.journal"))
    content = bytearray(newest.read_bytes())
    content[30] ^= 1
    newest.write_bytes(content)
    report = verify(written)
    assert not report.is_right
    assert newest.name in report.damage
    assert report.records == int(newest.stem) - 1


def test_a_torn_tail_is_counted_in_bytes_and_is_no_damage(written):
    newest = max(written.glob("*.journal"))
    newest.write_bytes(newest.read_bytes()[:-SEAL_BYTES] + b"torn" + bytes(100))
    report = verify(written)
    assert report.is_right
    assert report.torn_bytes == 4


def test_records_of_another_kind_are_a_damage_only_if_the_kind_is_named(written, tick):
    assert verify(written).is_right
    assert "does not fit" in verify(written, tick).damage


def test_verifying_changes_nothing(written, events):
    before = {path: path.read_bytes() for path in written.iterdir()}
    verify(written, events)
    list(cat(written, events))
    assert {path: path.read_bytes() for path in written.iterdir()} == before


def test_records_are_shown_with_type_and_fields(written, events):
    assert list(cat(written, events)) == [
        {"sequence": 1, "type": "Tick", "number": 1, "text": "one"},
        {"sequence": 2, "type": "Tock", "number": 2, "price": 2.5},
        {"sequence": 3, "type": "Tick", "number": 3, "text": ""},
    ]


def test_records_can_be_shown_without_knowing_what_they_are(written):
    assert list(cat(written, from_sequence=2)) == [
        {"sequence": 2, "values": ["tock", 2, 2.5]},
        {"sequence": 3, "values": ["tick", 3, ""]},
    ]


@pytest.mark.parametrize("look", [verify, lambda folder: next(cat(folder))])
def test_where_there_is_no_journal_the_folder_is_named(look, tmp_path):
    for folder in (tmp_path, tmp_path / "nowhere"):
        with pytest.raises(BadInput, match=str(folder)):
            look(folder)
