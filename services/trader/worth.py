"""What the account is worth, as the broker last said. One question is under way at a time, and nobody has to wait for it."""

import asyncio

from atlas.trading.broker import AccountValues, BrokerPort, Known, Unknown
from atlas.trading.risk import Gate

Found = Known[AccountValues] | Unknown


class Worth:
    """Asks the broker what the account is worth, and tells the risk gate each answer."""

    def __init__(self, broker: BrokerPort, gate: Gate, account: str) -> None:
        self._broker = broker
        self._gate = gate
        self._account = account
        self._asking: asyncio.Task[Found] | None = None
        self.last: Found = Unknown("the broker has not said yet what the account is worth")

    async def ask(self) -> Found:
        """The broker's answer, however long it takes."""
        if self._asking is None or self._asking.done():
            self._asking = asyncio.create_task(self._ask())
        return await asyncio.shield(self._asking)

    async def within(self, seconds: float) -> Found:
        """The broker's answer, or that it did not answer so soon."""
        try:
            return await asyncio.wait_for(self.ask(), seconds)
        except TimeoutError:
            return Unknown(f"the broker has not answered within {seconds:g} s")

    async def stop(self) -> None:
        """End the question that is under way."""
        if self._asking is not None:
            self._asking.cancel()
            await asyncio.gather(self._asking, return_exceptions=True)

    async def _ask(self) -> Found:
        self.last = found = await self._broker.account_values(self._account)
        self._gate.on_account(found)
        return found
