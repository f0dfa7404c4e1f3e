"""What a ticket becomes: order types, times, prices and conditions, and the codes of IB for what cannot be."""

import json
from datetime import UTC, datetime

import pytest

from atlas.domain import (
    ExecutionCondition,
    InstrumentKind,
    Join,
    MarginCondition,
    OcaType,
    OrderKind,
    PercentChangeCondition,
    PriceCondition,
    TimeCondition,
    TimeInForce,
    TriggerMethod,
    VolumeCondition,
    from_datetime,
)
from ib_gateway.simulator.broker.orders.terms import SHAPES
from ib_gateway.simulator.instruments import order_types
from ib_gateway.simulator.messages import Condition, Contract, replies
from ib_gateway.simulator.messages import requests as r
from tests.unit.simulator.desk import AAPL, CATALOGUE, EURUSD, NOON, Desk, codes

NAME = "AAPL@SMART"


@pytest.fixture
def desk():
    desk = Desk()
    desk.connect()
    desk.quote(NAME, 270.0, 270.02, 1_000, 1_000)
    return desk


def placed(desk, **ticket):
    """The order that the exchange was given."""
    said = desk.place(1, contract=AAPL, **{"quantity": 100.0} | ticket)
    assert not [code for code in codes(said) if code != 399], said
    return next(record.order for record in desk.records if type(record).__name__ == "Accepted")


SELL = {"action": "SELL"}


@pytest.mark.parametrize(
    ("ticket", "terms"),
    [
        ({"order_type": "LMT", "limit_price": 260.0}, {"kind": OrderKind.LIMIT, "limit_price": 260.0}),
        ({"order_type": "STP", "aux_price": 280.0}, {"kind": OrderKind.STOP, "stop_price": 280.0}),
        (
            {"order_type": "STP LMT", "aux_price": 280.0, "limit_price": 281.0},
            {"kind": OrderKind.STOP_LIMIT, "stop_price": 280.0, "limit_price": 281.0},
        ),
        ({"order_type": "stplmt", "aux_price": 280.0, "limit_price": 281.0}, {"kind": OrderKind.STOP_LIMIT}),
        ({"order_type": "MIT", "aux_price": 260.0}, {"kind": OrderKind.MARKET_IF_TOUCHED, "stop_price": 260.0}),
        (
            {"order_type": "LIT", "aux_price": 260.0, "limit_price": 259.0},
            {"kind": OrderKind.LIMIT_IF_TOUCHED, "stop_price": 260.0, "limit_price": 259.0},
        ),
        ({"order_type": "TRAIL", "aux_price": 2.5} | SELL, {"kind": OrderKind.TRAILING_STOP, "trail_amount": 2.5}),
        (
            {"order_type": "TRAIL", "trailing_percent": 1.5, "trail_stop_price": 266.0} | SELL,
            {"kind": OrderKind.TRAILING_STOP, "trail_percent": 1.5, "stop_price": 266.0},
        ),
        (
            {"order_type": "TRAIL LIMIT", "aux_price": 2.0, "trail_stop_price": 268.0, "limit_price_offset": 0.5} | SELL,
            {"kind": OrderKind.TRAILING_STOP_LIMIT, "trail_amount": 2.0, "limit_offset": 0.5},
        ),
        (
            {"order_type": "TRAIL LIMIT", "aux_price": 2.0, "trail_stop_price": 268.0, "limit_price": 267.9} | SELL,
            {"kind": OrderKind.TRAILING_STOP_LIMIT, "limit_offset": 0.1},
        ),
        ({"order_type": "MOC"}, {"kind": OrderKind.MARKET_ON_CLOSE}),
        ({"order_type": "LOC", "limit_price": 260.0}, {"kind": OrderKind.LIMIT_ON_CLOSE, "limit_price": 260.0}),
        ({"order_type": "MIDPRICE", "limit_price": 260.0}, {"kind": OrderKind.MIDPRICE, "limit_price": 260.0}),
        ({"order_type": "PEG MID", "aux_price": 0.5}, {"kind": OrderKind.PEGGED_TO_MIDPOINT, "limit_offset": 0.5}),
        (
            {"order_type": "REL", "aux_price": 0.01, "limit_price": 265.0},
            {"kind": OrderKind.RELATIVE, "limit_offset": 0.01, "limit_price": 265.0},
        ),
        ({"order_type": "REL", "percent_offset": 1.0, "limit_price": 265.0}, {"limit_offset": pytest.approx(2.7)}),
        ({"order_type": "MKT", "time_in_force": "OPG"}, {"time_in_force": TimeInForce.OPG}),
        ({"order_type": "LMT", "limit_price": 271.0, "time_in_force": "FOK"}, {"time_in_force": TimeInForce.FOK}),
        (
            {"order_type": "LMT", "limit_price": 260.0, "time_in_force": "GTD", "good_till_date": "20260605-18:00:00"},
            {"time_in_force": TimeInForce.GTD, "good_till_ns": NOON + 2 * 3600 * 10**9},
        ),
        (
            {"order_type": "LMT", "limit_price": 260.0, "good_after_time": "20260605 13:00:00 US/Eastern"},
            {"good_after_ns": NOON + 3600 * 10**9},
        ),
        (
            {"order_type": "LMT", "limit_price": 260.0, "all_or_none": True, "min_quantity": 50, "outside_rth": True},
            {"all_or_none": True, "min_quantity": 50.0, "outside_rth": True},
        ),
        ({"order_type": "STP", "aux_price": 280.0, "trigger_method": 4}, {"trigger_method": TriggerMethod.BID_ASK}),
        (
            {"order_type": "LMT", "limit_price": 260.0, "oca_group": "one", "oca_type": 1},
            {"oca_group": "one", "oca_type": OcaType.CANCEL_WITH_BLOCK},
        ),
        ({"order_type": "LMT", "limit_price": 260.0, "oca_group": "one"}, {"oca_type": OcaType.REDUCE}),
    ],
    ids=lambda value: value.get("order_type", "") if isinstance(value, dict) else "",
)
def test_a_ticket_becomes_the_order_that_it_means(desk, ticket, terms):
    order = placed(desk, **ticket)
    assert {name: getattr(order, name) for name in terms} == terms


@pytest.mark.parametrize(
    ("ticket", "code"),
    [
        ({"order_type": "BOX TOP"}, 387),
        ({"order_type": "LMT"}, 463),
        ({"order_type": "STP"}, 463),
        ({"order_type": "STP LMT", "aux_price": 280.0}, 463),
        ({"order_type": "STP", "aux_price": 280.001}, 110),
        ({"order_type": "LMT", "limit_price": 260.001}, 110),
        ({"order_type": "TRAIL"}, 107),
        ({"order_type": "TRAIL LIMIT", "aux_price": 2.0}, 107),
        ({"order_type": "TRAIL", "trailing_percent": 100.0}, 159),
        ({"order_type": "REL", "percent_offset": 101.0}, 159),
        ({"order_type": "MOC", "time_in_force": "GTC"}, 113),
        ({"order_type": "STP", "aux_price": 280.0, "time_in_force": "OPG"}, 111),
        ({"order_type": "TRAIL", "aux_price": 2.0, "time_in_force": "IOC"}, 111),
        ({"order_type": "MKT", "time_in_force": "AUC"}, 10052),
        ({"order_type": "LMT", "limit_price": 260.0, "time_in_force": "GTD"}, 334),
        ({"order_type": "LMT", "limit_price": 260.0, "time_in_force": "GTD", "good_till_date": "soon"}, 337),
        ({"order_type": "LMT", "limit_price": 260.0, "good_after_time": "20261332 10:00:00"}, 337),
        ({"order_type": "STP", "aux_price": 280.0, "trigger_method": 5}, 146),
        ({"oca_group": "x", "oca_type": 4}, 321),
        ({"quantity": 0.0}, 434),
        ({"quantity": 1.5}, 461),
        ({"min_quantity": 101}, 321),
        ({"action": "HOLD"}, 321),
        ({"action": "SSHORT"}, 347),
        ({"action": "SSHORT", "short_sale_slot": 2}, 352),
        ({"short_sale_slot": 1}, 348),
        ({"account": "DU9"}, 321),
        ({"fa_group": "all"}, 321),
        ({"parent_id": 77}, 135),
        ({"algo_strategy": "Twap"}, 321),
    ],
)
def test_a_ticket_that_cannot_be_gets_ibs_code_and_its_number_stays_free(desk, ticket, code):
    said = desk.place(1, contract=AAPL, **{"quantity": 100.0} | ticket)
    assert [(reply.req_id, reply.code) for reply in said] == [(1, code)]
    assert 1 not in codes(desk.place(1, contract=AAPL, quantity=100.0))
    assert desk.check_books() == {("DU1", NAME): 100.0}


def test_unsupported_attributes_are_refused_where_the_server_is_new():
    new = Desk(refuse_e_trade_only=True)
    new.connect()
    assert codes(new.place(1, e_trade_only=True)) == [10268]
    assert codes(new.place(1, firm_quote_only=True)) == [10269]


def test_a_price_far_through_the_market_is_refused_where_the_precaution_is_on():
    careful = Desk(percentage_constraint=3.0)
    careful.connect()
    careful.quote()
    assert codes(careful.place(1, order_type="LMT", limit_price=1.3)) == [109]
    assert codes(careful.place(1, order_type="LMT", limit_price=1.3, override_percentage_constraints=True)) == []
    assert codes(careful.place(2, order_type="LMT", limit_price=1.0)) == []


CONDITIONS = (
    Condition(1, ("a", "1", "300.5", "265598", "SMART", "4")),
    Condition(3, ("o", "1", "20260605-18:00:00")),
    Condition(4, ("a", "0", "20")),
    Condition(5, ("a", "CASH", "IDEALPRO", "EUR")),
    Condition(6, ("a", "1", "1000000", "265598", "SMART")),
    Condition(7, ("o", "0", "-2.5", "265598", "SMART")),
)


def test_conditions_become_those_of_the_exchange_and_go_back_as_they_came(desk):
    said = desk.place(
        1, contract=AAPL, quantity=100.0, conditions=CONDITIONS, conditions_ignore_rth=True, conditions_cancel_order=False
    )
    order = next(record.order for record in desk.records if type(record).__name__ == "Accepted")
    assert order.conditions == (
        PriceCondition(NAME, 300.5, True, TriggerMethod.BID_ASK, Join.AND),
        TimeCondition(NOON + 2 * 3600 * 10**9, True, Join.OR),
        MarginCondition(20.0, False, Join.AND),
        ExecutionCondition("EUR", InstrumentKind.CASH, "IDEALPRO", Join.AND),
        VolumeCondition(NAME, 1e6, True, Join.AND),
        PercentChangeCondition(NAME, -2.5, False, Join.OR),
    )
    assert order.conditions_outside_rth
    assert said[0].ticket.conditions == CONDITIONS
    assert (said[1].status, said[1].why_held) == ("PreSubmitted", "trigger")


@pytest.mark.parametrize(("exchange", "meant"), [("SMART", ""), ("*", ""), ("", ""), ("NYSE", "NYSE")])
def test_an_execution_anywhere_is_written_in_three_ways(desk, exchange, meant):
    order = placed(desk, conditions=(Condition(5, ("a", "STK", exchange, "IBM")),))
    assert order.conditions == (ExecutionCondition("IBM", InstrumentKind.STOCK, meant, Join.AND),)


@pytest.mark.parametrize(
    ("date", "end"),
    [
        ("20260608", datetime(2026, 6, 9, 3, 59, 59, tzinfo=UTC)),  # midnight in New York, in summer
        ("20261209", datetime(2026, 12, 10, 4, 59, 59, tzinfo=UTC)),
        ("20260608 17:00:00 US/Eastern", datetime(2026, 6, 8, 21, 0, tzinfo=UTC)),
    ],
)
def test_a_date_alone_is_good_till_the_end_of_that_day_where_the_instrument_is_traded(desk, date, end):
    order = placed(desk, order_type="LMT", limit_price=200.0, time_in_force="GTD", good_till_date=date)
    assert order.good_till_ns == from_datetime(end)


@pytest.mark.parametrize(
    ("condition", "code", "words"),
    [
        (Condition(1, ("x", "1", "300", "265598", "SMART", "0")), 321, "conjunction 'x'"),
        (Condition(1, ("a", "maybe", "300", "265598", "SMART", "0")), 321, "neither more nor less"),
        (Condition(1, ("a", "1", "dear", "265598", "SMART", "0")), 321, "invalid price 'dear'"),
        (Condition(1, ("a", "1", "nan", "265598", "SMART", "0")), 321, "invalid price 'nan'"),
        (Condition(1, ("a", "1", "300", "5", "SMART", "0")), 147, "con id '5'"),
        (Condition(1, ("a", "1", "300", "265598", "SMART", "6")), 146, "trigger method"),
        (Condition(3, ("a", "1", "noon")), 337, "condition 2 (time)"),
        (Condition(5, ("a", "BOND", "SMART", "X")), 321, "security type 'BOND'"),
        (Condition(6, ("a", "1", "-1", "265598", "SMART")), 321, "invalid volume '-1'"),
    ],
)
def test_a_condition_that_cannot_be_is_named(desk, condition, code, words):
    (error,) = desk.place(1, contract=AAPL, quantity=100.0, conditions=(CONDITIONS[2], condition))
    assert error.code == code
    assert words in error.text
    assert code == 146 or "condition 2" in error.text


def test_a_condition_on_another_instrument_wants_its_market(desk):
    elsewhere = Condition(1, ("a", "1", "1.3", "12087792", "IDEALPRO", "0"))
    placed(desk, conditions=(elsewhere,))
    assert ("EUR.USD@IDEALPRO", False) in desk.wanted
    assert desk.status() == "PreSubmitted"
    desk.quote(bid=1.31, ask=1.3101)
    assert desk.completed() == {"ref-1": "Filled"}


def test_a_what_if_answers_for_every_kind_with_margin_and_commission(desk):
    for number, ticket in enumerate(
        [
            {"order_type": "LMT", "limit_price": 260.0},
            {"order_type": "STP", "aux_price": 280.0},
            {"order_type": "TRAIL", "aux_price": 2.0},
            {"order_type": "MOC"},
            {"order_type": "LMT", "limit_price": 260.0, "parent_id": 77},
        ],
        start=1,
    ):
        (reply,) = desk.place(number, contract=AAPL, quantity=100.0, what_if=True, **ticket)
        assert isinstance(reply, replies.OpenOrder)
        assert reply.state.initial_change > 0
        assert (reply.state.commission, reply.state.commission_currency) == (1.0, "USD")
    assert desk.check_books() == {}


# What a product takes

OPTION = Contract(
    symbol="AAPL", sec_type="OPT", expiry="20260717", strike=270.0, right="C", exchange="SMART", currency="USD"
)  # fmt: skip
PRODUCTS = {
    "STK": AAPL,
    "CASH": EURUSD,
    "FUT": Contract(con_id=750202609, exchange="CME"),
    "OPT": OPTION,
    "IND": Contract(symbol="SPX", sec_type="IND", exchange="CBOE", currency="USD"),
}
ORDERS = {
    "MKT": {},
    "LMT": {"limit_price": 250.0},
    "STP": {"aux_price": 250.0},
    "STPLMT": {"limit_price": 250.0, "aux_price": 250.0},
    "MIT": {"aux_price": 250.0},
    "LIT": {"limit_price": 250.0, "aux_price": 250.0},
    "TRAIL": {"aux_price": 2.0},
    "TRAILLMT": {"aux_price": 2.0, "limit_price_offset": 0.0},
    "MOC": {},
    "LOC": {"limit_price": 250.0},
    "MIDPX": {},
    "PEGMID": {},
    "REL": {"aux_price": 1.0},
}


def test_contract_details_can_list_every_order_type_that_the_desk_knows():
    assert set(order_types.NAMES) == set(SHAPES)
    assert (
        set(order_types.NAMES.values())
        == set(ORDERS)
        == {name for name in order_types.NAMES.values() if name in order_types.ACCEPTED["STK"]}
    )


@pytest.mark.parametrize("product", PRODUCTS)
def test_a_product_takes_the_order_types_that_its_details_list_and_no_other(product):
    desk = Desk(cash=1e9)
    desk.connect()
    details = desk.ask(r.ContractDetails(1, PRODUCTS[product]))[0]
    assert details.contract.sec_type == product
    name = CATALOGUE.by_con_id(details.contract.con_id).instrument.id
    desk.quote(name, 300.0, 300.5, 1_000, 1_000)
    quantity = 20_000.0 if product == "CASH" else 1.0
    taken = set()
    for number, (order_type, listed) in enumerate(order_types.NAMES.items(), start=1):
        ticket = {"order_type": order_type, "quantity": quantity, "what_if": True, **ORDERS[listed]}
        refused = [code for code in codes(desk.place(number, contract=PRODUCTS[product], **ticket)) if code != 399]
        assert refused in ([], [387])
        taken |= set() if refused else {listed}
    assert taken == set(details.order_types.split(",")) & set(ORDERS)


@pytest.mark.parametrize(
    ("ticket", "takers"),
    [
        ({"order_type": "MKT", "time_in_force": "OPG"}, {"STK"}),
        ({"order_type": "LMT", "limit_price": 250.0, "all_or_none": True}, {"STK", "OPT"}),
        ({"order_type": "REL", "percent_offset": 1.0}, {"STK", "CASH"}),
        ({"order_type": "LMT", "limit_price": 250.0, "time_in_force": "FOK"}, {"STK", "OPT", "CASH", "FUT"}),
    ],
)
def test_attributes_go_with_the_products_that_list_them(ticket, takers):
    desk = Desk(cash=1e9)
    desk.connect()
    found = set()
    for product, contract in PRODUCTS.items():
        details = desk.ask(r.ContractDetails(1, contract))[0]
        desk.quote(CATALOGUE.by_con_id(details.contract.con_id).instrument.id, 300.0, 300.5, 1_000, 1_000)
        said = desk.place(1, contract=contract, quantity=20_000.0, what_if=True, **ticket)
        assert codes(said) in ([], [387])
        found |= set() if codes(said) else {product}
    assert found == takers


def test_what_is_listed_is_a_part_of_what_the_broker_lists(market_data):
    recorded = json.loads((market_data / "a_permissive/ib/contract_details.json").read_text())
    lists = {
        one["secType"]: set(one["orderTypes"])
        for one in recorded
        if one["exchange"] in ("SMART", "CME") and isinstance(one["orderTypes"], list)
    }
    text = (market_data / "c_copyleft/nautilus_lgpl3/ib/raw_messages/contract_details_eurusd.txt").read_text()
    fields = text.replace("\\x00", "\0").split("\0")
    lists["CASH"] = set(next(field for field in fields if field.startswith("ACTIVETIM")).split(","))
    assert set(lists) == {"STK", "FUT", "CASH"}
    for sec_type, names in lists.items():
        assert order_types.ACCEPTED[sec_type] - {"FOK"} <= names
        assert names & set(ORDERS) == order_types.ACCEPTED[sec_type] & set(ORDERS)
