"""The simulated exchange: orders, accounts and the market meet here, and nowhere else.

Pure and deterministic: ids come from counters, time from the caller. Every change of orders and books is first an event and
then applied, by the same code that rebuilds an exchange from its events: what was said is what is so.
"""

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal

from atlas.domain import Instrument, Order, Position, Quote, Trade
from atlas.domain._struct import Value
from atlas.exchange.book import Book, BookState
from atlas.exchange.calendar import AlwaysRegular, Calendar
from atlas.exchange.clearing import Clearing, Objection
from atlas.exchange.contingency import BOTH_SIDES
from atlas.exchange.engine import Engine
from atlas.exchange.events import Accepted, ExchangeEvent, Executed, Modified, Reason, Refused, Rejected, Settled, Stage
from atlas.exchange.expiry import CONTRACT_EXPIRED
from atlas.exchange.ledger import Ledger, LedgerState
from atlas.exchange.margin import MarginState, WhatIf
from atlas.exchange.objections import change_objection, order_objection
from atlas.exchange.standing import Standing
from atlas.exchange.terms import Terms

_NONE = Decimal(0)
_NOTHING: Sequence[ExchangeEvent] = ()


class ExchangeState(Value, frozen=True):
    """An exchange at rest: everything but its instruments, accounts, terms and calendar."""

    ledger: LedgerState
    book: BookState
    quotes: list[Quote]


class Exchange:
    """Matches orders of `cash`'s accounts against quotes and trades, one market per instrument, and keeps the books.

    All methods that change something return what happened, in order. `at_ns` is the caller's time; what a quote or a trade
    causes carries its exchange time, what time causes the time at which it was due. Every call first lets time pass: what that
    did comes before what the call itself did, so the first event that submit, modify or cancel return need not be about their
    order. Time never goes back: an earlier `at_ns` counts as the latest that something happened at.
    """

    def __init__(
        self,
        instruments: Iterable[Instrument],
        cash: Mapping[str, Mapping[str, float]],
        terms: Terms | None = None,
        calendar: Calendar | None = None,
    ) -> None:
        self.terms = terms or Terms()
        self.calendar = calendar or AlwaysRegular()
        self._instruments = {instrument.id: instrument for instrument in instruments}
        self._quotes: dict[str, Quote] = {}
        self.ledger = Ledger(self._instruments, cash)
        self._clearing = Clearing(self.terms, self._instruments, self.ledger, self._quotes)
        self._book = Book(self._instruments, self.calendar, self.ledger, self.terms.first_perm_id, self.terms.first_execution)
        self._markets = self._book.markets
        self._engine = Engine(self._book, self._clearing, self.terms)
        self.rates = self._clearing.rates

    # What may be asked at any time.

    def quote(self, instrument: str) -> Quote | None:
        """The last quote of `instrument`."""
        return self._quotes.get(instrument)

    @property
    def instruments(self) -> Mapping[str, Instrument]:
        """The definitions by which instruments trade, by id."""
        return self._instruments

    def mark(self, instrument: str) -> float | None:
        """The price at which `instrument` is valued: the middle of its last quote."""
        return self._clearing.mark(instrument)

    def standing(self, order_id: str) -> Standing | None:
        """An order that stands in the book, None if it does not."""
        return self._book.orders.get(order_id)

    def position(self, account: str, instrument: str) -> Position:
        """What `account` holds of `instrument`."""
        return self.ledger.position(account, instrument)

    def margin(self, account: str, order: Order | None = None) -> MarginState:
        """Equity and margin of `account`: of its positions, and of its part of `order` as if it were filled whole."""
        return self._clearing.margin(account, order)

    def what_if(self, order: Order) -> WhatIf:
        """What `order` would do to its account, or its accounts together. Nothing changes."""
        return self._clearing.what_if(order)

    def objection(self, order: Order, at_ns: int) -> Objection | None:
        """Why `order` would be rejected if it were placed now, or None. Nothing changes."""
        return self._objection(order, max(at_ns, self._book.now_ns))

    @property
    def now_ns(self) -> int:
        """The latest moment that it knows of."""
        return self._book.now_ns

    @property
    def due_ns(self) -> int:
        """When something is due by itself next; NEVER_NS if nothing is."""
        return self._book.due_ns

    # What is listed.

    def add_instrument(self, instrument: Instrument) -> None:
        """List `instrument`, or list it anew with another definition. Its quote, if one was heard, counts from now."""
        name = instrument.id
        self._instruments[name] = instrument
        self._clearing.rates.note(instrument)
        market = self._book.open_market(instrument)
        if not market.is_awake and market.quote is None:
            market.quote = self._quotes.get(name)

    def forget_prices(self) -> None:
        """The market was not heard for a while: what was quoted before fills and triggers nothing, but values positions."""
        self._book.forget_prices()
        for name in self._quotes.keys() - self._markets.keys():
            del self._quotes[name]

    def commission(self, instrument: str, quantity: Decimal, paid: Decimal) -> Decimal:
        """What an order costs of which `quantity` units are filled; `paid` is the sum of quantity times price."""
        return self._clearing.price(self._instruments[instrument], quantity, paid)[1]

    # The market and time.

    def on_quote(self, quote: Quote) -> Sequence[ExchangeEvent]:
        """A new first level: all its displayed size is new. Of an instrument that is not listed it is only kept."""
        name, at_ns, book = quote.instrument, quote.exchange_ns, self._book
        passed = _NOTHING
        if at_ns >= book.due_ns:
            passed = self.on_time(at_ns)
        elif at_ns > book.now_ns:
            book.now_ns = at_ns
        self._quotes[name] = quote
        market = self._markets.get(name)
        if market is None:
            return passed
        if not market.until_ns:
            book.wake(market, at_ns)
        market.quote_before, market.quote = market.quote, quote
        market.bought = market.sold = _NONE
        if quote.ask > market.ask_within and quote.bid < market.bid_within and not book.wary:
            return passed
        self._engine.quoted(market, quote)
        return [*passed, *self._tell()]

    def pass_quiet(self, quotes: Sequence[Quote]) -> bool:
        """Take in `quotes`, in order and all of one instrument, if nothing at all happens by them; else take in none of them.

        The same as `on_quote` with each of them, but most of them are never looked at one by one.
        """
        book, newest = self._book, quotes[-1]
        market = self._markets.get(newest.instrument)
        if market is None or not market.until_ns or book.wary:
            return False
        at_ns = max([quote.exchange_ns for quote in quotes])
        if (
            at_ns >= book.due_ns
            or min([quote.ask for quote in quotes]) <= market.ask_within
            or max([quote.bid for quote in quotes]) >= market.bid_within
        ):
            return False
        book.now_ns = max(book.now_ns, at_ns)
        self._quotes[newest.instrument] = newest
        market.quote_before, market.quote = quotes[-2] if len(quotes) > 1 else market.quote, newest
        market.bought = market.sold = _NONE
        return True

    def on_trade(self, trade: Trade) -> Sequence[ExchangeEvent]:
        """A trade of the market: it triggers what last prices and volume trigger, and meets orders that hang on the quote."""
        at_ns, book = trade.exchange_ns, self._book
        passed = _NOTHING
        if at_ns >= book.due_ns:
            passed = self.on_time(at_ns)
        elif at_ns > book.now_ns:
            book.now_ns = at_ns
        market = self._markets.get(trade.instrument)
        if market is None:
            return passed
        if not market.until_ns:
            book.wake(market, at_ns)
        market.print(trade)
        if market.last_below < trade.price < market.last_above and not book.wary:
            return passed
        self._engine.traded(market, trade)
        return [*passed, *self._tell()]

    def on_events(self, events: Iterable[Quote | Trade]) -> list[ExchangeEvent]:
        """Many quotes and trades, with the same outcome as one after the other."""
        result: list[ExchangeEvent] = []
        for event in events:
            result += self.on_quote(event) if isinstance(event, Quote) else self.on_trade(event)
        return result

    def on_time(self, at_ns: int) -> Sequence[ExchangeEvent]:
        """It is `at_ns`: what is due until then happens. An earlier time than one that was said before changes nothing."""
        if at_ns < self._book.due_ns:
            if at_ns > self._book.now_ns:
                self._book.now_ns = at_ns
            return _NOTHING
        self._engine.pass_time(at_ns)
        return self._tell()

    def set_time(self, at_ns: int) -> Sequence[ExchangeEvent]:
        """The caller's clock was set, perhaps back: a recording begins again. Forward it is the same as `on_time`.

        Prices are forgotten, phases found out anew; what standing orders wait for, and when they end, stays where it was.
        """
        if at_ns < self._book.now_ns:
            self._engine.restart(at_ns)
            return self._tell()
        return self.on_time(at_ns)

    def note_quotes(self, quotes: Iterable[Quote]) -> None:
        """Value what is held by `quotes`, heard in an earlier life: they fill and trigger nothing."""
        self._quotes.update({quote.instrument: quote for quote in quotes})

    def note_close(self, instrument: str, price: float) -> None:
        """Say what the last close of `instrument` was, where it lies before all that the exchange has seen."""
        self._markets[instrument].close = price

    def note_volume(self, instrument: str, volume: float) -> None:
        """Say what was traded of `instrument` this trading day, also before the exchange began to see its trades."""
        self._markets[instrument].volume = volume

    # Orders.

    def submit(self, order: Order, at_ns: int) -> list[ExchangeEvent]:
        """Place `order`: it is rejected, or accepted and matched at once as far as the market goes."""
        passed, at_ns = list(self.on_time(at_ns)), max(at_ns, self._book.now_ns)
        objection = self._objection(order, at_ns)
        if objection:
            return [*passed, Rejected(order, *objection, at_ns)]
        book = self._book
        provisional = Standing(order, 0, 0, Stage.HELD, *book.begin(order, at_ns))
        provisional.is_free = provisional.is_free or order.parent_id in book.filled
        stage = self._engine.stage(provisional)
        self._engine.accept(Accepted(order, book.next_perm_id, book.next_priority, at_ns, stage))
        return [*passed, *self._tell()]

    def modify(self, order: Order, at_ns: int) -> list[ExchangeEvent]:
        """Give the standing order of the same id the terms of `order`. Its quantity is the new total, filled part included.

        A new price or a larger quantity loses the place in the queue. What kind of order it is, and whose, cannot change. A
        trailing stop stays where it has trailed to unless the order's stop price is another one than before.
        """
        passed, at_ns = list(self.on_time(at_ns)), max(at_ns, self._book.now_ns)
        standing = self.standing(order.id)
        if standing is None:
            return [*passed, Refused(order.id, Reason.NOT_STANDING, _NOT_STANDING, at_ns)]
        old = standing.order
        objection = change_objection(order, standing) or self._objection(order, at_ns, standing)
        if objection:
            return [*passed, Refused(order.id, *objection, at_ns)]
        prices_stay = (order.limit_price, order.stop_price) == (old.limit_price, old.stop_price)
        priority = standing.priority if prices_stay and order.quantity <= old.quantity else self._book.next_priority
        self._engine.change(Modified(order, priority, at_ns))
        return [*passed, *self._tell()]

    def cancel(self, order_id: str, at_ns: int, text: str = "") -> list[ExchangeEvent]:
        """Take what is left of an order off the book, with its children and the others of its OCA group."""
        passed, at_ns = list(self.on_time(at_ns)), max(at_ns, self._book.now_ns)
        standing = self.standing(order_id)
        if standing is None:
            return [*passed, Refused(order_id, Reason.NOT_STANDING, _NOT_STANDING, at_ns)]
        self._engine.cancel(standing, at_ns, text)
        return [*passed, *self._tell()]

    def _objection(self, order: Order, at_ns: int, standing: Standing | None = None) -> Objection | None:
        instrument, book = self._instruments.get(order.instrument), self._book
        if instrument is None:
            return Reason.UNKNOWN_INSTRUMENT, f"the exchange does not list {order.instrument}"
        if standing is None and (order.id in book.orders or order.id in book.filled):
            return Reason.DUPLICATE_ID, f"order {order.id} already stands"
        if standing is None and order.parent_id and order.parent_id not in book.orders and order.parent_id not in book.filled:
            return Reason.UNKNOWN_PARENT, "Missing parent order."
        if standing is None:
            book.wake(self._markets[order.instrument], at_ns)
            if self._markets[order.instrument].is_over:
                return Reason.CONTRACT_EXPIRED, CONTRACT_EXPIRED
            if (not order.parent_id or order.parent_id in book.filled) and book.faces(order):
                return Reason.BOTH_SIDES, BOTH_SIDES
        return order_objection(order, instrument, self.ledger.accounts, self._markets, at_ns) or self._clearing.objection(
            order, standing, book.commitments
        )

    def _tell(self) -> list[ExchangeEvent]:
        self._book.refresh()
        said, self._engine.said = self._engine.said, []
        return said

    def book(self, executed: Executed) -> None:
        """Book what was bought or sold without any order, as where an option is exercised."""
        self._book.wake(self._markets[executed.execution.instrument], executed.execution.at_ns)
        self.ledger.apply(executed.execution, executed.commission)

    # How it rests and goes on.

    def apply(self, event: ExchangeEvent) -> None:
        """Make `event` so. Only for rebuilding an exchange: what it says itself it has applied."""
        self._book.advance(event.execution.at_ns if isinstance(event, (Executed, Settled)) else event.at_ns)
        self._book.apply(event)
        self._book.refresh()

    def state(self) -> ExchangeState:
        """Everything that is needed to go on elsewhere with the same instruments, accounts, terms and calendar."""
        quotes = [quote for name, quote in sorted(self._quotes.items()) if name in self._markets]
        return ExchangeState(self.ledger.state(), self._book.state(), quotes)

    def restore(self, state: ExchangeState) -> None:
        """Go on from `state`. Orders of instruments that are no longer listed are dropped."""
        self.ledger.restore(state.ledger)
        self._quotes.update({quote.instrument: quote for quote in state.quotes if quote.instrument in self._markets})
        self._book.restore(state.book)


_NOT_STANDING = "the order does not stand"
