"""The trading state of a desk: what a person, or a rule, lets the trader do at all. Pure.

It holds for every route and survives restarts. Cancels always pass, and in no state is an exit refused but in HALTED, where
only what flattens on a person's command leaves.
"""

import enum
from typing import Any

from atlas.domain import Denial, iso
from atlas.domain._struct import Value


class TradingState(enum.Enum):
    """ACTIVE: everything; REDUCING: exits only; HALTED: no robot's order, of a person's those that only reduce a position."""

    ACTIVE = "active"
    REDUCING = "reducing"
    HALTED = "halted"


class TradingStateChange(Value, frozen=True, tag="trading_state"):
    """The state, who set it, when and why. `until_ns` ends it by itself (a lock until the next session); 0 is for good.

    With `flatten`, everything that is held is to be closed at the market, until nothing is.
    """

    state: TradingState
    who: str
    reason: str
    at_ns: int
    until_ns: int = 0
    flatten: bool = False

    def at(self, now_ns: int) -> TradingState:
        """The state that holds at `now_ns`."""
        return TradingState.ACTIVE if self.until_ns and now_ns >= self.until_ns else self.state


class LimitChange(Value, frozen=True, tag="limit"):
    """A limit that was set, or with None ended; who did it and when."""

    scope: str
    name: str
    value: Any
    who: str
    at_ns: int


ACTIVE_FROM_START = TradingStateChange(TradingState.ACTIVE, "", "", 0)
"""What holds until somebody sets something else."""

_WHAT_HOLDS = {
    TradingState.REDUCING: "only orders that reduce a position are taken",
    TradingState.HALTED: "trading is halted",
}


def refused(change: TradingStateChange, now_ns: int, *, is_exit: bool) -> Denial | None:
    """Why the trading state keeps an order from being sent, or None."""
    state = change.at(now_ns)
    if state is TradingState.ACTIVE or (state is TradingState.REDUCING and is_exit):
        return None
    who = f" by {change.who}" if change.who else ""
    why = f" ({change.reason})" if change.reason else ""
    ends = f"until {iso(change.until_ns)}; " if change.until_ns else ""
    text = f"{_WHAT_HOLDS[state]}, trading_state {state.value}{who}{why}: {ends}`atlas trade resume` ends that"
    return Denial("trading_state", " ".join(text.split()), temporary=True)
