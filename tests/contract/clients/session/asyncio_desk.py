"""The session's desk on ib_insync or ib_async: the same names in both."""

import asyncio
import importlib
from collections.abc import Awaitable, Callable
from typing import Any

SECONDS = 20
_CONDITIONS = {
    "price": "PriceCondition",
    "time": "TimeCondition",
    "margin": "MarginCondition",
    "execution": "ExecutionCondition",
    "volume": "VolumeCondition",
    "percent": "PercentChangeCondition",
}


class Desk:
    """What the session does, by an asyncio library, one step after the other."""

    def __init__(self, library: str) -> None:
        self._loop = asyncio.new_event_loop()
        asyncio.set_event_loop(self._loop)
        self._lib: Any = importlib.import_module(library)
        self._ib: Any = self._lib.IB()
        self._ib.client.MaxRequests = 40
        self._trades: dict[int, Any] = {}
        self.errors: list[tuple[int, int]] = []
        self._ib.errorEvent += lambda req_id, code, *_: self.errors.append((req_id, code))

    def connect(self, port: int, client_id: int) -> None:
        self._run(self._ib.connectAsync("127.0.0.1", port, clientId=client_id, timeout=10))

    def disconnect(self) -> None:
        self._ib.disconnect()
        self._run(asyncio.sleep(0))
        self._loop.close()

    def reads(self) -> bool:
        """Whether the connection stands; these libraries only log what they cannot read."""
        return bool(self._ib.isConnected())

    def accounts(self) -> list[str]:
        return list(self._ib.managedAccounts())

    def next_id(self) -> int:
        return int(self._ib.client.getReqId())

    # What there is

    def contract(self, **fields: Any) -> Any:
        return self._lib.Contract(**fields)

    def details(self, contract: Any) -> list[Any]:
        return [one.contract for one in self._run(self._ib.reqContractDetailsAsync(contract))]

    def quote(self, contract: Any) -> tuple[float, float]:
        ticker = self._ib.reqMktData(contract)
        self._until(lambda: ticker.bid > 0 and ticker.ask > 0)
        self._ib.cancelMktData(contract)
        return ticker.bid, ticker.ask

    def ticks(self, contract: Any, kind: str, count: int) -> list[str]:
        """The class names of ticks, as many as asked for; late ones of another kind are left out."""
        seen: list[str] = []
        ticker = self._ib.reqTickByTickData(contract, kind)
        names = lambda t: [name for tick in t.tickByTicks if (name := type(tick).__name__).endswith(kind)]  # noqa: E731
        ticker.updateEvent += lambda t: seen.extend(names(t))
        self._until(lambda: len(seen) >= count)
        self._ib.cancelTickByTickData(contract, kind)
        return seen[:count]

    def depth(self, contract: Any) -> tuple[list[float], list[float]]:
        """Prices of bids and asks, best first."""
        ticker = self._ib.reqMktDepth(contract, 5, isSmartDepth=True)
        self._until(lambda: len(ticker.domBids) == 5 and len(ticker.domAsks) == 5)
        prices = [level.price for level in ticker.domBids], [level.price for level in ticker.domAsks]
        self._ib.cancelMktDepth(contract, isSmartDepth=True)
        return prices

    def bars(self, contract: Any, duration: str, size: str, what: str) -> list[float]:
        """Closes."""
        bars = self._run(self._ib.reqHistoricalDataAsync(contract, "", duration, size, what, useRTH=True, formatDate=2))
        return [bar.close for bar in bars]

    def head(self, contract: Any, what: str) -> Any:
        return self._run(self._ib.reqHeadTimeStampAsync(contract, what, True, 2))

    def historical_ticks(self, contract: Any, end: str, count: int) -> list[float]:
        ticks = self._run(self._ib.reqHistoricalTicksAsync(contract, "", end, count, "TRADES", useRth=True))
        return [tick.price for tick in ticks]

    def histogram(self, contract: Any) -> list[float]:
        return [one.price for one in self._run(self._ib.reqHistogramDataAsync(contract, True, "3 days"))]

    def advisor(self, kind: int) -> str:
        return str(self._run(self._ib.requestFAAsync(kind)))

    # Orders

    def condition(self, kind: str, *, conjunction: str = "a", **fields: Any) -> Any:
        return getattr(self._lib, _CONDITIONS[kind])(conjunction=conjunction, **fields)

    def order(self, **fields: Any) -> Any:
        return self._lib.Order(**fields)

    def place(self, contract: Any, order: Any) -> int:
        trade = self._ib.placeOrder(contract, order)
        self._trades[order.orderId] = trade
        return int(order.orderId)

    def cancel(self, order_id: int) -> None:
        self._ib.cancelOrder(self._trades[order_id].order)

    def cancel_all(self) -> None:
        self._ib.reqGlobalCancel()

    def status(self, order_id: int) -> str:
        return str(self._trades[order_id].orderStatus.status)

    def wait(self, order_id: int, *statuses: str) -> str:
        """The status of an order once it is one of those."""
        self._until(lambda: self.status(order_id) in statuses, lambda: f"order {order_id} is {self.status(order_id)}")
        return self.status(order_id)

    def executions(self, order_id: int) -> list[tuple[str, str, float, float]]:
        """Account, side, shares and price of each."""
        fills = self._trades[order_id].fills
        return [(f.execution.acctNumber, f.execution.side, float(f.execution.shares), f.execution.price) for f in fills]

    def what_if(self, contract: Any, order: Any) -> tuple[float, float]:
        state = self._run(self._ib.whatIfOrderAsync(contract, order))
        return float(state.initMarginChange), float(state.commission)

    # What goes wrong

    def wait_error(self, code: int, since: int = 0) -> int:
        """Wait for an error, warning or notice after the first `since` ones."""
        came = f"{code} did not come"
        self._until(lambda: any(seen == code for _, seen in self.errors[since:]), lambda: f"{came}: {self.errors[-9:]}")
        return code

    def silenced(self, contract: Any, act: Callable[[], None]) -> bool:
        """Whether ticks that came cease after an act."""
        seen: list[Any] = []
        ticker = self._ib.reqTickByTickData(contract, "BidAsk")
        ticker.updateEvent += lambda t: seen.extend(t.tickByTicks)
        self._until(lambda: seen)
        act()
        self._run(asyncio.sleep(0.3))
        seen.clear()
        self._run(asyncio.sleep(0.5))
        silent = not seen
        self._ib.cancelTickByTickData(contract, "BidAsk")
        return silent

    def _run(self, awaitable: Awaitable[Any]) -> Any:
        return self._loop.run_until_complete(asyncio.wait_for(awaitable, SECONDS))

    def _until(self, holds: Callable[[], object], why: Callable[[], str] = lambda: "it did not happen") -> None:
        async def wait() -> None:
            while not holds():
                await self._ib.updateEvent

        try:
            if not holds():
                self._run(wait())
        except TimeoutError:
            raise TimeoutError(f"{why()}; errors: {self.errors[-5:]}") from None
