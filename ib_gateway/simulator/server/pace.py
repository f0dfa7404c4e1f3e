"""How fast a client may talk: 50 messages per second, in real time.

Source: TWS API documentation, "Pacing limitations" and error 100; the text as gateways' logs show it.
"""

VIOLATIONS = 3
"""After so many violations the client is disconnected."""

_NS = 1_000_000_000


class Pace:
    """A bucket of tokens: it holds a second's worth, and fills as fast. Real nanoseconds from any origin."""

    def __init__(self, per_second: int, now_ns: int) -> None:
        self._per_second = per_second
        self._tokens = float(per_second)
        self._filled_ns = now_ns
        self._second_ns = now_ns
        self._in_second = 0
        self.violations = 0

    def allows(self, now_ns: int) -> bool:
        """Whether one more message is within the limit; each that is not is a violation."""
        self._fill(now_ns)
        if now_ns - self._second_ns >= _NS:
            self._second_ns, self._in_second = now_ns, 0
        self._in_second += 1
        if self._tokens >= 1.0:
            self._tokens -= 1.0
            return True
        self.violations += 1
        return False

    def seconds_until_next(self, now_ns: int) -> float:
        """How long one more message has to wait to be within the limit."""
        self._fill(now_ns)
        return max(0.0, (1.0 - self._tokens) / self._per_second)

    def _fill(self, now_ns: int) -> None:
        gained = (now_ns - self._filled_ns) * self._per_second / _NS
        self._tokens = min(self._per_second, self._tokens + gained)
        self._filled_ns = now_ns

    @property
    def text(self) -> str:
        """What error 100 says of the latest violation."""
        rec = max(self._in_second, self._per_second + 1)
        return f"Max rate of messages per second has been exceeded:max={self._per_second} rec={rec} ({self.violations})"
