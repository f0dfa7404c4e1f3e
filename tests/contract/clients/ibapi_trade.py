"""A trading program on IB's own ibapi, the strictest reader there is: `python ibapi_trade.py PORT` prints one JSON object.

Its reader thread dies of a message that it cannot decode, so whatever comes after such a message would be missing here.
"""

import json
import sys
import threading
import time
from typing import Any

from ibapi.client import EClient
from ibapi.contract import Contract
from ibapi.execution import ExecutionFilter
from ibapi.order import Order
from ibapi.wrapper import EWrapper


class App(EWrapper, EClient):
    """Notes every callback by its name."""

    def __init__(self) -> None:
        EWrapper.__init__(self)
        EClient.__init__(self, wrapper=self)
        self.calls: list[tuple[str, tuple[Any, ...]]] = []
        self.arrived = threading.Condition()

    def __getattribute__(self, name: str) -> Any:
        value = super().__getattribute__(name)
        if name in _NOTED:

            def noting(*arguments: Any, **named: Any) -> None:
                with self.arrived:
                    self.calls.append((name, (*arguments, *named.values())))
                    self.arrived.notify_all()
                value(*arguments, **named)

            return noting
        return value

    def logAnswer(self, *_: Any) -> None:  # noqa: N802 - ibapi's name
        """Do not repeat every answer on the log."""

    def all(self, name: str) -> list[tuple[Any, ...]]:
        """Arguments of all calls of one callback."""
        return [arguments for called, arguments in self.calls if called == name]

    def wait(self, name: str, test: Any = lambda *_: True) -> tuple[Any, ...]:
        """The first call of a callback that passes a test."""
        deadline = time.monotonic() + 20
        with self.arrived:
            while True:
                for arguments in self.all(name):
                    if test(*arguments):
                        return arguments
                if not self.arrived.wait(deadline - time.monotonic()):
                    raise TimeoutError(f"{name} was not called; seen: {[called for called, _ in self.calls][-20:]}")


_NOTED = {
    name
    for name in vars(EWrapper)
    if not name.startswith("_") and name not in ("logAnswer", "winError", "connectAck", "connectionClosed")
}


def eurusd() -> Contract:
    contract = Contract()
    contract.symbol, contract.secType, contract.currency, contract.exchange = "EUR", "CASH", "USD", "IDEALPRO"
    return contract


def order(action: str, kind: str, quantity: float, limit: float | None = None) -> Order:
    result = Order()
    result.action, result.orderType, result.totalQuantity = action, kind, quantity
    if limit is not None:
        result.lmtPrice = limit
    result.orderRef = "ibapi"
    return result


def main(port: int) -> dict[str, Any]:
    app = App()
    app.connect("127.0.0.1", port, 9)
    reader = threading.Thread(target=app.run, daemon=True)
    reader.start()
    (next_id,) = app.wait("nextValidId")
    seen: dict[str, Any] = {"version": app.serverVersion(), "accounts": app.wait("managedAccounts")[0]}

    app.reqContractDetails(1, eurusd())
    details = app.wait("contractDetails")[1]
    app.wait("contractDetailsEnd")
    seen["contract"] = [details.contract.conId, details.minTick, details.contract.localSymbol]
    app.reqContractDetails(2, _future())
    seen["future"] = app.wait("contractDetails", lambda req_id, _: req_id == 2)[1].contract.lastTradeDateOrContractMonth

    app.reqTickByTickData(3, eurusd(), "BidAsk", 0, False)
    app.wait("tickByTickBidAsk")
    app.reqMktData(4, eurusd(), "", False, False, [])
    app.wait("tickPrice", lambda *tick: tick[1] == 2)
    app.reqHistoricalData(5, eurusd(), "", "60 S", "1 min", "MIDPOINT", 0, 1, False, [])
    app.wait("historicalDataEnd")

    app.placeOrder(next_id, eurusd(), order("BUY", "MKT", 20_000))
    app.wait("orderStatus", lambda *status: status[1] == "Filled")
    execution = app.wait("execDetails")[2]
    commission = app.wait("commissionReport")[0]
    seen["market order"] = [execution.side, execution.shares, execution.orderRef, commission.commission, commission.currency]
    seen["same execution"] = commission.execId == execution.execId

    app.placeOrder(next_id + 1, eurusd(), order("BUY", "LMT", 20_000, 0.5))
    app.wait("orderStatus", lambda *status: status[0] == next_id + 1 and status[1] == "Submitted")
    app.reqAllOpenOrders()
    app.wait("openOrderEnd")
    app.cancelOrder(next_id + 1)
    app.wait("orderStatus", lambda *status: status[0] == next_id + 1 and status[1] == "Cancelled")
    app.reqCompletedOrders(False)
    app.wait("completedOrdersEnd")
    seen["completed"] = sorted(call[2].status for call in app.all("completedOrder"))
    app.reqExecutions(6, ExecutionFilter())
    app.wait("execDetailsEnd")
    app.reqPositions()
    app.wait("positionEnd")
    seen["positions"] = [[call[0], call[1].conId, call[2]] for call in app.all("position")]
    app.reqAccountUpdates(True, "")
    app.wait("accountDownloadEnd")
    app.reqAccountSummary(7, "All", "NetLiquidation")
    app.wait("accountSummaryEnd")
    app.reqMatchingSymbols(8, "AA")
    app.wait("symbolSamples")
    app.reqMarketRule(239)
    app.wait("marketRule")
    app.reqFamilyCodes()
    app.wait("familyCodes")
    app.reqPositionsMulti(10, "", "")
    app.wait("positionMultiEnd")
    app.reqAccountUpdatesMulti(11, "", "", False)
    app.wait("accountUpdateMultiEnd")
    app.reqPnL(12, seen["accounts"], "")
    app.wait("pnl")
    app.placeOrder(next_id + 2, eurusd(), order("BUY", "LMT", 20_000, 1.100001))
    app.wait("error", lambda *error: error[1] == 110)
    app.reqCurrentTime()
    app.wait("currentTime")
    seen["errors"] = [call[1] for call in app.all("error") if not 2100 <= call[1] < 2200]
    seen["reader lives"] = reader.is_alive()
    app.disconnect()
    return seen


def _future() -> Contract:
    contract = Contract()
    contract.symbol, contract.secType, contract.currency, contract.exchange = "ES", "FUT", "USD", "CME"
    contract.lastTradeDateOrContractMonth = "202609"
    return contract


if __name__ == "__main__":
    print(json.dumps(main(int(sys.argv[1]))))
