import json

import pytest

from atlas.domain import ConfigurationError
from atlas.service.config import load
from atlas.service.settings import Settings


@pytest.fixture
def written(tmp_path):
    """Writes a configuration file and gives its path."""

    def write(text):
        path = tmp_path / "desk.yaml"
        path.write_text(text, encoding="utf-8")
        return path

    return write


def origin_of(loaded, key):
    return {name: origin for name, _, origin in loaded.rows()}[key]


def refusal(**sources):
    with pytest.raises(ConfigurationError) as caught:
        load(**{"environment": {}, **sources})
    text = str(caught.value)
    assert "\n" not in text
    return text


def test_without_any_source_every_setting_has_its_default(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    loaded = load(environment={})
    assert loaded.settings == Settings()
    assert {origin for _, _, origin in loaded.rows()} == {"default"}


def test_the_command_line_wins_over_the_environment_over_the_file_over_the_defaults(written):
    file = written("gateway: {port: 1001, host: from-file}\nmonitor: {http_port: 1001}\n")
    environment = {"ATLAS_GATEWAY__PORT": "1002", "ATLAS_MONITOR__HTTP_PORT": "1002"}
    loaded = load(["gateway.port=1003"], environment, file)
    settings = loaded.settings
    assert (settings.gateway.port, settings.monitor.http_port, settings.gateway.host) == (1003, 1002, "from-file")
    assert settings.watcher.data_port == Settings().watcher.data_port
    keys = ("gateway.port", "monitor.http_port", "gateway.host", "watcher.data_port")
    assert [origin_of(loaded, key) for key in keys] == ["command line", "environment", str(file), "default"]


def test_the_last_of_two_overrides_of_one_setting_counts():
    assert load(["gateway.port=1", "gateway.port=2"], {}).settings.gateway.port == 2


def test_one_setting_of_a_group_leaves_its_neighbours_at_their_defaults(written):
    loaded = load(["trader.risk.max_position=5"], {}, written("trader: {risk: {max_order_quantity: 7}}"))
    risk = loaded.settings.trader.risk
    assert (risk.max_position, risk.max_order_quantity, risk.max_working_orders) == (5, 7, 1000)
    assert origin_of(loaded, "trader.risk.max_position") == "command line"
    assert origin_of(loaded, "trader.risk.max_working_orders") == "default"


@pytest.mark.parametrize(
    "sources",
    [
        {"overrides": ["gateway.host="]},
        {"environment": {"ATLAS_GATEWAY__HOST": ""}},
        {"environment": {"ATLAS_STRATEGY__ROBOTS": ""}},
        {"environment": {"ATLAS_CONFIG": "", "ATLAS_NO_SUCH_SETTING": ""}},
    ],
)
def test_an_empty_value_means_unset(sources, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert load(**{"environment": {}, **sources}).settings == Settings()


@pytest.mark.parametrize(
    "text", ["", "# nothing but a comment\n", "gateway:\n", "gateway: {host: }\n", 'gateway: {host: ""}\n']
)
def test_an_empty_value_in_the_file_means_unset(written, text):
    loaded = load(environment={}, file=written(text))
    assert loaded.settings == Settings()
    assert origin_of(loaded, "gateway.host") == "default"


def test_an_empty_value_of_a_stronger_source_lets_the_weaker_one_speak(written):
    file = written("gateway: {host: from-file}")
    assert load(["gateway.host="], {"ATLAS_GATEWAY__HOST": ""}, file).settings.gateway.host == "from-file"


@pytest.mark.parametrize(
    ("sources", "words"),
    [
        ({"overrides": ["trader.acount=DU1"]}, ["trader.acount", "command line", "did you mean trader.account?"]),
        ({"overrides": ["zzz=1"]}, ["zzz", "command line", "config show"]),
        ({"overrides": ["trader=5"]}, ["trader", "command line", "group of settings", "trader.host"]),
        ({"overrides": ["gateway.port=4002", "gateway.port.x=1"]}, ["gateway.port.x", "command line"]),
        ({"overrides": ["novalue"]}, ["'novalue'", "key=value"]),
        ({"overrides": ["=5"]}, ["'=5'", "key=value"]),
        ({"environment": {"ATLAS_TRADER__ACOUNT": "x"}}, ["environment", "ATLAS_TRADER__ACOUNT", "ATLAS_TRADER__ACCOUNT?"]),
        ({"environment": {"ATLAS_TRADER": "{}"}}, ["environment", "ATLAS_TRADER"]),
    ],
)
def test_an_unknown_key_is_refused_with_its_name_and_source(sources, words):
    text = refusal(**sources)
    assert all(word in text for word in words), text


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("trader: {acount: x}", ["trader.acount", "did you mean trader.account?"]),
        ("trader: 5", ["trader", "keys and values"]),
        ("trader: {1: 2}", ["trader.1"]),
        ("- a\n- b", ["keys and values", "list"]),
        ("trader: [", ["not YAML"]),
        ("trader: {account: DU1, account: DU2}", ["not YAML", "the key account stands there twice"]),
        ("gateway: {port: many}", ["gateway.port", "integer", "'many'"]),
        ("gateway: {port: true}", ["gateway.port"]),
        ("gateway: {port: 70000}", ["gateway.port", "65535", "70000"]),
        ("database: {start_timeout_seconds: 0}", ["database.start_timeout_seconds", "greater than 0"]),
        ("log: {level: loud}", ["log.level", "'debug', 'info', 'warning' or 'error'", "'loud'"]),
        ("strategy: {robots: sma}", ["strategy.robots", "must be a list"]),
        ("strategy: {robots: [{strategy: x, instruments: [AAPL@SMART]}]}", ["strategy.robots.0.id", "is missing"]),
        ("strategy: {robots: [{id: a, strategy: x, instruments: [apple]}]}", ["strategy.robots.0.instruments", "'apple'"]),
        ("strategy: {robots: [{id: a, strategy: x, instruments: [AAPL@SMART], colour: red}]}", ["strategy.robots.0.colour"]),
        ("strategy: {robots: [{id: Not Good, strategy: x, instruments: [AAPL@SMART]}]}", ["strategy.robots.0.id", "Not Good"]),
    ],
)
def test_what_the_file_says_wrongly_is_told_with_key_and_file(written, content, words):
    file = written(content)
    text = refusal(file=file)
    assert all(word in text for word in [*words, str(file)]), text


def test_a_wrong_value_is_told_with_its_own_source_when_several_sources_speak(written):
    text = refusal(
        overrides=["gateway.port=none"],
        environment={"ATLAS_MONITOR__HTTP_PORT": "0"},
        file=written("trader: {client_id: -1}"),
    )
    assert "gateway.port (from command line)" in text
    assert "monitor.http_port (from environment)" in text
    assert "trader.client_id (from " in text
    assert "desk.yaml)" in text


def test_two_robots_of_one_name_are_refused():
    robot = {"id": "twin", "strategy": "x", "instruments": ["AAPL@SMART"]}
    assert "two robots are called twin" in refusal(overrides=[f"strategy.robots={json.dumps([robot, robot])}"])


def test_a_file_that_is_not_text_is_refused(tmp_path):
    path = tmp_path / "desk.yaml"
    path.write_bytes(b"\x00\xff\xfe")
    assert f"{path} is not YAML" in refusal(file=path)


def test_a_folder_in_the_files_place_is_refused(tmp_path):
    assert f"{tmp_path} cannot be read" in refusal(file=tmp_path)


def test_a_file_that_was_named_has_to_be_there(tmp_path):
    assert f"{tmp_path}/none.yaml is not there" in refusal(file=tmp_path / "none.yaml")
    assert f"{tmp_path}/none.yaml is not there" in refusal(environment={"ATLAS_CONFIG": f"{tmp_path}/none.yaml"})


def test_the_environment_can_name_the_file_and_the_command_line_another_one(written, tmp_path):
    file = written("gateway: {port: 1001}")
    assert load(environment={"ATLAS_CONFIG": str(file)}).settings.gateway.port == 1001
    other = tmp_path / "other.yaml"
    other.write_text("gateway: {port: 1002}")
    assert load(environment={"ATLAS_CONFIG": str(file)}, file=other).settings.gateway.port == 1002


def test_the_file_of_the_working_folder_is_read_when_none_is_named(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "atlas.yaml").write_text("gateway: {port: 1001}")
    loaded = load(environment={})
    assert loaded.settings.gateway.port == 1001
    assert origin_of(loaded, "gateway.port") == "atlas.yaml"


ROBOTS = [{"id": "one", "strategy": "sma_cross", "instruments": ["EUR.USD@IDEALPRO"], "parameters": {"fast": 3, "name": "x"}}]


@pytest.mark.parametrize("way", ["overrides", "environment", "file"])
def test_lists_can_be_set_in_every_source(way, written):
    text = json.dumps(ROBOTS)
    sources = {
        "overrides": {"overrides": [f"strategy.robots={text}", "watcher.bar_seconds=[1, 30]"]},
        "environment": {"environment": {"ATLAS_STRATEGY__ROBOTS": text, "ATLAS_WATCHER__BAR_SECONDS": "[1,30]"}},
        "file": {"file": written(f"strategy: {{robots: {text}}}\nwatcher: {{bar_seconds: [1, 30]}}")},
    }[way]
    settings = load(**{"environment": {}, **sources}).settings
    (robot,) = settings.strategy.robots
    assert (robot.id, robot.instruments, robot.parameters) == ("one", ("EUR.USD@IDEALPRO",), {"fast": 3, "name": "x"})
    assert settings.watcher.bar_seconds == (1, 30)


def test_an_empty_list_is_a_value_and_not_unset():
    assert load(["strategy.robots=[]"], {}).settings.strategy.robots == ()


@pytest.mark.parametrize("text", ["[1, 2", '{"a":', "a: b: c"])
def test_a_list_that_cannot_be_read_is_told_with_key_and_source(text):
    told = refusal(environment={"ATLAS_STRATEGY__ROBOTS": text})
    assert told.startswith("strategy.robots (from environment) is neither JSON nor YAML")


def test_numbers_and_words_in_text_settings_stay_text():
    settings = load(["trader.account=12345", "database.password=007", "database.name=no"], {}).settings
    assert (settings.trader.account, settings.database.name) == ("12345", "no")
    assert settings.database_password() == "007"


@pytest.mark.parametrize(("text", "value"), [("true", True), ("false", False), ("1", True), ("off", False)])
def test_switches_are_read_from_words(text, value):
    assert load([f"bus.curve={text}"], {}).settings.bus.curve is value
    assert load(environment={"ATLAS_BUS__CURVE": text}).settings.bus.curve is value


def test_variables_of_others_are_none_of_our_business():
    load(
        environment={
            "ATLASSIAN_HOME": "/x",
            "atlas_trader__account": "x",
            "ATLAS_TEST_DATA": "/x",
            "ATLAS_IMAGE": "x",
            "PATH": "/bin",
        }
    )


SECRET = "hunter2-do-not-tell"


def test_secrets_are_in_no_text_that_is_shown():
    loaded = load(environment={"ATLAS_DATABASE__PASSWORD": SECRET})
    assert loaded.settings.database_password() == SECRET
    shown = json.dumps(list(loaded.rows())) + repr(loaded) + str(loaded.settings) + repr(loaded.settings.database)
    assert SECRET not in shown
    assert {key: value for key, value, _ in loaded.rows()}["database.password"] == "**********"


@pytest.mark.parametrize("content", [f"database: {{password: [{SECRET}]}}", f"database: {{password: {{{SECRET}: 1}}}}"])
def test_a_secret_of_the_wrong_type_is_not_repeated(written, content):
    text = refusal(file=written(content))
    assert "database.password" in text
    assert SECRET not in text


def test_a_database_url_with_a_password_in_it_is_refused_and_not_repeated():
    text = refusal(overrides=[f"database.url=mongodb://me:{SECRET}@db:27017/"])
    assert "database.url (from command line)" in text
    assert "database.password_file" in text
    assert SECRET not in text


def test_the_password_file_wins_over_the_password(tmp_path):
    file = tmp_path / "password"
    file.write_text(f"{SECRET}\n")
    settings = load(["database.password=other", f"database.password_file={file}"], {}).settings
    assert settings.database_password() == SECRET


def test_a_password_file_that_is_not_there_is_named(tmp_path):
    settings = load([f"database.password_file={tmp_path}/none"], {}).settings
    with pytest.raises(ConfigurationError, match=r"database\.password_file .*/none cannot be read"):
        settings.database_password()


def test_settings_cannot_be_changed():
    settings = load(environment={}).settings
    with pytest.raises(ValueError, match="frozen"):
        settings.trader.account = "DU2"


def test_every_port_of_the_desk_is_its_own_by_default():
    ports = [value for key, value, _ in load(environment={}).rows() if key.endswith(("_port", ".port"))]
    assert len(ports) == len(set(ports)) > 10


def test_very_long_values_are_cut_short_in_errors():
    assert len(refusal(overrides=[f"gateway.port={'9x' * 5000}"])) < 300
