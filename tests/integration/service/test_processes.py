"""Services as processes: asked over their control socket, stopped in order, told off in one line."""

import json
import signal
import sys
import time

import pytest
from support.servers import control_of, occupied, service, wait_until_listening

from atlas.bus import control
from atlas.domain import AtlasError

STOP_SECONDS = 5.0


def specimen(kind, settings, folder):
    return service("monitor", settings, folder, [sys.executable, "-m", "support.specimens", kind])


def assert_ended_well(process, since):
    assert process.wait(STOP_SECONDS + 1) == 0
    assert time.monotonic() - since < STOP_SECONDS
    assert process.last_words == ""


def assert_refused(process, *words):
    """It exited with 2 after one line with these words."""
    assert process.wait() == 2
    assert process.last_words.startswith("atlas: ")
    assert process.last_words.count("\n") == 0
    assert all(word in process.last_words for word in words), process.last_words
    assert process.process.stdout.read() == b""


async def test_a_service_answers_on_its_control_socket_and_stops_when_told(settings, tmp_path):
    with service("monitor", settings, tmp_path) as monitor:
        async with control_of("monitor", settings) as line:
            pong = await line.ask(control.Ping(), 20.0)
            while not pong.ready:
                assert (pong.state, pong.detail) == ("starting", "starting")
                pong = await line.ask(control.Ping(), 5.0)
            assert (pong.name, pong.state, pong.detail) == ("monitor", "running", "")

            status = await line.ask(control.StatusRequest(), 5.0)
            assert (status.name, status.state, status.ready, status.problems) == ("monitor", "running", True, [])
            assert status.figures["ready"] == 1
            assert 0 < status.figures["uptime_seconds"] < 60
            assert abs(time.time_ns() - status.started_ns) < 60e9

            with pytest.raises(AtlasError, match="monitor cannot be paused"):
                await line.ask(control.Pause(), 5.0)
            since = time.monotonic()
            assert await line.ask(control.Stop(), 5.0) == control.Done()
        assert_ended_well(monitor, since)
        events = [json.loads(line)["event"] for line in monitor.log.splitlines()]
        assert events[-1] == "stopped"
        assert "stop asked for" in events


@pytest.mark.parametrize("numbers", [[signal.SIGTERM], [signal.SIGINT, signal.SIGTERM, signal.SIGINT]])
def test_a_signal_ends_a_service_in_order_and_more_signals_change_nothing(settings, tmp_path, numbers):
    with service("monitor", settings, tmp_path) as monitor:
        wait_until_listening(settings["monitor.http_port"], monitor.process)
        since = time.monotonic()
        for number in numbers:
            monitor.terminate(number)
        assert_ended_well(monitor, since)
        assert json.loads(monitor.log.splitlines()[-1])["event"] == "stopped"


def test_a_stop_that_takes_too_long_is_cut_short(settings, tmp_path):
    with specimen("NeverStops", settings, tmp_path) as stubborn:
        wait_until_listening(settings["monitor.control_port"], stubborn.process)
        since = time.monotonic()
        stubborn.terminate()
        assert_ended_well(stubborn, since)
        assert "the stop took too long and was cut short" in stubborn.log


@pytest.mark.parametrize("name", ["watcher", "trader", "strategy"])
async def test_a_service_that_still_waits_for_others_can_be_asked_and_stopped(settings, tmp_path, name):
    with service(name, settings, tmp_path) as process:
        async with control_of(name, settings) as line:
            pong = await line.ask(control.Ping(), 20.0)
            assert (pong.ready, pong.state, pong.detail) == (False, "starting", "starting")
        since = time.monotonic()
        process.terminate()
        assert_ended_well(process, since)


def test_a_port_that_is_taken_ends_the_process_with_2_and_one_line(settings, tmp_path):
    port = settings["monitor.http_port"]
    with occupied(port), service("monitor", settings, tmp_path) as process:
        assert_refused(process, f"127.0.0.1:{port}", "set monitor.http_port")


def test_a_service_that_loses_what_it_needs_ends_with_2_and_one_line(settings, tmp_path):
    with specimen("FailsLater", settings, tmp_path) as process:
        assert_refused(process, "the thing that it needs has gone; bring it back")


def test_a_defect_ends_the_process_with_1_and_its_trace(settings, tmp_path):
    with specimen("IsWrong", settings, tmp_path) as process:
        assert process.wait() == 1
        assert "ZeroDivisionError: a defect" in process.last_words
