import stat

import pytest

from atlas.domain import ConfigurationError
from services.monitor.token import read_or_make_token


def test_a_token_is_made_once_and_only_its_owner_can_read_it(tmp_path):
    path = tmp_path / "state" / "token"
    token = read_or_make_token(path)
    assert len(token) >= 32
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert path.read_text() == f"{token}\n"
    assert read_or_make_token(path) == token


def test_two_desks_have_two_tokens(tmp_path):
    assert read_or_make_token(tmp_path / "one") != read_or_make_token(tmp_path / "two")


def test_a_token_that_was_put_there_is_taken(tmp_path):
    path = tmp_path / "token"
    path.write_text("  my-own-token \n")
    assert read_or_make_token(path) == "my-own-token"


def test_an_empty_token_would_open_every_door_and_is_refused(tmp_path):
    path = tmp_path / "token"
    path.write_text("\n")
    with pytest.raises(ConfigurationError, match=f"{path} is empty; delete it"):
        read_or_make_token(path)


@pytest.mark.parametrize("place", ["file/token", "folder"])
def test_a_token_file_that_cannot_be_is_named(tmp_path, place):
    (tmp_path / "file").touch()
    (tmp_path / "folder").mkdir()
    with pytest.raises(ConfigurationError, match=str(tmp_path / place)):
        read_or_make_token(tmp_path / place)
