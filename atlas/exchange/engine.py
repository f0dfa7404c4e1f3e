"""What follows from what: releases, triggers, trailing, matching, auctions, OCA groups and brackets, until no more follows.

Every step is an event that the book applies before the next one is decided. Instruments are worked one after the other; what
happens in one (a fill, an end) puts those that it concerns on the list again. One event of the market is worked to its end
before the next one is looked at, so the outcome does not depend on how they are batched.
"""

from decimal import Decimal

from atlas.domain import Quote, Side, TimeInForce, Trade, exact
from atlas.exchange.allocation import divided, parts_of
from atlas.exchange.book import Book, Group, group_of
from atlas.exchange.calendar import Phase
from atlas.exchange.clearing import Clearing
from atlas.exchange.conditions import are_met
from atlas.exchange.contingency import BOTH_SIDES, PARENT_ENDED, SIBLING_CANCELLED, aftermath, is_blocking
from atlas.exchange.events import Accepted, Cancelled, ExchangeEvent, Expired, Modified, Stage, Staged, Trailed
from atlas.exchange.market import Market
from atlas.exchange.matching import displayed_size, fill_price, slipped, touch, within
from atlas.exchange.pegs import pegged_price
from atlas.exchange.sessions import AT_ONCE, ON_CLOSE, admits
from atlas.exchange.standing import Standing
from atlas.exchange.terms import Terms
from atlas.exchange.trailing import trailed_limit, trailed_stop
from atlas.exchange.triggers import is_reached, method_for, reference, way_of

_AT_ONCE_OVER = "what could not fill at once"
_NOT_IN_AUCTION = "what the auction did not fill"
_CONDITION_MET = "Order cancelled: its conditions were met"


class Engine:
    """Works the book. What happened is in `said` until somebody takes it."""

    def __init__(self, book: Book, clearing: Clearing, terms: Terms) -> None:
        self.said: list[ExchangeEvent] = []
        self._terms = terms
        self._book = book
        self._clearing = clearing
        self._todo: dict[str, None] = {}
        self._served: dict[Group, str] = {}
        self._late: list[tuple[Standing, Decimal, Decimal]] = []

    # What sets it going.

    def pass_time(self, at_ns: int) -> None:
        """Let happen what is due until `at_ns`, each at its own time."""
        book = self._book
        while book.due_ns <= at_ns:
            self._strike(book.next_due())
        book.now_ns = max(book.now_ns, at_ns)

    def restart(self, at_ns: int) -> None:
        """The clock was set to `at_ns`, perhaps back."""
        self._served = {}
        self._book.restart(at_ns)
        self._todo.update(dict.fromkeys(self._book.occupied))
        self._settle(at_ns)

    def quoted(self, market: Market, quote: Quote) -> None:
        """`quote` is the market's newest, and concerns somebody."""
        self._begin(market)
        self._settle(quote.exchange_ns)

    def traded(self, market: Market, trade: Trade) -> None:
        """`trade` is the market's newest, and concerns somebody: it also meets the orders that hang on the quote."""
        self._begin(market)
        left = exact(trade.size) if trade.size > 0 else None
        for side in Side:
            for standing in self._book.queue(market.instrument.id, side).all():
                if not standing.is_pegged or not within(trade.price, side, standing.limit_price) or self._is_gone(standing):
                    continue
                quantity = standing.remaining if left is None else min(standing.remaining, left)
                if quantity <= 0 or quantity < standing.least or self._is_blocked(standing) or standing.limit_price is None:
                    continue
                left = None if left is None else left - quantity
                self._execute(standing, quantity, standing.limit_price, trade.exchange_ns)
        self._settle(trade.exchange_ns)

    def accept(self, accepted: Accepted) -> None:
        """An order enters the book."""
        self._happen(accepted)
        self._begin(self._book.markets[accepted.order.instrument])
        self._settle(accepted.at_ns)

    def change(self, modified: Modified) -> None:
        """A standing order has new terms."""
        self._happen(modified)
        self._begin(self._book.markets[modified.order.instrument])
        self._settle(modified.at_ns)

    def cancel(self, standing: Standing, at_ns: int, text: str) -> None:
        """An order is cancelled by request, and with it its children and the others of its OCA group."""
        self._served = {}
        siblings = self._book.siblings(standing.order)
        self._end(standing, Cancelled(standing.order.id, text, at_ns))
        for sibling in siblings:
            self._end(sibling, Cancelled(sibling.order.id, SIBLING_CANCELLED, at_ns))
        self._settle(at_ns)

    def stage(self, standing: Standing) -> Stage:
        """How near to the market an order is now, its trigger aside once it is watched."""
        order, book = standing.order, self._book
        market = book.markets[order.instrument]
        if not standing.is_free or book.now_ns < standing.begins_ns or not admits(order, market.phase):
            return Stage.HELD
        if order.conditions and not order.conditions_cancel and not standing.is_released and not self._are_met(standing):
            return Stage.HELD
        return Stage.ARMED if standing.has_trigger else Stage.WORKING

    # Time.

    def _strike(self, at_ns: int) -> None:
        """Something is due: sessions end or begin, orders begin or end, conditions of time are met."""
        book = self._book
        book.now_ns = max(book.now_ns, at_ns)
        turning = [market for _, market in sorted(book.markets.items()) if market.changes and market.until_ns <= at_ns]
        if not turning and not any(at_ns in standing.moments for standing in book.orders.values()):
            return  # what it was for no longer stands: the same as if it never had
        self._served = {}
        for market in turning:
            if market.phase is Phase.REGULAR:
                self._close(market, at_ns)
        for standing in list(book.orders.values()):
            if standing.ends_ns <= at_ns and not self._is_gone(standing):
                self._end(standing, self._over(standing, at_ns))
        for market in turning:
            book.turn(market, at_ns)
            if market.is_over:
                self._expire(market, at_ns)
        self._todo.update(dict.fromkeys(book.occupied))
        self._settle(at_ns)

    def _expire(self, market: Market, at_ns: int) -> None:
        """An instrument is past its last trading moment: no order for it stands any more, and no position in it."""
        book, name = self._book, market.instrument.id
        for standing in book.pit(name):
            self._end(standing, Expired(standing.order.id, at_ns))
        underlying = book.markets.get(market.instrument.underlying)
        for account in self._clearing.holders(name):
            settled = self._clearing.settled(account, market, underlying, at_ns, book.next_perm_id, book.next_execution)
            self._happen(settled)

    def _over(self, standing: Standing, at_ns: int) -> Cancelled | Expired:
        order = standing.order
        if order.kind in ON_CLOSE or order.time_in_force is TimeInForce.OPG:
            return Cancelled(order.id, _NOT_IN_AUCTION, at_ns)
        return Expired(order.id, at_ns)

    # Working until nothing follows.

    def _begin(self, market: Market) -> None:
        """What happens next begins with this market and those whose orders look at it."""
        self._served = {}
        name = market.instrument.id
        self._todo[name] = None
        looking = [*self._book.observers(name), *self._book.wary.values()]
        if looking:
            self._todo.update(dict.fromkeys(sorted({s.order.instrument for s in looking})))

    def _settle(self, at_ns: int) -> None:
        while self._todo or self._late:
            if not self._todo:
                late, self._late = self._late, []
                for standing, quantity, before in late:
                    self._rebalance(standing, quantity, before, at_ns)
                continue
            name = next(iter(self._todo))
            del self._todo[name]
            self._work(self._book.markets[name], at_ns)

    def _work(self, market: Market, at_ns: int) -> None:
        name = market.instrument.id
        for standing in self._book.restless(name):
            if not self._is_gone(standing):
                self._review(standing, market, at_ns)
                self._book.calm(standing)
        self._match(market, at_ns)
        if self._peg(market, at_ns):
            self._match(market, at_ns)
        for standing in self._book.restless(name):
            if standing.stage is Stage.WORKING and not self._is_gone(standing):
                self._finish(standing, market, at_ns)

    def _review(self, standing: Standing, market: Market, at_ns: int) -> None:
        """Hold an order, watch its trigger, release it to the market, or cancel it, as things are now."""
        order = standing.order
        if standing.looks and order.conditions_cancel and self._are_met(standing):
            self._end(standing, Cancelled(order.id, _CONDITION_MET, at_ns))
            return
        stage = self.stage(standing)
        if stage is not standing.stage:
            self._happen(Staged(order.id, stage, at_ns))
        if stage is Stage.ARMED and self._is_triggered(standing, market, at_ns):
            self._happen(Staged(order.id, Stage.WORKING, at_ns))

    def _is_triggered(self, standing: Standing, market: Market, at_ns: int) -> bool:
        order, way = standing.order, way_of(standing.order.kind, standing.order.side)
        method = method_for(order.trigger_method, market)
        if standing.is_trailing:
            price = reference(way, method, market)
            stop = standing.stop_price if price is None else trailed_stop(order, standing.stop_price, price, market.instrument)
            if stop != standing.stop_price:
                self._happen(Trailed(order.id, stop, trailed_limit(order, stop), at_ns))
        return standing.stop_price is not None and is_reached(standing.stop_price, way, method, market)

    def _are_met(self, standing: Standing) -> bool:
        order, book = standing.order, self._book
        if not order.conditions_outside_rth and book.markets[order.instrument].phase is not Phase.REGULAR:
            return False
        account = order.shares[0].account if order.shares else order.account
        return are_met(standing, book.now_ns, book.markets, lambda: self._clearing.margin(account))

    # Matching.

    def _match(self, market: Market, at_ns: int) -> None:
        """Fill what meets the quote, as far as its displayed sizes go."""
        quote = market.quote
        if quote is None:
            return
        for side in Side:
            queue = self._book.queue(market.instrument.id, side)
            if queue.first is None or fill_price(side, queue.first.limit_price, quote) is None:
                continue
            displayed = displayed_size(quote, side) if self._terms.use_sizes else None
            for standing in queue.all():
                if self._is_gone(standing):
                    continue
                price, quantity = fill_price(side, standing.limit_price, quote), standing.remaining
                if displayed is not None:
                    quantity = min(quantity, displayed - market.taken(side))
                if price is None or quantity <= 0:
                    break  # all behind it in the queue ask for more
                if quantity < standing.least or self._is_blocked(standing):
                    continue
                market.take(side, quantity)
                paid = slipped(price, side, standing.limit_price, market.instrument, self._terms)
                self._execute(standing, quantity, paid, at_ns)

    def _peg(self, market: Market, at_ns: int) -> bool:
        """Move the orders that hang on the quote; whether any has moved."""
        moved = False
        for standing in self._book.restless(market.instrument.id):
            if market.quote is None or not standing.is_pegged or standing.stage is not Stage.WORKING:
                continue
            price = pegged_price(standing.order, market.quote, market.instrument, standing.limit_price)
            if price is not None and price != standing.limit_price:
                self._happen(Trailed(standing.order.id, None, price, at_ns))
                moved = True
        return moved

    def _finish(self, standing: Standing, market: Market, at_ns: int) -> None:
        """Open the auction for an order on the open; take the rest of an order that fills at once off the book."""
        order, quote = standing.order, market.quote
        if order.time_in_force is TimeInForce.OPG:
            price = market.last.price if market.last is not None else touch(quote, order.side) if quote is not None else None
            if price is not None:
                self._auction(standing, price, at_ns)
        elif order.time_in_force in AT_ONCE and not (quote is None and market.has_turned):
            self._end(standing, Cancelled(order.id, _AT_ONCE_OVER, at_ns))

    def _close(self, market: Market, at_ns: int) -> None:
        """The closing auction, at the last price: of a trade, or where there are none, of the quote."""
        for standing in self._book.pit(market.instrument.id):
            order = standing.order
            if order.kind not in ON_CLOSE or standing.ends_ns > at_ns or self._is_gone(standing) or not standing.is_free:
                continue
            if standing.begins_ns > at_ns or not (order.conditions_cancel or self._are_met(standing)):
                continue
            price = market.last_price or (touch(market.quote, order.side) if market.quote is not None else None)
            if price:
                self._happen(Staged(order.id, Stage.WORKING, at_ns))
                self._auction(standing, price, at_ns)

    def _auction(self, standing: Standing, price: float, at_ns: int) -> None:
        """All who take part get one price, whole; those who want a better one get nothing."""
        if within(price, standing.order.side, standing.limit_price) and not self._is_blocked(standing):
            self._execute(standing, standing.remaining, price, at_ns)
        else:
            self._end(standing, Cancelled(standing.order.id, _NOT_IN_AUCTION, at_ns))

    # What happens, and what follows at once.

    def _execute(self, standing: Standing, quantity: Decimal, price: float, at_ns: int) -> None:
        order, before, book = standing.order, standing.remaining, self._book
        parts = {order.account: quantity}
        if order.shares:
            held = {account: part.filled for account, part in standing.parts.items()}
            parts = divided(parts_of(order), held, quantity, exact(book.markets[order.instrument].instrument.size_step))
        for account, part in parts.items():
            self._happen(self._clearing.executed(standing, account, part, price, at_ns, book.next_execution))
        if order.oca_group:
            self._served.setdefault(group_of(order), order.id)
            if is_blocking(order):
                self._rebalance(standing, quantity, before, at_ns)
            else:
                self._late.append((standing, quantity, before))
        released = book.children(order.id) if not standing.remaining else []
        for child in released:
            if book.faces(child.order):
                self._end(child, Cancelled(child.order.id, BOTH_SIDES, at_ns))
        concerned = {s.order.instrument for s in (*released, *book.seekers.values(), *book.wary.values())}
        self._todo.update(dict.fromkeys(sorted(concerned)))

    def _rebalance(self, standing: Standing, quantity: Decimal, before: Decimal, at_ns: int) -> None:
        for sibling in self._book.siblings(standing.order):
            if self._is_gone(sibling):  # with its parent
                continue
            step = exact(self._book.markets[sibling.order.instrument].instrument.size_step)
            event = aftermath(standing.order, quantity, before, sibling, step, at_ns)
            if isinstance(event, Cancelled):
                self._end(sibling, event)
            else:
                self._happen(event)
                self._todo[sibling.order.instrument] = None  # as little as is left of it may be filled where all of it was not

    def _end(self, standing: Standing, event: Cancelled | Expired) -> None:
        """An order leaves the book, and the children that wait for it with it."""
        if self._is_gone(standing):
            return
        at_ns = event.at_ns
        children = [child for child in self._book.children(standing.order.id) if not child.is_free]
        self._happen(event)
        for child in children:
            self._end(child, Cancelled(child.order.id, PARENT_ENDED, at_ns))

    def _is_gone(self, standing: Standing) -> bool:
        return self._book.orders.get(standing.order.id) is not standing

    def _is_blocked(self, standing: Standing) -> bool:
        """Whether another order of its group has been filled by the same event of the market."""
        order = standing.order
        return bool(order.oca_group) and is_blocking(order) and self._served.get(group_of(order), order.id) != order.id

    def _happen(self, event: ExchangeEvent) -> None:
        self._book.apply(event)
        self.said.append(event)
