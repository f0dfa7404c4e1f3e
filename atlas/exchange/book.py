"""The book: every standing order and every market. It changes by events alone, the same live and when it is rebuilt.

What an event means to other orders is worked out elsewhere and comes as further events; here is only what it means to itself.
"""

import heapq
from collections.abc import Mapping
from operator import attrgetter
from typing import TypeVar

from atlas.domain import ExecutionCondition, Instrument, InstrumentKind, Order, Side
from atlas.domain._struct import Value
from atlas.exchange.allocation import accounts_of
from atlas.exchange.calendar import NEVER_NS, Calendar
from atlas.exchange.commitments import Commitments
from atlas.exchange.conditions import instruments_of
from atlas.exchange.events import (
    Accepted,
    Cancelled,
    ExchangeEvent,
    Executed,
    Expired,
    Modified,
    Refused,
    Rejected,
    Settled,
    Staged,
    Trailed,
)
from atlas.exchange.ledger import Ledger
from atlas.exchange.market import Market, MarketState
from atlas.exchange.queues import Queue, Queues
from atlas.exchange.sessions import span
from atlas.exchange.standing import Standing, StandingState
from atlas.exchange.watch import set_bounds

_Key = TypeVar("_Key")
_MOST_FILLED = 10_000  # ids of filled orders that are remembered, for children that come late

Group = tuple[str, str]
"""Account and name of an OCA group."""


class BookState(Value, frozen=True):
    """A book at rest."""

    standing: list[StandingState]
    markets: list[MarketState]
    filled: list[str]
    now_ns: int
    next_perm_id: int
    next_priority: int
    next_execution: int


class Book:
    """Standing orders by id, by instrument, by parent and by OCA group, and when something is due next (`due_ns`).

    `restless` orders have to be looked at whenever something happens in their market. The others rest: they work, and nothing
    but a quote at their price, new terms or another phase of the market concerns them.
    """

    def __init__(
        self,
        instruments: Mapping[str, Instrument],
        calendar: Calendar,
        ledger: Ledger,
        first_perm_id: int,
        first_execution: int,
    ) -> None:
        self.markets = {name: Market(instrument) for name, instrument in instruments.items()}
        self.orders: dict[str, Standing] = {}
        self.filled: dict[str, None] = {}
        self.wary: dict[str, Standing] = {}
        self.seekers: dict[str, Standing] = {}
        self.now_ns = 0
        self.due_ns = NEVER_NS
        self.next_perm_id, self.next_priority, self.next_execution = first_perm_id, 1, first_execution
        self._calendar = calendar
        self._ledger = ledger
        self.commitments = Commitments()
        self._queues = Queues()
        self._pits: dict[str, dict[str, Standing]] = {}
        self._restless: dict[str, dict[str, Standing]] = {}
        self._children: dict[str, dict[str, Standing]] = {}
        self._groups: dict[Group, dict[str, Standing]] = {}
        self._observers: dict[str, dict[str, Standing]] = {}
        self._timers: list[int] = []
        self._moved: set[str] = set()

    # What is listed.

    def open_market(self, instrument: Instrument) -> Market:
        """The market of `instrument`, made if there is none; with this definition from now on."""
        market = self.markets.get(instrument.id)
        if market is None:
            market = self.markets[instrument.id] = Market(instrument)
        market.instrument, market.kind = instrument, instrument.kind
        return market

    def forget_prices(self) -> None:
        """No market has a quote, nor a trade that triggers, until there is a new one."""
        for market in self.markets.values():
            market.forget_prices()
            self._disturb(market)
        self.refresh()

    # What may be asked.

    def pit(self, instrument: str) -> list[Standing]:
        """All standing orders of `instrument`, in the order in which they came."""
        return list(self._pits.get(instrument, {}).values())

    def restless(self, instrument: str) -> list[Standing]:
        """Those of them that do not rest, in the same order."""
        return sorted(self._restless.get(instrument, {}).values(), key=_PERM_ID)

    def queue(self, instrument: str, side: Side) -> Queue:
        """Those that can meet a quote, in the order in which they are served."""
        return self._queues.of(instrument, side)

    def children(self, order_id: str) -> list[Standing]:
        """The standing orders whose parent that order is."""
        return list(self._children.get(order_id, {}).values())

    def siblings(self, order: Order) -> list[Standing]:
        """The other orders of its OCA group."""
        return [s for s in self._groups.get(group_of(order), {}).values() if s.order.id != order.id] if order.oca_group else []

    def observers(self, instrument: str) -> list[Standing]:
        """The orders whose conditions look at `instrument`."""
        return list(self._observers.get(instrument, {}).values())

    def faces(self, order: Order) -> bool:
        """Whether an order on the other side of the same US option is open in one of its accounts.

        A child that its parent holds is not: it opens once the parent is filled, and that one is gone then.
        """
        market = self.markets[order.instrument]
        if market.kind is not InstrumentKind.OPTION or market.instrument.currency != "USD":
            return False
        under = self.markets.get(market.instrument.underlying)
        if under is not None and under.kind is InstrumentKind.FUTURE:
            return False
        pit, accounts = self._pits.get(order.instrument, {}).values(), set(accounts_of(order))
        return any(s.is_free and s.order.side is not order.side and accounts.intersection(accounts_of(s.order)) for s in pit)

    @property
    def occupied(self) -> list[str]:
        """The instruments that have standing orders."""
        return sorted(name for name, pit in self._pits.items() if pit)

    def begin(self, order: Order, at_ns: int) -> tuple[int, int]:
        """From when on `order` may be filled, and when its time is over."""
        return span(order, at_ns, self._calendar)

    # Time.

    def remind(self, at_ns: int) -> None:
        """Something is due at `at_ns`."""
        if self.now_ns < at_ns < NEVER_NS:
            heapq.heappush(self._timers, at_ns)
            self.due_ns = self._timers[0]

    def next_due(self) -> int:
        """The next moment at which something is due; it is taken off the list."""
        due = heapq.heappop(self._timers)
        while self._timers and self._timers[0] == due:
            heapq.heappop(self._timers)
        self.due_ns = self._timers[0] if self._timers else NEVER_NS
        return due

    def wake(self, market: Market, at_ns: int) -> None:
        """Find out the phase of a market that nobody has asked for yet."""
        if not market.is_awake:
            market.wake(at_ns, self._calendar)
            self.remind(market.until_ns)

    def turn(self, market: Market, at_ns: int) -> None:
        """Another phase of a market begins."""
        market.turn(at_ns, self._calendar)
        self.remind(market.until_ns)
        self._disturb(market)

    def restart(self, at_ns: int) -> None:
        """The clock was set to `at_ns`, perhaps back: phases are found out anew, and deadlines lie where they lay."""
        self.now_ns, self.due_ns = at_ns, NEVER_NS
        self._timers.clear()
        for market in self.markets.values():
            if market.is_awake:
                market.restart(at_ns, self._calendar)
                self.remind(market.until_ns)
                self._disturb(market)
        for standing in self.orders.values():
            self._set_timers(standing)

    def advance(self, at_ns: int) -> None:
        """All that was due before `at_ns` has happened already and is known from its events."""
        for market in self.markets.values():
            if market.changes and market.until_ns < at_ns:
                self.turn(market, at_ns - 1)
        while self.due_ns < at_ns:
            self.next_due()
        self.now_ns = max(self.now_ns, at_ns)

    # The fold.

    def apply(self, event: ExchangeEvent) -> None:
        """Make `event` so."""
        match event:
            case Accepted(order, perm_id, priority, at_ns, stage):
                self.next_perm_id = max(self.next_perm_id, perm_id + 1)
                self.next_priority = max(self.next_priority, priority + 1)
                self.wake(self.markets[order.instrument], at_ns)
                standing = Standing(order, perm_id, priority, stage, *self.begin(order, at_ns))
                standing.is_free = standing.is_free or order.parent_id in self.filled
                self.stand(standing)
            case Staged(order_id, stage):
                standing = self.orders[order_id]
                standing.step_to(stage)
                self._index(standing)
            case Trailed(order_id, stop_price, limit_price):
                standing = self.orders[order_id]
                standing.reprice(stop_price, limit_price)
                self._queues.place(standing)
                self._moved.add(standing.order.instrument)
            case Modified(order, priority, at_ns):
                self.next_priority = max(self.next_priority, priority + 1)
                self._change(self.orders[order.id], order, priority, at_ns)
            case Executed():
                self._execute(event)
            case Settled(execution, commission):
                self.next_perm_id = max(self.next_perm_id, execution.perm_id + 1)
                self.next_execution += 1
                self._ledger.apply(execution, commission)
            case Cancelled(order_id) | Expired(order_id):
                self._leave(self.orders[order_id])
            case Rejected() | Refused():
                pass

    def refresh(self) -> None:
        """Set the bounds of the markets whose orders have changed."""
        while self._moved:
            name = self._moved.pop()
            market = self.markets.get(name)
            if market is not None:
                firsts = [first for side in _SIDES if (first := self._queues.of(name, side).first) is not None]
                set_bounds(market, [*firsts, *self._restless.get(name, {}).values()], self.observers(name))

    def calm(self, standing: Standing) -> None:
        """An order was looked at: if it is one that rests, it need not be looked at again."""
        if standing.rests:
            self._restless[standing.order.instrument].pop(standing.order.id, None)

    def _disturb(self, market: Market) -> None:
        """All orders of a market have to be looked at."""
        name = market.instrument.id
        self._restless.setdefault(name, {}).update(self._pits.get(name, {}))
        self._moved.add(name)

    def stand(self, standing: Standing) -> None:
        """An order is in the book."""
        order = standing.order
        self.orders[order.id] = standing
        self._pits.setdefault(order.instrument, {})[order.id] = standing
        if order.parent_id:
            self._children.setdefault(order.parent_id, {})[order.id] = standing
        if order.oca_group:
            self._groups.setdefault(group_of(order), {})[order.id] = standing
        self.commitments.note(standing)
        self._set_timers(standing)
        self._index(standing)

    def _set_timers(self, standing: Standing) -> None:
        for moment in standing.moments:
            self.remind(moment)

    def _index(self, standing: Standing) -> None:
        """Keep track of its place, and of what it looks at as long as it does."""
        order = standing.order
        self._queues.place(standing)
        self._restless.setdefault(order.instrument, {})[order.id] = standing
        for name in instruments_of(order.conditions):
            _keep(self._observers.setdefault(name, {}), standing, wanted=standing.looks)
            self._moved.add(name)
        _keep(self.wary, standing, wanted=standing.looks_at_margin)
        seeks = standing.looks and any(isinstance(condition, ExecutionCondition) for condition in order.conditions)
        _keep(self.seekers, standing, wanted=seeks)
        self._moved.add(order.instrument)

    def _change(self, standing: Standing, order: Order, priority: int, at_ns: int) -> None:
        for name in instruments_of(standing.order.conditions):
            self._observers[name].pop(order.id, None)
            self._moved.add(name)
        before = standing.order
        begins_ns, ends_ns = standing.begins_ns, standing.ends_ns
        if any(getattr(before, name) != getattr(order, name) for name in _TIMES):
            begins_ns, ends_ns = self.begin(order, at_ns)
        standing.change(order, priority, begins_ns, ends_ns)
        self.commitments.note(standing)
        self._set_timers(standing)
        self._index(standing)

    def _execute(self, event: Executed) -> None:
        execution, standing = event.execution, self.orders[event.execution.order_id]
        self._ledger.apply(execution, event.commission)
        self.next_execution += 1
        standing.fill(execution, event.commission)
        instrument = self.markets[execution.instrument].instrument
        for seeker in self.seekers.values():
            seeker.see(instrument.symbol, instrument.exchange, instrument.kind)
        if standing.remaining:
            self.commitments.note(standing)
            self._moved.add(execution.instrument)
            return
        self._leave(standing)
        self.filled[execution.order_id] = None
        if len(self.filled) > _MOST_FILLED:
            del self.filled[next(iter(self.filled))]
        for child in self.children(execution.order_id):
            child.is_free = True
            self.commitments.note(child)

    def _leave(self, standing: Standing) -> None:
        order = standing.order
        del self.orders[order.id], self._pits[order.instrument][order.id]
        self._restless[order.instrument].pop(order.id, None)
        self._queues.leave(order.id)
        self.commitments.drop(order.id)
        if order.parent_id:
            _drop(self._children, order.parent_id, order.id)
        if order.oca_group:
            _drop(self._groups, group_of(order), order.id)
        for name in instruments_of(order.conditions):
            self._observers.get(name, {}).pop(order.id, None)
            self._moved.add(name)
        self.wary.pop(order.id, None)
        self.seekers.pop(order.id, None)
        self._moved.add(order.instrument)

    # How it rests.

    def state(self) -> BookState:
        """The book at rest."""
        return BookState(
            [s.state() for s in sorted(self.orders.values(), key=lambda s: s.perm_id)],
            [market.state() for _, market in sorted(self.markets.items()) if market.is_awake or market.close],
            list(self.filled),
            self.now_ns,
            self.next_perm_id,
            self.next_priority,
            self.next_execution,
        )

    def restore(self, state: BookState) -> None:
        """Go on from `state`. Orders of instruments that are no longer listed are dropped."""
        self.now_ns = state.now_ns
        self.next_perm_id, self.next_priority, self.next_execution = (
            state.next_perm_id,
            state.next_priority,
            state.next_execution,
        )
        for rested in state.markets:
            market = self.markets.get(rested.instrument)
            if market is not None:
                market.restore(rested)
                self.remind(market.until_ns)
        self.filled.update(dict.fromkeys(state.filled))
        for each in state.standing:
            if each.order.instrument in self.markets:
                self.stand(Standing.from_state(each))
        self.refresh()


_PERM_ID = attrgetter("perm_id")
_SIDES = tuple(Side)
_TIMES = ("time_in_force", "good_till_ns", "good_after_ns", "outside_rth")


def group_of(order: Order) -> Group:
    """The OCA group of `order`."""
    return order.account, order.oca_group


def _keep(where: dict[str, Standing], standing: Standing, *, wanted: bool) -> None:
    if wanted:
        where[standing.order.id] = standing
    else:
        where.pop(standing.order.id, None)


def _drop(where: dict[_Key, dict[str, Standing]], key: _Key, order_id: str) -> None:
    where[key].pop(order_id, None)
    if not where[key]:
        del where[key]
