import threading

from structlog.testing import capture_logs

from atlas.bus.faults import MEANING, FaultLog


def test_every_fault_is_counted_and_only_the_first_of_a_kind_from_a_source_is_logged():
    log = FaultLog("watcher")
    with capture_logs() as lines:
        for _ in range(5):
            log.report("market data", "malformed", "10.0.0.7")
        log.report("market data", "malformed", "10.0.0.8")
        log.report("market data", "oversized", "10.0.0.7")
    assert log.counts() == {("market data", "malformed"): 6, ("market data", "oversized"): 1}
    assert [(line["kind"], line["source"]) for line in lines] == [
        ("malformed", "10.0.0.7"),
        ("malformed", "10.0.0.8"),
        ("oversized", "10.0.0.7"),
    ]
    assert all(line["event"] == MEANING[line["kind"]] for line in lines)


def test_a_flood_from_ever_new_sources_does_not_flood_the_log():
    log = FaultLog("watcher")
    with capture_logs() as lines:
        for number in range(5_000):
            log.report("market data", "malformed", f"source {number}")
    assert log.counts()["market data", "malformed"] == 5_000
    assert len(lines) == 1_000


def test_the_coming_and_going_of_peers_is_no_warning():
    with capture_logs() as lines:
        FaultLog("watcher").report("market data", "disconnected", "tcp://127.0.0.1:5561")
        FaultLog("watcher").report("market data", "key_refused", "10.0.0.7")
    assert [line["log_level"] for line in lines] == ["info", "warning"]


def test_each_fault_is_handed_on():
    seen = []
    FaultLog("watcher", seen.append).report("control", "expired", "strategy", "Ping")
    assert [(f.socket, f.kind, f.source, f.detail) for f in seen] == [("control", "expired", "strategy", "Ping")]


def test_reports_from_many_threads_are_all_counted():
    log = FaultLog("watcher")
    threads = [
        threading.Thread(target=lambda: [log.report("control", "expired", "strategy") for _ in range(500)]) for _ in range(4)
    ]
    with capture_logs() as lines:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert log.counts() == {("control", "expired"): 2_000}
    assert len(lines) == 1
