"""`atlas demo` as a person runs it: real processes on loopback, one JSON object at the end, nothing left behind."""

import json
import os
import signal
import socket
import subprocess
import sys
import time

import psutil
import pytest

pytestmark = pytest.mark.timeout(120)

RECORDING = "a_permissive/lean/forex/oanda/tick/eurusd/20140505_quote.zip"
QUOTES = 25_177


def demo(*arguments: object, timeout: float = 100.0) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "atlas.cli", "demo", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=timeout, check=False)


def children_of(pid: int) -> list[psutil.Process]:
    try:
        return psutil.Process(pid).children(recursive=True)
    except psutil.NoSuchProcess:
        return []


def test_a_desk_on_the_synthetic_market_trades_and_its_books_agree():
    run = demo("--for", 12, "--json", "--seed", 3)
    result = json.loads(run.stdout.splitlines()[-1])
    assert run.returncode == 0, (result, run.stderr)
    assert result["orders"] > 0
    assert result["fills"] > 0
    assert result["books_agree"] is True
    assert result["positions"]["robot"] == result["positions"]["database"] == result["positions"]["gateway"]
    assert set(result["services"]) == {"gateway", "database", "watcher", "trader", "strategy", "monitor"}
    assert set(result["services"].values()) == {"running"}
    assert result["tick_to_order_us"]["p50"] > 0


def test_every_quote_of_a_recorded_day_is_counted_at_the_watcher_and_by_the_robot(market_data):
    run = demo("--for", 20, "--json", "--speed", 0, "--recording", market_data / RECORDING)
    result = json.loads(run.stdout.splitlines()[-1])
    assert run.returncode == 0, (result, run.stderr)
    assert result["quotes_at"] == {"watcher": QUOTES, "robot": QUOTES}
    assert result["orders"] > 0
    assert result["fills"] > 0
    assert result["books_agree"] is True


def test_a_desk_runs_without_encryption_when_told_to():
    run = demo("--for", 8, "--json", "--no-curve")
    assert run.returncode == 0, run.stderr
    assert json.loads(run.stdout.splitlines()[-1])["books_agree"] is True


@pytest.mark.parametrize(("content", "words"), [(None, "No such file"), (b"no zip", "is damaged"), (b"", "is damaged")])
def test_a_recording_that_cannot_be_played_is_named_before_anything_starts(tmp_path, content, words):
    recording = tmp_path / "20140505_quote.zip"
    if content is not None:
        recording.write_bytes(content)
    run = demo("--for", 5, "--json", "--recording", recording)
    assert run.returncode == 2
    assert run.stdout == ""
    assert str(recording) in run.stderr
    assert words in run.stderr
    assert len(run.stderr.strip().splitlines()) == 1


def test_a_port_in_use_is_named_and_nothing_is_left_running(tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        run = demo("--for", 5, "--json", "--http-port", port, "--folder", tmp_path)
    assert run.returncode == 2
    assert str(port) in run.stderr
    assert "monitor.http_port" in run.stderr
    environments = [one.info["environ"] or {} for one in psutil.process_iter(["environ"])]
    assert not [one for one in environments if one.get("ATLAS_STATE_DIR") == str(tmp_path)]


@pytest.mark.timeout(240)
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_no_process_outlives_the_demonstration(tmp_path, number):
    command = [sys.executable, "-m", "atlas.cli", "demo", "--json", "--folder", str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        give_up = time.monotonic() + 90  # against hanging: a busy machine takes its time to start six processes
        while len(parts := children_of(process.pid)) < 6 and time.monotonic() < give_up:
            time.sleep(0.1)
        assert len(parts) >= 6
        os.kill(process.pid, number)
        process.wait(60)
        gone, alive = psutil.wait_procs(parts, timeout=60)
        assert alive == []
        assert gone
