import pytest

from atlas.domain import ConfigurationError
from atlas.service.config import load
from atlas.session.plan import DemoOptions, make_plan, write_settings


def settings_of(plan):
    return load(environment=dict(plan.environment)).settings


def test_a_plan_is_a_configuration_that_the_schema_accepts_with_ports_all_different(tmp_path):
    plan = make_plan(tmp_path, DemoOptions())
    settings = settings_of(plan)
    assert settings.state_dir == tmp_path
    assert len(set(plan.ports.values())) == len(plan.ports)
    assert settings.gateway.port == plan.ports["gateway.port"]
    assert settings.database.url == f"mongodb://127.0.0.1:{plan.ports['database']}/"
    sections = (settings.watcher, settings.trader, settings.strategy, settings.monitor)
    used = {port for one in sections for name, port in one if name.endswith("_port")}
    assert used <= set(plan.ports.values())


def test_a_plan_does_not_depend_on_the_folder_in_which_one_happens_to_be(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "atlas.yaml").write_text("trader: {account: U7654321, live: true}")
    trader = settings_of(make_plan(tmp_path / "desk", DemoOptions())).trader
    assert (trader.account, trader.mode, trader.broker) == ("", "paper", "ib")


def test_the_settings_of_a_plan_can_be_written_down_for_commands_from_elsewhere(tmp_path):
    plan = make_plan(tmp_path, DemoOptions(curve=False, speed=0))
    assert load([], {}, write_settings(plan)).settings == settings_of(plan)


def test_there_is_one_robot_for_each_instrument(tmp_path):
    robots = settings_of(make_plan(tmp_path, DemoOptions(instruments=("EUR.USD@IDEALPRO", "AAPL@SMART")))).strategy.robots
    assert [(one.id, one.instruments) for one in robots] == [
        ("sma-eurusd", ("EUR.USD@IDEALPRO",)),
        ("sma-aapl", ("AAPL@SMART",)),
    ]


def test_the_options_reach_the_processes(tmp_path):
    options = DemoOptions(recording=tmp_path / "ticks.zip", speed=0, seed=7, curve=False, http_port=18080)
    plan = make_plan(tmp_path, options)
    settings = settings_of(plan)
    assert (settings.bus.curve, settings.watcher.overflow, settings.monitor.http_port) == (False, "wait", 18080)
    command = " ".join(plan.gateway_command)
    assert "--seed 7" in command
    assert "--speed 0" in command
    assert "--hours always" in command  # whenever somebody tries it
    assert f"--recording {tmp_path}/ticks.zip" in command
    assert settings_of(make_plan(tmp_path, DemoOptions(speed=2.5))).watcher.overflow == "conflate"


def test_the_database_server_has_files_of_its_own_for_process_id_and_log(tmp_path):
    command = list(make_plan(tmp_path, DemoOptions()).database_command)
    for option in ("--data-dir", "--pid-file", "--log-file"):
        assert command[command.index(option) + 1].startswith(str(tmp_path))
    assert command[command.index("--host") + 1] == "127.0.0.1"


def test_a_database_server_that_is_not_installed_is_named(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("sys.executable", str(tmp_path / "python"))
    with pytest.raises(ConfigurationError, match=r"nx-27017 is not installed; run `make setup`"):
        make_plan(tmp_path / "desk", DemoOptions())
