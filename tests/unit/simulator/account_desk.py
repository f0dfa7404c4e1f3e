"""A broker with a standing clock and a note of what was said, for tests of the account desks."""

from datetime import UTC, datetime

from atlas.domain import ManualClock, Quote, from_datetime
from atlas.exchange import Exchange
from ib_gateway.simulator.broker import Broker
from ib_gateway.simulator.instruments import load
from ib_gateway.simulator.messages import Contract, Ticket, replies
from ib_gateway.simulator.messages import requests as r

CATALOGUE = load()
EURUSD, AAPL, ES = (Contract(con_id=number, exchange=place) for number, place in
                    ((12087792, "IDEALPRO"), (265598, "SMART"), (750202609, "CME")))  # fmt: skip
NOON = from_datetime(datetime(2026, 6, 5, 16, tzinfo=UTC))  # Friday noon in New York
HOUR = 3_600_000_000_000


class Desk:
    """A broker, a clock that stands, and everything that was said."""

    def __init__(self, *accounts, records=(), now_ns=NOON):
        self.clock = ManualClock(now_ns)
        self.said, self.records = [], list(records)
        cash = {account: {} if account.startswith("DF") else {"USD": 1_000_000.0} for account in accounts or ("DU1",)}
        self.exchange = Exchange(CATALOGUE.instruments(), cash)
        self.broker = Broker(
            CATALOGUE, self.exchange, self.clock, self, lambda client, reply: self.said.append((client, reply)), lambda *_: None
        )  # fmt: skip
        self.broker.restore(records)
        self.broker.begin()
        self.broker.connect(1)

    def append(self, record):
        self.records.append(record)

    def quote(self, instrument, bid, ask):
        now = self.clock.now_ns()
        self.broker.on_market([Quote(instrument, bid, ask, 0.0, 0.0, now, now)])

    def ask(self, request):
        self.said.clear()
        self.broker.handle(1, request)
        return [reply for _, reply in self.said]

    def trade(self, contract, quantity, account="DU1"):
        """A market order that is filled at once, and everything that follows from it."""
        self.order = getattr(self, "order", 0) + 1
        ticket = Ticket(
            action="BUY" if quantity > 0 else "SELL", quantity=abs(quantity), order_type="MKT", account=account
        )  # fmt: skip
        said = self.ask(r.PlaceOrder(self.order, contract, ticket))
        self.broker.settle()
        assert any(isinstance(reply, replies.Execution) for reply in said)
        return [reply for _, reply in self.said]

    def pass_time(self, hours):
        self.clock.advance(int(hours * HOUR))
        self.said.clear()
        self.broker.on_time()
        return [reply for _, reply in self.said]

    def values(self, account="DU1"):
        self.ask(r.AccountUpdates(subscribe=False, account=account))
        said = self.ask(r.AccountUpdates(subscribe=True, account=account))
        found = {(one.key, one.currency): one.value for one in said if isinstance(one, replies.AccountValue)}
        self.ask(r.AccountUpdates(subscribe=False, account=account))
        return found

    def pnl(self, account="DU1"):
        (reply,) = self.ask(r.Pnl(900, account, ""))
        self.ask(r.CancelPnl(900))
        return reply

    def pnl_of(self, contract, account="DU1"):
        (reply,) = self.ask(r.PnlSingle(901, account, "", contract.con_id))
        self.ask(r.CancelPnlSingle(901))
        return reply


def quoted():
    desk = Desk()
    desk.quote("EUR.USD@IDEALPRO", 1.16, 1.1601)
    desk.quote("AAPL@SMART", 199.99, 200.01)
    desk.quote("ES-202609@CME", 6000.0, 6000.25)
    return desk


def of(kind, said):
    return [reply for reply in said if isinstance(reply, kind)]


def summary(said):
    return {(one.account, one.tag, one.currency): one.value for one in of(replies.AccountSummary, said)}


def over_night(desk):
    """100 AAPL bought at 200.01; the session closes at 204; later that evening they are quoted at 210."""
    desk.trade(AAPL, 100)
    desk.quote("AAPL@SMART", 203.99, 204.01)
    desk.pass_time(0.001)
    desk.clock.advance(CATALOGUE.get("AAPL@SMART").liquid.session_at(NOON).close_ns - desk.clock.now_ns())
    desk.pass_time(0.001)
    desk.quote("AAPL@SMART", 209.99, 210.01)
    desk.pass_time(24.0)
