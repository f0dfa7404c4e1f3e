import json
import logging
import threading

import pytest
import structlog

from atlas.service.logs import configure_logs
from atlas.service.settings import LogSettings


@pytest.fixture
def logs(capsys):
    """Configures the logs as a service does, and puts everything back afterwards."""
    root, names = logging.getLogger(), ("uvicorn", "pymongo", "asyncio", "ib_insync")
    handlers, level = list(root.handlers), root.level
    levels = {name: logging.getLogger(name).level for name in names}
    structured = structlog.get_config()

    def configure(**settings):
        configure_logs(LogSettings(**{"format": "json", **settings}), "trader")

        def lines():
            return capsys.readouterr().err.splitlines()

        return lines

    yield configure
    structlog.configure(**structured)
    root.handlers[:] = handlers
    root.setLevel(level)
    for name, before in levels.items():
        logging.getLogger(name).setLevel(before)


def test_a_line_is_one_json_object_with_service_level_time_and_what_was_given(logs):
    lines = logs()
    structlog.get_logger("atlas.trader").warning("not sent", order="a-1-0", at=1.5)
    (line,) = lines()
    told = json.loads(line)
    assert told.pop("timestamp").endswith("Z")
    assert told == {"event": "not sent", "order": "a-1-0", "at": 1.5, "service": "trader", "level": "warning"}


def test_lines_of_libraries_look_the_same(logs):
    lines = logs()
    logging.getLogger("some.library").error("it %s", "broke")
    (line,) = lines()
    told = json.loads(line)
    assert (told["event"], told["service"], told["level"]) == ("it broke", "trader", "error")
    assert "timestamp" in told


def test_lines_of_threads_carry_the_service_too(logs):
    lines = logs()
    thread = threading.Thread(target=lambda: structlog.get_logger("atlas.bus").warning("a key was refused"))
    thread.start()
    thread.join()
    assert json.loads(lines()[0])["service"] == "trader"


def test_lines_below_the_level_are_not_written(logs):
    lines = logs(level="warning")
    structlog.get_logger("a").info("quiet")
    logging.getLogger("b").info("quiet, too")
    structlog.get_logger("a").warning("loud")
    assert [json.loads(line)["event"] for line in lines()] == ["loud"]


def test_the_chatter_of_libraries_is_not_written_and_their_warnings_are(logs):
    lines = logs(level="debug")
    for name in ("uvicorn.asgi", "uvicorn.error", "pymongo.command"):
        logging.getLogger(name).info("chatter")
        logging.getLogger(name).warning("news")
    assert [json.loads(line)["event"] for line in lines()] == ["news"] * 3


@pytest.mark.parametrize("form", ["json", "console"])
def test_an_exception_is_written_with_its_trace(logs, form):
    lines = logs(format=form)
    try:
        1 / 0  # noqa: B018 # a defect
    except ZeroDivisionError:
        structlog.get_logger("atlas.trader").exception("it failed")
        logging.getLogger("some.library").exception("so did this")
    text = "\n".join(lines())
    assert text.count("ZeroDivisionError: division by zero") == 2
    if form == "json":
        assert len(text.splitlines()) == 2


def test_into_a_pipe_lines_are_json_and_on_a_terminal_columns(logs, monkeypatch):
    lines = logs(format="auto")
    structlog.get_logger("a").warning("news")
    assert json.loads(lines()[0])["event"] == "news"
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    lines = logs(format="auto")
    structlog.get_logger("b").warning("news")
    (line,) = lines()
    assert "news" in line
    assert not line.startswith("{")


def test_nothing_is_written_to_standard_output(logs, capsys):
    logs()
    structlog.get_logger("a").error("news")
    logging.getLogger("b").error("news")
    assert capsys.readouterr().out == ""
