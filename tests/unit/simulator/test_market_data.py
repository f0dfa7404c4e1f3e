"""The market data desk without any wire: who sees what, in which order, and what interrupts it."""

from datetime import UTC, datetime

import pytest

from atlas.domain import BadInput, Trade, from_datetime
from ib_gateway.simulator.entitlements import Entitlements, Permission
from ib_gateway.simulator.messages import replies
from ib_gateway.simulator.messages import requests as r
from ib_gateway.simulator.rules import Rules
from tests.unit.simulator.market_desk import (
    AAPL,
    ES,
    EURUSD,
    EVENING,
    LISTINGS,
    NOON,
    Desk,
    codes,
    contract,
    kinds,
    prices,
    sizes,
)


@pytest.fixture
def desk():
    return Desk()


# Streams


def test_a_stream_begins_with_its_terms_then_all_that_is_known_and_goes_on_with_what_is_new(desk):
    desk.trade(price=271.0, size=300)
    desk.trade(price=269.0, size=100)
    desk.quote(AAPL, 269.98, 270.02, 100, 200)
    said = desk.ask(r.MarketData(7, contract(AAPL)))
    assert isinstance(said[0], replies.TickReqParams)
    assert isinstance(said[1], replies.MarketDataType)
    assert prices(said) == [(1, 269.98), (2, 270.02), (4, 269.0), (6, 271.0), (7, 269.0), (14, 271.0)]
    assert sizes(said) == [(0, 100), (3, 200), (5, 100), (8, 400)]
    assert [tick.value for tick in said if isinstance(tick, replies.TickGeneric)] == [0.0]  # not halted
    desk.quote(AAPL, 269.98, 270.02, 150, 200)
    assert [(type(reply).__name__, reply.kind) for reply in desk.heard()] == [("TickSize", 0)]
    desk.trade(price=272.0, size=50)
    said = desk.heard()
    assert prices(said) == [(4, 272.0), (6, 272.0)]
    assert sizes(said) == [(5, 50), (8, 450)]


def test_of_several_trades_in_one_batch_each_is_told_with_the_volume_until_then(desk):
    desk.ask(r.MarketData(7, contract(AAPL), generic_ticks="233"))
    trades = [Trade(AAPL, 270.0 + n, 10.0, NOON + n, NOON + n) for n in range(3)]
    desk.broker.on_market(trades)
    said = desk.heard()
    assert [size for kind, size in sizes(said) if kind == 8] == [10, 20, 30]
    texts = [tick.value.split(";") for tick in said if isinstance(tick, replies.TickString) and tick.kind == 48]
    assert [(text[0], text[3], text[4]) for text in texts] == [
        ("270.0", "10.0", "270.0"), ("271.0", "20.0", "270.5"), ("272.0", "30.0", "271.0"),
    ]  # fmt: skip


def test_a_currency_pair_has_a_span_of_bids_and_no_last_price(desk):
    desk.quote(bid=1.16)
    desk.quote(bid=1.15, ask=1.1501)
    said = desk.ask(r.MarketData(7, contract(EURUSD)))
    assert prices(said) == [(1, 1.15), (2, 1.1501), (6, 1.16), (7, 1.15), (14, 1.16)]


def test_an_index_has_a_level_and_neither_bid_nor_ask(desk):
    desk.ask(r.MarketData(7, contract("^SPX@CBOE")))
    desk.quote("^SPX@CBOE", 6640.0, 6640.0, 0, 0)
    assert (4, 6640.0) in prices(desk.heard())
    desk.quote("^SPX@CBOE", 6641.0, 6641.0, 0, 0)
    assert prices(desk.heard()) == [(4, 6641.0), (6, 6641.0)]


def test_an_option_is_told_with_its_greeks_from_each_price_and_from_the_model(desk):
    name = next(n for n, one in LISTINGS.items() if one.instrument.underlying == AAPL and "202612" in n and "-270C" in n)
    desk.quote(AAPL, 269.99, 270.01, 100, 100)
    desk.ask(r.MarketData(7, contract(name)))
    desk.quote(name, 24.0, 26.0, 10, 10)
    by_kind = {one.kind: one for one in desk.heard() if isinstance(one, replies.OptionComputation)}
    assert set(by_kind) == {10, 11}
    assert by_kind[10].implied_volatility < by_kind[11].implied_volatility
    assert 0.4 < by_kind[10].delta < 0.8
    assert by_kind[10].under_price == 270.0
    (model,) = [one for one in desk.ask(r.MarketData(8, contract(name))) if getattr(one, "kind", 0) == 13]
    assert model.gamma > 0
    assert model.theta < 0 < model.vega


# Generic ticks


def test_a_generic_tick_that_does_not_exist_is_refused_with_the_list_of_those_that_do(desk):
    (error,) = desk.ask(r.MarketData(7, contract(AAPL), generic_ticks="233,999"))
    assert error.code == 321
    assert "Incorrect generic tick list of 233,999.  Legal ones for (STK) are: 100(Option Volume)," in error.text
    assert codes(desk.ask(r.MarketData(7, contract(EURUSD), generic_ticks="456"))) == [321]
    assert codes(desk.ask(r.MarketData(7, contract(AAPL), generic_ticks="mdoff, 221 ,456,292:BRFG"))) == []


def test_a_snapshot_with_generic_ticks_is_refused(desk):
    (error,) = desk.ask(r.MarketData(7, contract(AAPL), generic_ticks="233", snapshot=True))
    assert (error.code, "not applicable to generic ticks" in error.text) == (321, True)


def test_trade_statistics_and_mark_price_come_once_a_second_and_only_if_new(desk):
    desk.ask(r.MarketData(7, contract(AAPL), generic_ticks="293,294,295,232,318,236"))
    desk.quote(AAPL, 270.0, 270.02, 100, 100)
    desk.trade(price=270.01, size=100)
    desk.trade(price=270.01, size=200)
    desk.heard()
    desk.later(1)
    said = desk.heard()
    assert {tick.kind: tick.value for tick in said if isinstance(tick, replies.TickGeneric)} == {46: 3.0, 54: 2, 55: 2, 56: 300}
    assert prices(said) == [(37, 270.01), (57, 270.01)]
    desk.later(1)
    assert desk.heard() == []
    desk.later(60)
    assert {tick.kind: tick.value for tick in desk.heard() if isinstance(tick, replies.TickGeneric)} == {55: 0, 56: 0}


def test_the_years_lows_and_highs_and_the_close_come_from_the_past():
    desk = Desk(past=True)
    said = desk.ask(r.MarketData(7, contract(AAPL), generic_ticks="165,411"))
    close = dict(prices(said))[9]
    desk.later(1)
    said = desk.heard()
    year = dict(prices(said))
    assert year[19] <= year[17] <= year[15] < year[16] <= year[18] <= year[20]
    assert year[15] <= close <= year[16]
    assert dict(sizes(said))[21] > 0
    (volatility,) = [tick.value for tick in said if isinstance(tick, replies.TickGeneric) and tick.kind == 58]
    assert 0.1 < volatility < 0.6


# Snapshots


def test_a_snapshot_says_all_there_is_and_ends(desk):
    desk.quote(AAPL, 270.0, 270.02, 100, 100)
    said = desk.ask(r.MarketData(7, contract(AAPL), snapshot=True))
    assert isinstance(said[-1], replies.SnapshotEnd)
    assert codes(desk.ask(r.CancelMarketData(7))) == [300]


def test_a_snapshot_of_a_silent_instrument_ends_after_eleven_seconds(desk):
    desk.ask(r.MarketData(7, contract(AAPL), snapshot=True))
    desk.later(10)
    assert desk.heard() == []
    desk.later(1)
    assert [type(reply).__name__ for reply in desk.heard()] == ["SnapshotEnd"]


# Permissions


def delayed_terms(permission):
    return {"entitlements": Entitlements(instruments={AAPL: permission})}


@pytest.mark.parametrize(
    ("permission", "code", "words"),
    [
        (Permission.NONE, 354, "Delayed market data is not available.AAPL NASDAQ.NMS/TOP/ALL"),
        (Permission.TERMINAL, 10089, "requires additional subscription for API"),
        (Permission.DELAYED, 10168, "Delayed market data is not enabled."),
    ],
)
def test_what_may_not_be_seen_live_is_refused(permission, code, words):
    desk = Desk(**delayed_terms(permission))
    (error,) = desk.ask(r.MarketData(7, contract(AAPL)))
    assert (error.code, words in error.text) == (code, True)
    assert codes(desk.ask(r.CancelMarketData(7))) == [300]
    assert codes(desk.ask(r.MarketData(8, contract(EURUSD)))) == []


@pytest.mark.parametrize("permission", [Permission.TERMINAL, Permission.DELAYED])
def test_whoever_permits_delayed_data_gets_them_a_quarter_of_an_hour_late_under_their_own_numbers(permission):
    desk = Desk(**delayed_terms(permission))
    desk.quote(AAPL, 270.0, 270.02, 100, 200)
    desk.ask(r.MarketDataType(3))
    said = desk.ask(r.MarketData(7, contract(AAPL)))
    assert (codes(said), kinds(said)) == ([10167], [3])
    assert prices(said) == [(66, 270.0), (67, 270.02)]
    desk.quote(AAPL, 280.0, 280.02, 100, 200)
    desk.later(1)
    assert prices(desk.heard()) == []
    for _ in range(14 * 60 + 58):
        desk.later(1)
    assert prices(desk.heard()) == []
    desk.later(3)
    assert (66, 280.0) in prices(desk.heard())


def test_delayed_data_are_a_permission_and_live_data_win(desk):
    desk.quote(AAPL, 270.0, 270.02, 100, 200)
    desk.ask(r.MarketDataType(3))
    said = desk.ask(r.MarketData(7, contract(AAPL)))
    assert (codes(said), kinds(said), prices(said)[0]) == ([], [1], (1, 270.0))


def test_a_partial_subscription_is_announced_and_data_flow_without_generic_ticks():
    desk = Desk(**delayed_terms(Permission.PARTIAL))
    said = desk.ask(r.MarketData(7, contract(AAPL), generic_ticks="293"))
    assert (codes(said), kinds(said)) == ([10090], [1])
    desk.quote(AAPL, 270.0, 270.02, 100, 200)
    assert (1, 270.0) in prices(desk.heard())
    desk.later(1)
    assert desk.heard() == []


@pytest.mark.parametrize(("permission", "code"), [(Permission.NONE, 10090), (Permission.TERMINAL, 10091)])
def test_an_option_without_its_underlying_is_seen_in_part(permission, code):
    desk = Desk(**delayed_terms(permission))
    name = next(n for n, one in LISTINGS.items() if one.instrument.underlying == AAPL and "202612" in n)
    said = desk.ask(r.MarketData(7, contract(name)))
    assert (codes(said), kinds(said)) == ([code], [1])


def test_ticks_by_tick_and_depth_need_live_permission():
    desk = Desk(**delayed_terms(Permission.DELAYED))
    (error,) = desk.ask(r.TickByTick(7, contract(AAPL), "Last"))
    assert (error.code, "No market data permissions for NASDAQ STK" in error.text) == (10189, True)
    assert codes(desk.ask(r.MarketDepth(8, contract(AAPL), 5, True))) == [10089]


# Hours


def test_a_closed_market_shows_no_sides_unless_frozen_ones_are_permitted():
    desk = Desk(past=True, at_ns=EVENING)
    said = desk.ask(r.MarketData(7, contract(AAPL)))
    assert kinds(said) == [1]
    assert prices(said)[:2] == [(1, -1.0), (2, -1.0)]
    desk.ask(r.MarketDataType(2))
    said = desk.ask(r.MarketData(8, contract(AAPL)))
    assert kinds(said) == [2]
    (_, bid), (_, ask) = prices(said)[:2]
    assert 0 < bid < ask


def test_a_stream_hears_when_its_market_closes_and_opens():
    desk = Desk(at_ns=from_datetime(datetime(2026, 6, 5, 23, 59, 58, tzinfo=UTC)))
    desk.ask(r.MarketDataType(2))
    desk.quote(AAPL, 270.0, 270.02, 100, 200)
    assert kinds(desk.ask(r.MarketData(7, contract(AAPL)))) == [1]
    desk.later(5)
    assert kinds(desk.heard()) == [2]
    desk.clock.set(from_datetime(datetime(2026, 6, 8, 8, 0, 1, tzinfo=UTC)))
    desk.broker.on_time()
    assert kinds(desk.heard()) == [1]


def test_a_new_day_begins_with_the_next_session_and_closes_at_the_last_price():
    desk = Desk(at_ns=from_datetime(datetime(2026, 6, 5, 19, tzinfo=UTC)))
    desk.trade(price=270.0, size=100)
    desk.ask(r.MarketData(7, contract(AAPL)))
    desk.clock.set(from_datetime(datetime(2026, 6, 8, 14, tzinfo=UTC)))
    desk.trade(price=275.0, size=10)
    said = desk.heard()
    assert dict(sizes(said))[8] == 10
    assert {(9, 270.0), (14, 275.0), (6, 275.0), (7, 275.0)} <= set(prices(said))


# Limits


def test_lines_are_counted_over_all_clients():
    desk = Desk(rules=Rules(market_data_lines=2, tick_by_tick_lines=1, depth_lines=1))
    desk.connect(2)
    assert codes(desk.ask(r.MarketData(1, contract(EURUSD)))) == []
    assert codes(desk.ask(r.MarketData(1, contract(AAPL)), 2)) == []
    (error,) = desk.ask(r.MarketData(2, contract(ES)))
    assert (error.code, error.text) == (101, "Max number of tickers has been reached")
    assert codes(desk.ask(r.TickByTick(3, contract(EURUSD), "BidAsk"))) == []
    assert codes(desk.ask(r.TickByTick(3, contract(EURUSD), "BidAsk"), 2)) == [10190]
    assert codes(desk.ask(r.MarketDepth(4, contract(EURUSD), 5))) == []
    assert codes(desk.ask(r.MarketDepth(4, contract(EURUSD), 5), 2)) == [309]
    desk.broker.disconnect(1)
    assert codes(desk.ask(r.MarketData(2, contract(ES)), 2)) == []
    assert codes(desk.ask(r.MarketDepth(4, contract(EURUSD), 5), 2)) == []


def test_an_id_is_used_once_and_cancelled_once(desk):
    subscriptions = (
        r.MarketData(1, contract(EURUSD)),
        r.TickByTick(2, contract(EURUSD), "BidAsk"),
        r.MarketDepth(3, contract(ES), 5),
    )
    for again in subscriptions:
        assert codes(desk.ask(again)) == []
        assert codes(desk.ask(again)) == [102]
    for cancel, code in ((r.CancelMarketData, 300), (r.CancelTickByTick, 300), (r.CancelMarketDepth, 310)):
        assert codes(desk.ask(cancel(9))) == [code]
    desk.quote()
    assert desk.heard()
    for cancel in (r.CancelMarketData(1), r.CancelTickByTick(2), r.CancelMarketDepth(3)):
        assert desk.ask(cancel) == []
    desk.quote(bid=1.2, ask=1.3)
    assert desk.heard() == []


# Interruptions


def test_a_competing_session_silences_every_client_until_it_ends(desk):
    desk.connect(2)
    desk.quote()
    desk.ask(r.MarketData(1, contract(EURUSD)))
    desk.ask(r.TickByTick(2, contract(EURUSD), "BidAsk"))
    desk.ask(r.MarketDepth(1, contract(EURUSD), 3), 2)
    desk.said.clear()
    desk.broker.compete(True)
    assert [(client, error.req_id, error.code) for client, error in desk.said] == [
        (1, 1, 10197), (1, 2, 10197), (2, 1, 10197),
    ]  # fmt: skip
    desk.said.clear()
    desk.quote(bid=1.17, ask=1.1701)
    desk.later(29)
    assert desk.heard() == []
    assert codes(desk.ask(r.MarketData(3, contract(EURUSD)))) == [10197]
    desk.later(1)
    assert codes(desk.heard()) == [10197] * 4
    desk.broker.compete(False)
    first, second = desk.heard(1), desk.heard(2)
    assert prices(first).count((1, 1.17)) == 2
    del second
    desk.quote(bid=1.18, ask=1.1801)
    assert {type(reply).__name__ for reply in desk.heard()} == {"TickPrice", "TickSize", "TickByTick", "MarketDepth"}


def test_a_farm_that_is_lost_is_told_to_all_and_books_begin_anew_when_it_is_back(desk):
    desk.connect(2)
    desk.quote()
    desk.ask(r.MarketDepth(1, contract(EURUSD), 3))
    desk.broker.farm("usfarm", False)
    assert [(client, reply.code, reply.text) for client, reply in desk.said] == [
        (client, 2103, "Market data farm connection is broken:usfarm") for client in (1, 2)
    ]
    desk.said.clear()
    desk.quote(bid=1.17, ask=1.1701)
    assert desk.heard() == []
    desk.broker.connect(3)
    assert [reply.code for _, reply in desk.said if isinstance(reply, replies.Error)] == [2103, 2106, 2158]
    desk.said.clear()
    desk.broker.farm("usfarm", True)
    said = desk.heard(1)
    assert codes(said) == [2104, 317]
    inserted = [reply for reply in said if isinstance(reply, replies.MarketDepth)]
    assert [reply.operation for reply in inserted] == [0] * 6
    assert inserted[3].price == 1.17


def test_questions_about_contracts_wait_for_their_farm(desk):
    desk.broker.farm("secdefil", False)
    assert codes(desk.heard()) == [2157]
    assert desk.ask(r.ContractDetails(5, contract(EURUSD))) == []
    desk.broker.farm("secdefil", True)
    assert [type(reply).__name__ for reply in desk.heard()] == ["Error", "ContractDetails", "ContractDetailsEnd"]


def test_a_farm_that_does_not_exist_is_named(desk):
    with pytest.raises(BadInput, match="no data farm 'cashfarm'"):
        desk.broker.farm("cashfarm", False)


# Ticks by tick


def test_older_ticks_come_first_when_they_are_asked_for(desk):
    for n in range(5):
        desk.quote(bid=1.16 + n / 100, ask=1.17 + n / 100)
        desk.trade(price=270.0 + n, size=10.0 * (n + 1))
    (bid_ask,) = desk.ask(r.TickByTick(1, contract(EURUSD), "BidAsk", count=2))
    assert [(tick.bid, tick.bid_size) for tick in bid_ask.ticks] == [(1.19, 1e6), (1.2, 1e6)]
    (middles,) = desk.ask(r.TickByTick(2, contract(EURUSD), "MidPoint", count=1))
    assert [tick.price for tick in middles.ticks] == [1.205]
    (trades,) = desk.ask(r.TickByTick(3, contract(AAPL), "AllLast", count=100))
    assert [(tick.price, tick.size) for tick in trades.ticks][-2:] == [(273.0, 40.0), (274.0, 50.0)]
    assert all(one.done for one in (bid_ask, middles, trades))
    assert codes(desk.ask(r.TickByTick(4, contract(ES), "BidAsk", count=1001))) == [321]


def test_sizes_are_ignored_by_whom_they_do_not_interest(desk):
    desk.connect(2)
    desk.ask(r.TickByTick(1, contract(EURUSD), "BidAsk", ignore_size=True))
    desk.ask(r.TickByTick(1, contract(EURUSD), "BidAsk"), 2)
    desk.quote(bid_size=1e6)
    desk.quote(bid_size=2e6)
    desk.quote(bid=1.15)
    said = {1: [], 2: []}
    for client, reply in desk.said:
        said[client] += [event.bid_size for event in reply.events]
    assert said == {1: [1e6, 1e6], 2: [1e6, 2e6, 1e6]}


@pytest.mark.parametrize(("name", "kind"), [(EURUSD, "Last"), ("^SPX@CBOE", "BidAsk"), (AAPL, "All")])
def test_ticks_that_there_are_not_are_refused(desk, name, kind):
    assert codes(desk.ask(r.TickByTick(1, contract(name), kind))) == [321 if kind == "All" else 10189]


# Reference


def test_the_letters_of_a_smart_quote_have_an_exchange_each(desk):
    said = desk.ask(r.MarketData(1, contract(AAPL)))
    desk.quote(AAPL, 270.0, 270.02, 100, 200)
    letters = {tick.kind: tick.value for tick in desk.heard() if isinstance(tick, replies.TickString)}
    (components,) = desk.ask(r.SmartComponents(2, said[0].bbo_exchange))
    known = {letter for _, _, letter in components.components}
    assert set(letters[32]) <= known
    assert set(letters[33]) <= known
    assert codes(desk.ask(r.SmartComponents(3, "nowhere"))) == [321]


def test_depth_is_offered_where_it_is_listed(desk):
    (offered,) = desk.ask(r.DepthExchanges())
    offers = {(one.exchange, one.sec_type) for one in offered.exchanges}
    assert {("IDEALPRO", "CASH"), ("CME", "FUT"), ("SMART", "STK")} <= offers
    assert codes(desk.ask(r.MarketDepth(1, contract(AAPL), 5))) == [10092]  # smart-routed, but not merged
    assert codes(desk.ask(r.MarketDepth(1, contract("^SPX@CBOE"), 5))) == [10092]
    assert codes(desk.ask(r.MarketDepth(1, contract(AAPL, "ISLAND"), 5))) == []
