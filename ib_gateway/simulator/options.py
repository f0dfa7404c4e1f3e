"""What a simulated gateway is asked to be."""

from pathlib import Path
from typing import Literal

import msgspec

from atlas.domain import BadInput
from ib_gateway.simulator.broker import OrderRules
from ib_gateway.simulator.entitlements import Entitlements
from ib_gateway.simulator.rules import Rules


class SimulatorOptions(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Options of a simulated gateway.

    Attributes:
        host: Address to listen on.
        port: Port to listen on; 0 takes a free one.
        accounts: The accounts of the login.
        instruments: Instruments file; None is the shipped one.
        recording: Recording to play; None is the seeded market.
        seed: Seed of the seeded market.
        speed: Virtual seconds per real second; 0 is as fast as the slowest reader follows.
        paused: Time stands at the start from the beginning, until it is advanced or resumed.
        quotes_per_second: Quotes per virtual second and instrument of the seeded market.
        start_ns: Virtual time at the start of the seeded market, UTC nanoseconds; None is now.
        state: File that keeps orders and accounts over restarts; None keeps nothing.
        cash: Cash of each account at the very beginning, in US dollars.
        play_after_seconds: Real seconds from the first subscription to the first tick of a recording, so that a client that
            subscribes to several streams at once misses nothing.
        handshake_seconds: Real seconds in which a connection must have started the API.
        rules: The broker's limits.
        entitlements: What market data the login has subscribed to.
        orders: Settings of the order desk: the master client id, a read-only API, precautions.
        hours: "real" keeps trading hours and holidays, "always" never closes a market.
        scenario: File of faults and when they happen, or the name of a shipped one; None lets nothing go wrong.
        control_port: Port of the HTTP control API; 0 takes a free one, None offers none.
        control_host: Address of the HTTP control API. Whoever reaches it can place orders by hand.
        max_buffered_bytes: Bytes that may wait for a slow reader before its connection is cut; at speed 0 only where a
            fault stalls it.
    """

    host: str = "127.0.0.1"
    port: int = 4002
    accounts: tuple[str, ...] = ("DU1000001",)
    instruments: Path | None = None
    recording: Path | None = None
    seed: int = 1
    speed: float = 1.0
    paused: bool = False
    quotes_per_second: float = 5.0
    start_ns: int | None = None
    state: Path | None = None
    cash: float = 1_000_000.0
    play_after_seconds: float = 0.25
    handshake_seconds: float = 10.0
    scenario: Path | None = None
    control_port: int | None = None
    control_host: str = "127.0.0.1"
    max_buffered_bytes: int = 64 * 1024 * 1024
    rules: Rules = Rules()
    entitlements: Entitlements = Entitlements()
    orders: OrderRules = OrderRules()
    hours: Literal["real", "always"] = "real"

    def __post_init__(self) -> None:
        """Refuse what cannot work.

        Raises:
            BadInput: an option has a value that makes no sense.
        """
        if not 0 <= self.port <= 65535:
            raise BadInput(f"port {self.port} is not a port; choose one from 1 to 65535, or 0 for any")
        if self.control_port is not None and not 0 <= self.control_port <= 65535:
            raise BadInput(f"control port {self.control_port} is not a port; choose one from 1 to 65535, or 0 for any")
        if not self.accounts or len(set(self.accounts)) != len(self.accounts) or not all(self.accounts):
            raise BadInput(f"accounts {','.join(self.accounts)!r} must be one or more different names")
        for account in self.accounts:
            if not account.isalnum() or not account.isascii():
                raise BadInput(f"account {account!r} must consist of letters and digits, as DU1000001")
        if not 0 <= self.speed < 1e6:
            raise BadInput(f"speed {self.speed} must be 0 or more: 1 is real time, 0 as fast as clients read")
        if not 0 < self.quotes_per_second <= 10_000:
            raise BadInput(f"{self.quotes_per_second} quotes per second must be more than 0 and at most 10000")
