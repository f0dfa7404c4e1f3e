"""The trading state of a desk: what a person, or a rule, lets the trader do at all. Pure.

It holds for every route and survives restarts. Cancels always pass, and in no state is an exit refused but in HALTED, where
only what flattens on a person's command leaves.
"""

import enum

from atlas.domain import Denial
from atlas.domain._struct import Value


class TradingState(enum.Enum):
    """ACTIVE: everything; REDUCING: exits only; HALTED: nothing new, but what a person orders in order to flatten."""

    ACTIVE = "active"
    REDUCING = "reducing"
    HALTED = "halted"


class TradingStateChange(Value, frozen=True, tag="trading_state"):
    """The state, who set it, when and why. `until_ns` ends it by itself (a lock until the next session); 0 is for good."""

    state: TradingState
    who: str
    reason: str
    at_ns: int
    until_ns: int = 0

    def at(self, now_ns: int) -> TradingState:
        """The state that holds at `now_ns`."""
        return TradingState.ACTIVE if self.until_ns and now_ns >= self.until_ns else self.state


def refused(state: TradingState, *, is_exit: bool) -> Denial | None:
    """Why the trading state keeps an order from being sent, or None."""
    if state is TradingState.HALTED:
        return Denial("trading_state", "trading is halted; `atlas trade resume` ends that", temporary=True)
    if state is TradingState.REDUCING and not is_exit:
        return Denial(
            "trading_state", "only orders that reduce a position are taken; `atlas trade resume` ends that", temporary=True
        )
    return None
