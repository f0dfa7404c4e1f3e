"""What holds for every sequence of orders and quotes."""

from decimal import Decimal
from itertools import pairwise

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from atlas.domain import Books, Order, Quote, Side, TimeInForce, exact
from atlas.exchange import Accepted, Exchange, ExchangeState, Executed, Modified, Terms
from tests.unit.exchange.listings import AAPL, ACCOUNT, INSTRUMENTS, order, quote

prices = st.integers(9_900, 10_100).map(lambda cents: cents / 100)
sizes = st.sampled_from([0.0, 10.0, 25.0, 100.0])


@st.composite
def quotes(draw):
    bid = draw(prices)
    return quote(AAPL, bid, bid + draw(st.integers(1, 5)) / 100, draw(sizes), draw(sizes), draw(st.integers(1, 10**9)))


@st.composite
def orders(draw):
    limit = draw(st.none() | prices)
    tif = draw(st.sampled_from(TimeInForce))
    return order(AAPL, draw(st.sampled_from(Side)), draw(st.integers(1, 200)), limit, time_in_force=tif)


changes = st.tuples(st.sampled_from(["cancel", "modify"]), st.integers(0, 30), st.integers(1, 200), st.none() | prices)
steps = st.lists(st.one_of(quotes(), quotes(), orders(), changes), max_size=60)


def new_exchange():
    return Exchange(INSTRUMENTS, {ACCOUNT: {"USD": 1_000_000.0}}, Terms())


def play(exchange, steps):
    """Apply `steps`; every event that follows, in order."""
    placed, events = [], []
    for step in steps:
        if isinstance(step, Quote):
            events += exchange.on_quote(step)
        elif isinstance(step, Order):
            placed.append(step.id)
            events += exchange.submit(step, 1)
        elif placed:
            what, index, quantity, limit = step
            name = placed[index % len(placed)]
            events += (
                exchange.cancel(name, 2) if what == "cancel" else exchange.modify(name, 2, quantity=quantity, limit_price=limit)
            )
    return events


@given(steps)
@settings(max_examples=300)
def test_nothing_fills_outside_its_limit_nor_beyond_its_quantity_nor_the_displayed_size(steps):
    exchange, current = new_exchange(), {}
    filled = {}
    for step in steps:
        events = play(exchange, [step]) if isinstance(step, (Quote, Order)) else []
        taken = dict.fromkeys(Side, 0.0)
        for event in events:
            if isinstance(event, (Accepted, Modified)):
                current[event.order.id] = event.order
            elif isinstance(event, Executed):
                execution = event.execution
                terms = current[execution.order_id]
                filled[terms.id] = filled.get(terms.id, 0.0) + execution.quantity
                taken[execution.side] += execution.quantity
                assert filled[terms.id] <= terms.quantity
                if terms.limit_price is not None:
                    assert (execution.price - terms.limit_price) * terms.side.sign <= 0
        last = exchange.quote(AAPL.id)
        if last:
            assert not last.ask_size or taken[Side.BUY] <= last.ask_size
            assert not last.bid_size or taken[Side.SELL] <= last.bid_size


@given(steps)
def test_cash_and_positions_are_the_sum_of_executions_and_commissions(steps):
    exchange, books = new_exchange(), Books()
    for event in play(exchange, steps):
        if isinstance(event, Executed):
            books.execute(event.execution, AAPL)
            books.charge(event.commission)
    cash = exact(1_000_000.0) + books.cash_changes().get(ACCOUNT, {}).get("USD", Decimal(0))
    assert exchange.ledger.cash(ACCOUNT)["USD"] == cash
    assert exchange.position(ACCOUNT, AAPL.id) == books.position(ACCOUNT, AAPL.id)


@given(steps, st.lists(st.integers(0, 60), max_size=6))
def test_the_result_is_the_same_whatever_the_batching_even_over_a_rest_on_disk(steps, cuts):
    whole = new_exchange()
    expected = play(whole, steps)
    current, events = new_exchange(), []
    placed = [step.id for step in steps if isinstance(step, Order)]
    for start, end in pairwise([0, *sorted(min(cut, len(steps)) for cut in cuts), len(steps)]):
        resolved = []
        for index in range(start, end):
            step = steps[index]
            known = sum(isinstance(earlier, Order) for earlier in steps[:index])
            if isinstance(step, (Quote, Order)) or not known:
                resolved.append(step)
            else:
                resolved.append((step[0], placed[step[1] % known], *step[2:]))
        for step in resolved:
            events += _named(current, step)
        rested = msgspec.msgpack.decode(msgspec.msgpack.encode(current.state()), type=ExchangeState)
        current = new_exchange()
        current.restore(rested)
    assert events == expected
    assert current.state() == whole.state()


def _named(exchange, step):
    if isinstance(step, (Quote, Order)):
        return play(exchange, [step])
    if isinstance(step[1], int):
        return []
    what, name, quantity, limit = step
    return exchange.cancel(name, 2) if what == "cancel" else exchange.modify(name, 2, quantity=quantity, limit_price=limit)


@given(st.lists(quotes(), max_size=40), st.lists(orders(), max_size=5), st.integers(0, 40))
def test_quotes_in_one_list_or_one_by_one_make_no_difference(stream, placed, cut):
    single, batched = new_exchange(), new_exchange()
    for each in placed:
        single.submit(each, 1)
        batched.submit(each, 1)
    one_by_one = [event for each in stream for event in single.on_quote(each)]
    assert batched.on_events(stream[:cut]) + batched.on_events(stream[cut:]) == one_by_one
    assert single.state() == batched.state()


@given(steps)
def test_an_exchange_rebuilt_from_its_events_has_the_same_books_and_orders(steps):
    exchange, rebuilt = new_exchange(), new_exchange()
    for event in play(exchange, steps):
        rebuilt.apply(event)
    assert rebuilt.state().ledger == exchange.state().ledger
    assert rebuilt.state().book.standing == exchange.state().book.standing
    assert rebuilt.state().book.next_perm_id == exchange.state().book.next_perm_id
