"""What holds for every sequence of orders of all kinds, quotes, trades and time."""

from decimal import Decimal
from itertools import pairwise

import msgspec
from hypothesis import example, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from atlas.domain import Books, OcaType, OrderKind, Quote, Side, TimeInForce, Trade, exact
from atlas.exchange import Accepted, Cancelled, ExchangeState, Executed, Expired, Modified, Stage, Staged, Trailed
from tests.unit.exchange.flows import OTHER, TRAILS, flow_of, flows, new_exchange, play
from tests.unit.exchange.listings import AAPL, ACCOUNT

ENDS = (Cancelled, Expired)


def happened(found, exchange=None):
    """The exchange, and everything that followed."""
    exchange = exchange or new_exchange()
    return exchange, [event for step in found for event in play(exchange, step)]


def order_of(event):
    if isinstance(event, Executed):
        return event.execution.order_id
    return event.order.id if hasattr(event, "order") else event.order_id


@given(flows())
@settings(max_examples=300, deadline=None)
def test_nothing_fills_outside_its_limit_nor_beyond_its_quantity(found):
    _, events = happened(found)
    terms, limits, filled = {}, {}, {}
    for event in events:
        if isinstance(event, (Accepted, Modified)):
            terms[event.order.id] = event.order
        elif isinstance(event, Trailed):
            limits[event.order_id] = event.limit_price
        elif isinstance(event, Executed):
            execution, order = event.execution, terms[event.execution.order_id]
            filled[order.id] = filled.get(order.id, 0) + exact(execution.quantity)
            assert filled[order.id] <= exact(order.quantity)
            limited = order.kind not in {
                OrderKind.MARKET,
                OrderKind.STOP,
                OrderKind.MARKET_IF_TOUCHED,
                OrderKind.MARKET_ON_CLOSE,
            }
            for limit in (order.limit_price if limited and order.kind not in TRAILS else None, limits.get(order.id)):
                assert limit is None or (execution.price - limit) * order.side.sign <= 0


@given(flows())
@settings(deadline=None)
def test_a_quote_gives_no_more_than_it_displays(found):
    exchange = new_exchange(always=True)
    shown, taken = None, dict.fromkeys(Side, 0.0)
    for step in found:
        events = list(exchange.on_time(step.exchange_ns if isinstance(step, Quote) else 0))
        _count(taken, events)
        assert shown is None or not shown.ask_size or taken[Side.BUY] <= shown.ask_size
        assert shown is None or not shown.bid_size or taken[Side.SELL] <= shown.bid_size
        if isinstance(step, Quote) and step.instrument == AAPL.id:
            shown, taken = step, dict.fromkeys(Side, 0.0)
        events = play(exchange, step)
        if not isinstance(step, Trade):  # what a trade fills it fills beside the quote
            _count(taken, events)


def _count(taken, events):
    for event in events:
        if isinstance(event, Executed):
            taken[event.execution.side] += event.execution.quantity


@given(flows())
@settings(deadline=None)
def test_cash_and_positions_are_the_sum_of_executions_and_commissions(found):
    exchange, events = happened(found)
    books = Books()
    for event in events:
        if isinstance(event, Executed):
            books.execute(event.execution, AAPL)
            books.charge(event.commission)
    for account in (ACCOUNT, OTHER):
        cash = exact(1_000_000.0) + books.cash_changes().get(account, {}).get("USD", Decimal(0))
        assert exchange.ledger.cash(account)["USD"] == cash
        assert exchange.position(account, AAPL.id) == books.position(account, AAPL.id)


@given(flows())
@settings(deadline=None)
def test_only_orders_that_work_are_filled_and_what_has_ended_stays_so(found):
    _, events = happened(found)
    stages, ended, filled = {}, set(), {}
    for event in events:
        name = order_of(event)
        if isinstance(event, (Accepted, Staged, Trailed, Modified, Executed, *ENDS)):
            assert name not in ended
        if isinstance(event, (Accepted, Staged)):
            stages[name] = event.stage
        elif isinstance(event, Executed):
            assert stages[name] is Stage.WORKING
        if isinstance(event, (Accepted, Modified)):
            filled[name] = exact(event.order.quantity) - filled.get(name, [0, 0])[1], filled.get(name, [0, 0])[1]
        elif isinstance(event, Executed):
            done = filled[name][1] + exact(event.execution.quantity)
            filled[name] = filled[name][0] - exact(event.execution.quantity), done
            if not filled[name][0]:
                ended.add(name)
        elif isinstance(event, ENDS):
            ended.add(name)


@given(flows())
@settings(deadline=None)
def test_children_never_fill_before_their_parents_and_never_outlive_them_unfilled(found):
    _, events = happened(found)
    parents, quantities, filled = {}, {}, {}
    for event in events:
        if isinstance(event, (Accepted, Modified)):
            parents[event.order.id], quantities[event.order.id] = event.order.parent_id, exact(event.order.quantity)
        elif isinstance(event, Executed):
            name = event.execution.order_id
            filled[name] = filled.get(name, 0) + exact(event.execution.quantity)
            parent = parents[name]
            assert not parent or filled.get(parent, 0) == quantities[parent]
    whole = {name for name, quantity in quantities.items() if filled.get(name, 0) == quantity}
    gone = whole | {order_of(event) for event in events if isinstance(event, ENDS)}
    for name, parent in parents.items():
        assert not parent or parent not in gone or parent in whole or name in gone


@given(flows(oca_group="g", oca_type=OcaType.REDUCE_WITH_BLOCK, account=ACCOUNT, shares=()))
@settings(max_examples=200, deadline=None)
def test_a_blocking_oca_group_is_never_filled_beyond_one_of_its_orders(found):
    assert sum(filled_parts(found).values()) <= 1


@given(flows(oca_group="g", oca_type=OcaType.CANCEL_WITH_BLOCK, account=ACCOUNT, shares=()))
@settings(max_examples=200, deadline=None)
def test_of_a_cancelling_oca_group_no_more_than_one_order_is_filled(found):
    assert len(filled_parts(found)) <= 1


def is_change(step):
    return isinstance(step, tuple) and isinstance(step[1], tuple) and step[1][0] == "modify"


def filled_parts(found):
    """The filled part of each order of the group that stood before its first fill. Orders that join it later are new wishes."""
    quantities, parts = {}, {}
    for event in happened([step for step in found if not is_change(step)])[1]:
        if isinstance(event, Accepted) and not parts:
            quantities[event.order.id] = exact(event.order.quantity)
        elif isinstance(event, Executed):
            name = event.execution.order_id
            if name in quantities:
                parts[name] = parts.get(name, Decimal(0)) + exact(event.execution.quantity) / quantities[name]
            elif not parts:
                parts[name] = Decimal(0)
    return parts


@given(flows(), st.lists(st.integers(0, 50), max_size=6))
@example(flow_of(166, 15), [8])  # an order that was good until 566 is filled before that, and a peg is reduced meanwhile
@settings(max_examples=200, deadline=None)
def test_the_result_is_the_same_whatever_the_rests_on_disk(found, cuts):
    whole, expected = happened(found)
    exchange, events = new_exchange(), []
    for start, end in pairwise([0, *sorted(min(cut, len(found)) for cut in cuts), len(found)]):
        for step in found[start:end]:
            events += play(exchange, step)
        rested = msgspec.msgpack.decode(msgspec.msgpack.encode(exchange.state()), type=ExchangeState)
        exchange = new_exchange()
        exchange.restore(rested)
        assert exchange.state() == rested
    assert events == expected
    assert exchange.state() == whole.state()


@given(flows(), flows(market_only=True), st.integers(0, 50))
@settings(max_examples=200, deadline=None)
def test_ticks_in_one_list_or_one_by_one_with_time_between_make_no_difference(found, stream, cut):
    single, batched = new_exchange(), new_exchange()
    assert happened(found, single)[1] == happened(found, batched)[1]
    last = max(
        (step.exchange_ns if not isinstance(step, tuple) else step[1] if step[0] == "time" else step[0] for step in found),
        default=0,
    )
    stream = [replace(each, exchange_ns=each.exchange_ns + last) for each in stream]
    one_by_one = []
    for each in stream:
        one_by_one += single.on_time(each.exchange_ns - 1)
        one_by_one += single.on_time(each.exchange_ns)
        one_by_one += single.on_events([each])
    assert batched.on_events(stream[:cut]) + batched.on_events(stream[cut:]) == one_by_one


@given(flows(100), st.integers(0, 50))
@settings(max_examples=200, deadline=None)
def test_an_exchange_rebuilt_from_its_events_is_the_same_and_goes_on_identically(flow, length):
    found, later = flow[:length], flow[length:]
    exchange, events = happened(found)
    rebuilt = new_exchange()
    for event in events:
        rebuilt.apply(event)
    was, now = exchange.state(), rebuilt.state()
    assert now.ledger == was.ledger
    assert now.book.standing == was.book.standing
    names = ("filled", "next_perm_id", "next_priority", "next_execution")
    assert [getattr(now.book, name) for name in names] == [getattr(was.book, name) for name in names]
    # What the market said is no event: given that too, it goes on identically.
    rebuilt = new_exchange()
    rebuilt.restore(replace(was, ledger=now.ledger, book=replace(was.book, standing=now.book.standing, filled=now.book.filled)))
    assert happened(later, rebuilt)[1] == happened(later, exchange)[1]


@given(flows())
@settings(deadline=None)
def test_fill_or_kill_and_all_or_none_fill_whole_at_once_or_not_at_all(found):
    exchange, terms = new_exchange(), {}
    for step in found:
        amounts = {}
        for event in play(exchange, step):
            if isinstance(event, (Accepted, Modified)):
                terms[event.order.id] = event.order
            elif isinstance(event, Executed):
                name = event.execution.order_id
                amounts[name] = amounts.get(name, 0) + exact(event.execution.quantity)
        for name, amount in amounts.items():
            if terms[name].time_in_force is TimeInForce.FOK or terms[name].all_or_none:
                assert amount == exact(terms[name].quantity)


@given(flows(kinds=TRAILS))
@settings(deadline=None)
def test_a_trailing_stop_never_moves_back(found):
    sides, stops = {}, {}
    for event in happened(found)[1]:
        if isinstance(event, Accepted):
            sides[event.order.id], stops[event.order.id] = event.order.side, event.order.stop_price
        elif isinstance(event, Trailed) and event.stop_price is not None:
            before, stops[event.order_id] = stops[event.order_id], event.stop_price
            assert before is None or (event.stop_price - before) * sides[event.order_id].sign < 0


@given(flows())
@settings(deadline=None)
def test_every_execution_for_several_accounts_is_exact_in_total_and_never_more_than_a_share(found):
    _, events = happened(found)
    terms, had = {}, {}
    for event in events:
        if isinstance(event, (Accepted, Modified)):
            terms[event.order.id] = event.order
        elif isinstance(event, Executed):
            execution, order = event.execution, terms[event.execution.order_id]
            key = order.id, execution.account
            had[key] = had.get(key, 0) + exact(execution.quantity)
            shares = {share.account: exact(share.quantity) for share in order.shares} or {order.account: exact(order.quantity)}
            assert had[key] <= shares[execution.account]


@given(flows())
@settings(max_examples=300, deadline=None)
def test_what_the_bounds_pass_over_changes_nothing_by_a_full_look_either(found):
    exchange, thorough = new_exchange(), new_exchange()
    for step in found:
        for market in thorough._markets.values():
            market.ask_within, market.bid_within = float("inf"), float("-inf")
            market.last_below, market.last_above = float("inf"), float("-inf")
        assert play(exchange, step) == play(thorough, step)
