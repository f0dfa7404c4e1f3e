"""What orders for several accounts, short sales and options do to the books.

Sources: IBKR "Commissions", fixed pricing; Regulation T (12 CFR 220.12); FINRA rule 4210 (c), (f)(2)(E); for the words of a
short sale that is turned down, TWS API message code 404.
"""

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from atlas.domain import Instrument, InstrumentKind, OptionRight, OrderKind, Share, Side
from atlas.exchange import Cancelled, Exchange, Executed, MarginRate, Reason, Rejected, Staged, Terms
from atlas.exchange.allocation import divided
from atlas.exchange.margin import MARGIN_RATES, requirement
from tests.unit.exchange.flows import OTHER, new_exchange
from tests.unit.exchange.listings import AAPL, ACCOUNT, ES, EURUSD, USDJPY, order, quote
from tests.unit.exchange.stories import story

CALL = Instrument(
    "AAPL-20261218-100C@SMART", InstrumentKind.OPTION, "AAPL", "SMART", "USD", 9, 0.01, 100,
    expiry="20261218", strike=100.0, right=OptionRight.CALL, underlying=AAPL.id,
)  # fmt: skip
INDEX = Instrument("^SPX@CBOE", InstrumentKind.INDEX, "SPX", "CBOE", "USD", 10, 0.01)


def shares(**quantities):
    return {"account": "", "shares": tuple(Share(account, float(quantity)) for account, quantity in quantities.items())}


def test_each_account_gets_its_part_of_every_execution_with_its_own_commission():
    exchange = new_exchange()
    exchange.on_quote(quote(AAPL, 99, 100, 0, 5, at=300))
    placed = order(AAPL, Side.BUY, 20, **shares(DU1=15, DU2=5))
    first = [e for e in exchange.submit(placed, 300) if isinstance(e, Executed)]
    second = [e for e in exchange.on_quote(quote(AAPL, 99, 100, at=310)) if isinstance(e, Executed)]
    assert [(e.execution.account, e.execution.quantity) for e in first] == [(ACCOUNT, 4), (OTHER, 1)]
    assert [(e.execution.account, e.execution.quantity) for e in second] == [(ACCOUNT, 11), (OTHER, 4)]
    assert [e.commission.amount for e in (*first, *second)] == [1.0, 1.0, 0.0, 0.0]
    assert len({e.execution.id for e in (*first, *second)}) == 4
    assert exchange.position(OTHER, AAPL.id).quantity == 5


def test_of_two_accounts_that_miss_as_much_the_first_by_name_gets_the_odd_unit():
    for names in ("AB", "BA"):
        assert divided({name: Decimal(10) for name in names}, {}, Decimal(3), Decimal(1)) == {"A": 2, "B": 1}


def test_commissions_are_charged_to_the_hundredth_of_a_cent(exchange):
    exchange.on_quote(quote(EURUSD, 1.16, 1.16))
    executed = exchange.submit(order(EURUSD, Side.BUY, 123_457), 1)[-1]
    assert executed.commission.amount == 2.8642  # 0.2 basis point are 2.8642024


def test_what_was_charged_is_not_given_back_when_the_rest_of_an_order_is_worth_less(exchange):
    exchange.on_quote(quote(USDJPY, 150.0, 150.0, 0, 1_000_000))
    first = exchange.submit(order(USDJPY, Side.BUY, 1_000_001), 1)[-1]
    (last,) = exchange.on_quote(quote(USDJPY, 300.0, 300.0, at=2))
    assert (first.commission.amount, first.commission.currency) == (20.0, "USD")
    assert last.commission.amount == 0.0  # the yen that were paid are worth half by now, and so is the order's commission


@pytest.mark.parametrize(
    ("parts", "reason"),
    [
        ({"DU1": 5, "DU2": 4}, Reason.BAD_SHARES),
        ({"DU1": 10, "DU2": 0}, Reason.BAD_SHARES),
        ({"DU1": 5, "DU9": 5}, Reason.UNKNOWN_ACCOUNT),
    ],
)
def test_shares_that_make_no_sense_are_turned_down(parts, reason):
    (rejected,) = new_exchange().submit(order(AAPL, Side.BUY, 10, **shares(**parts)), 300)
    assert (type(rejected), rejected.reason) == (Rejected, reason)


def test_an_order_for_several_is_turned_down_if_one_of_them_cannot_carry_its_part():
    exchange = Exchange([AAPL], {ACCOUNT: {"USD": 1e6}, OTHER: {"USD": 100.0}})
    exchange.on_quote(quote(AAPL, 99, 100))
    (rejected,) = exchange.submit(order(AAPL, Side.BUY, 100, **shares(DU1=90, DU2=10)), 1)
    assert rejected.reason is Reason.MARGIN


@given(
    st.lists(st.integers(1, 50), min_size=1, max_size=6),
    st.lists(st.integers(1, 40), min_size=1, max_size=30),
    st.sampled_from([Decimal(1), Decimal(10)]),
)
@settings(deadline=None)
def test_division_is_exact_in_total_never_more_than_a_share_and_whole_at_the_end(parts, fills, step):
    quantities = {f"A{number}": Decimal(part) for number, part in enumerate(parts)}
    held = dict.fromkeys(quantities, Decimal(0))
    left = sum(quantities.values())
    for fill in [*map(Decimal, fills), left]:
        now = min(fill, left)
        if not now:
            break
        given_out = divided(quantities, held, now, step)
        assert sum(given_out.values()) == now
        assert all(part > 0 for part in given_out.values())
        held = {account: held[account] + given_out.get(account, 0) for account in held}
        assert all(held[account] <= quantities[account] for account in held)
        left -= now
    if not left:
        assert held == quantities


# What a position of one asks for to open and to hold, per unit of its price.
MARGINS = [
    ("a share", AAPL, 100, 50.0, 2500.0, 1250.0),
    ("a share sold short", AAPL, -100, 50.0, 2500.0, 1500.0),
    ("a bought option is paid in full", CALL, 1, 5.0, 500.0, 500.0),
    ("a sold call in the money: 20 % of the stock", CALL, -1, 5.0, 2200.0, 2200.0),
]


@pytest.mark.parametrize(("instrument", "quantity", "price", "initial", "maintenance"), [row[1:] for row in MARGINS])
def test_margin_by_product(instrument, quantity, price, initial, maintenance):
    rate = MARGIN_RATES[instrument.kind]
    assert requirement(instrument, quantity, price, rate, 110.0) == (initial, maintenance)


@pytest.mark.parametrize(("underlying", "required"), [(100.0, 2000.0), (95.0, 1400.0), (80.0, 800.0)])
def test_a_sold_call_asks_for_less_the_further_it_is_out_of_the_money_down_to_a_tenth(underlying, required):
    assert requirement(CALL, -1, 1.0, MARGIN_RATES[InstrumentKind.OPTION], underlying) == (required, required)


def test_option_commissions_and_premiums():
    exchange = Exchange([AAPL, CALL], {ACCOUNT: {"USD": 10_000.0}})
    exchange.on_quote(quote(CALL, 4.9, 5.0))
    for quantity, commission in ((1, 1.0), (2, 1.3)):
        executed = exchange.submit(order(CALL, Side.BUY, quantity), 1)[-1]
        assert executed.commission.amount == commission
    assert exchange.ledger.cash(ACCOUNT)["USD"] == Decimal(10000) - 1500 - Decimal("2.3")
    assert exchange.margin(ACCOUNT).equity == pytest.approx(10_000 - 2.3 - 3 * 5)


def test_stops_on_options_want_two_quotes_in_a_row_by_default():
    exchange = Exchange([AAPL, CALL], {ACCOUNT: {"USD": 10_000.0}})
    exchange.on_quote(quote(CALL, 4.9, 5.0))
    exchange.submit(order(CALL, Side.BUY, 1), 1)
    exchange.submit(order(CALL, Side.SELL, 1, kind=OrderKind.STOP, stop_price=4.0), 1)
    assert not exchange.on_quote(quote(CALL, 3.8, 3.9))
    assert [type(event) for event in exchange.on_quote(quote(CALL, 3.7, 3.8))] == [Staged, Executed]


def test_shares_can_be_sold_short_with_margin_but_not_those_that_nobody_lends():
    exchange = new_exchange(not_shortable=frozenset({AAPL.id}))
    exchange.on_quote(quote(AAPL, 99, 100, at=300))
    (rejected,) = exchange.submit(order(AAPL, Side.SELL, 10), 300)
    assert rejected.reason is Reason.NOT_SHORTABLE
    exchange.submit(order(AAPL, Side.BUY, 10), 300)
    assert isinstance(exchange.submit(order(AAPL, Side.SELL, 10), 300)[-1], Executed)
    free = new_exchange()
    free.on_quote(quote(AAPL, 99, 99, at=300))
    free.submit(order(AAPL, Side.SELL, 100), 300)
    assert (free.margin(ACCOUNT).initial, free.margin(ACCOUNT).maintenance) == (4950.0, pytest.approx(2970.0))
    assert free.submit(order(AAPL, Side.SELL, 50_000), 300)[0].reason is Reason.MARGIN


def test_nobody_trades_an_index():
    (rejected,) = Exchange([INDEX], {ACCOUNT: {"USD": 1.0}}).submit(order(INDEX, Side.BUY, 1), 1)
    assert rejected.reason is Reason.NOT_TRADABLE


def test_an_order_that_its_parent_holds_and_a_second_of_its_group_ask_for_no_margin_of_their_own():
    exchange = Exchange([AAPL], {ACCOUNT: {"USD": 6000.0}}, Terms(margins={InstrumentKind.STOCK: MarginRate(0.5, 0.25)}))
    exchange.on_quote(quote(AAPL, 99, 101))
    assert exchange.submit(order(AAPL, Side.BUY, 100, 98.0, id="entry"), 1)[0].order.id == "entry"
    for name in ("profit", "loss"):
        child = order(AAPL, Side.SELL, 100, 105.0, id=name, parent_id="entry", oca_group="exit")
        assert not isinstance(exchange.submit(child, 1)[0], Rejected)


def test_what_an_order_for_several_would_do_is_said_for_all_of_them():
    exchange = new_exchange()
    exchange.on_quote(quote(AAPL, 100, 100, at=300))
    answer = exchange.what_if(order(AAPL, Side.BUY, 100, **shares(DU1=60, DU2=40)))
    assert (answer.before.equity, answer.after.initial, answer.commission) == (2_000_000.0, 5000.0, 2.0)


ON_A_FUTURE = replace(CALL, id="ES-20261218-100C@CME", con_id=11, underlying=ES.id)
NOT_OF_THE_US = replace(CALL, id="BMW-20261218-100C@EUREX:EUR", con_id=12, currency="EUR")
BOUGHT, SOLD = (CALL, Side.BUY, 1, 4.0), (CALL, Side.SELL, 1, 6.0)

# (orders as (terms, more terms), what becomes of each)
BOTH_SIDES = [
    ("one after the other", [(BOUGHT, {}), (SOLD, {})], ["working", "both_sides"]),
    ("sold first", [(SOLD, {}), (BOUGHT, {})], ["working", "both_sides"]),
    ("of one group", [(BOUGHT, {"oca_group": "g"}), (SOLD, {"oca_group": "g"})], ["working", "both_sides"]),
    ("one side", [(BOUGHT, {}), (BOUGHT, {})], ["working", "working"]),
    ("two accounts", [(BOUGHT, {}), (SOLD, {"account": OTHER})], ["working", "working"]),
    ("one account of several", [(BOUGHT, shares(DU1=1, DU2=1)), (SOLD, {"account": OTHER})], ["working", "both_sides"]),
    ("a share", [((AAPL, *BOUGHT[1:]), {}), ((AAPL, *SOLD[1:]), {})], ["working", "working"]),
    ("an option on a future", [((ON_A_FUTURE, *BOUGHT[1:]), {}), ((ON_A_FUTURE, *SOLD[1:]), {})], ["working", "working"]),
    ("in euro", [((NOT_OF_THE_US, *BOUGHT[1:]), {}), ((NOT_OF_THE_US, *SOLD[1:]), {})], ["working", "working"]),
    ("a bracket", [(BOUGHT, {"id": "entry"}), (SOLD, {"parent_id": "entry"})], ["working", "held"]),
    ("a held child", [(BOUGHT, {"id": "e"}), (SOLD, {"parent_id": "e"}), (BOUGHT, {})], ["working", "held", "working"]),
]  # fmt: skip


@pytest.mark.parametrize(("placed", "outcome"), [row[1:] for row in BOTH_SIDES], ids=[row[0] for row in BOTH_SIDES])
def test_on_one_us_option_an_account_has_no_open_orders_on_both_sides(placed, outcome):
    exchange = Exchange([AAPL, ES, CALL, ON_A_FUTURE, NOT_OF_THE_US], {ACCOUNT: {"USD": 1e6}, OTHER: {"USD": 1e6}})
    orders = [order(*terms, **({"quantity": 2.0} if "shares" in more else {}) | more) for terms, more in placed]
    assert story(exchange, *orders) == outcome


def test_a_child_that_its_parents_fill_releases_against_an_open_order_is_cancelled():
    exchange = Exchange([AAPL, CALL], {ACCOUNT: {"USD": 1e6}})
    story(exchange, order(*BOUGHT, id="entry"), order(*SOLD, id="exit", parent_id="entry"), order(*BOUGHT[:3], 3.0, id="more"))
    *_, cancelled = exchange.on_quote(quote(CALL, 3.9, 4.0))
    assert (type(cancelled), cancelled.order_id) == (Cancelled, "exit")
    assert cancelled.text == "Cannot have open orders on both sides of the same US Option contract in the same account."


def test_words_of_an_order_on_the_other_side():
    exchange = Exchange([AAPL, CALL], {ACCOUNT: {"USD": 1e6}})
    exchange.submit(order(*BOUGHT), 1)
    (rejected,) = exchange.submit(order(*SOLD), 1)
    assert rejected.text == "Cannot have open orders on both sides of the same US Option contract in the same account."
