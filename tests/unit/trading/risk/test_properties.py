"""What holds for every limit, state and input at once."""

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.risk import (
    EURUSD,
    GERMAN,
    INSTRUMENTS,
    NOW,
    OTHER,
    SECOND,
    STOCK,
    Account,
    buy,
    changed,
    execution,
    quote,
    working,
    worth,
)

from atlas.domain import OcaType, OrderKind, Position, Side
from atlas.trading.broker import Unknown
from atlas.trading.risk import DESK, OPERATOR, Gate, Limits, LimitTree
from atlas.trading.risk.exits import exit_room
from atlas.trading.risk.rules import RULES
from atlas.trading.trading_state import TradingState, TradingStateChange

NAMES = (STOCK, OTHER, GERMAN)
EXAMPLES = settings(max_examples=100, suppress_health_check=[HealthCheck.too_slow])  # a busy machine is no failure
SCOPES = (DESK, "account:DU1", "robot:sma", f"instrument:{STOCK.id}", "robot:other")
FOUND_AT_LIMIT = {"max_daily_loss", "daily_profit_lock"}

counts, amounts = st.integers(1, 8), st.sampled_from([0.5, 1.0, 50.0, 100.0, 500.0, 1e4, 1e6])
VALUES = {
    "max_order_quantity": amounts,
    "max_position": amounts,
    "max_working_orders": counts,
    "max_order_notional": amounts,
    "price_collar_percent": amounts,
    "price_collar_ticks": counts,
    "max_exposure": amounts,
    "max_leverage": amounts,
    "max_orders_per_second": counts,
    "max_orders_per_hour": counts,
    "max_daily_loss": amounts,
    "daily_profit_lock": amounts,
    "at_daily_limit": st.just(["cancel_pending"]),
    "duplicate_seconds": st.sampled_from([1.0, 10.0, 3600.0]),
    "max_quote_age_seconds": st.sampled_from([0.5, 5.0, 60.0]),
    "trading_hours": st.just(True),
    "restricted": st.lists(st.sampled_from([STOCK.id, "MSFT*", "*"]), max_size=2),
}
trees = st.dictionaries(st.sampled_from(SCOPES), st.fixed_dictionaries({}, optional=VALUES), max_size=4).map(
    LimitTree.from_plain
)


@st.composite
def orders(draw, number):
    kind = draw(st.sampled_from([OrderKind.MARKET, OrderKind.LIMIT, OrderKind.STOP, OrderKind.STOP_LIMIT]))
    prices = {
        "limit_price": draw(st.integers(50, 150).map(float)) if "LIMIT" in kind.name else None,
        "stop_price": draw(st.integers(50, 150).map(float)) if "STOP" in kind.name else None,
    }
    return changed(
        buy(draw(st.integers(1, 200))),
        id=f"order-{number}",
        robot=draw(st.sampled_from(["sma", "other"])),
        instrument=draw(st.sampled_from(NAMES)).id,
        side=draw(st.sampled_from(Side)),
        kind=kind,
        parent_id=draw(st.sampled_from(["", "order-0", "order-1"])),
        oca_group=draw(st.sampled_from(["", "x"])),
        oca_type=draw(st.sampled_from(OcaType)),
        **prices,
    )


@st.composite
def accounts(draw):
    held = {one.id: Position(float(draw(st.integers(-300, 300))), 100.0) for one in NAMES if draw(st.booleans())}
    held = {name: one for name, one in held.items() if one.quantity}
    states = [draw(orders(number)) for number in range(draw(st.integers(0, 4)))]
    return Account(held, [working(one, filled=draw(st.integers(0, int(one.quantity) - 1))) for one in states])


@st.composite
def worlds(draw):
    """A maker of gates that know the same, whatever their limits."""
    quotes = [
        quote(price, price + 1, one, NOW - age * SECOND)
        for one in (*NAMES, EURUSD)
        for age, price in draw(st.lists(st.tuples(st.integers(0, 100), st.integers(50, 150)), max_size=2))
    ]
    traded = [
        execution(q, 100.0, STOCK, NOW - SECOND, n)
        for n, q in enumerate(draw(st.lists(st.sampled_from([-50, 50]), max_size=3)))
    ]
    submitted = [draw(orders(900 + n)) for n in range(draw(st.integers(0, 4)))]
    account = draw(st.sampled_from([worth(), worth(100.0), worth(0.0), worth(1000.0, "EUR"), Unknown("no answer\nin time")]))
    blocked = draw(st.sampled_from([{}, {}, {}, {}, {}, {"": "a break"}, {STOCK.id: "a break"}]))
    state = draw(st.sampled_from([TradingState.ACTIVE] * 5 + [TradingState.REDUCING]))

    def gate(limits):
        made = Gate(limits, "DU1", INSTRUMENTS)
        for one in quotes:
            made.on_quote(one)
        for one in traded:
            made.on_execution(one, "sma")
        for one in submitted:
            made.note_submitted(one, NOW)
        made.on_account(account)
        made.blocked.update(blocked)
        made.set_state(TradingStateChange(state, "ann", "", NOW))
        return made

    return gate


def check(gate, order, account):
    return gate.check(order, INSTRUMENTS[order.instrument], account, NOW)


@EXAMPLES
@given(world=worlds(), limits=trees, account=accounts(), order=orders(99))
def test_an_exit_always_passes(world, limits, account, order):
    gate = world(limits)
    room = exit_room(order, account)
    if gate.is_exit(order, account):
        assert check(gate, order, account) is None
    if room >= 1:
        alone = changed(order, quantity=room, oca_group="", parent_id="")
        assert gate.is_exit(alone, account)
        assert check(gate, alone, account) is None


@EXAMPLES
@given(world=worlds(), account=accounts(), order=orders(99))
def test_while_halted_only_a_persons_exits_pass(world, account, order):
    gate = world(LimitTree())
    gate.set_state(TradingStateChange(TradingState.HALTED, "ann", "", NOW))
    by_person = changed(order, robot=OPERATOR)
    assert check(gate, order, account) is not None
    assert (check(gate, by_person, account) is None) is gate.is_exit(by_person, account)


@EXAMPLES
@given(world=worlds(), limits=trees, account=accounts(), order=orders(99))
def test_an_opening_passes_only_if_every_rule_of_every_scope_lets_it(world, limits, account, order):
    gate = world(limits)
    if gate.is_exit(order, account):
        return
    refusals = [
        scope
        for scope in limits.scopes_of(changed(order, account="DU1"))
        for name in Limits.model_fields
        if (value := limits.plain()[scope].get(name)) is not None
        and check(world(LimitTree.from_plain({scope: {name: value}})), order, account) is not None
    ]
    outside = check(world(LimitTree()), order, account) is not None
    assert (check(gate, order, account) is None) is (not refusals and not outside)


@EXAMPLES
@given(world=worlds(), limits=trees, account=accounts(), order=orders(99), data=st.data())
def test_loosening_a_limit_never_refuses_more(world, limits, account, order, data):
    plain = limits.plain()
    names = [(scope, name) for scope in plain for name in plain[scope]]
    if not names:
        return
    scope, name = data.draw(st.sampled_from(sorted(names)))
    value = plain[scope][name]
    looser = None
    if name == "restricted":
        looser = data.draw(st.sampled_from([None, value[1:]]))
    elif name == "duplicate_seconds":
        looser = data.draw(st.sampled_from([None, value / 2]))
    elif isinstance(value, int | float) and not isinstance(value, bool):
        looser = data.draw(st.sampled_from([None, value * 2]))
    before = check(world(limits), order, account)
    after = check(world(limits.with_limit(scope, name, looser or None)), order, account)
    assert before is not None or after is None


@EXAMPLES
@given(world=worlds(), limits=trees, account=accounts(), order=orders(99))
def test_a_denial_by_a_limit_names_the_setting_and_its_numbers_in_one_line(world, limits, account, order):
    denial = check(world(limits), order, account)
    if denial is None:
        return
    assert denial.text
    assert denial.text == " ".join(denial.text.split())
    assert denial.rule in {*Limits.model_fields, "blocked", "trading_state"}
    assert denial.rule == "blocked" or denial.rule in denial.text
    if denial.limit is not None:
        assert f"{denial.rule} {denial.limit:.15g}" in denial.text
        assert denial.temporary or denial.found is not None
    if denial.limit is not None and denial.found is not None:
        assert f"{denial.found:.15g}" in denial.text
        beyond = denial.found >= denial.limit if denial.rule in FOUND_AT_LIMIT else denial.found > denial.limit
        assert beyond is (denial.rule != "duplicate_seconds")


def test_every_limit_has_a_rule():
    asked = {name for name in Limits.model_fields if name != "at_daily_limit"}
    assert {rule.name for rule in RULES} <= asked
    assert set(VALUES) == set(Limits.model_fields)
