"""The broker: takes requests of clients and events of the market, and gives replies. Knows no wire and no wall clock."""

from collections.abc import Callable, Generator, Iterable, Sequence

from atlas.domain import NS_PER_SECOND, Clock, Quote, Trade
from atlas.exchange import Exchange
from ib_gateway.simulator.broker import unanswered
from ib_gateway.simulator.broker.accounts.desk import AccountDesk
from ib_gateway.simulator.broker.accounts.desk_advisor import AdvisorDesk
from ib_gateway.simulator.broker.accounts.desk_profit import ProfitDesk
from ib_gateway.simulator.broker.client import Client
from ib_gateway.simulator.broker.farms import ASKS_DEFINITIONS, DEFINITIONS, HISTORY, Farms
from ib_gateway.simulator.broker.floor import Floor, Handler, local_date
from ib_gateway.simulator.broker.held import Fill, HeldOrder
from ib_gateway.simulator.broker.history.desk import HistoryDesk
from ib_gateway.simulator.broker.history.desk_live_bars import LiveBarDesk
from ib_gateway.simulator.broker.history.desk_past_ticks import PastTickDesk
from ib_gateway.simulator.broker.history.hmds import HistoryTerms, Hmds
from ib_gateway.simulator.broker.market_data.archive_facts import ArchiveFacts
from ib_gateway.simulator.broker.market_data.desk import MarketDesk
from ib_gateway.simulator.broker.market_data.terms import MarketTerms
from ib_gateway.simulator.broker.orders import ExerciseDesk, OrderDesk, OrderRules, Terminal, bookings
from ib_gateway.simulator.broker.records import Journal, Record, Snapshot, instruments_of
from ib_gateway.simulator.broker.reference import ReferenceDesk
from ib_gateway.simulator.broker.research.desk import ResearchDesk
from ib_gateway.simulator.broker.slices import Sliced, whole
from ib_gateway.simulator.instruments import Catalogue
from ib_gateway.simulator.market.batch import quotes_of_one
from ib_gateway.simulator.messages import Contract, Ticket
from ib_gateway.simulator.messages.replies import Error, NextValidId, Reply
from ib_gateway.simulator.messages.requests import Request

_PULSE_NS = NS_PER_SECOND
_REFRESH_NS = 180 * NS_PER_SECOND


class Broker:
    """All desks behind one door.

    `send` is how a reply goes to a client id; `interest` hears of every instrument that is wanted, and whether as a stream.
    """

    def __init__(
        self,
        catalogue: Catalogue,
        exchange: Exchange,
        clock: Clock,
        journal: Journal,
        send: Callable[[int, Reply], None],
        interest: Callable[[str, bool], None],
        order_rules: OrderRules = OrderRules(),  # noqa: B008 - frozen
        market_terms: MarketTerms = MarketTerms(),  # noqa: B008 - immutable
        history_terms: HistoryTerms = HistoryTerms(),  # noqa: B008 - frozen
    ) -> None:
        self._floor = Floor(catalogue, exchange, clock, journal, send, interest)
        self._orders = OrderDesk(self._floor, order_rules)
        self._terminal = Terminal(self._floor, self._orders)
        self._accounts = AccountDesk(self._floor)
        self._advisor = AdvisorDesk(self._floor)
        self._profit = ProfitDesk(self._floor)
        self._farms = Farms()
        self._waiting: list[tuple[Client, Request]] = []
        hmds = Hmds(self._floor, history_terms)
        facts = ArchiveFacts(catalogue, hmds.archive, hmds.days)
        self._market = MarketDesk(self._floor, self._farms, market_terms, facts)
        self._history, self._live_bars = HistoryDesk(hmds), LiveBarDesk(hmds)
        self._research = ResearchDesk(self._floor, self._market.day)
        reference = (ReferenceDesk(self._floor), self._research)
        self._handlers: dict[type[Request], Handler] = unanswered.handlers(self._floor)
        history = (self._history, self._live_bars, PastTickDesk(hmds))
        for desk in (self._accounts, self._advisor, self._profit, self._market, *history, *reference):
            self._handlers.update(desk.handlers())
        for trading in (self._orders, self._terminal, ExerciseDesk(self._floor, self._orders)):
            self._handlers.update(trading.handlers())
        self._last_pulse = self._last_refresh = 0
        self._day = ""

    # Rebuilding.

    def restore(self, records: Iterable[Record]) -> int:
        """Make the records of an earlier life so; returns how many there were.

        Raises:
            UnknownInstrument: they hold an instrument that is no longer listed.
        """
        count = 0
        exchange, book = self._floor.exchange, self._floor.book
        for record in records:
            for name in instruments_of(record):
                self._floor.listing(name)
            if isinstance(record, Snapshot):
                exchange.restore(record.exchange)
            else:
                bookings.book(exchange, record)
            book.apply(record)
            self._advisor.apply(record)
            self._profit.apply(record)
            count += 1
        for held in book.standing():
            if not held.kept and exchange.standing(held.exchange_id) is None:
                book.drop(held.exchange_id)  # killed between placing and the exchange's answer
        book.settle_proposals()
        return count

    def begin(self) -> None:
        """Everything is restored and the clock stands right: begin the day."""
        self._day = self._floor.today()
        self._orders.happened(self._floor.exchange.set_time(self._floor.clock.now_ns()))
        self._orders.resume()
        ledger = self._floor.exchange.ledger
        self._value(name for account in self._floor.accounts for name in ledger.positions(account))
        self._profit.begin_day()

    def _value(self, held: Iterable[str]) -> None:
        """What is held is valued at its market's price, so it needs its market."""
        for name in sorted(set(held)):
            self._floor.interest(name, False)

    def snapshot(self) -> Snapshot:
        """Everything at once, without what is older than today."""
        self._forget()
        book = self._floor.book
        return Snapshot(
            self._floor.exchange.state(), book.orders(), book.fills, book.highest_ids, self._floor.advisor.structure,
            self._profit.profit.day, self._profit.profit.closes, book.hand_numbers, book.lapsed,
        )  # fmt: skip

    # Clients.

    def connect(self, client_id: int) -> bool:
        """A client starts the API; False if that id is taken."""
        if client_id in self._floor.clients:
            return False
        client = self._floor.clients[client_id] = Client(client_id)
        self._accounts.introduce(client)
        self._floor.send(client_id, NextValidId(self._floor.book.next_id(client_id)))
        for code, text in self._farms.notices():
            self._floor.send(client_id, Error(-1, code, text))
        return True

    def disconnect(self, client_id: int) -> None:
        """A client is gone, and its subscriptions with it; its orders stand."""
        client = self._floor.clients.pop(client_id, None)
        if client:
            self._market.leave(client)

    def streaming(self, client_id: int) -> bool:
        """Whether a client has subscribed to anything that flows with the market."""
        client = self._floor.clients.get(client_id)
        return bool(client and (client.market or client.live_bars or client.kept_bars))

    def handle(self, client_id: int, request: Request) -> None:
        """Answer a request, however long that takes."""
        rest = self.answer(client_id, request)
        if rest is not None:
            whole(rest)

    def answer(self, client_id: int, request: Request) -> Sliced[None] | None:
        """Begin to answer a request; returns the rest of the work in slices, None if all is said.

        The client may ask nothing else until the rest is done; once it is gone, the rest is to be dropped.
        """
        client = self._floor.clients[client_id]
        if isinstance(request, ASKS_DEFINITIONS) and not self._farms.up(DEFINITIONS):
            self._waiting.append((client, request))
            return None
        work = self._handlers[type(request)](client, request)
        if isinstance(work, Generator):
            try:
                next(work)
            except StopIteration:
                return None
            return work
        return None

    # What the broker's own terminal shows.

    def orders_of_the_day(self) -> list[HeldOrder]:
        """Every order of the day, standing or done."""
        return self._floor.book.orders()

    def executions_of_the_day(self) -> list[Fill]:
        """Every execution of the day, corrected ones as they are now."""
        return list(self._floor.book.fills)

    # What may go wrong.

    def farm(self, name: str, up: bool) -> None:  # noqa: FBT001 - as the fault is written: farm("usfarm", False)
        """Lose the connection to a data farm, or find it again; all clients hear of it.

        Without usfarm no tick flows; what has changed is said when it is back, and books begin anew (317). Without ushmds
        there is no history. Without secdefil questions about contracts wait for it.

        Raises:
            BadInput: there is no such farm.
        """
        self._market.farm(name, up=up)
        if name == HISTORY:
            self._history.farm(up=up)
        if self._farms.up(DEFINITIONS):
            waiting, self._waiting = self._waiting, []
            for client, request in waiting:
                if self._floor.clients.get(client.id) is client:
                    self.handle(client.id, request)

    def compete(self, on: bool) -> None:  # noqa: FBT001 - as the fault is written
        """Let another session of the login take the market data, or give them back.

        Every subscription of every client hears 10197, again each half minute while that lasts, and nothing else. None is
        lost: data flow again by themselves afterwards.
        """
        self._market.compete(on=on)

    def lose_subscriptions(self) -> None:
        """Every market data subscription of every client is gone, as when IB has lost them; nobody is told."""
        for client in self._floor.clients.values():
            self._market.leave(client)
            client.lose_subscriptions()

    def newest_execution(self) -> str | None:
        """The id of the latest execution of the day."""
        fills = self._floor.book.fills
        return fills[-1].executed.execution.id if fills else None

    def newest_order(self, client_id: int | None = None, order_id: int | None = None) -> tuple[int, int] | None:
        """Client and number of the latest standing order: of all, of a client, or of a number."""
        standing = self._floor.book.standing(client_id)
        orders = [(held.client_id, held.order_id) for held in standing if order_id in (None, held.order_id)]
        return orders[-1] if orders else None

    # The market and the clock.

    def on_market(self, events: Sequence[Quote | Trade]) -> None:
        """What the market says, in order. Ticks go out before the fills that they cause."""
        exchange, told = self._floor.exchange, 0
        quotes = quotes_of_one(events)
        if quotes:
            self._floor.tape.extend_quotes(quotes)
            if exchange.pass_quiet(quotes):
                self._market.publish(events)
                return
        else:
            self._floor.tape.extend(events)
        for index, event in enumerate(events):
            happened = exchange.on_quote(event) if isinstance(event, Quote) else exchange.on_trade(event)
            if happened:
                self._market.publish(events[told : index + 1])
                told = index + 1
                self._orders.happened(happened)
        if told < len(events):
            self._market.publish(events[told:] if told else events)

    def on_time(self) -> None:
        """Do what is due at the time that the clock shows. Called often, also when the market is silent."""
        now = self._floor.clock.now_ns()
        self._history.pulse()
        self._live_bars.pulse()
        self._market.pulse(now)
        self._orders.happened(self._floor.exchange.on_time(now))
        if abs(now - self._last_pulse) < _PULSE_NS:  # the clock is set back when a recording begins
            return
        self._last_pulse = now
        self._profit.pulse(now)
        self._research.pulse(now)
        if abs(now - self._last_refresh) >= _REFRESH_NS:
            self._last_refresh = now
            self._accounts.refresh()
        if self._floor.today() != self._day:
            self._day = self._floor.today()
            self._forget()
            self._profit.begin_day()

    def settle(self) -> None:
        """Tell the subscribers what trades have done to positions and accounts; after the trades themselves were told."""
        if self._orders.traded:
            changed, self._orders.traded = self._orders.traded, set()
            self._value(name for _, name in changed)
            self._accounts.traded(changed)

    # What a broker does to orders, by itself or by hand. All raise `Turned` with IB's code for what cannot be.

    @property
    def read_only(self) -> bool:
        """Whether requests about orders are refused (321)."""
        return self._orders.read_only

    @read_only.setter
    def read_only(self, read_only: bool) -> None:
        self._orders.read_only = read_only

    def enter_order(self, contract: Contract, ticket: Ticket) -> int:
        """Enter an order at the broker's own terminal; returns its number for good."""
        return self._terminal.enter_order(contract, ticket)

    def cancel_order(self, perm_id: int) -> None:
        """Cancel any client's order at the broker's own terminal."""
        self._terminal.cancel_order(perm_id)

    def fork_order(self, client_id: int, order_id: int) -> int:
        """Divide what is left of an order in two; returns the second one's number for good."""
        return self._terminal.fork_order(client_id, order_id)

    def correct_execution(self, execution_id: str, *, price: float | None = None, quantity: float | None = None) -> str:
        """Correct the price or size of an execution of the day; returns the id of the correction."""
        return self._terminal.correct_execution(execution_id, price=price, quantity=quantity)

    def bust_execution(self, execution_id: str) -> str:
        """Take back an execution of the day; returns the id that says so."""
        return self._terminal.bust_execution(execution_id)

    def locate(self, instrument: str) -> None:
        """Shares of an instrument can be borrowed now: short sales that wait for them go on."""
        self._orders.locate(instrument)

    def _forget(self) -> None:
        today, kept = self._floor.today(), self._floor.book
        older = [f.executed.execution.at_ns for f in kept.fills if local_date(f.executed.execution.at_ns) != today]
        older += [held.done_ns for held in kept.completed() if local_date(held.done_ns) != today]
        past = [ns for ns in older if ns < self._floor.clock.now_ns()]
        if past:
            kept.forget(max(past) + 1)
