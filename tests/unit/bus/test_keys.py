import stat
import threading

import pytest
import zmq

from atlas.bus import KeyRing
from atlas.domain import ConfigurationError, Unavailable


@pytest.fixture
def opened(tmp_path):
    return lambda name: KeyRing.open(name, tmp_path / "secret" / name, tmp_path / "public")


def test_the_first_start_makes_a_pair_whose_secret_is_closed_to_others(tmp_path, opened):
    ring = opened("trader")
    secret_file, public_file = tmp_path / "secret/trader/trader.key_secret", tmp_path / "public/trader.key"
    assert stat.S_IMODE(secret_file.stat().st_mode) == 0o600
    assert stat.S_IMODE(secret_file.parent.stat().st_mode) == 0o700
    assert ring.public_key.decode() in public_file.read_text()
    assert "secret" not in public_file.read_text()
    assert [f.name for f in secret_file.parent.iterdir()] == ["trader.key_secret"]
    assert [f.name for f in public_file.parent.iterdir()] == ["trader.key"]


def test_later_starts_use_the_same_pair(opened):
    assert opened("trader").public_key == opened("trader").public_key


def test_two_first_starts_at_once_agree_on_one_pair(opened):
    keys, start = [], threading.Barrier(4)

    def first_start():
        start.wait()
        keys.append(opened("trader").public_key)

    threads = [threading.Thread(target=first_start) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(keys) == 4
    assert len(set(keys)) == 1


def test_a_lost_public_file_is_written_again_from_the_secret_one(tmp_path, opened):
    key = opened("trader").public_key
    (tmp_path / "public/trader.key").write_text("nonsense")
    assert opened("trader").public_key == key
    assert opened("monitor").public_key_of("trader", 0) == key


def test_the_secret_is_in_no_text(tmp_path, opened):
    ring = opened("trader")
    text = (tmp_path / "secret/trader/trader.key_secret").read_text()
    secret = text.split('secret-key = "')[1].split('"')[0]
    assert len(secret) == 40
    assert secret not in repr(ring)
    assert secret not in str(ring)


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604, 0o620])
def test_a_secret_file_that_others_can_open_is_refused_with_the_way_out(tmp_path, opened, mode):
    opened("trader")
    file = tmp_path / "secret/trader/trader.key_secret"
    file.chmod(mode)
    with pytest.raises(ConfigurationError, match=f"chmod 600 {file}"):
        opened("trader")


@pytest.mark.parametrize("content", ["", "garbage", 'curve\n public-key = "abc"\n secret-key = "def"\n', "\xff" * 100])
def test_a_secret_file_with_garbage_is_refused_by_name(tmp_path, opened, content):
    file = tmp_path / "secret/trader/trader.key_secret"
    file.parent.mkdir(parents=True)
    file.write_text(content)
    file.chmod(0o600)
    with pytest.raises(ConfigurationError, match=f"{file} is not a CURVE key pair"):
        opened("trader")
    assert file.read_text() == content


def test_a_pair_whose_halves_do_not_belong_together_is_refused(tmp_path, opened):
    opened("trader")
    file = tmp_path / "secret/trader/trader.key_secret"
    _, other_secret = zmq.curve_keypair()
    file.write_text(file.read_text().split("secret-key")[0] + f'secret-key = "{other_secret.decode()}"\n')
    with pytest.raises(ConfigurationError, match="is not a CURVE key pair"):
        opened("trader")


def test_a_folder_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(ConfigurationError, match="the keys of trader cannot be kept in"):
        KeyRing.open("trader", tmp_path / "file" / "secret", tmp_path / "public")


@pytest.mark.parametrize("name", ["", "../trader", "a b", ".hidden"])
def test_a_name_that_is_no_file_name_is_refused(tmp_path, name):
    with pytest.raises(ConfigurationError, match="cannot name a key"):
        KeyRing.open(name, tmp_path, tmp_path)


def test_the_key_of_a_peer_that_starts_later_is_waited_for(opened):
    ring = opened("strategy")
    later = threading.Timer(0.1, opened, ["watcher"])
    later.start()
    key = ring.public_key_of("watcher", timeout_seconds=10)
    later.join()
    assert key == opened("watcher").public_key


def test_a_peer_that_never_starts_is_given_up_by_name(tmp_path, opened):
    with pytest.raises(Unavailable, match=rf"public key of watcher is not at {tmp_path}/public/watcher.key.*start watcher"):
        opened("strategy").public_key_of("watcher", timeout_seconds=0.1)


def test_who_puts_a_key_into_the_folder_is_allowed_and_who_takes_it_away_is_not(tmp_path, opened):
    trader, strategy = opened("trader"), opened("strategy")
    assert trader.name_of(strategy.public_key) == "strategy"
    monitor = opened("monitor")
    assert trader.name_of(monitor.public_key) == "monitor"
    (tmp_path / "public/monitor.key").unlink()
    assert trader.name_of(monitor.public_key) is None
    assert trader.name_of(zmq.curve_keypair()[0]) is None


def test_a_file_that_is_no_key_lets_nobody_in_and_keeps_nobody_out(tmp_path, opened):
    trader, strategy = opened("trader"), opened("strategy")
    (tmp_path / "public/broken.key").write_bytes(b"\0\xff garbage")
    (tmp_path / "public/empty.key").write_text("")
    assert trader.name_of(strategy.public_key) == "strategy"
    assert trader.name_of(b"") is None
