import urllib.error
import urllib.request

import pytest
import structlog
from structlog.testing import LogCapture
from support.servers import figures_of, free_port, occupied

from atlas.domain import Unavailable
from atlas.service.metrics import MetricsServer, text_figures


@pytest.fixture
def port():
    return free_port()


def serving(port, figures=dict, faults=dict, report=lambda *_: None):
    return MetricsServer("trader", "127.0.0.1", port, figures, faults, report)


def test_numbers_become_gauges_with_names_that_prometheus_takes_and_words_are_left_out(port):
    figures = {"orders working": 3, "Tick-to-order µs": 5.5, "account": "DU1", "ready": True}
    with serving(port, lambda: figures):
        shown = figures_of(port)
    assert shown["atlas_orders_working"] == 3
    assert shown["atlas_tick_to_order__s"] == 5.5
    assert shown["atlas_ready"] == 1
    assert not [name for name in shown if "account" in name]


def test_figures_and_faults_are_those_of_the_moment(port):
    figures, faults = {"orders": 1}, {}
    with serving(port, lambda: figures, lambda: faults):
        assert figures_of(port)["atlas_orders"] == 1
        figures["orders"] = 2
        faults["control", "malformed"] = 4
        shown = figures_of(port)
    assert shown["atlas_orders"] == 2
    assert shown["atlas_bus_faults_total malformed control"] == 4


def test_the_process_is_measured_too(port):
    with serving(port):
        shown = figures_of(port)
    assert shown["process_resident_memory_bytes"] > 1e6
    assert shown["process_open_fds"] > 3


def test_figures_that_cannot_be_had_fail_the_scrape_and_not_the_server(port, monkeypatch):
    log = LogCapture()
    monkeypatch.setattr("atlas.service.metrics.log", structlog.wrap_logger(None, processors=[log]))
    answers = iter([ZeroDivisionError("a defect"), None])

    def figures():
        answer = next(answers)
        if answer is not None:
            raise answer
        return {"orders": 1}

    with serving(port, figures):
        with pytest.raises(urllib.error.HTTPError) as caught:
            figures_of(port)
        assert caught.value.code == 500
        caught.value.close()
        assert log.entries[0]["event"] == "the figures cannot be had, and a scrape fails"
        assert figures_of(port)["atlas_orders"] == 1


def test_a_port_that_is_taken_is_named_with_its_setting(port):
    with occupied(port), pytest.raises(Unavailable, match=rf"127\.0\.0\.1:{port}.*set trader\.metrics_port"):
        serving(port)


def test_the_port_is_free_again_afterwards(port):
    for _ in range(2):
        with serving(port):
            figures_of(port)


def test_figures_travel_as_numbers_and_words_and_all_else_as_words():
    assert text_figures({"n": 1, "x": 1.5, "s": "a", "o": None}) == {"n": 1, "x": 1.5, "s": "a", "o": "None"}
