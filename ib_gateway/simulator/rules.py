"""The broker's limits, as IB has them; each can be switched off.

Source: TWS API documentation on pacing violations of historical data, on message rates and on market data lines.
"""

import msgspec


class Rules(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Limits on what clients may do. 0 or False is no limit.

    Attributes:
        messages_per_second: Messages of one client in real time; beyond them error 100, and in the end disconnection.
        market_data_lines: Market data streams of all clients together; the next one is error 101.
        tick_by_tick_lines: Tick-by-tick streams of all clients together.
        depth_lines: Books of all clients together; the next one is error 309.
        pace_history: Historical requests: 60 in ten minutes, the same one within 15 s, six of one contract within two seconds
            (error 162). BID_ASK counts twice. Virtual time.
        open_history: Historical requests that may wait for an answer at once.
    """

    messages_per_second: int = 50
    market_data_lines: int = 100
    tick_by_tick_lines: int = 5
    depth_lines: int = 3
    pace_history: bool = True
    open_history: int = 50

    @classmethod
    def none(cls) -> "Rules":
        """No limit at all."""
        return cls(
            messages_per_second=0, market_data_lines=0, tick_by_tick_lines=0, depth_lines=0, pace_history=False, open_history=0
        )
