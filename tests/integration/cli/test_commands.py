"""The real `atlas` command: what it prints where, and how it exits."""

import json

import pytest
from support.servers import free_port

from atlas import __version__
from atlas.domain import Order, OrderEvent, OrderEventKind, Side
from atlas.journal import Journal


def one_line(done, *words):
    """The command told one clear line with these words, nothing else, and exited with 2."""
    lines = done.stderr.splitlines()
    assert (done.returncode, done.stdout, len(lines)) == (2, "", 1), (done.returncode, done.stdout, done.stderr)
    assert lines[0].startswith("atlas: ")
    assert all(word in lines[0] for word in words), lines[0]


def test_the_version_is_all_that_is_printed(run):
    done = run("version")
    assert (done.returncode, done.stdout, done.stderr) == (0, f"{__version__}\n", "")


@pytest.mark.parametrize("arguments", [("nothing",), ("run", "nothing"), ("demo", "--for", "0"), ("ping",)])
def test_a_wrong_command_line_exits_with_2_and_says_what_is_wrong(run, arguments):
    one_line(run(*arguments), "`atlas --help` shows what there is")


# Configuration


def test_the_configuration_is_shown_as_json_with_origins_and_without_secrets(run):
    done = run("--set", "gateway.port=4444", "config", "show", "--json", database__password="hunter2", log__level="error")
    shown = json.loads(done.stdout)
    assert (done.returncode, done.stderr) == (0, "")
    assert shown["gateway.port"] == {"value": 4444, "origin": "command line"}
    assert shown["log.level"] == {"value": "error", "origin": "environment"}
    assert shown["bus.curve"] == {"value": True, "origin": "default"}
    assert shown["monitor.token_file"] == {"value": None, "origin": "default"}
    assert shown["database.password"] == {"value": "**********", "origin": "environment"}
    assert "hunter2" not in done.stdout


def test_the_configuration_is_shown_as_a_table_with_each_setting_in_one_line(run, tmp_path):
    long = tmp_path / ("x" * 150)
    done = run("config", "show", state_dir=long)
    lines = {line.split()[0]: line.split()[1:] for line in done.stdout.splitlines()}
    assert done.returncode == 0
    assert lines["state_dir"] == [str(long), "environment"]
    assert lines["watcher.bar_seconds"] == ["[5,", "60]", "default"]


def test_a_setting_that_is_none_is_refused_from_each_source(run, tmp_path):
    one_line(run("--set", "trader.acount=x", "config", "show"), "trader.acount", "command line")
    one_line(run("config", "show", trader__acount="x"), "ATLAS_TRADER__ACOUNT", "environment")
    (tmp_path / "atlas.yaml").write_text("trader: {acount: x}")
    one_line(run("config", "show"), "trader.acount", "atlas.yaml")


def test_a_value_of_the_wrong_type_is_refused_before_a_service_starts(run, tmp_path):
    one_line(run("run", "monitor", monitor__http_port="many"), "monitor.http_port", "environment", "'many'")
    one_line(run("--set", "monitor.http_port=0", "run", "monitor"), "monitor.http_port", "command line")
    assert list(tmp_path.iterdir()) == []


def test_a_configuration_file_that_is_not_yaml_is_refused_wherever_it_was_named(run, tmp_path):
    (tmp_path / "bad.yaml").write_text("a: [")
    one_line(run("--config", "bad.yaml", "config", "show"), "bad.yaml", "not YAML")
    one_line(run("status", config="bad.yaml"), "bad.yaml", "not YAML")
    one_line(run("--config", "none.yaml", "config", "show"), "none.yaml", "not there")


# Journals


@pytest.fixture
def journal(tmp_path):
    folder = tmp_path / "journal"
    order = Order("r-1-0", "r", "AAPL@SMART", Side.BUY, 100)
    with Journal.open(folder, OrderEvent) as written:
        for number in (1, 2, 3):
            written.append(OrderEvent(number, order.id, "r", OrderEventKind.PENDING, number, order=order))
        written.sync()
    return folder


def test_a_sound_journal_is_verified_and_printed(run, journal):
    done = run("journal", "verify", str(journal), "--json")
    report = json.loads(done.stdout)
    assert (done.returncode, done.stderr) == (0, "")
    assert (report["folder"], report["records"], report["last_sequence"], report["damage"]) == (str(journal), 3, 3, "")
    assert "records: 3" in run("journal", "verify", str(journal)).stdout.splitlines()
    printed = [json.loads(line) for line in run("journal", "cat", str(journal)).stdout.splitlines()]
    assert [record["sequence"] for record in printed] == [1, 2, 3]
    assert "AAPL@SMART" in printed[0]["values"][7]


def test_a_damaged_journal_is_reported_and_exits_with_2(run, journal):
    (file,) = journal.glob("*.journal")
    content = bytearray(file.read_bytes())
    content[60] ^= 0xFF
    file.write_bytes(content)
    done = run("journal", "verify", str(journal), "--json")
    assert done.returncode == 2
    assert "damaged" in json.loads(done.stdout)["damage"]
    assert done.stderr.startswith("atlas: ")
    assert done.stderr.count("\n") == 1


def test_a_folder_without_a_journal_is_named(run, tmp_path):
    one_line(run("journal", "verify", str(tmp_path)), str(tmp_path), "no journal")
    one_line(run("journal", "cat", f"{tmp_path}/none"), f"{tmp_path}/none", "no journal")


# A desk that is not there


def test_what_is_not_there_is_named_with_what_to_do(run):
    port = free_port()
    one_line(run("ping", "everything"), "'everything'", "watcher, trader, strategy, monitor, gateway, database")
    one_line(run("ping", "gateway", gateway__port=port), f"127.0.0.1:{port}", "gateway.port")
    one_line(run("ping", "monitor", bus__curve="false", monitor__control_port=port), f"127.0.0.1:{port}", "is not there")
    one_line(run("token"), "var/monitor.token", "monitor")


def test_a_database_that_is_not_there_is_named_with_what_to_do(run):
    port = free_port()
    done = run("ping", "database", database__url=f"mongodb://127.0.0.1:{port}/")
    one_line(done, f"127.0.0.1:{port}", "database.url")


# A desk of which the monitor runs


def test_a_part_that_does_its_job_answers_a_ping(monitor):
    done = monitor.run("ping", "monitor")
    assert (done.returncode, done.stdout, done.stderr) == (0, "monitor is running\n", "")
    done = monitor.run("ping", "database")
    assert (done.returncode, done.stderr) == (0, "")
    assert "writable primary" in done.stdout


def test_a_part_that_never_ran_does_not_keep_a_ping_waiting(monitor):
    one_line(monitor.run("ping", "trader"), "trader", "start trader")


def test_the_status_of_every_service_is_one_json_object_and_exits_with_1_when_one_is_away(monitor):
    done = monitor.run("status", "--json")
    services = json.loads(done.stdout)
    assert (done.returncode, done.stderr) == (1, "")
    assert list(services) == ["watcher", "trader", "strategy", "monitor"]
    assert (services["monitor"]["state"], services["monitor"]["ready"], services["monitor"]["problems"]) == (
        "running",
        True,
        [],
    )
    assert services["monitor"]["figures"]["uptime_seconds"] > 0
    assert (services["trader"]["state"], services["trader"]["ready"]) == ("unreachable", False)
    assert "trader" in services["trader"]["problems"][0]


def test_the_status_is_a_table_for_people(monitor):
    done = monitor.run("status")
    rows = [line.split()[:2] for line in done.stdout.splitlines()]
    assert rows[1:] == [
        ["watcher", "unreachable"],
        ["trader", "unreachable"],
        ["strategy", "unreachable"],
        ["monitor", "running"],
    ]


def test_the_token_is_printed_as_the_monitor_has_made_it(monitor):
    done = monitor.run("token")
    path = monitor.folder / "state" / "monitor.token"
    assert (done.returncode, done.stdout) == (0, path.read_text())
    assert path.stat().st_mode & 0o777 == 0o600
    assert len(done.stdout.strip()) >= 32


def test_a_stranger_is_told_that_his_key_is_refused_and_logs_stay_off_standard_output(monitor, tmp_path):
    public = tmp_path / "public"
    public.mkdir()
    key = (monitor.folder / "state" / "keys" / "public" / "monitor.key").read_text()
    (public / "monitor.key").write_text(key)
    own_keys = {"bus__secret_keys_dir": tmp_path / "secret", "bus__public_keys_dir": public}
    done = monitor.run("status", "--json", **own_keys)
    assert done.returncode == 1
    assert "refuses the key of cli" in json.loads(done.stdout)["monitor"]["problems"][0]
    logged = [json.loads(line) for line in done.stderr.splitlines()]
    assert [line["kind"] for line in logged] == ["key_refused"]

    done = monitor.run("ping", "monitor", **own_keys)
    assert (done.returncode, done.stdout) == (2, "")
    told = [line for line in done.stderr.splitlines() if line.startswith("atlas: ")]
    assert len(told) == 1
    assert "monitor" in told[0]
    assert "refuses the key of cli" in told[0]
