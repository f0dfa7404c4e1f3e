"""Whatever is done to orders, by clients, by hand, by the broker, by the market: the books agree, and records rebuild them."""

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from ib_gateway.simulator.broker import Turned
from ib_gateway.simulator.messages import Condition, Ticket, replies
from ib_gateway.simulator.messages import requests as r
from tests.unit.simulator.desk import AAPL, Desk

NAME = "AAPL@SMART"

_PRICES = st.sampled_from([255.0, 268.0, 270.0, 270.02, 271.0, 280.0])
_HOLDS = Condition(1, ("a", "1", "271", "265598", "SMART", "4"))
_NEVER = Condition(4, ("o", "0", "1"))
_TICKETS = st.builds(
    Ticket,
    action=st.sampled_from(["BUY", "SELL"]),
    quantity=st.sampled_from([50.0, 200.0, 330.0]),
    order_type=st.sampled_from(["MKT", "LMT", "LMT", "STP", "STP LMT", "TRAIL", "MIT", "LIT", "MIDPRICE", "PEG MID", "REL"]),
    limit_price=_PRICES,
    aux_price=_PRICES,
    trailing_percent=st.sampled_from([None, None, 0.5]),
    time_in_force=st.sampled_from(["DAY", "GTC", "DAY", "IOC", "FOK"]),
    account=st.sampled_from(["DU1", "DU1", "DU2"]),
    transmit=st.sampled_from([True, True, False]),
    parent_id=st.sampled_from([0, 0, 0, 1, 2, 3]),
    oca_group=st.sampled_from(["", "", "g"]),
    oca_type=st.sampled_from([0, 1, 2, 3]),
    conditions=st.sampled_from([(), (), (_HOLDS,), (_HOLDS, _NEVER)]),
    conditions_cancel_order=st.booleans(),
    all_or_none=st.sampled_from([False, False, True]),
)
_STEPS = st.one_of(
    st.tuples(st.just("place"), st.integers(1, 9), _TICKETS),
    st.tuples(st.just("place"), st.integers(1, 9), _TICKETS),
    st.tuples(st.just("price"), st.integers(1, 9), st.floats(-10.0, 10.0)),
    st.tuples(st.just("cancel"), st.integers(1, 9), st.none()),
    st.tuples(st.just("by hand"), st.none(), _TICKETS),
    st.tuples(st.just("fork"), st.integers(1, 9), st.none()),
    st.tuples(st.just("correct"), st.integers(0, 20), st.sampled_from([None, 40.0, 0.0])),
    st.tuples(st.just("quote"), _PRICES, st.sampled_from([0.0, 40.0, 150.0])),
    st.tuples(st.just("quote"), _PRICES, st.sampled_from([0.0, 40.0, 150.0])),
)


class Player:
    """Makes steps, and remembers what clients wrote."""

    def __init__(self):
        self.desk = Desk(accounts=("DU1", "DU2"))
        self.desk.connect()
        self.desk.quote(NAME, 270.0, 270.02)
        self.written = {}

    def step(self, what, which, value):
        getattr(self, "_" + what.replace(" ", "_"))(which, value)
        self.desk.clock.advance(400_000_000)
        self.desk.broker.on_time()
        self.desk.broker.settle()

    def _place(self, order_id, ticket):
        self.written[order_id] = ticket
        self.desk.ask(r.PlaceOrder(order_id, AAPL, ticket))

    def _price(self, order_id, shift):
        if order_id in self.written:
            ticket = self.written[order_id]
            moved = msgspec.structs.replace(ticket, limit_price=round(ticket.limit_price + shift, 2), transmit=True)
            self.desk.ask(r.PlaceOrder(order_id, AAPL, moved))

    def _cancel(self, order_id, _):
        self.desk.cancel(order_id)

    def _by_hand(self, _, ticket):
        self._try(lambda: self.desk.broker.enter_order(AAPL, msgspec.structs.replace(ticket, transmit=True)))

    def _fork(self, order_id, _):
        self._try(lambda: self.desk.broker.fork_order(1, order_id))

    def _correct(self, number, quantity):
        fills = [reply for reply in self.desk.ask(r.Executions(8)) if isinstance(reply, replies.Execution)]
        if number < len(fills):
            name = fills[number].execution_id
            correct = self.desk.broker.correct_execution
            self._try(lambda: correct(name, quantity=quantity) if quantity else self.desk.broker.bust_execution(name))

    def _quote(self, ask, size):
        self.desk.quote(NAME, bid=round(ask - 0.02, 2), ask=ask, bid_size=size, ask_size=size)

    @staticmethod
    def _try(act):
        try:
            act()
        except Turned as turned:
            assert turned.objection.code > 0  # noqa: PT017 - being turned down is as good as being done


@given(st.lists(_STEPS, min_size=8, max_size=40))
@settings(max_examples=150, deadline=None)
def test_the_books_agree_after_every_step_and_the_records_rebuild_them(steps):
    player = Player()
    for step in steps:
        player.step(*step)
        player.desk.check_books()
    desk = player.desk
    again = Desk(accounts=("DU1", "DU2"), records=desk.records)
    assert again.exchange.state().ledger == desk.exchange.state().ledger
    assert again.broker.snapshot().orders == desk.broker.snapshot().orders
    for order in desk.broker.snapshot().orders:
        standing = desk.exchange.standing(order.exchange_id)
        assert (standing is None) == (order.done or bool(order.kept))
        if standing is not None:
            assert float(standing.remaining) == order.remaining
    desk.ask(r.GlobalCancel())
    assert [type(reply).__name__ for reply in desk.ask(r.AllOpenOrders())] == ["OpenOrderEnd"]
