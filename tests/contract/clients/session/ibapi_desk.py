"""The session's desk on IB's own ibapi, old or new: callbacks on the reader's thread, waits in this one."""

import inspect
import threading
import time
from collections.abc import Callable
from typing import Any

from ibapi.client import EClient
from ibapi.contract import Contract
from ibapi.order import Order
from ibapi.order_condition import Create, OrderCondition
from ibapi.wrapper import EWrapper

SECONDS = 20
MESSAGES_PER_SECOND = 40
_CONDITIONS = {
    "price": OrderCondition.Price,
    "time": OrderCondition.Time,
    "margin": OrderCondition.Margin,
    "execution": OrderCondition.Execution,
    "volume": OrderCondition.Volume,
    "percent": OrderCondition.PercentChange,
}
_CONDITION_FIELDS = {"conId": "conId", "exch": "exchange", "changePercent": "changePercent", "secType": "secType"}
_TICKS = {
    "tickByTickAllLast": "TickByTickAllLast",
    "tickByTickBidAsk": "TickByTickBidAsk",
    "tickByTickMidPoint": "TickByTickMidPoint",
}
_QUIET = {"logAnswer", "winError", "connectAck", "connectionClosed", "currentTimeInMillis"}
_NOTED = {name for name in vars(EWrapper) if not name.startswith("_") and not name.endswith("ProtoBuf") and name not in _QUIET}


class _App(EWrapper, EClient):
    """Notes every callback: its name and its arguments by name."""

    def __init__(self) -> None:
        EWrapper.__init__(self)
        EClient.__init__(self, wrapper=self)
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self.arrived = threading.Condition()
        self._may_send = 0.0

    def __getattribute__(self, name: str) -> Any:
        value = super().__getattribute__(name)
        if name not in _NOTED or not callable(value):
            return value
        signature = inspect.signature(value)

        def noting(*arguments: Any, **named: Any) -> None:
            with self.arrived:
                self.calls.append((name, dict(signature.bind(*arguments, **named).arguments)))
                self.arrived.notify_all()

        return noting

    def sendMsg(self, *arguments: Any) -> None:  # noqa: N802 - ibapi's name
        """Send no faster than the gateway allows; the other libraries see to that themselves."""
        time.sleep(max(0.0, self._may_send - time.monotonic()))
        self._may_send = time.monotonic() + 1 / MESSAGES_PER_SECOND
        super().sendMsg(*arguments)

    def logAnswer(self, *_: Any) -> None:  # noqa: N802 - ibapi's name
        """Do not repeat every answer on the log."""


class Desk:
    """What the session does, by ibapi, one step after the other."""

    def __init__(self) -> None:
        self._app = _App()
        self._orders: dict[int, tuple[Any, Any]] = {}
        self._next_request = 10_000

    def connect(self, port: int, client_id: int) -> None:
        self._app.connect("127.0.0.1", port, client_id)
        self._thread = threading.Thread(target=self._app.run, daemon=True)
        self._thread.start()
        self._next_id = int(self._wait("nextValidId")["orderId"])
        self._wait("managedAccounts")

    def disconnect(self) -> None:
        self._app.disconnect()

    def reads(self) -> bool:
        """Whether the reader lives: its thread dies of a message that it cannot read."""
        return self._thread.is_alive()

    @property
    def errors(self) -> list[tuple[int, int]]:
        return [(call["reqId"], call["errorCode"]) for call in self._all("error")]

    def accounts(self) -> list[str]:
        return [name for name in self._all("managedAccounts")[-1]["accountsList"].split(",") if name]

    def next_id(self) -> int:
        self._next_id += 1
        return self._next_id - 1

    # What there is

    def contract(self, **fields: Any) -> Any:
        return _filled(Contract(), fields)

    def details(self, contract: Any) -> list[Any]:
        request = self._request()
        self._app.reqContractDetails(request, contract)
        self._wait("contractDetailsEnd", reqId=request)
        return [call["contractDetails"].contract for call in self._all("contractDetails", reqId=request)]

    def quote(self, contract: Any) -> tuple[float, float]:
        request = self._request()
        self._app.reqMktData(request, contract, "", False, False, [])
        bid = self._wait("tickPrice", reqId=request, tickType=1)["price"]
        ask = self._wait("tickPrice", reqId=request, tickType=2)["price"]
        self._app.cancelMktData(request)
        return bid, ask

    def ticks(self, contract: Any, kind: str, count: int) -> list[str]:
        request = self._request()
        self._app.reqTickByTickData(request, contract, kind, 0, False)
        name = next(name for name in _TICKS if name.endswith(kind) or (kind == "Last" and name.endswith("AllLast")))
        self._until(lambda: len(self._all(name, reqId=request)) >= count)
        self._app.cancelTickByTickData(request)
        return [_TICKS[name]] * count

    def depth(self, contract: Any) -> tuple[list[float], list[float]]:
        request = self._request()
        self._app.reqMktDepth(request, contract, 5, True, [])
        book: tuple[list[float], list[float]] = ([], [])

        def whole() -> bool:
            book[0].clear()
            book[1].clear()
            for call in self._all("updateMktDepthL2", reqId=request):
                side = book[0] if call["side"] == 1 else book[1]
                if call["operation"] == 0:
                    side.insert(call["position"], call["price"])
                elif call["operation"] == 1:
                    side[call["position"]] = call["price"]
                else:
                    del side[call["position"]]
            return len(book[0]) == len(book[1]) == 5

        self._until(whole)
        self._app.cancelMktDepth(request, True)
        return book

    def bars(self, contract: Any, duration: str, size: str, what: str) -> list[float]:
        request = self._request()
        self._app.reqHistoricalData(request, contract, "", duration, size, what, 1, 2, False, [])
        self._wait("historicalDataEnd", reqId=request)
        return [call["bar"].close for call in self._all("historicalData", reqId=request)]

    def head(self, contract: Any, what: str) -> Any:
        request = self._request()
        self._app.reqHeadTimeStamp(request, contract, what, 1, 2)
        return self._wait("headTimestamp", reqId=request)["headTimestamp"]

    def historical_ticks(self, contract: Any, end: str, count: int) -> list[float]:
        request = self._request()
        self._app.reqHistoricalTicks(request, contract, "", end, count, "TRADES", 1, False, [])
        self._wait("historicalTicksLast", reqId=request, done=True)
        return [tick.price for call in self._all("historicalTicksLast", reqId=request) for tick in call["ticks"]]

    def histogram(self, contract: Any) -> list[float]:
        request = self._request()
        self._app.reqHistogramData(request, contract, True, "3 days")
        return [item.price for item in self._wait("histogramData", reqId=request)["items"]]

    def advisor(self, kind: int) -> str:
        self._app.requestFA(kind)
        return str(self._wait("receiveFA")["cxml"])

    # Orders

    def condition(self, kind: str, *, conjunction: str = "a", **fields: Any) -> Any:
        condition = Create(_CONDITIONS[kind])
        condition.isConjunctionConnection = conjunction == "a"
        return _filled(condition, {_CONDITION_FIELDS.get(name, name): value for name, value in fields.items()})

    def order(self, **fields: Any) -> Any:
        order = _filled(Order(), fields)
        if not fields.get("orderId"):
            order.orderId = 0
        order.eTradeOnly = order.firmQuoteOnly = False
        return order

    def place(self, contract: Any, order: Any) -> int:
        order.orderId = order.orderId or self.next_id()
        self._orders[order.orderId] = (contract, order)
        self._app.placeOrder(order.orderId, contract, order)
        return int(order.orderId)

    def cancel(self, order_id: int) -> None:
        _called(self._app.cancelOrder, order_id)

    def cancel_all(self) -> None:
        _called(self._app.reqGlobalCancel)

    def status(self, order_id: int) -> str:
        """The last status; what was turned down counts as ended, as the other libraries count it."""
        seen = [call["status"] for call in self._all("orderStatus", orderId=order_id)]
        return seen[-1] if seen else "PendingSubmit"

    def wait(self, order_id: int, *statuses: str) -> str:
        self._until(lambda: self.status(order_id) in statuses, lambda: f"order {order_id} is {self.status(order_id)}")
        return self.status(order_id)

    def executions(self, order_id: int) -> list[tuple[str, str, float, float]]:
        made = [call["execution"] for call in self._all("execDetails") if call["execution"].orderId == order_id]
        return [(one.acctNumber, one.side, float(one.shares), one.price) for one in made]

    def what_if(self, contract: Any, order: Any) -> tuple[float, float]:
        order.whatIf = True
        order_id = self.next_id()
        self._app.placeOrder(order_id, contract, order)
        state = self._wait("openOrder", orderId=order_id)["orderState"]
        return float(state.initMarginChange), float(getattr(state, "commission", None) or state.commissionAndFees)

    # What goes wrong

    def wait_error(self, code: int, since: int = 0) -> int:
        """Wait for an error, warning or notice after the first `since` ones."""
        came = f"{code} did not come"
        self._until(lambda: any(seen == code for _, seen in self.errors[since:]), lambda: f"{came}: {self.errors[-9:]}")
        return code

    def silenced(self, contract: Any, act: Callable[[], None]) -> bool:
        request = self._request()
        self._app.reqTickByTickData(request, contract, "BidAsk", 0, False)
        self._wait("tickByTickBidAsk", reqId=request)
        act()
        time.sleep(0.3)
        before = len(self._all("tickByTickBidAsk", reqId=request))
        time.sleep(0.5)
        silent = len(self._all("tickByTickBidAsk", reqId=request)) == before
        self._app.cancelTickByTickData(request)
        return silent

    def _request(self) -> int:
        self._next_request += 1
        return self._next_request

    def _all(self, name: str, **values: Any) -> list[dict[str, Any]]:
        with self._app.arrived:
            calls = [call for called, call in self._app.calls if called == name]
        return [call for call in calls if all(call.get(key) == value for key, value in values.items())]

    def _wait(self, name: str, **values: Any) -> dict[str, Any]:
        self._until(lambda: self._all(name, **values), lambda: f"{name} {values} was not called")
        return self._all(name, **values)[0]

    def _until(self, holds: Callable[[], object], why: Callable[[], str] = lambda: "it did not happen") -> None:
        deadline = time.monotonic() + SECONDS
        while not holds():
            with self._app.arrived:
                if not self._app.arrived.wait(min(0.2, deadline - time.monotonic())) and time.monotonic() > deadline:
                    raise TimeoutError(f"{why()}; errors: {self.errors[-5:]}")


def _filled(thing: Any, fields: dict[str, Any]) -> Any:
    for name, value in fields.items():
        assert hasattr(thing, name), f"{type(thing).__name__} has no {name}"
        setattr(thing, name, value)
    return thing


def _called(method: Any, *arguments: Any) -> None:
    """Newer versions want to know what a cancel by hand says: nothing here."""
    parameters = list(inspect.signature(method).parameters)
    if parameters[len(arguments) :] == ["manualCancelOrderTime"]:
        method(*arguments, "")
    elif len(parameters) > len(arguments):
        from ibapi.order_cancel import OrderCancel  # since 10.30

        method(*arguments, OrderCancel())
    else:
        method(*arguments)
