"""The settings of the engine, as plain values."""

from dataclasses import dataclass, field

from atlas.trading.adoption import Policy
from atlas.trading.risk import LimitTree
from atlas.trading.risk.days import SessionDays


@dataclass(frozen=True, slots=True)
class EngineValues:
    """The engine's settings. Durations in seconds.

    Attributes:
        account: the account that is traded.
        holder: who the trader is beside others: its machine and its journal's folder.
        login: the broker's login through which it sends, where it is shared with others.
        message_share: the part of the login's messages per second that is this trader's; `reserved_share` the watcher's.
        limits: the configured risk limits.
        policy: what is done with orders that are not ours.
        days: when session days begin.
        operators: the peers that may steer, as patterns of their names.
        probe_after_seconds: silence of the broker after which a round trip must prove it before an order leaves.
        in_flight_seconds: after this an order without confirmation is unknown, and looked up at the broker.
        unheard_minutes: so long an order that the broker neither confirms nor lists stays unknown; thrice in one session.
        send_within_seconds: an opening order that could not leave for so long is denied instead of sent late.
        reconcile_seconds: how often all is compared with the broker; `recheck_seconds` while something is doubtful.
        retry_seconds: pause before the store or the disk is tried again.
    """

    account: str
    holder: str = "this trader"
    login: str = ""
    message_share: float = 0.0
    reserved_share: float = 0.0
    limits: LimitTree = field(default_factory=LimitTree)
    policy: Policy = field(default_factory=Policy)
    days: SessionDays = field(default_factory=SessionDays)
    operators: tuple[str, ...] = ("*",)
    probe_after_seconds: float = 5.0
    in_flight_seconds: float = 10.0
    unheard_minutes: float = 10.0
    send_within_seconds: float = 10.0
    reconcile_seconds: float = 60.0
    recheck_seconds: float = 2.0
    retry_seconds: float = 0.5


def never_closing(_now_ns: int) -> str:
    """No time at which orders may not leave."""
    return ""
