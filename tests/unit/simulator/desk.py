"""A broker without any wire, a clock that stands, and everything that was said: what tests of the broker begin with."""

from datetime import UTC, datetime

from atlas.domain import ManualClock, Quote, Trade, from_datetime
from atlas.exchange import Exchange
from ib_gateway.simulator.broker import Broker, OrderRules
from ib_gateway.simulator.instruments import ListedHours, load
from ib_gateway.simulator.messages import Contract, Ticket, replies
from ib_gateway.simulator.messages import requests as r

EURUSD = Contract(con_id=12087792, exchange="IDEALPRO")
AAPL = Contract(con_id=265598, exchange="SMART")
CATALOGUE = load()
NOON = from_datetime(datetime(2026, 6, 5, 16, tzinfo=UTC))  # noon in New York


class Desk:
    """A broker, a clock that stands, and everything that was said."""

    def __init__(self, accounts=("DU1",), records=(), cash=1_000_000.0, **rules):
        self.clock = ManualClock(NOON)
        self.said = []
        self.records = list(records)
        self.wanted = []
        catalogue = CATALOGUE
        money = {account: {"USD": cash} for account in accounts}
        self.exchange = Exchange(catalogue.instruments(), money, calendar=ListedHours(catalogue))
        self.broker = Broker(
            catalogue,
            self.exchange,
            self.clock,
            self,
            lambda client, reply: self.said.append((client, reply)),
            lambda *wanted: self.wanted.append(wanted),
            OrderRules(**rules),
        )
        self.broker.restore(records)
        self.broker.begin()

    def append(self, record):
        self.records.append(record)

    def connect(self, client_id=1):
        self.broker.connect(client_id)
        self.said.clear()

    def quote(self, instrument="EUR.USD@IDEALPRO", bid=1.16, ask=1.1601, bid_size=0.0, ask_size=0.0):
        quote = Quote(instrument, bid, ask, bid_size, ask_size, self.clock.now_ns(), self.clock.now_ns())
        self.broker.on_market([quote])

    def ask(self, request, client_id=1):
        """Replies to a request, to any client."""
        self.said.clear()
        self.broker.handle(client_id, request)
        return [reply for _, reply in self.said]

    def place(self, order_id=1, client_id=1, contract=EURUSD, **ticket):
        values = {"action": "BUY", "quantity": 20_000.0, "order_type": "MKT", "order_ref": f"ref-{order_id}"}
        return self.ask(r.PlaceOrder(order_id, contract, Ticket(**values | ticket)), client_id)

    def cancel(self, order_id=1, client_id=1):
        """Replies to the cancel of an order."""
        return self.ask(r.CancelOrder(order_id), client_id)

    def heard(self):
        """What was said since the last time, by client."""
        said, self.said = self.said, []
        return said

    def heard_by(self, client_id=1):
        """What one client was told since the last time."""
        return [reply for client, reply in self.heard() if client == client_id]

    def trade(self, instrument, price, size=100.0):
        """The market trades."""
        self.broker.on_market([Trade(instrument, price, size, self.clock.now_ns(), self.clock.now_ns())])

    def status(self, order_id=1, client_id=1):
        """The status of an order that stands, as a client asks for it; None if it does not stand."""
        held = self.heard()
        listed = {
            reply.order_id: reply for reply in self.ask(r.OpenOrders(), client_id) if isinstance(reply, replies.OrderStatus)
        }
        self.said = held
        return listed[order_id].status if order_id in listed else None

    def completed(self):
        """Statuses of the orders that are done, by order reference."""
        return {
            reply.ticket.order_ref: reply.status
            for reply in self.ask(r.CompletedOrders(False))
            if isinstance(reply, replies.CompletedOrder)
        }

    def check_books(self):
        """The sum of the day's executions is what is held."""
        held = {}
        for reply in self.ask(r.Executions(8)):
            if isinstance(reply, replies.Execution):
                key = (reply.account, CATALOGUE.by_con_id(reply.contract.con_id).instrument.id)
                held[key] = held.get(key, 0.0) + reply.shares * (1 if reply.side == "BOT" else -1)
        for (account, instrument), quantity in held.items():
            assert self.exchange.position(account, instrument).quantity == quantity
        return held


def kinds(said):
    """What kinds of replies were given."""
    return [type(reply).__name__ for reply in said]


def statuses(said):
    """Order id and status of every orderStatus."""
    return [(reply.order_id, reply.status) for reply in said if isinstance(reply, replies.OrderStatus)]


def codes(said):
    """Codes of every error."""
    return [reply.code for reply in said if isinstance(reply, replies.Error)]
