"""One day at the simulated gateway, the same for every client library: `python script.py LIBRARY PORT CONTROL_PORT CLIENT_ID`.

Prints what was seen as one JSON object. Nothing in it depends on the library, so every library must print the same.
"""

import json
import sys
import urllib.request
from collections.abc import Callable
from typing import Any, Protocol


class Desk(Protocol):
    """What the session needs of a client library."""

    errors: list[tuple[int, int]]

    def __getattr__(self, name: str) -> Callable[..., Any]: ...


ACCOUNT = "DU101"
SECONDS_TO_CLOSE = 660  # it begins at ten to four in New York
DONE = ("Filled", "Cancelled", "Inactive")

# Order types as (name, terms, the status in which it comes to rest). ("bid", -30) is a price: thirty dollars below the bid.
ORDERS: tuple[tuple[str, dict[str, Any], str], ...] = (
    ("market", {"orderType": "MKT"}, "Filled"),
    ("limit through the market", {"orderType": "LMT", "lmtPrice": ("ask", 3)}, "Filled"),
    ("limit", {"orderType": "LMT", "lmtPrice": ("bid", -30)}, "Submitted"),
    ("limit until cancelled", {"orderType": "LMT", "lmtPrice": ("bid", -30), "tif": "GTC"}, "Submitted"),
    (
        "limit until a date",
        {"orderType": "LMT", "lmtPrice": ("bid", -30), "tif": "GTD", "goodTillDate": "20260605-23:00:00"},
        "Submitted",
    ),
    ("limit, at once or never", {"orderType": "LMT", "lmtPrice": ("bid", -30), "tif": "IOC"}, "Cancelled"),
    (
        "limit, whole or not at all",
        {"orderType": "LMT", "lmtPrice": ("bid", -30), "tif": "FOK", "totalQuantity": 500},
        "Cancelled",
    ),
    ("limit in the opening auction", {"orderType": "LMT", "lmtPrice": ("bid", -30), "tif": "OPG"}, "PreSubmitted"),
    ("market in the opening auction", {"orderType": "MKT", "tif": "OPG"}, "PreSubmitted"),
    ("stop", {"orderType": "STP", "auxPrice": ("ask", 30)}, "PreSubmitted"),
    ("stop, elected", {"action": "SELL", "orderType": "STP", "auxPrice": ("ask", 3)}, "Filled"),
    ("stop limit", {"orderType": "STP LMT", "auxPrice": ("ask", 30), "lmtPrice": ("ask", 31)}, "PreSubmitted"),
    ("trailing stop", {"action": "SELL", "orderType": "TRAIL", "auxPrice": 30}, "PreSubmitted"),
    (
        "trailing stop by percent",
        {"action": "SELL", "orderType": "TRAIL", "trailingPercent": 10},
        "PreSubmitted",
    ),
    (
        "trailing stop limit",
        {
            "action": "SELL", "orderType": "TRAIL LIMIT", "auxPrice": 30, "trailStopPrice": ("bid", -30), "lmtPriceOffset": 1,
        },
        "PreSubmitted",
    ),
    ("market if touched", {"orderType": "MIT", "auxPrice": ("bid", -30)}, "PreSubmitted"),
    ("limit if touched", {"orderType": "LIT", "auxPrice": ("bid", -30), "lmtPrice": ("bid", -29)}, "PreSubmitted"),
    ("market on close", {"orderType": "MOC"}, "PreSubmitted"),
    ("limit on close", {"orderType": "LOC", "lmtPrice": ("bid", -30)}, "PreSubmitted"),
    ("midprice", {"orderType": "MIDPRICE", "lmtPrice": ("bid", -30)}, "Submitted"),
    ("pegged to the middle", {"orderType": "PEG MID", "lmtPrice": ("bid", -30)}, "Submitted"),
    ("relative", {"orderType": "REL", "lmtPrice": ("bid", -30), "auxPrice": 0.01}, "Submitted"),
    ("trailing stop, caught up with", {"action": "SELL", "orderType": "TRAIL", "auxPrice": 0.01}, "Filled"),
    ("market if touched, touched", {"orderType": "MIT", "auxPrice": ("ask", 3)}, "Filled"),
    ("limit if touched, touched", {"orderType": "LIT", "auxPrice": ("ask", 3), "lmtPrice": ("ask", 5)}, "Filled"),
    ("midprice, met", {"orderType": "MIDPRICE", "lmtPrice": ("ask", 5)}, "Filled"),
    ("pegged to the middle, met", {"orderType": "PEG MID", "lmtPrice": ("ask", 5)}, "Filled"),
    ("relative, met", {"orderType": "REL", "lmtPrice": ("ask", 5), "auxPrice": 0.01}, "Filled"),
)  # fmt: skip

ON_AAPL = {"conId": 265598, "exch": "SMART"}

# Conditions that do not hold, and some that do; each order waits for them, or does not.
CONDITIONS: tuple[tuple[str, list[tuple[str, dict[str, Any]]], str], ...] = (
    (
        "price",
        [("price", {"isMore": True, "price": ("ask", 300), "triggerMethod": 0, **ON_AAPL})],
        "PreSubmitted",
    ),
    ("time", [("time", {"isMore": True, "time": "20260605-23:00:00"})], "PreSubmitted"),
    ("margin", [("margin", {"isMore": False, "percent": 1})], "PreSubmitted"),
    ("execution", [("execution", {"secType": "STK", "exch": "SMART", "symbol": "MSFT"})], "PreSubmitted"),
    (
        "volume",
        [("volume", {"isMore": True, "volume": 2_000_000_000, **ON_AAPL})],
        "PreSubmitted",
    ),
    (
        "percent change",
        [("percent", {"isMore": True, "changePercent": 80.0, **ON_AAPL})],
        "PreSubmitted",
    ),
    ("a price that is reached", [("price", {"isMore": True, "price": ("bid", -30), "triggerMethod": 0, **ON_AAPL})], "Filled"),
    ("a margin that is there", [("margin", {"isMore": True, "percent": 1})], "Filled"),
    ("a volume that was traded", [("volume", {"isMore": True, "volume": 1, **ON_AAPL})], "Filled"),
    ("a change that is not larger", [("percent", {"isMore": False, "changePercent": 80.0, **ON_AAPL})], "Filled"),
    ("a time that is past", [("time", {"isMore": True, "time": "20260605-14:00:00"})], "Filled"),
    (
        "one of two",
        [
            (
                "price",
                {
                    "isMore": True,
                    "price": ("ask", 300),
                    "triggerMethod": 0,
                    "conId": 265598,
                    "exch": "SMART",
                    "conjunction": "o",
                },
            ),
            ("time", {"isMore": True, "time": "20260605-14:00:00"}),
        ],
        "Filled",
    ),
    (
        "both of two",
        [
            ("price", {"isMore": True, "price": ("ask", 300), "triggerMethod": 0, **ON_AAPL}),
            ("time", {"isMore": True, "time": "20260605-14:00:00"}),
        ],
        "PreSubmitted",
    ),
)


class Session:
    """The steps, in order."""

    def __init__(self, desk: Desk, control: "Control") -> None:
        self.desk = desk
        self.control = control
        self.seen: dict[str, Any] = {}

    def run(self) -> dict[str, Any]:
        desk = self.desk
        self.seen["accounts"] = desk.accounts()
        (self.aapl,) = desk.details(desk.contract(symbol="AAPL", secType="STK", exchange="SMART", currency="USD"))
        self.seen["contract"] = [self.aapl.conId, self.aapl.localSymbol]
        self.market()
        self.history()
        self.order_types()
        self.changes()
        self.bracket()
        self.one_cancels_all()
        self.conditions()
        self.execution_condition()
        self.what_if()
        self.advisor()
        self.faults()
        self.close()
        self.seen["everything was read"] = self.desk.reads()
        self.control.inject({"kind": "port-reset"})
        self.seen["the port is reset"] = self.desk.wait_error(1300)
        return self.seen

    # What is asked

    def market(self) -> None:
        bid, ask = self.bid, self.ask = self.desk.quote(self.aapl)
        self.seen["a quote"] = bid < ask
        self.seen["ticks"] = [self.desk.ticks(self.aapl, kind, 3) for kind in ("BidAsk", "MidPoint", "AllLast")]
        bids, asks = self.desk.depth(self.aapl)
        self.seen["depth"] = [bids == sorted(bids, reverse=True), asks == sorted(asks), bids[0] < asks[0]]

    def history(self) -> None:
        desk = self.desk
        self.seen["bars"] = [
            len(desk.bars(self.aapl, "1 D", "1 hour", "TRADES")) > 0,
            len(desk.bars(self.aapl, "1 M", "1 day", "MIDPOINT")) > 15,
            len(desk.bars(self.aapl, "600 S", "1 min", "BID")) >= 9,
        ]
        self.seen["head"] = bool(desk.head(self.aapl, "TRADES"))
        self.seen["historical ticks"] = len(desk.historical_ticks(self.aapl, "20260605-19:30:00", 50))
        prices = desk.histogram(self.aapl)
        self.seen["histogram"] = prices == sorted(prices) and len(prices) > 3

    # Orders

    def place(self, **terms: Any) -> int:
        usual = {"action": "BUY", "totalQuantity": 10, "account": ACCOUNT, "tif": "DAY"}
        named = {**usual, "orderId": self.desk.next_id(), **terms}
        return int(self.desk.place(self.aapl, self.desk.order(**self.priced(named))))

    def priced(self, terms: dict[str, Any]) -> dict[str, Any]:
        """The terms with prices in place of what they say about bid and ask."""
        touch = {"bid": self.bid, "ask": self.ask}
        prices = {k: round(touch[v[0]] + v[1], 2) for k, v in terms.items() if isinstance(v, tuple)}
        return {**terms, **prices}

    def order_types(self) -> None:
        seen = self.seen["orders"] = {}
        for name, terms, rests in ORDERS:
            order_id = self.place(**terms)
            seen[name] = self.desk.wait(order_id, rests, *DONE)
            if seen[name] not in DONE:
                self.desk.cancel(order_id)
                self.desk.wait(order_id, "Cancelled")

    def changes(self) -> None:
        order_id = self.place(orderType="LMT", lmtPrice=("bid", -30))
        self.desk.wait(order_id, "Submitted")
        self.place(orderId=order_id, orderType="LMT", lmtPrice=("ask", 5), totalQuantity=20)
        status = self.desk.wait(order_id, *DONE)
        self.seen["changed"] = [status, sum(shares for _, _, shares, _ in self.desk.executions(order_id))]
        several = [self.place(orderType="LMT", lmtPrice=("bid", -30)) for _ in range(3)]
        for order_id in several:
            self.desk.wait(order_id, "Submitted")
        self.desk.cancel_all()
        self.seen["cancelled together"] = [self.desk.wait(order_id, *DONE) for order_id in several]

    def bracket(self) -> None:
        parent = self.place(orderType="LMT", lmtPrice=("ask", 5), transmit=False)
        exits = {"action": "SELL", "parentId": parent, "tif": "GTC"}
        take = self.place(**exits, orderType="LMT", lmtPrice=("ask", 40), transmit=False)
        stop = self.place(**exits, orderType="STP", auxPrice=("bid", -40), transmit=True)
        seen = [self.desk.wait(parent, "Filled"), self.desk.wait(take, "Submitted"), self.desk.wait(stop, "PreSubmitted")]
        self.desk.cancel(take)
        self.seen["bracket"] = [*seen, self.desk.wait(take, *DONE), self.desk.wait(stop, *DONE)]

    def one_cancels_all(self) -> None:
        seen = self.seen["one cancels all"] = []
        for kind in (1, 2, 3):
            group = {"ocaGroup": f"{ACCOUNT}-{self.desk.next_id()}", "ocaType": kind, "orderType": "LMT"}
            first = self.place(**group, lmtPrice=("bid", -30))
            second = self.place(**group, lmtPrice=("bid", -31))
            self.desk.wait(first, "Submitted", "PreSubmitted")
            self.desk.wait(second, "Submitted", "PreSubmitted")
            self.place(orderId=first, **group, lmtPrice=("ask", 5))
            seen.append([self.desk.wait(first, *DONE), self.desk.wait(second, *DONE)])

    def conditions(self) -> None:
        seen = self.seen["conditions"] = {}
        for name, conditions, rests in CONDITIONS:
            made = [self.desk.condition(kind, **self.priced(fields)) for kind, fields in conditions]
            order_id = self.place(orderType="MKT", conditions=made, conditionsIgnoreRth=True)
            seen[name] = self.desk.wait(order_id, rests, *DONE)
            if seen[name] not in DONE:
                self.desk.cancel(order_id)
                self.desk.wait(order_id, "Cancelled")

    def execution_condition(self) -> None:
        """An order that waits for an execution in another stock."""
        (msft,) = self.desk.details(self.desk.contract(symbol="MSFT", secType="STK", exchange="SMART", currency="USD"))
        waits = [self.desk.condition("execution", secType="STK", exch="SMART", symbol="MSFT")]
        order_id = self.place(orderType="MKT", conditions=waits, conditionsIgnoreRth=True)
        before = self.desk.wait(order_id, "PreSubmitted", *DONE)
        terms = {"action": "BUY", "totalQuantity": 5, "orderType": "MKT", "account": ACCOUNT, "tif": "DAY"}
        other = self.desk.place(msft, self.desk.order(**terms, orderId=self.desk.next_id()))
        self.seen["an execution elsewhere"] = [before, self.desk.wait(other, *DONE), self.desk.wait(order_id, *DONE)]

    def close(self) -> None:
        """The closing auction, some minutes ahead."""
        market, limit = self.place(orderType="MOC"), self.place(orderType="LOC", lmtPrice=("ask", 30))
        far = self.place(orderType="LOC", lmtPrice=("bid", -30))
        for order_id in (market, limit, far):
            self.desk.wait(order_id, "PreSubmitted")
        self.control.advance(SECONDS_TO_CLOSE)
        self.seen["closing auction"] = [self.desk.wait(order_id, *DONE) for order_id in (market, limit, far)]
        self.control.resume()

    def what_if(self) -> None:
        order = self.desk.order(action="BUY", totalQuantity=100, orderType="MKT", account=ACCOUNT, tif="DAY")
        margin, commission = self.desk.what_if(self.aapl, order)
        self.seen["what if"] = [margin > 1000, commission]

    def advisor(self) -> None:
        self.seen["groups are XML"] = self.desk.advisor(1).lstrip().startswith("<")
        order_id = self.place(orderType="MKT", totalQuantity=20, account="", faGroup="All", faMethod="EqualQuantity")
        status = self.desk.wait(order_id, *DONE)
        shares: dict[str, float] = {}
        for account, _, size, _ in self.desk.executions(order_id):
            shares[account] = shares.get(account, 0.0) + size
        self.seen["an advisor's order"] = [status, sorted(shares.items())]

    # What goes wrong

    def faults(self) -> None:
        seen = self.seen["faults"] = {}
        for name, fault, codes in FAULTS:
            before = len(self.desk.errors)
            self.control.inject(fault)
            for code in codes:
                self.desk.wait_error(code, before)
            seen[name] = [code for _, code in self.desk.errors[before:] if code in codes]
        seen["ticks of somebody else"] = self.desk.silenced(self.aapl, lambda: self.control.inject(COMPETING))
        self.desk.wait_error(10197)
        self.control.clear()
        self.control.inject({"kind": "read-only"})
        self.place(orderType="MKT")
        seen["read-only"] = self.desk.wait_error(321)
        self.control.clear()


# Faults that need no more than to be told of: name, fault, the codes that a client hears.
FAULTS: tuple[tuple[str, dict[str, Any], tuple[int, ...]], ...] = (
    ("a notice", {"kind": "notice", "code": 2103}, (2103,)),
    ("no history", {"kind": "farm-outage", "farm": "ushmds", "for_seconds": 0.2}, (2105, 2106)),
    ("no definitions", {"kind": "farm-outage", "farm": "secdefil", "for_seconds": 0.2}, (2157, 2158)),
    ("a link that keeps the data", {"kind": "connectivity-lost", "for_seconds": 0.2}, (1100, 1102)),
    ("a link that loses the data", {"kind": "connectivity-lost", "for_seconds": 0.2, "data": "lost"}, (1100, 1101)),
)
COMPETING = {"kind": "competing-session"}


class Control:
    """The gateway's control API."""

    def __init__(self, port: str) -> None:
        self._root = f"http://127.0.0.1:{port}"

    def inject(self, fault: dict[str, Any]) -> None:
        self._call("POST", "/faults", fault)

    def clear(self) -> None:
        self._call("DELETE", "/faults")

    def advance(self, seconds: float) -> None:
        """Let virtual time pass as fast as it can, and then stand."""
        self._call("POST", "/clock/advance", {"seconds": seconds})

    def resume(self) -> None:
        """Let time pass again."""
        self._call("POST", "/clock/resume")

    def _call(self, method: str, path: str, body: dict[str, Any] | None = None) -> None:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self._root + path, data, {"content-type": "application/json"}, method=method)
        with urllib.request.urlopen(request, timeout=60):
            pass


def desk_of(library: str) -> Any:
    if library == "ibapi":
        from ibapi_desk import Desk as IbapiDesk

        return IbapiDesk()
    from asyncio_desk import Desk as AsyncioDesk

    return AsyncioDesk(library)


def main(library: str, port: str, control_port: str, client_id: str) -> None:
    desk = desk_of(library)
    desk.connect(int(port), int(client_id))
    seen = Session(desk, Control(control_port)).run()
    desk.disconnect()
    print(json.dumps(seen))


if __name__ == "__main__":
    main(*sys.argv[1:])
