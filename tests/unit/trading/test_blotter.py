"""The blotter by itself: numbers of events, and how an order is found."""

from support.trading import ACCOUNT, EURUSD, INSTRUMENTS, order

from atlas.domain import Execution, ManualClock, OrderEventKind
from atlas.trading.blotter import Blotter

K = OrderEventKind


def blotter() -> Blotter:
    return Blotter(ACCOUNT, dict(INSTRUMENTS), ManualClock(1_000))


def test_what_cannot_have_happened_is_an_anomaly_of_its_order_once():
    of_nobody, known = blotter(), order()
    (odd,) = of_nobody.record(K.SENT, "x-1")
    assert (odd.sequence, odd.kind, odd.order_id, odd.robot) == (1, K.ANOMALY, "x-1", "")
    assert odd.reason == "order x-1 is not known: sent cannot be the first that is heard of it"
    assert of_nobody.record(K.SENT, "x-1") == ()
    of_nobody.record(K.PENDING, known.id, order=known)
    of_nobody.record(K.DENIED, known.id)
    (late,) = of_nobody.record(K.WORKING, known.id)
    assert (late.sequence, late.kind, late.order_id, late.robot) == (4, K.ANOMALY, known.id, "robot")
    assert late.reason == f"order {known.id} is denied: working cannot happen to it"
    assert (of_nobody.record(K.WORKING, known.id), of_nobody.anomalies, of_nobody.last_sequence) == ((), 2, 4)


def test_a_number_finds_an_order_only_where_it_is_said_to_be_ours():
    book, placed, adopted = blotter(), order(1), order(2)
    book.record(K.PENDING, placed.id, order=placed, broker_order_id=1)
    book.record(K.ADOPTED, adopted.id, order=adopted, perm_id=500)
    assert book.find("", 0, 1) is None
    assert book.find("", 0, 1, ours=True) is book.states[placed.id]
    assert book.find("", 0, ours=True) is None
    assert (book.find_by_number(0), book.find_by_number(7)) == (None, None)
    assert book.find("", 500) is book.states[adopted.id]


def test_an_instrument_is_traded_since_the_very_time_of_its_last_execution():
    book, wanted = blotter(), order()
    book.record(K.PENDING, wanted.id, order=wanted)
    fill = Execution("e.01", wanted.id, ACCOUNT, EURUSD.id, wanted.side, 20_000.0, 1.1, at_ns=5)
    book.record(K.EXECUTED, wanted.id, execution=fill)
    assert (book.traded_since(1_000), book.traded_since(1_001)) == ({EURUSD.id}, set())
