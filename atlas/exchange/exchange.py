"""The simulated exchange: orders, accounts and the market meet here, and nowhere else.

Pure and deterministic: ids come from counters, time from the caller. Every change of orders and books is first an event and
then applied, by the same code that rebuilds an exchange from its events: what was said is what is so.
"""

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal

import msgspec

from atlas.domain import (
    Commission,
    Execution,
    Instrument,
    InstrumentKind,
    Order,
    OrderKind,
    Position,
    Quote,
    Side,
    TimeInForce,
    Trade,
    exact,
)
from atlas.domain._struct import Value
from atlas.exchange.calendar import AlwaysRegular, Calendar
from atlas.exchange.commission import FIXED_PRICING, CommissionRule
from atlas.exchange.events import (
    Accepted,
    Cancelled,
    ExchangeEvent,
    Executed,
    Expired,
    Modified,
    Reason,
    Refused,
    Rejected,
    Staged,
    Trailed,
)
from atlas.exchange.ledger import Ledger, LedgerState, signed
from atlas.exchange.margin import MARGIN_RATES, MarginRate, MarginState, WhatIf
from atlas.exchange.matching import displayed_size, fill_price, touch
from atlas.exchange.rates import Rates
from atlas.exchange.standing import Market, Standing, StandingState

_NOTHING: Sequence[ExchangeEvent] = ()
_MOST = 1e12  # of a quantity or a price; what is beyond cannot be computed with to the last digit


class Terms(Value, frozen=True):
    """What the exchange asks of its accounts. Tables by instrument id override those by asset class.

    `reference_rates` are units of the base currency for one unit of a currency, for pairs that have no quote yet.
    """

    base_currency: str = "USD"
    check_margin: bool = True
    commissions: dict[InstrumentKind, CommissionRule] = msgspec.field(default_factory=lambda: dict(FIXED_PRICING))
    instrument_commissions: dict[str, CommissionRule] = msgspec.field(default_factory=dict)
    margins: dict[InstrumentKind, MarginRate] = msgspec.field(default_factory=lambda: dict(MARGIN_RATES))
    instrument_margins: dict[str, MarginRate] = msgspec.field(default_factory=dict)
    reference_rates: dict[str, float] = msgspec.field(default_factory=dict)
    first_perm_id: int = 1_000_000_001
    execution_prefix: str = "0000e0d5"
    first_execution: int = 0x6781ABCD


class ExchangeState(Value, frozen=True):
    """An exchange at rest: everything but its instruments, accounts and terms."""

    ledger: LedgerState
    standing: list[StandingState]
    quotes: list[tuple[Quote, Decimal, Decimal]]
    next_perm_id: int
    next_execution: int
    next_priority: int


class Exchange:
    """Matches orders of `cash`'s accounts against quotes, one market per instrument, and keeps the books.

    All methods that change something return what happened, in order. `at_ns` is the caller's time; a fill that a quote causes
    carries the quote's exchange time.
    """

    def __init__(
        self,
        instruments: Iterable[Instrument],
        cash: Mapping[str, Mapping[str, float]],
        terms: Terms | None = None,
        calendar: Calendar | None = None,
    ) -> None:
        self.terms = terms or Terms()
        self.calendar: Calendar = calendar or AlwaysRegular()
        self._instruments = {instrument.id: instrument for instrument in instruments}
        self._quotes: dict[str, Quote] = {}
        self._markets: dict[str, Market] = {name: Market() for name in self._instruments}
        self._orders: dict[str, Standing] = {}
        self._next_perm_id = self.terms.first_perm_id
        self._next_execution = self.terms.first_execution
        self._next_priority = 1
        self.ledger = Ledger(self._instruments, cash)
        self.rates = Rates(self.terms.base_currency, self._instruments.values(), self._quotes, self.terms.reference_rates)

    # What may be asked at any time.

    def quote(self, instrument: str) -> Quote | None:
        """The last quote of `instrument`."""
        return self._quotes.get(instrument)

    def mark(self, instrument: str) -> float | None:
        """The price at which `instrument` is valued: the middle of its last quote."""
        quote = self._quotes.get(instrument)
        if quote is None or quote.bid <= 0 or quote.ask <= 0:
            return None
        return quote.mid

    def standing(self, order_id: str) -> Standing | None:
        """An order that stands in the book, None if it does not."""
        return self._orders.get(order_id)

    def position(self, account: str, instrument: str) -> Position:
        """What `account` holds of `instrument`."""
        return self.ledger.position(account, instrument)

    def margin(self, account: str, order: Order | None = None) -> MarginState:
        """Equity and margin of `account`: of its positions, and of `order` as if it were filled whole."""
        extra = signed([(order.instrument, order.side, order.quantity)]) if order else {}
        return self.ledger.margin(account, self.mark, self.rates, self._margin_rate, extra)

    def what_if(self, order: Order) -> WhatIf:
        """What `order` would do to its account. Nothing changes."""
        instrument = self._instruments[order.instrument]
        quote = self._quotes.get(order.instrument)
        price = order.limit_price or (touch(quote, order.side) if quote else None) or 0.0
        quantity = exact(order.quantity)
        rule, amount = self._price_list(instrument, quantity, quantity * exact(price))
        return WhatIf(
            self.margin(order.account), self.margin(order.account, order), float(amount), rule.currency_for(instrument)
        )

    # What changes the exchange.

    def on_quote(self, quote: Quote) -> Sequence[ExchangeEvent]:
        """A new first level: all its displayed size is new. Of an instrument that is not listed it is only kept."""
        name = quote.instrument
        self._quotes[name] = quote
        market = self._markets.get(name)
        if market is None:
            return _NOTHING
        market.renew()
        if quote.ask > market.highest_buy and quote.bid < market.lowest_sell:
            return _NOTHING
        return self._match(name, quote, quote.exchange_ns)

    def on_trade(self, trade: Trade) -> Sequence[ExchangeEvent]:
        """A trade of the market: it triggers what is triggered by last prices."""
        del trade
        return _NOTHING

    def on_events(self, events: Iterable[Quote | Trade]) -> list[ExchangeEvent]:
        """Many quotes and trades, with the same outcome as one after the other."""
        result: list[ExchangeEvent] = []
        for event in events:
            result += self.on_quote(event) if isinstance(event, Quote) else self.on_trade(event)
        return result

    def on_time(self, at_ns: int) -> Sequence[ExchangeEvent]:
        """It is `at_ns`: what is due until then happens."""
        del at_ns
        return _NOTHING

    def submit(self, order: Order, at_ns: int) -> list[ExchangeEvent]:
        """Place `order`: it is rejected, or accepted and matched at once as far as the market goes."""
        objection = self._objection(order) or self._margin_objection(order, order.quantity)
        if objection:
            return [Rejected(order, *objection, at_ns)]
        result: list[ExchangeEvent] = [self._happen(Accepted(order, self._next_perm_id, self._next_priority, at_ns))]
        return result + self._after_entry(order, at_ns)

    def modify(
        self, order: Order | str, at_ns: int, *, quantity: float | None = None, limit_price: float | None = None
    ) -> list[ExchangeEvent]:
        """Give the standing order of the same id the terms of `order`. Its quantity is the new total, filled part included.

        With an order's id in place of an order only what is not None changes.
        """
        order_id = order if isinstance(order, str) else order.id
        standing = self._orders.get(order_id)
        if standing is None:
            return [Refused(order_id, Reason.NOT_STANDING, "the order does not stand", at_ns)]
        old = standing.order
        new = (
            order
            if isinstance(order, Order)
            else msgspec.structs.replace(
                old,
                quantity=old.quantity if quantity is None else quantity,
                limit_price=old.limit_price if limit_price is None else limit_price,
            )
        )
        objection = self._objection(new, standing) or self._margin_objection(new, float(exact(new.quantity) - standing.filled))
        if objection:
            return [Refused(order_id, *objection, at_ns)]
        keeps_place = new.limit_price == old.limit_price and new.quantity <= old.quantity
        priority = standing.priority if keeps_place else self._next_priority
        return [self._happen(Modified(new, priority, at_ns)), *self._after_entry(new, at_ns)]

    def cancel(self, order_id: str, at_ns: int, text: str = "") -> list[ExchangeEvent]:
        """Take what is left of an order off the book."""
        if order_id not in self._orders:
            return [Refused(order_id, Reason.NOT_STANDING, "the order does not stand", at_ns)]
        return [self._happen(Cancelled(order_id, text, at_ns))]

    def close_session(self, instrument: str, at_ns: int) -> list[ExchangeEvent]:
        """The trading day of `instrument` is over: its day orders expire."""
        standing = [s for side in Side for s in self._markets[instrument].queue(side)]
        over = [s.order.id for s in standing if s.order.time_in_force is TimeInForce.DAY]
        return [self._happen(Expired(order_id, at_ns)) for order_id in over]

    # How it decides.

    def _objection(self, order: Order, standing: Standing | None = None) -> tuple[Reason, str] | None:
        instrument = self._instruments.get(order.instrument)
        if instrument is None:
            return Reason.UNKNOWN_INSTRUMENT, f"the exchange does not list {order.instrument}"
        if order.account not in self.ledger.accounts:
            return Reason.UNKNOWN_ACCOUNT, f"there is no account {order.account!r}"
        if standing is None and order.id in self._orders:
            return Reason.DUPLICATE_ID, f"order {order.id} already stands"
        quantity = exact(order.quantity)
        sensible = instrument.min_size <= order.quantity <= _MOST
        if not sensible or quantity % exact(instrument.size_step):
            return Reason.BAD_QUANTITY, (
                f"{order.quantity:g} is not a quantity of {instrument.id}: at least {instrument.min_size:g}, "
                f"in steps of {instrument.size_step:g}"
            )
        if standing is not None and quantity <= standing.filled:
            return Reason.BAD_QUANTITY, f"{float(standing.filled):g} are filled already"
        if order.kind is OrderKind.LIMIT:
            if order.limit_price is None or not 0 < order.limit_price <= _MOST:
                return Reason.NO_LIMIT_PRICE, "a limit order needs a limit price above zero"
            if not instrument.on_tick(order.limit_price):
                return Reason.OFF_TICK, f"{order.limit_price!r} is not a multiple of {instrument.tick_size!r}"
        return None

    def _margin_objection(self, order: Order, opening: float) -> tuple[Reason, str] | None:
        """Whether the account could not cover its positions, its standing orders and `opening` units of `order` together."""
        if not self.terms.check_margin:
            return None
        others = signed(
            (s.order.instrument, s.order.side, float(s.remaining))
            for s in self._orders.values()
            if s.order.account == order.account and s.order.id != order.id
        )
        own = signed([(order.instrument, order.side, opening)])
        extra = {name: others.get(name, 0.0) + own.get(name, 0.0) for name in (*others, *own)}
        mark = _OrderMark(self, order)
        after = self.ledger.margin(order.account, mark, self.rates, self._margin_rate, extra)
        if after.initial <= after.equity:
            return None
        before = self.ledger.margin(order.account, mark, self.rates, self._margin_rate, others)
        if after.initial <= before.initial:
            return None
        base = self.terms.base_currency
        return Reason.MARGIN, (
            "YOUR ORDER IS NOT ACCEPTED. IN ORDER TO OBTAIN THE DESIRED POSITION YOUR EQUITY WITH LOAN VALUE "
            f"[{after.equity:.2f} {base}] MUST EXCEED THE INITIAL MARGIN [{after.initial:.2f} {base}]"
        )

    def _after_entry(self, order: Order, at_ns: int) -> list[ExchangeEvent]:
        quote = self._quotes.get(order.instrument)
        result = self._match(order.instrument, quote, at_ns) if quote else []
        if order.time_in_force is TimeInForce.IOC and order.id in self._orders:
            result.append(self._happen(Cancelled(order.id, "what could not fill at once", at_ns)))
        return result

    def _match(self, name: str, quote: Quote, at_ns: int) -> list[ExchangeEvent]:
        result: list[ExchangeEvent] = []
        market = self._markets[name]
        for side in Side:
            displayed = displayed_size(quote, side)
            for standing in market.queue(side):
                price = fill_price(standing.order, quote)
                quantity = standing.remaining
                if displayed is not None:
                    quantity = min(quantity, displayed - market.taken(side))
                if price is None or quantity <= 0:
                    break  # all behind it in the queue ask for more
                market.take(side, quantity)
                result.append(self._happen(self._fill(standing, quantity, price, at_ns)))
        return result

    def _fill(self, standing: Standing, quantity: Decimal, price: float, at_ns: int) -> Executed:
        order, instrument = standing.order, self._instruments[standing.order.instrument]
        execution = Execution(
            id=f"{self.terms.execution_prefix}.{self._next_execution & 0xFFFFFFFF:08x}.01.01",
            order_id=order.id,
            account=order.account,
            instrument=order.instrument,
            side=order.side,
            quantity=float(quantity),
            price=price,
            at_ns=at_ns,
            perm_id=standing.perm_id,
        )
        filled, paid = standing.filled + quantity, standing.paid + quantity * exact(price)
        rule, total = self._price_list(instrument, filled, paid)
        amount = float(max(total - standing.charged, Decimal(0)))
        commission = Commission(execution.id, amount, rule.currency_for(instrument))
        profit = self.ledger.closing_profit(execution, commission)
        return Executed(execution, msgspec.structs.replace(commission, realized_pnl=profit))

    def _price_list(self, instrument: Instrument, quantity: Decimal, paid: Decimal) -> tuple[CommissionRule, Decimal]:
        rule = self.terms.instrument_commissions.get(instrument.id) or self.terms.commissions[instrument.kind]
        currency = rule.currency_for(instrument)
        value = paid * exact(instrument.multiplier)
        if currency != instrument.currency:
            value *= exact(self._convert(instrument.currency, currency))
        return rule, rule.total(quantity, value)

    def _convert(self, source: str, target: str) -> float:
        source_rate, target_rate = self.rates.rate(source), self.rates.rate(target)
        return source_rate / target_rate if source_rate and target_rate else 1.0

    def _margin_rate(self, instrument: Instrument) -> MarginRate:
        return self.terms.instrument_margins.get(instrument.id) or self.terms.margins[instrument.kind]

    # How it changes: the fold of events.

    def apply(self, event: ExchangeEvent) -> None:
        """Make `event` so. Only for rebuilding an exchange: what it says itself it has applied."""
        match event:
            case Accepted(order, perm_id, priority):
                self._next_perm_id = max(self._next_perm_id, perm_id + 1)
                self._next_priority = max(self._next_priority, priority + 1)
                self._stand(Standing(order, perm_id, priority))
            case Modified(order, priority):
                self._next_priority = max(self._next_priority, priority + 1)
                self._orders[order.id].change(order, priority)
                self._markets[order.instrument].sort()
            case Executed(execution, commission):
                self.ledger.apply(execution, commission)
                self._next_execution += 1
                standing = self._orders[execution.order_id]
                standing.fill(execution, commission)
                if not standing.remaining:
                    self._leave(execution.order_id)
            case Cancelled(order_id) | Expired(order_id):
                self._leave(order_id)
            case Staged(order_id, stage):
                self._orders[order_id].stage = stage
            case Trailed() | Rejected() | Refused():
                pass

    def _happen(self, event: ExchangeEvent) -> ExchangeEvent:
        self.apply(event)
        return event

    def _stand(self, standing: Standing) -> None:
        self._orders[standing.order.id] = standing
        self._markets[standing.order.instrument].add(standing)

    def _leave(self, order_id: str) -> None:
        standing = self._orders.pop(order_id)
        self._markets[standing.order.instrument].remove(standing)

    # How it rests and goes on.

    def state(self) -> ExchangeState:
        """Everything that is needed to go on elsewhere with the same instruments, accounts and terms."""
        quotes = [
            (quote, self._markets[name].taken(Side.BUY), self._markets[name].taken(Side.SELL))
            for name, quote in sorted(self._quotes.items())
            if name in self._markets
        ]
        standing = [s.state() for s in sorted(self._orders.values(), key=lambda s: s.perm_id)]
        return ExchangeState(
            self.ledger.state(), standing, quotes, self._next_perm_id, self._next_execution, self._next_priority
        )

    def restore(self, state: ExchangeState) -> None:
        """Go on from `state`. Orders of instruments that are no longer listed are dropped."""
        self.ledger.restore(state.ledger)
        for quote, bought, sold in state.quotes:
            if quote.instrument in self._markets:
                self._quotes[quote.instrument] = quote
                self._markets[quote.instrument].take(Side.BUY, bought)
                self._markets[quote.instrument].take(Side.SELL, sold)
        for standing in state.standing:
            if standing.order.instrument in self._markets:
                self._stand(Standing.from_state(standing))
        self._next_perm_id = state.next_perm_id
        self._next_execution = state.next_execution
        self._next_priority = state.next_priority


class _OrderMark:
    """Values the order's own instrument at its limit price while that has no quote."""

    def __init__(self, exchange: Exchange, order: Order) -> None:
        self._exchange, self._order = exchange, order

    def __call__(self, instrument: str) -> float | None:
        mark = self._exchange.mark(instrument)
        return self._order.limit_price if mark is None and instrument == self._order.instrument else mark
