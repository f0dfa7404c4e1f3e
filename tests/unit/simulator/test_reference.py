"""The reference desk by itself, and that every request of the protocol has a desk."""

import contextlib

import pytest

from atlas.domain import ManualClock
from atlas.exchange import Exchange
from ib_gateway.simulator.broker import Broker
from ib_gateway.simulator.broker.unanswered import REFUSED
from ib_gateway.simulator.codec import Codec, ProtocolError, tables
from ib_gateway.simulator.instruments import load
from ib_gateway.simulator.messages import Contract, replies
from ib_gateway.simulator.messages import requests as r

NOW_NS = 1_780_671_600_000_000_000  # Friday 2026-06-05 15:00 UTC


class NoJournal:
    def append(self, record):
        """Keep nothing."""


@pytest.fixture
def desk():
    """A broker with one client; `ask` is its answer to a request."""
    told = []
    catalogue, clock = load(), ManualClock(NOW_NS)
    exchange = Exchange(catalogue.instruments(), {"DU1": {"USD": 1_000_000.0}})
    broker = Broker(catalogue, exchange, clock, NoJournal(), lambda _client, reply: told.append(reply), lambda *_: None)
    broker.begin()
    broker.connect(1)

    def ask(request):
        told.clear()
        broker.handle(1, request)
        return list(told)

    return ask


def empty_requests():
    """Every request that a client can send, with nothing in its fields."""
    codec = Codec(176)
    for layout in tables.REQUESTS:
        if layout.struct is r.StartApi:
            continue
        for fields in range(200):
            with contextlib.suppress(ProtocolError):
                yield codec.decode(f"{layout.message_id}\0".encode() + b"\0" * fields)
                break
        else:
            raise AssertionError(f"message {layout.message_id} cannot be read at any length")


@pytest.mark.parametrize("request_", list(empty_requests()), ids=lambda one: type(one).__name__)
def test_every_request_is_taken_by_a_desk_and_bears_to_be_empty(desk, request_):
    answer = desk(request_)
    refused = [reply for reply in answer if isinstance(reply, replies.Error) and "not simulated" in reply.text]
    assert bool(refused) is (type(request_) in REFUSED)


def details(answer):
    *found, end = answer
    assert isinstance(end, replies.ContractDetailsEnd)
    return found


def test_contract_details_say_what_the_broker_says(desk):
    (es,) = details(desk(r.ContractDetails(1, Contract(symbol="ES", sec_type="FUT", exchange="CME", expiry="202609"))))
    assert (es.last_trade, es.real_expiry, es.contract_month) == ("20260918 08:30 US/Central", "20260918", "202609")
    assert (es.under_symbol, es.under_sec_type, es.under_con_id) == ("ES", "IND", 11004968)
    assert (es.market_rule_ids, es.agg_group) == ("67", 2147483647)
    assert es.trading_hours.startswith("20260604:1700-20260605:1600;20260606:CLOSED;20260607:1700-20260608:1600")


def test_an_unknown_contract_has_no_end_after_its_error(desk):
    (error,) = desk(r.ContractDetails(7, Contract(symbol="NOSUCH", sec_type="STK")))
    assert (error.req_id, error.code) == (7, 200)


def test_an_unknown_market_rule_is_an_error_without_a_request(desk):
    (error,) = desk(r.MarketRule(999_999))
    assert (error.req_id, error.code) == (-1, 321)


def test_the_login_has_tiers(desk):
    (told,) = desk(r.SoftDollarTiers(3))
    assert told.tiers == (("Standard", "1", "Standard research tier"), ("Extended", "2", "Extended research tier"))


def test_searches_find_no_more_than_sixteen(desk):
    (told,) = desk(r.MatchingSymbols(4, ""))
    assert len(told.samples) == 16
    assert len({(one.symbol, one.sec_type) for one in told.samples}) == 16


def test_an_option_that_has_expired_is_worth_what_exercise_brings(desk):
    old = Contract(con_id=desk(r.ContractDetails(1, Contract(local_symbol="AAPL  260116C00250000"), True))[0].contract.con_id)
    (told,) = desk(r.OptionPrice(5, old, 0.2, 260.0))
    assert (told.option_price, told.delta, told.gamma) == (10.0, 1.0, 0.0)
    (told,) = desk(r.ImpliedVolatility(6, old, 10.0, 260.0))
    assert (told.implied_volatility, told.delta) == (None, None)
