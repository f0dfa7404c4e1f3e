"""What the exchange keeps up with every change is what it would find if it looked at everything anew."""

from itertools import groupby

from hypothesis import example, given, settings
from hypothesis import strategies as st

from atlas.domain import Quote, Side
from atlas.exchange.calendar import NEVER_NS
from tests.unit.exchange.flows import OTHER, flow_of, flows, new_exchange, play
from tests.unit.exchange.listings import AAPL, ACCOUNT, quote

MANY = st.lists(st.tuples(st.integers(9_900, 10_100), st.sampled_from((0.0, 10.0))), min_size=2, max_size=12)


def run_of(step):
    """What quotes that follow each other have in common; every other step stands alone."""
    return step.instrument if isinstance(step, Quote) else id(step)


@given(flows(), MANY, st.integers(0, 200_000))
@settings(max_examples=150, deadline=None)
def test_quotes_passed_all_at_once_leave_the_exchange_as_it_would_be_after_each(found, prices, apart_ns):
    one_by_one, at_once = new_exchange(), new_exchange()
    expected, events = [], []
    begin = max((step.exchange_ns for step in found if isinstance(step, Quote)), default=1)
    market = [
        quote(AAPL, cents / 100, cents / 100 + 0.02, size, size, at=begin + n * apart_ns)
        for n, (cents, size) in enumerate(prices)
    ]
    for _, steps in groupby([*found, *market], run_of):
        run = list(steps)
        expected += [event for step in run for event in play(one_by_one, step)]
        if not (isinstance(run[0], Quote) and at_once.pass_quiet(run)):
            events += [event for step in run for event in play(at_once, step)]
    assert events == expected
    assert at_once.state() == one_by_one.state()


@given(flows())
@example(flow_of(2**32 - 1, 23))  # the first of a queue waits for any price, the one behind it for its own
@settings(max_examples=150, deadline=None)
def test_commitments_queues_and_bounds_are_those_of_an_exchange_restored_from_the_same_state(found):
    exchange = new_exchange()
    for step in found:
        play(exchange, step)
    fresh = new_exchange()
    fresh.restore(exchange.state())
    for account in (ACCOUNT, OTHER):
        assert exchange._book.commitments.of(account) == fresh._book.commitments.of(account)
    for name, market in exchange._markets.items():
        for side in Side:
            queues = [[s.order.id for s in book.queue(name, side).all()] for book in (exchange._book, fresh._book)]
            assert queues[0] == queues[1]
        again = fresh._markets[name]
        assert (market.ask_within, market.bid_within) == (again.ask_within, again.bid_within)


def test_a_batch_that_reaches_beyond_what_is_due_is_not_passed_at_once():
    exchange = new_exchange()
    exchange.on_quote(quote(AAPL, 100.0, 100.02, at=1))
    due_ns = exchange._book.due_ns
    assert due_ns < NEVER_NS
    batch = [quote(AAPL, 100.0, 100.02, at=2), quote(AAPL, 100.0, 100.02, at=due_ns)]
    before = exchange.state()
    assert not exchange.pass_quiet(batch)
    assert exchange.state() == before
    assert exchange.pass_quiet(batch[:1])
