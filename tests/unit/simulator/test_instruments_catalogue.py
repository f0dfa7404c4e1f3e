"""How clients' descriptions find options, continuous futures, securities by their numbers, and symbols by their beginnings."""

from datetime import UTC, date, datetime

import pytest

from atlas.domain import InstrumentKind, from_datetime
from ib_gateway.simulator.instruments import load
from ib_gateway.simulator.instruments.file import DEFAULT
from ib_gateway.simulator.messages import Contract

TODAY = "20261120"
CALL = Contract(symbol="AAPL", sec_type="OPT", expiry="20261218", strike=250.0, right="C", exchange="SMART", currency="USD")


@pytest.fixture(scope="module")
def catalogue():
    return load()


def names(listings):
    return [listing.instrument.id for listing in listings]


def test_an_option_is_found_by_its_terms_and_knows_what_it_is_on(catalogue):
    (found,) = catalogue.find(CALL, TODAY)
    option = found.instrument
    assert option.id == "AAPL-20261218-250C@SMART"
    assert (option.kind, option.multiplier, option.underlying) == (InstrumentKind.OPTION, 100.0, "AAPL@SMART")
    assert (found.under_con_id, found.under_symbol, found.under_sec_type) == (265598, "AAPL", "STK")
    assert option.local_symbol == "AAPL  261218C00250000"
    assert found.contract() == Contract(
        option.con_id, "AAPL", "OPT", "20261218", 250.0, "C", "100", "SMART", "", "USD", "AAPL  261218C00250000", "AAPL"
    )


@pytest.mark.parametrize(
    ("contract", "found"),
    [
        (Contract(local_symbol="AAPL  261218P00250000", sec_type="OPT"), ["AAPL-20261218-250P@SMART"]),
        (Contract(symbol="AAPL", sec_type="OPT", expiry="202612", strike=250, right="PUT"), ["AAPL-20261218-250P@SMART"]),
        (Contract(symbol="AAPL", sec_type="OPT", expiry="20261218", strike=250, exchange="CBOE", right="CALL"), [CALL]),
        (Contract(symbol="AAPL", sec_type="OPT", expiry="20261218", strike=251, right="C"), []),
        (Contract(symbol="AAPL", sec_type="OPT", expiry="20261217", strike=250, right="C"), []),
        (Contract(symbol="AAPL", sec_type="OPT", expiry="20261218", strike=250, right="C", exchange="CME"), []),
        (
            Contract(symbol="ES", sec_type="FOP", expiry="20261218", strike=6700, right="C", exchange="CME"),
            ["ES-20261218-6700C@CME"],
        ),
        (Contract(local_symbol="ESZ6 C6700"), ["ES-20261218-6700C@CME"]),
        (Contract(symbol="SPX", sec_type="IND", exchange="CBOE"), ["^SPX@CBOE"]),
        (Contract(symbol="EUR", sec_type="FUT", exchange="CME", expiry="202612"), ["EUR-202612@CME"]),
        (Contract(local_symbol="6EZ6"), ["EUR-202612@CME"]),
        (Contract(symbol="BRK B", sec_type="STK"), ["BRK B@SMART"]),
        (Contract(symbol="BMW", sec_type="STK", exchange="SMART", currency="EUR"), ["BMW@IBIS:EUR"]),
    ],
)
def test_a_description_finds_what_it_can_mean(catalogue, contract, found):
    expected = ["AAPL-20261218-250C@SMART"] if found == [CALL] else found
    assert names(catalogue.find(contract, TODAY)) == expected


def test_both_sides_of_every_strike_of_a_month_are_listed(catalogue):
    month = catalogue.find(Contract(symbol="AAPL", sec_type="OPT", expiry="202612"), TODAY)
    strikes = {right: [o.instrument.strike for o in month if o.instrument.right.value == right] for right in "CP"}
    assert strikes["C"] == strikes["P"] == [float(strike) for strike in range(200, 341, 5)]


def test_a_symbol_alone_is_ambiguous_among_stock_future_and_options(catalogue):
    assert len(catalogue.find(Contract(symbol="AAPL"), TODAY)) > 1
    assert names(catalogue.find(Contract(symbol="AAPL", sec_type="STK"), TODAY)) == ["AAPL@SMART"]


def test_options_that_have_expired_are_found_on_request_only(catalogue):
    old = Contract(symbol="AAPL", sec_type="OPT", expiry="202602", strike=250.0, right="C")
    assert catalogue.find(old, TODAY) == []
    assert names(catalogue.find(old, TODAY, include_expired=True)) == ["AAPL-20260220-250C@SMART"]


def test_con_ids_of_options_are_the_same_in_every_run_and_for_every_range_of_strikes(catalogue, tmp_path):
    assert catalogue.get("AAPL-20261218-250C@SMART").instrument.con_id == 1500000000 + (323 * 20_000 + 50) * 2
    narrow = tmp_path / "instruments.yaml"
    narrow.write_text(DEFAULT.read_text().replace("strikes: {first: 200, last: 340,", "strikes: {first: 240, last: 260,"))
    again = load(narrow)
    assert len(list(again)) < len(list(catalogue))
    assert all(catalogue.get(one.instrument.id).instrument.con_id == one.instrument.con_id for one in again)


@pytest.mark.parametrize("day", ["20261120", "20261217", "20261218"])
def test_a_continuous_future_is_the_nearest_one(catalogue, day):
    assert names(catalogue.find(Contract(symbol="ES", sec_type="CONTFUT", exchange="CME"), day)) == ["ES-202612@CME"]


def test_a_continuous_future_rolls_with_the_expiry_and_needs_a_future(catalogue):
    assert names(catalogue.find(Contract(symbol="ES", sec_type="CONTFUT", exchange="CME"), "20261219")) == ["ES-202703@CME"]
    assert catalogue.find(Contract(symbol="ES", sec_type="CONTFUT", exchange="SMART"), TODAY) == []
    assert catalogue.find(Contract(symbol="AAPL", sec_type="CONTFUT"), TODAY) == []


def test_a_security_is_found_by_its_isin(catalogue):
    found = catalogue.find(Contract(sec_type="STK", exchange="SMART"), TODAY, security_id=("ISIN", "US5949181045"))
    assert names(found) == ["MSFT@SMART"]
    assert catalogue.find(Contract(sec_type="STK"), TODAY, security_id=("ISIN", "US0000000000")) == []
    assert catalogue.find(Contract(sec_type="FUT"), TODAY, security_id=("ISIN", "US5949181045")) == []


def test_searches_find_symbols_first_and_then_words_of_names(catalogue):
    found = catalogue.matching("es")
    assert [(one.symbol, one.sec_type, one.con_id) for one in found] == [("ES", "IND", 11004968)]
    assert found[0].derivatives == ("FOP", "FUT", "BAG")
    assert {one.symbol for one in catalogue.matching("S&P")} == {"SPY", "SPX", "ES", "MES"}
    apple = catalogue.matching("AAPL")[0]
    assert (apple.con_id, apple.derivatives) == (265598, ("OPT", "BAG"))
    assert [one.symbol for one in catalogue.matching("apple")] == ["AAPL"]
    assert catalogue.matching("zzz") == []


def test_the_options_on_an_underlying_are_told_by_class(catalogue):
    (stock,) = catalogue.option_classes(265598, TODAY)
    assert (stock.trading_class, stock.multiplier, stock.under_con_id) == ("AAPL", 100.0, 265598)
    assert stock.exchanges[0] == "SMART"
    assert stock.expiries[:3] == ["20261120", "20261218", "20270115"]  # today is the last day of the first
    assert (stock.strikes[0], stock.strikes[-1]) == (200.0, 340.0)
    future = catalogue.get("ES-202612@CME").instrument
    (on_future,) = catalogue.option_classes(future.con_id, TODAY)
    assert (on_future.exchanges, on_future.expiries, on_future.multiplier) == (["CME"], ["20261218"], 50.0)
    assert catalogue.option_classes(8894, TODAY) == catalogue.option_classes(99, TODAY) == []


def test_price_steps_grow_with_the_price_where_a_market_rule_says_so(catalogue):
    option = catalogue.get("ES-20261218-6700C@CME")
    steps = [option.increment(price) for price in (0.05, 9.95, 10.0, 250.0)]
    assert steps == [0.05, 0.05, 0.25, 0.25]
    assert [option.on_grid(price) for price in (9.95, 10.05, 10.25)] == [True, False, True]
    assert catalogue.get("AAPL-20261218-250C@SMART").market_rules[:3] == [32, 109, 109]


def test_nothing_expires_on_a_day_without_trading(catalogue):
    for listing in catalogue:
        expiry = listing.instrument.expiry
        if "202512" <= expiry[:6] <= "202712":
            day = date.fromisoformat(f"{expiry[:4]}-{expiry[4:6]}-{expiry[6:]}")
            assert not listing.trading.holidays.closed(day), listing.instrument.id
            assert listing.last_moment() > from_datetime(datetime.combine(day, datetime.min.time(), tzinfo=UTC))
