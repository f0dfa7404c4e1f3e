"""A broker with listings, a standing clock and a note of what was said, for tests of the market data desk."""

from datetime import UTC, datetime

from atlas.domain import NS_PER_SECOND, ManualClock, Quote, Trade, from_datetime
from atlas.exchange import Exchange
from ib_gateway.simulator.broker import Broker, HistoryTerms, MarketTerms
from ib_gateway.simulator.instruments import ListedHours, load
from ib_gateway.simulator.instruments.days import TradingDays
from ib_gateway.simulator.market import SeededPast
from ib_gateway.simulator.messages import Contract, replies

CATALOGUE = load()
LISTINGS = {listing.instrument.id: listing for listing in CATALOGUE}
NOON = from_datetime(datetime(2026, 6, 5, 16, tzinfo=UTC))  # Friday noon in New York
EVENING = from_datetime(datetime(2026, 6, 6, 0, 30, tzinfo=UTC))  # Friday half past eight: stocks are closed until Monday
EURUSD, AAPL, ES = "EUR.USD@IDEALPRO", "AAPL@SMART", "ES-202609@CME"


def contract(name, exchange=None):
    instrument = LISTINGS[name].instrument
    return Contract(con_id=instrument.con_id, exchange=exchange or instrument.exchange)


class Desk:
    """A broker whose clock stands, and everything that was said."""

    def __init__(self, *, at_ns=NOON, past=False, **terms):
        self.clock = ManualClock(at_ns)
        self.said = []
        exchange = Exchange(CATALOGUE.instruments(), {"DU1": {"USD": 1e6}}, calendar=ListedHours(CATALOGUE))
        days = TradingDays()
        history = HistoryTerms(SeededPast(LISTINGS, days, 1) if past else None, days)
        self.broker = Broker(
            CATALOGUE, exchange, self.clock, self, lambda client, reply: self.said.append((client, reply)), lambda *_: None,
            market_terms=MarketTerms(**terms), history_terms=history,
        )  # fmt: skip
        self.broker.begin()
        self.connect(1)

    def append(self, record):
        """Nothing is kept."""

    def connect(self, client_id):
        self.broker.connect(client_id)
        self.said.clear()

    def ask(self, request, client_id=1):
        self.said.clear()
        self.broker.handle(client_id, request)
        return self.heard()

    def heard(self, client_id=None):
        said, self.said = self.said, []
        return [reply for client, reply in said if client_id in (None, client)]

    def later(self, seconds):
        self.clock.advance(seconds * NS_PER_SECOND)
        self.broker.on_time()

    def quote(self, name=EURUSD, bid=1.16, ask=1.1601, bid_size=1e6, ask_size=2e6):
        now = self.clock.now_ns()
        self.broker.on_market([Quote(name, bid, ask, bid_size, ask_size, now, now)])

    def trade(self, name=AAPL, price=270.0, size=100.0):
        now = self.clock.now_ns()
        self.broker.on_market([Trade(name, price, size, now, now)])


def prices(said):
    return [(tick.kind, tick.price) for tick in said if isinstance(tick, replies.TickPrice)]


def sizes(said):
    return [(tick.kind, tick.size) for tick in said if isinstance(tick, replies.TickSize)]


def codes(said):
    return [error.code for error in said if isinstance(error, replies.Error)]


def kinds(said):
    return [tick.kind for tick in said if isinstance(tick, replies.MarketDataType)]
