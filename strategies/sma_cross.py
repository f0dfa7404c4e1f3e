"""Moving-average cross: the robot to read first, and to copy from.

The idea: when prices of late are higher on average than prices of a longer past, the market is going up, so be long; when
lower, be short. The robot keeps two simple moving averages (SMA) of closing prices and holds +quantity or -quantity.

How a robot works: Atlas calls its methods with events, one at a time. A method looks at the event and asks `ctx` for orders.
It never waits and never looks at the wall clock; so the same events always give the same orders, and a live day can be run
again. Everything a robot needs is importable from `atlas`.
"""

from collections import defaultdict, deque

from atlas import Bar, Context, Parameters, Strategy

NS_PER_SECOND = 1_000_000_000  # times in Atlas are nanoseconds


class SmaCrossParameters(Parameters, frozen=True):
    """What can be set from outside. Each parameter has a type and a default; wrong values are refused at the start."""

    fast: int = 10  # bars in the short average
    slow: int = 30  # bars in the long average
    quantity: float = 20_000.0  # how much to hold: units of a currency pair, shares of a stock, contracts of a future
    bar_seconds: int = 60  # which bars to look at; bars of other lengths are ignored

    def __post_init__(self) -> None:
        """Refuse what makes no sense, before the robot ever starts."""
        if not 0 < self.fast < self.slow:
            raise ValueError(f"fast ({self.fast}) must be positive and below slow ({self.slow})")
        if self.quantity <= 0 or self.bar_seconds <= 0:
            raise ValueError("quantity and bar_seconds must be positive")


class SmaCross(Strategy):
    """Long while the fast average is above the slow one, short while it is below. Trades every instrument it is given."""

    parameters: SmaCrossParameters

    def __init__(self, parameters: SmaCrossParameters) -> None:
        """What the robot remembers from bar to bar: for each instrument, its newest closing prices."""
        super().__init__(parameters)
        self.closes: dict[str, deque[float]] = defaultdict(lambda: deque(maxlen=parameters.slow))

    def on_bar(self, ctx: Context, bar: Bar) -> None:
        """A bar has closed: the only moment at which this robot decides."""
        if bar.end_ns - bar.start_ns != self.parameters.bar_seconds * NS_PER_SECOND:
            return

        closes = self.closes[bar.instrument]
        closes.append(bar.close)  # the deque drops the oldest price by itself
        if len(closes) < self.parameters.slow:
            return  # not enough of a past yet

        # The averages are added up anew at every bar. A running sum would be quicker, and wrong by a little more each day.
        prices = list(closes)
        slow = sum(prices) / self.parameters.slow
        fast = sum(prices[-self.parameters.fast :]) / self.parameters.fast
        if fast == slow:
            return  # no opinion: leave things as they are

        # Say what should be held, compare with what will be held once all orders on their way have executed, and order the
        # difference. No memory of "I have already bought" is needed: if the order of the last bar was denied or rejected, it
        # is not on its way any more, the difference is there again, and it is simply decided anew.
        target = self.parameters.quantity if fast > slow else -self.parameters.quantity
        missing = target - ctx.expected_position(bar.instrument)
        if missing > 0:
            ctx.buy(bar.instrument, missing)
        elif missing < 0:
            ctx.sell(bar.instrument, -missing)
