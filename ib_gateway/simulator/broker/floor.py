"""What all desks of the broker share: clock, exchange, listings, orders, tape, and the way to clients."""

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from atlas.domain import NS_PER_SECOND, Clock, UnknownInstrument, to_datetime
from atlas.exchange import Exchange
from atlas.exchange.ledger import LedgerState
from ib_gateway.simulator.broker.accounts.advisor import Advisor
from ib_gateway.simulator.broker.book import Book
from ib_gateway.simulator.broker.client import Client
from ib_gateway.simulator.broker.records import Journal, Record
from ib_gateway.simulator.broker.tape import Tape
from ib_gateway.simulator.instruments import Catalogue, Listing
from ib_gateway.simulator.messages import Contract
from ib_gateway.simulator.messages.replies import Error, Reply
from ib_gateway.simulator.messages.requests import Request

Handler = Callable[[Client, Any], object]
Handlers = Mapping[type[Request], Handler]

LOGIN_ZONE = "UTC"
"""The time zone of the login, as in a container: in it a day of executions begins and ends."""

_QUARTER_NS = 15 * 60 * NS_PER_SECOND

NO_DEFINITION = "No security definition has been found for the request"
AMBIGUOUS = "The contract description specified for {symbol} is ambiguous."


class Floor:
    """Shared by all desks; each of them changes only what is its own."""

    def __init__(
        self,
        catalogue: Catalogue,
        exchange: Exchange,
        clock: Clock,
        journal: Journal,
        send: Callable[[int, Reply], None],
        interest: Callable[[str, bool], None],
    ) -> None:
        self.catalogue = catalogue
        self.exchange = exchange
        self.clock = clock
        self.send = send
        self.interest = interest
        self.accounts = exchange.ledger.accounts
        self.advisor = Advisor(exchange)
        self.book = Book()
        self.previous_equity: dict[str, float] = {}
        self.opening: LedgerState | None = None
        self.tape = Tape()
        self.note_day: Callable[[str], None] = lambda _instrument: None
        """Tells the exchange what an instrument's day was before the exchange saw it; the market data desk knows."""
        self.clients: dict[int, Client] = {}
        self._journal = journal

    def record(self, record: Record) -> None:
        """Write down what happened, and make it so in the book."""
        self._journal.append(record)
        self.book.apply(record)

    def error(self, client: Client, req_id: int, code: int, text: str) -> None:
        """Tell a client that something is wrong."""
        self.send(client.id, Error(req_id, code, text))

    def listing(self, instrument: str) -> Listing:
        """The listing of an instrument that something is held of, or was ordered."""
        listing = self.catalogue.get(instrument)
        if listing is None:
            raise UnknownInstrument(f"{instrument} is in the books but not in the instruments file; list it again")
        return listing

    def today(self) -> str:
        """The date where the login is, YYYYMMDD."""
        return local_date(self.clock.now_ns())

    def resolve(self, client: Client, req_id: int, contract: Contract, *, include_expired: bool = False) -> Listing | None:
        """The one listing that a contract means; else the client is told that there is none, or more than one."""
        found = self.catalogue.find(contract, self.today(), include_expired=include_expired)
        if len(found) == 1:
            return found[0]
        self.error(client, req_id, 200, AMBIGUOUS.format(symbol=contract.symbol) if found else NO_DEFINITION)
        return None


def local_date(ns: int) -> str:
    """The date of a moment where the login is, YYYYMMDD."""
    return _date_of_quarter(ns // _QUARTER_NS)


@lru_cache(maxsize=64)
def _date_of_quarter(number: int) -> str:
    """The date of a quarter of an hour: in no time zone does the date change within one."""
    return to_datetime(number * _QUARTER_NS).astimezone(ZoneInfo(LOGIN_ZONE)).strftime("%Y%m%d")
