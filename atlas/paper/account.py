"""A paper account: requests and the market go in, records and reports come out. Pure: no disk, no clock, no loop.

The front of `atlas.exchange` that speaks as a broker does: numbers of its client, orders that are kept until their group is
whole, codes and words of refusal. It does not match, and it does not judge: the exchange does.
"""

from collections.abc import Iterable, Mapping, Sequence

from msgspec.structs import replace

from atlas.domain import BadInput, Instrument, MarketEvent, Order, Quote, Trade
from atlas.exchange import (
    AlwaysRegular,
    Cancelled,
    Exchange,
    ExchangeEvent,
    Expired,
    Rejected,
    Wire,
    attached,
)
from atlas.paper import codes, reports
from atlas.paper.book import Book
from atlas.paper.hours import InstrumentHours
from atlas.paper.records import (
    Arrived,
    Batch,
    Cancellation,
    Cancelling,
    Change,
    Changing,
    Heard,
    Listed,
    Opened,
    PaperOrder,
    Placed,
    Record,
    Released,
    Request,
    Sent,
    Snapshot,
    Submission,
    Withdrawn,
)
from atlas.paper.terms import PaperTerms
from atlas.trading.broker import BrokerError, BrokerReport, BrokerStatus

_PARENT_GONE = "Parent order cancelled"


class Account:
    """One account at one exchange. What happens is collected until it is taken with `take`."""

    def __init__(self, terms: PaperTerms) -> None:
        self.terms = terms
        self.book = Book()
        self.wire: Wire[Request] = Wire(terms.latency_ns)
        self.exchange: Exchange
        self._hours = InstrumentHours() if terms.hours == "real" else None
        self._heard: dict[str, Quote] = {}
        self._records: list[Record] = []
        self._reports: list[BrokerReport] = []

    # How it begins and rests.

    @property
    def is_open(self) -> bool:
        """Whether the account has been opened."""
        return self.book.opened is not None

    def open(self, at_ns: int) -> None:
        """Open the account, with the cash of its terms."""
        self._apply(Opened(self.terms.account, dict(self.terms.cash), at_ns))

    def restore(self, snapshot: Snapshot | None, batches: Iterable[Batch]) -> None:
        """Go on from what was written down. What the market said is not: no price fills anything until there is a new one.

        Raises:
            BadInput: it was written for another account.
        """
        if snapshot is not None:
            self._begin(snapshot.opened)
            for instrument in snapshot.instruments:
                self._make_so(Listed(instrument))
            self.exchange.restore(snapshot.exchange)
            for one in snapshot.orders:
                self.book.enter(one)
            self.book.fills = list(snapshot.fills)
            self.book.highest_number = snapshot.highest_number
            for due_ns, request in snapshot.waiting:
                self.wire.carry(due_ns, request)
        for batch in batches:
            for record in batch.records:
                self._make_so(record)
        if self.is_open:
            self.exchange.forget_prices()

    def snapshot(self) -> Snapshot:
        """Everything at once."""
        book, state = self.book, self.exchange.state()
        assert book.opened is not None  # noqa: S101 - who is asked for a snapshot has been opened
        # The exchange counts its executions itself: which ids the ledger has seen is of no use later, and grows for ever.
        ledger = replace(state.ledger, books=replace(state.ledger.books, counted=[]))
        return Snapshot(
            book.opened,
            tuple(book.instruments.values()),
            replace(state, ledger=ledger),
            tuple(book.orders.values()),
            tuple(book.fills),
            self.wire.waiting,
            book.highest_number,
        )

    def take(self) -> tuple[tuple[Record, ...], list[BrokerReport]]:
        """What has happened since the last call: what is to be written down, and what is to be told once it is."""
        taken = tuple(self._records), self._reports
        self._records, self._reports = [], []
        return taken

    def forget_before(self, at_ns: int) -> None:
        """Let go of executions and orders that were over before that moment."""
        self.book.forget_before(at_ns)

    # What may be traded.

    def learn(self, instruments: Mapping[str, Instrument]) -> None:
        """Trade these instruments, too, by these definitions."""
        for name, instrument in instruments.items():
            if self.book.instruments.get(name) != instrument:
                self._apply(Listed(instrument))

    def unreadable_hours(self, names: Iterable[str]) -> list[tuple[str, str]]:
        """Which of these instruments have hours that cannot be read, and why. They always trade."""
        unreadable = self._hours.unreadable if self._hours is not None else {}
        return [(name, unreadable[name]) for name in names if name in unreadable]

    def wanted(self) -> set[str]:
        """The instruments whose market the account needs: what it holds, what it has ordered, what its conditions look at."""
        names = set(self.exchange.ledger.positions(self.terms.account))
        for one in self.book.standing():
            names |= wanted_by(one.order)
        return names

    # The market and time.

    def on_market(self, event: MarketEvent) -> None:
        """What the market says, at the moment when it was received: the one time that robots know. Bars say nothing new."""
        if not isinstance(event, (Quote, Trade)):
            return
        exchange = self.exchange
        at_ns = max(event.receive_ns, exchange.now_ns)
        self._arrive(at_ns)
        if event.exchange_ns != at_ns:
            event = replace(event, exchange_ns=at_ns)
        happened = exchange.on_quote(event) if isinstance(event, Quote) else exchange.on_trade(event)
        if happened:
            self._happened(happened)

    def on_time(self, at_ns: int) -> None:
        """It is `at_ns`."""
        self._arrive(at_ns)
        self._happened(self.exchange.on_time(at_ns))

    def forget_prices(self) -> None:
        """The market was not heard for a while."""
        self.exchange.forget_prices()

    def note_marks(self) -> None:
        """Write down the quotes by which the account is valued now, where they are not those written down last."""
        held = {*self.exchange.ledger.positions(self.terms.account), *self.exchange.rates.pairs}
        quotes = {name: quote for name in held if (quote := self.exchange.quote(name)) is not None}
        news = tuple(quote for name, quote in sorted(quotes.items()) if self._heard.get(name) != quote)
        if news:
            self._apply(Heard(news))

    # Orders.

    def place(self, order: Order, number: int, parent: int, at_ns: int, *, transmit: bool) -> None:
        """Place an order under its client's `number`, or change the one that stands under it."""
        book, known = self.book, self.book.orders.get(number)
        order = replace(order, account=order.account or self.terms.account)
        if known is not None and not known.done_ns:
            self._change(known, order, at_ns, transmit=transmit)
        elif known is not None and known.status is BrokerStatus.FILLED:
            self._refuse(number, codes.MODIFY_FILLED)
        elif number <= book.highest_number or order.id in book.number_of:
            self._refuse(number, codes.DUPLICATE_ID)
        elif parent and parent not in book.orders:
            self._refuse(number, codes.MISSING_PARENT)
        else:
            parent = parent or book.number_of.get(order.parent_id, 0)
            is_kept = not transmit or (parent in book.orders and book.orders[parent].is_kept)
            self._apply(Placed(number, order, parent, is_kept))
            if not is_kept:
                self._send(Submission(number), at_ns)
            elif transmit:
                self._release(number, at_ns)
            else:
                self._tell(number)

    def cancel(self, number: int, at_ns: int) -> None:
        """Ask for the cancellation of an order."""
        one = self.book.orders.get(number)
        if one is None:
            self._refuse(number, codes.no_such_order(number))
        elif one.done_ns:
            self._refuse(number, codes.not_cancellable(number, one.status.value))
        elif one.is_kept:
            self._withdraw(one, "", at_ns)
        else:
            self._send(Cancellation(number), at_ns)

    def cancel_all(self, at_ns: int) -> None:
        """Ask for the cancellation of every order."""
        for one in self.book.standing():
            if not self.book.orders[one.number].done_ns:  # it may have gone with its parent
                self.cancel(one.number, at_ns)

    def _change(self, one: PaperOrder, order: Order, at_ns: int, *, transmit: bool) -> None:
        if not one.is_kept:
            self._send(Change(one.number, order), at_ns)
            return
        self._apply(Changing(one.number, order))
        if transmit:
            self._release(one.number, at_ns)
        else:
            self._tell(one.number)

    def _release(self, number: int, at_ns: int) -> None:
        """Transmit all that hangs together with an order."""
        family = self.book.family(number)
        for one in family:
            self._apply(Released(one.number))
        for one in family:
            self._send(Submission(one.number), at_ns)

    def _withdraw(self, one: PaperOrder, text: str, at_ns: int) -> None:
        """An order that has not reached the exchange is over, and with it those that are kept for it."""
        self._apply(Withdrawn(one.number, text, at_ns))
        self._reports += reports.cancelled(self.book.orders[one.number], self.terms.client_id)
        for child in self.book.kept_children(one.number):
            self._withdraw(child, _PARENT_GONE, at_ns)

    # The way to the exchange.

    def _send(self, request: Request, at_ns: int) -> None:
        if not self.wire.latency_ns and self.wire.due_ns is None:
            self._hand_over(request, at_ns)
            return
        self._apply(Sent(self.wire.arrival(at_ns), request))
        if isinstance(request, Cancellation):
            self._apply(Cancelling(request.number))
        if not isinstance(request, Change):
            self._tell(request.number)

    def _arrive(self, until_ns: int) -> None:
        while (due_ns := self.wire.due_ns) is not None and due_ns <= until_ns:
            request = self.wire.first
            self._apply(Arrived())
            self._hand_over(request, due_ns)

    def _hand_over(self, request: Request, at_ns: int) -> None:
        """`request` is at the exchange now."""
        one = self.book.orders.get(request.number)
        if one is None or one.done_ns:
            if one is not None and not isinstance(request, Submission):
                is_late_change = isinstance(request, Change) and one.status is BrokerStatus.FILLED
                state = one.status.value
                self._refuse(one.number, codes.MODIFY_FILLED if is_late_change else codes.not_cancellable(one.number, state))
            return
        match request:
            case Submission():
                self._submit(one, at_ns)
            case Change(_, order):
                self._modify(one, order, at_ns)
            case Cancellation():
                self._happened(self.exchange.cancel(one.order.id, at_ns))

    def _submit(self, one: PaperOrder, at_ns: int) -> None:
        parent, order = self.book.orders.get(one.parent), replace(one.order, parent_id="")
        if parent is not None:
            if parent.done_ns and parent.status is not BrokerStatus.FILLED:
                self._withdraw(one, _PARENT_GONE, at_ns)
                return
            order = attached(order, parent.order.id, parent.order.side)
            order = order if parent.done_ns else replace(order, parent_id=parent.order.id)
        self._happened(self.exchange.submit(order, at_ns))

    def _modify(self, one: PaperOrder, order: Order, at_ns: int) -> None:
        standing = self.exchange.standing(one.order.id)
        assert standing is not None  # noqa: S101 - it is neither kept nor over, and what was sent before has arrived before
        there = standing.order
        self._apply(Changing(one.number, order))
        order = replace(order, parent_id=there.parent_id, oca_group=there.oca_group, oca_type=there.oca_type)
        self._happened(self.exchange.modify(order, at_ns))

    # What happened, and what is told.

    def _happened(self, events: Sequence[ExchangeEvent]) -> None:
        """What the exchange has made so already."""
        for event in events:
            self._records.append(event)
            self.book.apply(event)
            one = self.book.of(reports.reference_of(event))
            self._reports += reports.of_event(event, one, self.terms.client_id)
            if one is not None and isinstance(event, (Cancelled, Expired, Rejected)):
                for child in self.book.kept_children(one.number):
                    self._withdraw(child, _PARENT_GONE, self.exchange.now_ns)

    def _tell(self, number: int) -> None:
        self._reports.append(reports.of_order(self.book.orders[number], self.terms.client_id))

    def _refuse(self, number: int, objection: codes.Objection) -> None:
        """A request was turned down; nothing changed."""
        self._reports.append(BrokerError(number, objection.code, objection.text))

    # Records.

    def _apply(self, record: Record) -> None:
        self._make_so(record)
        self._records.append(record)

    def _make_so(self, record: Record) -> None:
        match record:
            case Opened():
                self._begin(record)
                return
            case Listed(instrument):
                if self._hours is not None:
                    self._hours.note(instrument)
                self.exchange.add_instrument(instrument)
            case Heard(quotes):
                self._heard.update({quote.instrument: quote for quote in quotes})
                self.exchange.note_quotes(quotes)
            case Sent(due_ns, request):
                self.wire.carry(due_ns, request)
            case Arrived():
                self.wire.take()
            case _ if isinstance(record, ExchangeEvent):
                self.exchange.apply(record)
        self.book.apply(record)

    def _begin(self, opened: Opened) -> None:
        if opened.account != self.terms.account:
            raise BadInput(f"this is paper account {opened.account}, not {self.terms.account}; give each a folder of its own")
        terms = self.terms.at_the_exchange(opened.at_ns)
        self.exchange = Exchange((), {opened.account: opened.cash}, terms, self._hours or AlwaysRegular())
        self.book.apply(opened)


def wanted_by(order: Order) -> set[str]:
    """The instruments whose market `order` needs."""
    return {order.instrument, *(name for one in order.conditions if (name := getattr(one, "instrument", "")))}
