"""Alarms are told once when they are raised and once when they are over."""

from atlas.domain import ManualClock
from atlas.service.alarms import Alarm, Alarms, Severity


def test_an_alarm_is_told_once_however_often_it_is_raised_and_once_when_it_is_over():
    clock, told = ManualClock(7), list[Alarm]()
    alarms = Alarms("trader", clock, told.append)
    alarms.raise_("database-away", "the database does not answer", Severity.CRITICAL)
    alarms.raise_("database-away", "the database still does not answer", Severity.CRITICAL)
    assert alarms.is_raised("database-away")
    clock.set(9)
    alarms.clear("database-away")
    alarms.clear("database-away")
    assert not alarms.is_raised("database-away")
    assert [(alarm.text, alarm.raised_ns, alarm.cleared_ns) for alarm in told] == [
        ("the database does not answer", 7, 0),
        ("the database does not answer", 7, 9),
    ]


def test_alarms_of_different_keys_are_apart():
    alarms = Alarms("trader", ManualClock())
    alarms.raise_("position-break:A", "a")
    alarms.raise_("position-break:B", "b")
    alarms.clear("position-break:A")
    assert list(alarms.raised) == ["position-break:B"]
