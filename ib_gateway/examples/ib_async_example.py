"""A bracket order, and a lost connection to the broker: what a program on ib_async sees of them.

ib-simulator --port 4002 --control-port 4003 --hours always      # in one terminal
python ib_async_example.py --port 4002 --control-port 4003       # in another
"""

import argparse
import json
import urllib.request

import ib_async


def inject(control_port: int, fault: dict[str, object]) -> None:
    """Let something go wrong at the gateway."""
    url = f"http://127.0.0.1:{control_port}/faults"
    body = json.dumps(fault).encode()
    with urllib.request.urlopen(urllib.request.Request(url, body, {"Content-Type": "application/json"}), timeout=10):
        pass


def wait_for(ib: ib_async.IB, holds: object, seconds: float = 20) -> None:
    """Let messages in until something holds."""
    for _ in range(int(seconds * 20)):
        if holds():  # type: ignore[operator]
            return
        ib.sleep(0.05)
    raise TimeoutError("it never came")


def main() -> None:
    """Connect, watch a quote, place a bracket, lose the broker, find everything as it was, and clean up."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, default=4002)
    parser.add_argument("--control-port", type=int, default=4003)
    given = parser.parse_args()

    ib = ib_async.IB()
    seen: list[int] = []

    def on_error(_request: int, code: int, text: str, *_: object) -> None:
        if code in (1100, 1101, 1102):
            seen.append(code)
            print(f"the gateway says {code}: {text}")

    ib.errorEvent += on_error
    ib.connect("127.0.0.1", given.port, clientId=1)
    print(f"connected to version {ib.client.serverVersion()} with {', '.join(ib.managedAccounts())}")

    (stock,) = ib.qualifyContracts(ib_async.Stock("AAPL", "SMART", "USD"))
    quote = ib.reqMktData(stock)
    wait_for(ib, lambda: quote.bid > 0 and quote.ask > 0)
    print(f"{stock.symbol} is quoted {quote.bid:.2f} to {quote.ask:.2f}")

    middle = round(quote.ask)
    orders = ib.bracketOrder("BUY", 100, limitPrice=middle + 2, takeProfitPrice=middle + 50, stopLossPrice=middle - 50)
    entry, profit, loss = (ib.placeOrder(stock, order) for order in orders)
    wait_for(ib, lambda: entry.isDone() and profit.orderStatus.status == "Submitted")
    print(f"entry {entry.orderStatus.status}, profit {profit.orderStatus.status}, loss {loss.orderStatus.status}")

    inject(given.control_port, {"kind": "connectivity-lost", "for_seconds": 1.0})
    wait_for(ib, lambda: 1102 in seen)
    held = sum(position.position for position in ib.reqPositions())
    print(f"afterwards: {held:g} held, {len(ib.reqOpenOrders())} orders open")

    ib.cancelOrder(profit.order)
    wait_for(ib, lambda: profit.isDone() and loss.isDone())
    print(f"profit {profit.orderStatus.status}, loss {loss.orderStatus.status}")
    ib.disconnect()


if __name__ == "__main__":
    main()
