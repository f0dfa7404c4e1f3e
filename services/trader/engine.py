"""The trader without its wires: commands and reports in, orders out, everything written down before it is told.

The way of an order: form, risk gate, journal synced, receipt, store, proof that the broker is there, closing times, the
broker's queue, the broker. The way of a report: desk, journal synced, store, listeners. What is not in the store was never
sent; what the broker says is written before anyone hears of it.

It knows ports only: a broker, a store, a journal, listeners, a clock. `services.trader.service` wires them to sockets, MongoDB
and the gateway; tests run the very same engine in one process on virtual time.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from atlas.bus import orders as messages
from atlas.domain import Clock, Quote
from atlas.service.alarms import Alarms
from atlas.service.metrics import Figures
from atlas.trading.broker import BrokerPort, BrokerReport
from services.trader.ports import Faults, JournalPort, Outlet, Store


@dataclass(frozen=True, slots=True)
class EngineValues:
    """The engine's settings. Durations in seconds.

    Attributes:
        account: the account that is traded.
        probe_after_seconds: silence of the broker after which a round trip must prove it before an order leaves.
        in_flight_seconds: after this an order without confirmation is unknown, and looked up at the broker.
        send_within_seconds: an opening order that could not leave for so long is denied instead of sent late.
        reconcile_seconds: how often all is compared with the broker; `recheck_seconds` while something is doubtful.
        retry_seconds: pause before the store or the disk is tried again.
    """

    account: str
    probe_after_seconds: float = 5.0
    in_flight_seconds: float = 10.0
    send_within_seconds: float = 10.0
    reconcile_seconds: float = 60.0
    recheck_seconds: float = 2.0
    retry_seconds: float = 0.5


def never_closing(_now_ns: int) -> str:
    """No time at which orders may not leave."""
    return ""


class Engine:
    """Trades one account.

    Args:
        broker: reports go to `on_report`, the state of the link to `on_link_down` and `on_link_up`.
        journal: opened by the caller; the engine closes it.
        gate: the risk rules, with the configured limits; what the store knows of changed ones is put on top.
        closing: why no order may leave now, or "": the broker is about to restart.
        reopen: opens the journal again after it broke.
        on_failure: told once why the engine cannot go on.
    """

    def __init__(
        self,
        values: EngineValues,
        broker: BrokerPort,
        store: Store,
        journal: JournalPort,
        outlet: Outlet,
        clock: Clock,
        alarms: Alarms,
        faults: Faults,
        *,
        gate: object = None,
        closing: Callable[[int], str] = never_closing,
        reopen: Callable[[], JournalPort] | None = None,
        on_failure: Callable[[BaseException], None] | None = None,
    ) -> None:
        raise NotImplementedError

    async def start(self) -> None:
        """Take over what was written down, and begin to work. Orders are taken once the first reconciliation succeeded.

        Raises:
            Unavailable: the store does not answer.
        """

    async def stop(self) -> None:
        """Write what is under way, as far as the store takes it, and end. The journal is closed."""

    async def on_request(self, request: messages.Request, peer: str) -> messages.Reply:  # type: ignore[empty-body]
        """Answer a request of the order socket. `peer` is the caller's name by its key; what only operators may do, it decides.

        Raises:
            BadInput: the request cannot be carried out as it is; nothing was written.
            Refused: the peer may not ask for this.
            Unavailable: nothing can be written down just now; nothing was done.
        """

    def on_report(self, report: BrokerReport) -> None:
        """Take a report of the broker: the sink to make the broker with."""

    def on_link_down(self, reason: str) -> None:
        """The broker cannot be reached: nothing is sent, and what was is in doubt until `on_link_up`."""

    def on_link_up(self) -> None:
        """The broker can be reached again (a new session, 1101 or 1102): everything is reconciled, then orders are taken."""

    def on_quote(self, quote: Quote) -> None:
        """Take a quote, for the rules that look at the market."""

    async def settled(self) -> None:
        """Wait until everything that was entered is written and told, and everything that may leave has left."""

    def problems(self) -> list[str]:  # type: ignore[empty-body]
        """Why orders are not taken, and every alarm that is raised."""

    def figures(self) -> Figures:  # type: ignore[empty-body]
        """Counts of orders and executions, what waits, and how long ticks take to become orders."""
