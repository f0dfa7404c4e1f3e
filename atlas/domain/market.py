"""What the market says: quotes, trades and bars. Stamped by who said it and by when it reached us.

`exchange_ns` is the time that the source gives (the IB gateway gives tick-by-tick times in whole seconds), `receive_ns` the
moment our socket had it. Sizes are 0 where the source gives none.
"""

from atlas.domain._struct import Value


class Quote(Value, frozen=True, tag="q"):
    """The best bid and ask."""

    instrument: str
    bid: float
    ask: float
    bid_size: float
    ask_size: float
    exchange_ns: int
    receive_ns: int

    @property
    def mid(self) -> float:
        """Half way between bid and ask."""
        return (self.bid + self.ask) / 2


class Trade(Value, frozen=True, tag="t"):
    """A trade printed by the market; ours are called executions."""

    instrument: str
    price: float
    size: float
    exchange_ns: int
    receive_ns: int


class Bar(Value, frozen=True, tag="b"):
    """Open, high, low and close over [`start_ns`, `end_ns`) of exchange time.

    `volume` is the traded size, or 0 for a bar of quotes; `count` is how many ticks went in. `receive_ns` is when the tick
    came in that showed the bar to be over.
    """

    instrument: str
    start_ns: int
    end_ns: int
    open: float
    high: float
    low: float
    close: float
    volume: float
    count: int
    receive_ns: int


MarketEvent = Quote | Trade | Bar
"""Anything that travels on the market data socket."""

MARKET_KINDS: dict[type[Quote] | type[Trade] | type[Bar], str] = {Quote: "quote", Trade: "trade", Bar: "bar"}


def topic(instrument: str, kind: str) -> str:
    """The topic on which `kind` ("quote", "trade", "bar") of `instrument` is published."""
    return f"{instrument}|{kind}"
