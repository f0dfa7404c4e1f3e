"""Ticks that have to come: after a subscription, a lost link or a farm that came back, a broker's "done" proves nothing.

What does not tick in time is to be asked for again, at first soon and then more and more rarely: a market may be closed, and
every request counts against the broker's limits. Pure; all times are UTC nanoseconds of one clock.
"""

from dataclasses import dataclass

from atlas.domain import NS_PER_SECOND, BadInput


@dataclass(slots=True)
class _Expected:
    due_ns: int
    attempts: int


class Expectations:
    """Which instruments a tick is waited for, and since when for how long.

    Args:
        seconds: how long the first tick may take; twice as long after each attempt.
        longest_seconds: how long it may take at most.
    """

    def __init__(self, seconds: float, longest_seconds: float) -> None:
        if not 0 < seconds <= longest_seconds:
            raise BadInput(f"a tick cannot be waited for from {seconds:g} to {longest_seconds:g} s; give 0 < first <= longest")
        self._first_ns = round(seconds * NS_PER_SECOND)
        self._longest_ns = round(longest_seconds * NS_PER_SECOND)
        self._expected: dict[str, _Expected] = {}

    def __contains__(self, instrument: str) -> bool:
        return instrument in self._expected

    def __len__(self) -> int:
        return len(self._expected)

    def expect(self, instrument: str, now_ns: int) -> None:
        """Wait for a tick from now on; for longer than the last time if that one was in vain."""
        before = self._expected.get(instrument)
        attempts = 0 if before is None else before.attempts + 1
        wait_ns = min(self._first_ns << min(attempts, 62), self._longest_ns)
        self._expected[instrument] = _Expected(now_ns + wait_ns, attempts)

    def met(self, instrument: str) -> None:
        """A tick came, or nobody wants one any more."""
        self._expected.pop(instrument, None)

    def forget(self) -> None:
        """Expect nothing any more: the link is gone, and everything will be asked for anew."""
        self._expected.clear()

    def attempts(self, instrument: str) -> int:
        """How often it was asked for again in vain."""
        expected = self._expected.get(instrument)
        return 0 if expected is None else expected.attempts

    def overdue(self, now_ns: int) -> list[str]:
        """What should have ticked by now, by name."""
        return sorted(name for name, expected in self._expected.items() if expected.due_ns <= now_ns)
