"""A service on this loop, on real sockets: what it says of itself, and why it cannot begin."""

import asyncio
import contextlib
import socket
import time

import pytest
from support import specimens
from support.servers import bus_of, control_of, environment, figures_of, free_port, occupied, ports_of, simulated_gateway

from atlas.bus import Requester, control
from atlas.domain import AtlasError, ConfigurationError, Refused, Unavailable
from atlas.service.config import load
from atlas.service.run import STOP_SECONDS, serve
from services.monitor import Monitor
from services.strategy import StrategyService
from services.trader import Trader
from services.watcher import Watcher

CLASSES = {"watcher": Watcher, "trader": Trader, "strategy": StrategyService, "monitor": Monitor}


@contextlib.asynccontextmanager
async def served(kind, settings):
    """A running service, and a line to its control socket."""
    serving = asyncio.create_task(serve(kind, load(environment=environment(settings)).settings))
    async with control_of(kind.name, settings) as line:
        yield line
        await line.ask(control.Stop(), 5.0)
        assert await serving == 0


async def refusal(kind, settings):
    """What the service says when it cannot begin: one line."""
    with pytest.raises(AtlasError) as caught:
        await serve(kind, load(environment=environment(settings)).settings)
    assert "\n" not in str(caught.value)
    return caught.value


async def metrics(settings):
    return await asyncio.to_thread(figures_of, settings["monitor.metrics_port"])


# What it says of itself


async def test_a_service_that_does_not_do_its_job_says_why(settings):
    async with served(specimens.IsDegraded, settings) as line:
        pong = await line.ask(control.Ping(), 5.0)
        assert (pong.state, pong.ready, pong.detail) == ("degraded", False, "the thing is loose; the other one too")
        status = await line.ask(control.StatusRequest(), 5.0)
        assert status.problems == ["the thing is loose", "the other one too"]
        assert (status.figures["things in use"], status.figures["account"], status.figures["ready"]) == (3, "DU1", 0)


async def test_the_metrics_are_the_figures_that_are_numbers(settings):
    async with served(specimens.IsDegraded, settings) as line:
        await line.ask(control.Ping(), 5.0)
        shown = await metrics(settings)
        assert (shown["atlas_things_in_use"], shown["atlas_ready"]) == (3, 0)
        assert shown["atlas_uptime_seconds"] > 0
        assert "atlas_account" not in shown
        assert "process_resident_memory_bytes" in shown


async def test_what_the_bus_refused_is_counted_in_the_metrics(settings):
    async with served(specimens.Specimen, settings) as line:
        await line.ask(control.Ping(), 5.0)
        assert not [name for name in await metrics(settings) if name.startswith("atlas_bus_faults_total")]
        with socket.create_connection(("127.0.0.1", settings["monitor.control_port"])) as stranger:
            stranger.sendall(b"GET / HTTP/1.1\r\n\r\n" * 10)
            with contextlib.suppress(ConnectionResetError):
                while await asyncio.to_thread(stranger.recv, 1024):
                    pass
        give_up = time.monotonic() + 10
        while (await metrics(settings)).get("atlas_bus_faults_total handshake_failed control") != 1:
            assert time.monotonic() < give_up
        assert (await line.ask(control.Ping(), 5.0)).ready


async def test_figures_are_counted_by_the_loop_that_changes_them(settings):
    async with served(specimens.CountsOnTheLoop, settings) as line:
        await line.ask(control.Ping(), 5.0)
        assert (await metrics(settings))["atlas_on_the_main_thread"] == 1


async def test_a_wrong_key_is_refused_counted_and_changes_nothing(settings, tmp_path):
    async with served(specimens.Specimen, settings) as line:
        await line.ask(control.Ping(), 5.0)
        public = tmp_path / "public"
        public.mkdir()
        (public / "monitor.key").write_bytes((settings["state_dir"] / "keys" / "public" / "monitor.key").read_bytes())
        keys = {"bus.secret_keys_dir": tmp_path / "secret", "bus.public_keys_dir": public}
        async with bus_of("stranger", {**settings, **keys}) as (bus, loaded):
            stranger = Requester(bus, f"tcp://127.0.0.1:{loaded.monitor.control_port}", "monitor", control.Reply)
            with pytest.raises(Refused, match=r"monitor at .* refuses the key of stranger; copy the public key"):
                await stranger.ask(control.Stop(), 5.0)
        assert (await metrics(settings))["atlas_bus_faults_total key_refused control"] >= 1
        assert (await line.ask(control.Ping(), 5.0)).ready


async def test_without_curve_no_keys_are_made(settings):
    plain = {**settings, "bus.curve": "false"}
    async with served(specimens.Specimen, plain) as line:
        assert (await line.ask(control.Ping(), 5.0)).ready
    assert not (settings["state_dir"] / "keys").exists()


@pytest.mark.parametrize("kind", [specimens.LosesACancellation, specimens.LosesACancellationAtStart])
async def test_a_cancellation_that_is_lost_does_not_hold_up_the_stop(settings, kind):
    async with served(kind, settings) as line:
        await line.ask(control.Ping(), 5.0)
        begun = time.monotonic()
    assert time.monotonic() - begun < STOP_SECONDS


async def test_a_service_can_be_stopped_while_it_starts(settings):
    async with served(specimens.Waits, settings) as line:
        assert (await line.ask(control.Ping(), 5.0)).state == "starting"


# Why it cannot begin


@pytest.mark.parametrize("kind", [specimens.CannotStart, specimens.FailsToStop])
async def test_why_a_start_failed_is_told_even_if_the_stop_fails_too(settings, kind):
    assert str(await refusal(kind, settings)) == "the thing that it needs is not there; get one"


async def test_a_stop_that_fails_is_told(settings):
    serving = asyncio.create_task(serve(specimens.StopsBadly, load(environment=environment(settings)).settings))
    async with control_of("monitor", settings) as line:
        await line.ask(control.Stop(), 5.0)
        with pytest.raises(RuntimeError, match="nothing to stop"):
            await serving


PORTS = [*ports_of("monitor"), *ports_of("strategy"), "watcher.control_port", "watcher.metrics_port", "watcher.data_port"]
PORTS += ["trader.control_port", "trader.metrics_port", "trader.event_port"]


@pytest.mark.parametrize("port", PORTS)
async def test_a_port_that_is_taken_is_named_with_its_setting(settings, port):
    with occupied(settings[port]):
        error = await refusal(CLASSES[port.split(".")[0]], settings)
    assert isinstance(error, Unavailable)
    assert f"127.0.0.1:{settings[port]}" in str(error)
    assert str(error).endswith(f"set {port}")


@pytest.mark.parametrize("port", ["watcher.request_port", "trader.order_port"])
async def test_a_port_that_is_opened_last_is_named_too(settings, tmp_path, port):
    with simulated_gateway(settings["gateway.port"], tmp_path), occupied(settings[port]):
        error = await refusal(CLASSES[port.split(".")[0]], settings)
    assert f"127.0.0.1:{settings[port]}" in str(error)
    assert str(error).endswith(f"set {port}")


@pytest.mark.parametrize("place", ["/proc/nowhere", "a-file", "a-file/below"])
async def test_a_state_folder_that_cannot_be_made_is_named(settings, tmp_path, place):
    (tmp_path / "a-file").touch()
    error = str(await refusal(Monitor, {**settings, "state_dir": tmp_path / place}))
    assert str(tmp_path / place) in error
    assert "state_dir" in error


@pytest.mark.parametrize("setting", ["bus.secret_keys_dir", "bus.public_keys_dir", "monitor.token_file"])
async def test_a_place_that_cannot_be_written_is_named(settings, tmp_path, setting):
    (tmp_path / "a-file").touch()
    taken = tmp_path / "a-file" / "below"
    error = await refusal(Monitor, {**settings, setting: taken})
    assert isinstance(error, ConfigurationError)
    assert str(taken) in str(error)


async def test_a_secret_key_that_others_can_read_is_refused_with_the_remedy(settings):
    secret = settings["state_dir"] / "keys" / "secret"
    async with served(specimens.Specimen, settings):
        pass
    (secret / "monitor.key_secret").chmod(0o644)
    assert "chmod 600" in str(await refusal(specimens.Specimen, settings))


async def test_a_database_that_is_not_there_is_named(settings):
    port = free_port()
    changed = {"database.url": f"mongodb://127.0.0.1:{port}/", "database.start_timeout_seconds": 0.1}
    error = str(await refusal(Monitor, {**settings, **changed}))
    assert f"127.0.0.1:{port}" in error
    assert "set database.url" in error


async def test_a_database_that_does_not_let_us_in_is_named_without_the_password(settings):
    error = await refusal(Monitor, {**settings, "database.user": "me", "database.password": "not-to-be-told"})
    assert isinstance(error, Refused)
    assert "database.user" in str(error)
    assert "not-to-be-told" not in str(error)


async def test_a_user_without_a_password_is_told(settings):
    error = str(await refusal(Monitor, {**settings, "database.user": "me"}))
    assert "'me'" in error
    assert "database.password_file" in error


async def test_an_address_that_is_not_ours_is_named(settings):
    assert "192.0.2.1" in str(await refusal(Monitor, {**settings, "bind_address": "192.0.2.1"}))


async def test_a_gateway_that_is_not_there_is_named_when_the_wait_is_over(settings):
    error = str(await refusal(Watcher, {**settings, "gateway.start_timeout_seconds": 0.1}))
    assert f"127.0.0.1:{settings['gateway.port']}" in error
    assert "gateway.port" in error


async def test_a_strategy_file_that_is_not_there_is_named(settings, tmp_path):
    error = str(await refusal(StrategyService, {**settings, "strategy.folder": tmp_path}))
    assert str(tmp_path / "sma_cross.py") in error
