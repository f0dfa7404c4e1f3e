"""Holds the lease of the account: taken before anything of an earlier run is looked at, renewed while the trader lives.

Without it nothing new and no change leaves for the broker. Cancellations do: they create nothing.
"""

import asyncio
import contextlib

import structlog

from atlas.domain import NS_PER_SECOND, Clock, Unavailable
from atlas.service.alarms import Alarms, Severity
from atlas.trading.lease import LEASE_NS, RENEW_SECONDS, Lease
from services.trader.ports import Store

LEASE_ALARM = "lease-lost"
_RETRY_SECONDS = 1.0

log = structlog.get_logger("atlas.trader")


class LeaseKeeper:
    """The lease of one trader.

    Args:
        wanted: the account, and who wants it.
        reserved: the part of the login's messages per second that is not for traders.
    """

    def __init__(self, wanted: Lease, reserved: float, store: Store, clock: Clock, alarms: Alarms) -> None:
        self._lease = wanted
        self._reserved = reserved
        self._store = store
        self._clock = clock
        self._alarms = alarms
        self._lost = ""
        self._loop: asyncio.AbstractEventLoop
        self._until = 0.0

    @property
    def problem(self) -> str:
        """Why no order may leave as far as the lease is concerned, or "".

        A lease that could not be renewed has ended by this machine's clock, or by its loop's: one of them may stand still.
        """
        if self._lost:
            return self._lost
        if self._clock.now_ns() < self._lease.until_ns and self._loop.time() < self._until:
            return ""
        return f"the lease of {self._lease.account} has ended and could not be renewed; another trader may have taken it"

    async def take(self) -> None:
        """Take the lease.

        Raises:
            Refused: another trader has it; it is named, and what to do.
            Unavailable: the store does not answer.
        """
        self._loop = asyncio.get_running_loop()
        asked_at = self._loop.time()
        self._hold(await self._store.take_lease(self._lease, self._clock.now_ns(), self._reserved), asked_at)

    async def run(self) -> None:
        """Renew the lease, until it is lost."""
        while not self._lost:
            await asyncio.sleep(RENEW_SECONDS if not self.problem else _RETRY_SECONDS)
            asked_at = self._loop.time()
            with contextlib.suppress(Unavailable):  # the store's own alarm tells of it
                renewed = await self._store.renew_lease(self._lease, self._clock.now_ns())
                if renewed is not None:
                    self._hold(renewed, asked_at)
                else:
                    self._lose()

    async def release(self) -> None:
        """Give it back, so that another machine need not wait until it ends."""
        if not self._lost and self._lease.epoch:
            with contextlib.suppress(Unavailable):
                await self._store.release_lease(self._lease)

    def _hold(self, lease: Lease, asked_at: float) -> None:
        self._lease, self._until = lease, asked_at + LEASE_NS / NS_PER_SECOND

    def _lose(self) -> None:
        account = self._lease.account
        self._lost = f"another trader has taken the account {account}: this one sends nothing any more; stop one of them"
        log.critical("lease lost", account=account, holder=self._lease.holder, epoch=self._lease.epoch)
        self._alarms.raise_(LEASE_ALARM, self._lost, Severity.CRITICAL)
