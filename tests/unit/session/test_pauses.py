"""How often a process that starts is asked whether it is ready."""

from itertools import accumulate, takewhile

from atlas.session.supervisor import pauses


def test_what_takes_ten_seconds_to_start_is_looked_at_some_twenty_times_and_not_hundreds():
    assert len(list(takewhile(lambda at: at < 10.0, accumulate(pauses())))) < 25
