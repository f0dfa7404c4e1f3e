"""The wall clock: the one place where services read the time."""

import time


class WallClock:
    """UTC nanoseconds of this machine's clock."""

    def now_ns(self) -> int:
        """UTC nanoseconds since the epoch."""
        return time.time_ns()
