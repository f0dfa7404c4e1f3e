"""A bracket order, and a lost connection to the broker: what a program on IB's own ibapi sees of them.

ib-simulator --port 4002 --control-port 4003 --hours always      # in one terminal
python ibapi_example.py --port 4002 --control-port 4003          # in another
"""

import argparse
import json
import threading
import urllib.request
from typing import Any

from ibapi.client import EClient
from ibapi.contract import Contract
from ibapi.order import Order
from ibapi.wrapper import EWrapper

BID, ASK = 1, 2


def inject(control_port: int, fault: dict[str, object]) -> None:
    """Let something go wrong at the gateway."""
    url = f"http://127.0.0.1:{control_port}/faults"
    body = json.dumps(fault).encode()
    with urllib.request.urlopen(urllib.request.Request(url, body, {"Content-Type": "application/json"}), timeout=10):
        pass


class Program(EWrapper, EClient):  # type: ignore[misc]
    """Notes what the gateway says; the main thread waits for it."""

    def __init__(self) -> None:
        EWrapper.__init__(self)
        EClient.__init__(self, wrapper=self)
        self.news = threading.Condition()
        self.order_id = 0
        self.accounts = ""
        self.prices: dict[int, float] = {}
        self.status: dict[int, str] = {}
        self.codes: list[int] = []
        self.held: float | None = None
        self.open: set[int] = set()
        self.listed = False

    def wait_for(self, holds: Any, seconds: float = 20) -> None:
        """Wait until something holds."""
        with self.news:
            if not self.news.wait_for(holds, seconds):
                raise TimeoutError("it never came")

    def note(self) -> None:
        """Wake the main thread."""
        with self.news:
            self.news.notify_all()

    # What the gateway says. The names are ibapi's.

    def logAnswer(self, *_: Any) -> None:  # noqa: N802
        """Do not repeat every answer on the log."""

    def nextValidId(self, orderId: int) -> None:  # noqa: N802, N803
        """The session has begun."""
        self.order_id = orderId
        self.note()

    def managedAccounts(self, accountsList: str) -> None:  # noqa: N802, N803
        """The accounts of the login."""
        self.accounts = accountsList
        self.note()

    def tickPrice(self, reqId: int, tickType: int, price: float, attrib: Any) -> None:  # noqa: N802, N803, ARG002
        """A price of the quote."""
        self.prices[tickType] = price
        self.note()

    def orderStatus(self, orderId: int, status: str, *_: Any) -> None:  # noqa: N802, N803
        """What became of an order."""
        self.status[orderId] = status
        self.note()

    def openOrder(self, orderId: int, *_: Any) -> None:  # noqa: N802, N803
        """An order stands."""
        self.open.add(orderId)

    def openOrderEnd(self) -> None:  # noqa: N802
        """That were all."""
        self.listed = True
        self.note()

    def position(self, account: str, contract: Contract, position: float, avgCost: float) -> None:  # noqa: N803, ARG002
        """A position of an account."""
        self.held = (self.held or 0.0) + float(position)

    def positionEnd(self) -> None:  # noqa: N802
        """That were all."""
        self.held = self.held or 0.0
        self.note()

    def error(self, reqId: int, errorCode: int, errorString: str, *_: Any) -> None:  # noqa: N803, ARG002
        """An error, a warning or a notice."""
        if errorCode in (1100, 1101, 1102):
            print(f"the gateway says {errorCode}: {errorString}")
        self.codes.append(errorCode)
        self.note()


def bracket(parent_id: int, quantity: float, entry: float, profit: float, loss: float) -> list[Order]:
    """A limit order to buy, and two to sell that begin when it is filled; the last one lets all three go."""
    orders = []
    for number, (action, kind, price) in enumerate((("BUY", "LMT", entry), ("SELL", "LMT", profit), ("SELL", "STP", loss))):
        order = Order()
        order.orderId, order.parentId = parent_id + number, parent_id if number else 0
        order.action, order.orderType, order.totalQuantity = action, kind, quantity
        if kind == "LMT":
            order.lmtPrice = price
        else:
            order.auxPrice = price
        order.transmit = number == 2
        order.eTradeOnly = order.firmQuoteOnly = False  # set by default in old versions of ibapi, and refused by gateways
        orders.append(order)
    return orders


def main() -> None:
    """Connect, and disconnect whatever happens: ibapi's threads would keep the process alive."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, default=4002)
    parser.add_argument("--control-port", type=int, default=4003)
    given = parser.parse_args()

    app = Program()
    app.connect("127.0.0.1", given.port, 1)
    threading.Thread(target=app.run, daemon=True).start()
    try:
        trade(app, given.control_port)
    finally:
        app.disconnect()


def trade(app: Program, control_port: int) -> None:
    """Watch a quote, place a bracket, lose the broker, find everything as it was, and clean up."""
    app.wait_for(lambda: app.order_id and app.accounts)
    print(f"connected to version {app.serverVersion()} with {app.accounts}")

    stock = Contract()
    stock.symbol, stock.secType, stock.exchange, stock.currency = "AAPL", "STK", "SMART", "USD"
    app.reqMktData(1, stock, "", False, False, [])
    app.wait_for(lambda: app.prices.get(BID, 0) > 0 and app.prices.get(ASK, 0) > 0)
    print(f"{stock.symbol} is quoted {app.prices[BID]:.2f} to {app.prices[ASK]:.2f}")

    middle = round(app.prices[ASK])
    entry, profit, loss = orders = bracket(app.order_id, 100, middle + 2, middle + 50, middle - 50)
    for order in orders:
        app.placeOrder(order.orderId, stock, order)
    status = app.status
    app.wait_for(lambda: status.get(entry.orderId) == "Filled" and status.get(profit.orderId) == "Submitted")
    print(f"entry {status[entry.orderId]}, profit {status[profit.orderId]}, loss {status[loss.orderId]}")

    inject(control_port, {"kind": "connectivity-lost", "for_seconds": 1.0})
    app.wait_for(lambda: 1102 in app.codes)
    app.open.clear()
    app.listed = False
    app.reqPositions()
    app.reqOpenOrders()
    app.wait_for(lambda: app.held is not None and app.listed)
    print(f"afterwards: {app.held:g} held, {len(app.open)} orders open")

    app.cancelOrder(profit.orderId)
    app.wait_for(lambda: {status[profit.orderId], status[loss.orderId]} == {"Cancelled"})
    print(f"profit {status[profit.orderId]}, loss {status[loss.orderId]}")


if __name__ == "__main__":
    main()
