"""Account values, positions, summaries and profit of the day, without any wire."""

import json
from collections import Counter

import pytest

from atlas.domain import InstrumentKind
from ib_gateway.simulator.broker.records import DayBegan, SessionClosed
from ib_gateway.simulator.messages import Contract, replies
from ib_gateway.simulator.messages import requests as r
from tests.unit.simulator.account_desk import AAPL, CATALOGUE, ES, EURUSD, HOUR, NOON, Desk, of, over_night, quoted, summary


@pytest.fixture
def desk():
    return quoted()


# Values


def test_each_key_comes_once_per_currency_and_every_recorded_key_is_served(desk, market_data):
    recorded = json.loads((market_data / "c_copyleft/nautilus_lgpl3/ib/account_values.json").read_text())
    desk.trade(EURUSD, 20_000)
    said = of(replies.AccountValue, desk.ask(r.AccountUpdates(subscribe=True, account="DU1")))
    counted = Counter((one.key, one.currency) for one in said)
    assert max(counted.values()) == 1

    def shape(rows):
        """Keys, each with where it stands: without currency, in the base one, in others, over all."""
        words = {"": "none", "BASE": "BASE", "AUD": "base", "USD": "base", "EUR": "other"}
        return {(key, words[currency]) for key, currency in rows}

    real = {(one["tag"], one["currency"]) for one in recorded if one["currency"] != "USD"}  # its base currency is the AUD
    assert shape(real) <= shape(counted)


def test_the_ledger_adds_up_to_the_whole(desk):
    desk.trade(EURUSD, 20_000)
    desk.trade(AAPL, 300)
    desk.trade(ES, -1)
    desk.quote("ES-202609@CME", 5990.0, 5990.25)
    desk.quote("AAPL@SMART", 209.99, 210.01)
    found = desk.values()
    assert found["StockMarketValue", "USD"] == "63000.00"
    assert float(found["FuturesPNL", "USD"]) == pytest.approx((6000.0 - 5990.125) * 50, abs=5)  # net of the commission
    assert found["CashBalance", "EUR"] == "20000.00"
    by_currency = sum(
        float(found["NetLiquidationByCurrency", currency]) * float(found["ExchangeRate", currency])
        for currency in ("USD", "EUR")
    )
    assert float(found["NetLiquidationByCurrency", "BASE"]) == pytest.approx(by_currency, abs=0.01)
    assert float(found["NetLiquidation", "USD"]) == pytest.approx(by_currency, abs=5)
    assert found["GrossPositionValue", "USD"] == "63000.00"
    for key in ("NetLiquidation", "TotalCashValue", "InitMarginReq", "MaintMarginReq", "AvailableFunds", "ExcessLiquidity"):
        parts = float(found[key + "-S", "USD"]) + float(found[key + "-C", "USD"])
        assert parts == pytest.approx(float(found[key, "USD"]), abs=0.02), key
    assert float(found["InitMarginReq-C", "USD"]) > 10_000


def test_margin_is_split_into_its_segments_and_leaves_four_times_its_rest_to_buy_with(desk):
    desk.trade(AAPL, 1_000)
    desk.trade(ES, 2)
    kept = ("InitMarginReq", "MaintMarginReq", "EquityWithLoanValue", "AvailableFunds", "ExcessLiquidity", "BuyingPower", "SMA")
    values = {
        key: float(value) for (key, _), value in desk.values().items() if key.removesuffix("-S").removesuffix("-C") in kept
    }
    stocks, futures = 1_000 * 200.0, 2 * 6000.125 * 50
    of_stocks, of_futures = (desk.exchange.terms.margins[kind] for kind in (InstrumentKind.STOCK, InstrumentKind.FUTURE))
    assert of_futures.initial > of_futures.maintenance
    assert values["InitMarginReq-C"] == pytest.approx(futures * of_futures.initial, abs=0.01)
    assert values["MaintMarginReq-C"] == pytest.approx(futures * of_futures.maintenance, abs=0.01)
    assert values["InitMarginReq-S"] == pytest.approx(stocks * of_stocks.initial, abs=0.01)
    assert values["MaintMarginReq-S"] == pytest.approx(stocks * of_stocks.maintenance, abs=0.01)
    for key in kept[:5]:
        assert values[f"{key}-S"] + values[f"{key}-C"] == pytest.approx(values[key], abs=0.02)
    assert values["AvailableFunds"] == pytest.approx(values["EquityWithLoanValue"] - values["InitMarginReq"], abs=0.02)
    assert values["ExcessLiquidity"] == pytest.approx(values["EquityWithLoanValue"] - values["MaintMarginReq"], abs=0.02)
    assert values["BuyingPower"] == pytest.approx(4 * values["AvailableFunds"], abs=0.05)
    assert values["SMA"] == values["SMA-S"]
    assert values["SMA"] == pytest.approx(values["EquityWithLoanValue-S"] - values["InitMarginReq-S"], abs=0.02)


def test_a_profit_stays_in_the_ledger_when_the_position_is_gone(desk):
    desk.trade(AAPL, 100)
    desk.quote("AAPL@SMART", 205.0, 205.02)
    desk.trade(AAPL, -100)
    found = desk.values()
    assert float(found["RealizedPnL", "USD"]) == pytest.approx(100 * (205.0 - 200.01) - 2, abs=1.5)
    assert found["RealizedPnL", "BASE"] == found["RealizedPnL", "USD"]
    assert found["UnrealizedPnL", "USD"] == "0.00"


def test_updates_come_every_three_minutes_and_say_what_changed(desk):
    desk.trade(AAPL, 100)
    desk.pass_time(0.06)
    desk.ask(r.AccountUpdates(subscribe=True, account="DU1"))
    assert not of(replies.AccountTime, desk.pass_time(0.02))
    assert [reply.text for reply in of(replies.AccountTime, desk.pass_time(0.04))] == ["16:07"]
    desk.quote("AAPL@SMART", 201.99, 202.01)
    said = desk.pass_time(0.06)
    assert [(one.market_price, one.unrealized) for one in of(replies.PortfolioValue, said)] == [(202.0, 198.0)]
    changed = {one.key for one in of(replies.AccountValue, said)}
    assert {"NetLiquidation", "StockMarketValue", "UnrealizedPnL"} <= changed
    assert not changed & {"AccountType", "CashBalance", "RealizedPnL"}


def test_the_light_form_of_updates_has_the_ledger_and_the_net_liquidation_only(desk):
    said = of(replies.AccountUpdateMulti, desk.ask(r.AccountUpdatesMulti(5, "DU1", "", ledger_and_nlv=True)))
    keys = {one.key for one in said}
    assert {"NetLiquidation", "CashBalance", "ExchangeRate"} <= keys
    assert not keys & {"AvailableFunds", "InitMarginReq", "AccountType"}


def test_nothing_is_held_in_a_model(desk):
    desk.trade(AAPL, 100)
    assert desk.ask(r.AccountUpdatesMulti(5, "DU1", "Growth", ledger_and_nlv=False)) == [replies.AccountUpdateMultiEnd(5)]
    assert desk.ask(r.PositionsMulti(6, "DU1", "Growth")) == [replies.PositionMultiEnd(6)]


@pytest.mark.parametrize(
    "request_",
    [
        r.AccountUpdates(subscribe=True, account="DU9"),
        r.AccountUpdatesMulti(5, "DU9", "", ledger_and_nlv=False),
        r.PositionsMulti(5, "DU9", ""),
        r.Pnl(5, "DU9", ""),
        r.PnlSingle(5, "DU9", "", 265598),
        r.AccountSummary(5, "Friends", "NetLiquidation"),
        r.AccountSummary(5, "All", "NetLiquidation,Wealth"),
        r.AccountSummary(5, "All", "$LEDGER:euro"),
        r.AccountSummary(5, "All", ""),
    ],
)
def test_an_account_group_or_tag_that_is_none_is_an_error(desk, request_):
    (reply,) = desk.ask(request_)
    assert (reply.code, reply.req_id) == (321, getattr(request_, "req_id", -1))
    assert reply.text.startswith("Error validating request.-")


# Summaries


def test_a_summary_has_the_tags_in_the_order_asked_for(desk):
    said = desk.ask(r.AccountSummary(1, "All", "NetLiquidation,Cushion,AccountType,DayTradesRemaining,LookAheadNextChange"))
    assert [(one.tag, one.value) for one in of(replies.AccountSummary, said)] == [
        ("NetLiquidation", "1000000.00"), ("Cushion", "1.000000"), ("AccountType", "INDIVIDUAL"),
        ("DayTradesRemaining", "-1"), ("LookAheadNextChange", "0"),
    ]  # fmt: skip
    assert said[-1] == replies.AccountSummaryEnd(1)


@pytest.mark.parametrize(
    ("tag", "currencies"),
    [("$LEDGER", {"BASE"}), ("$LEDGER:EUR", {"EUR"}), ("$LEDGER:ALL", {"USD", "EUR", "BASE"}), ("$LEDGER:CHF", set())],
)
def test_the_ledger_of_a_summary_is_of_the_currencies_asked_for(desk, tag, currencies):
    desk.trade(EURUSD, 20_000)
    said = summary(desk.ask(r.AccountSummary(1, "All", tag)))
    assert {currency for _, _, currency in said} == currencies
    assert not currencies or {"CashBalance", "UnrealizedPnL", "ExchangeRate"} <= {tag for _, tag, _ in said}


def test_two_summaries_at_once_and_a_number_is_free_again_after_its_cancel(desk):
    ask = lambda number: desk.ask(r.AccountSummary(number, "All", "NetLiquidation"))  # noqa: E731
    assert len(ask(1)) == len(ask(2)) == 2
    assert [reply.code for reply in ask(3)] == [322]
    assert [reply.code for reply in ask(2)] == [322]
    desk.ask(r.CancelAccountSummary(2))
    assert len(ask(2)) == 2


# Positions


def test_positions_are_told_whenever_they_change_also_when_they_are_gone(desk):
    desk.ask(r.Positions())
    assert [(one.position, round(one.average_cost, 2)) for one in of(replies.Position, desk.trade(AAPL, 100))] == [
        (100, 200.02)
    ]
    assert [(one.position, one.average_cost) for one in of(replies.Position, desk.trade(AAPL, -100))] == [(0.0, 0.0)]
    desk.ask(r.CancelPositions())
    assert not of(replies.Position, desk.trade(AAPL, 100))


# Profit of the day


def test_profit_of_a_position_opened_today_is_net_of_its_commission(desk):
    desk.trade(AAPL, 100)
    desk.quote("AAPL@SMART", 204.99, 205.01)
    single, whole = desk.pnl_of(AAPL), desk.pnl()
    gain = 100 * (205.0 - 200.01) - 1.0
    assert (single.position, single.value) == (100, 20_500)
    assert [single.daily, single.unrealized, whole.daily, whole.unrealized] == [pytest.approx(gain)] * 4
    assert (single.realized, whole.realized) == (0.0, 0.0)


def test_what_never_was_held_has_no_profit_and_what_is_flat_again_keeps_it(desk):
    assert desk.pnl_of(AAPL) == replies.PnlSingle(901, 0.0, None, None, None, None)
    desk.trade(AAPL, 100)
    desk.trade(AAPL, -100)
    single = desk.pnl_of(AAPL)
    assert (single.position, single.unrealized, single.value) == (0.0, 0.0, 0.0)
    assert single.daily == pytest.approx(single.realized) == pytest.approx(-4.0, abs=0.1)  # the spread and two commissions


USDJPY = Contract(con_id=15016059, exchange="IDEALPRO")


@pytest.mark.parametrize(
    ("contract", "name", "bid", "ask", "gain"),
    [
        (AAPL, "AAPL@SMART", 20.0, 20.02, -20_000 * 0.02),
        (EURUSD, "EUR.USD@IDEALPRO", 1.16, 1.1601, -20_000 * 0.0001),
        (USDJPY, "USD.JPY@IDEALPRO", 154.5, 154.51, -20_000 * 0.01 / 154.505),
    ],
)
def test_once_it_is_flat_what_was_gained_today_is_realised_net_of_every_commission(desk, contract, name, bid, ask, gain):
    desk.quote(name, bid, ask)
    reports = [
        reply
        for quantity in (20_000, -5_000, -15_000)
        for reply in desk.trade(contract, quantity)
        if isinstance(reply, replies.CommissionReport)
    ]
    expected = pytest.approx(gain - sum(report.commission for report in reports), abs=0.01)
    (profit,) = desk.ask(r.Pnl(50, "DU1", ""))
    assert (profit.daily, profit.realized, profit.unrealized) == (expected, expected, 0.0)
    assert desk.values()["RealizedPnL", "BASE"] == f"{profit.realized:.2f}"
    (single,) = desk.ask(r.PnlSingle(51, "DU1", "", contract.con_id))
    assert single.daily == pytest.approx(single.realized, abs=0.01)
    if contract is not USDJPY:  # whose reports are in yen, of what was gained in yen
        assert sum(report.realized or 0.0 for report in reports) == expected


def test_daily_profit_counts_from_the_close_of_the_session_before(desk):
    over_night(desk)
    assert [record.price for record in desk.records if isinstance(record, SessionClosed)] == [204.0]
    assert desk.pnl_of(AAPL).daily == desk.pnl().daily == pytest.approx(600.0)
    assert desk.pnl().unrealized == pytest.approx(100 * (210 - 200.01) - 1)
    desk.trade(AAPL, -100)
    assert desk.pnl().daily == pytest.approx(100 * (209.99 - 204) - 1.0, abs=0.5)
    assert desk.pnl_of(AAPL).position == 0


def test_a_restart_counts_from_the_same_close(desk):
    over_night(desk)
    before = desk.pnl()
    for records in (desk.records, [desk.broker.snapshot()]):
        again = Desk(records=records, now_ns=desk.clock.now_ns())
        again.quote("AAPL@SMART", 209.99, 210.01)
        assert again.pnl() == before
        assert not [record for record in again.records[len(records) :] if isinstance(record, DayBegan)]


def test_a_restart_on_another_day_counts_from_the_last_price_that_was_known(desk):
    desk.trade(AAPL, 100)
    desk.quote("AAPL@SMART", 203.99, 204.01)
    again = Desk(records=[desk.broker.snapshot()], now_ns=NOON + 72 * HOUR)
    again.quote("AAPL@SMART", 206.99, 207.01)
    assert again.pnl().daily == pytest.approx(300.0)


def test_profit_says_nothing_twice_and_ends_with_its_cancel(desk):
    desk.trade(AAPL, 100)
    desk.ask(r.Pnl(7, "DU1", ""))
    assert desk.pass_time(0.001) == []
    desk.quote("AAPL@SMART", 200.99, 201.01)
    assert [one.req_id for one in of(replies.Pnl, desk.pass_time(0.001))] == [7]
    desk.ask(r.CancelPnl(7))
    desk.quote("AAPL@SMART", 201.99, 202.01)
    assert desk.pass_time(0.001) == []
    assert [one.code for one in desk.ask(r.CancelPnl(7))] == [300]


# Options


def test_an_option_is_worth_its_premium_in_its_own_row(desk):
    option = next(
        li for li in CATALOGUE.find(Contract(symbol="AAPL", sec_type="OPT", exchange="SMART", currency="USD"), "20260605")
    )
    name, contract = option.instrument.id, option.contract()
    desk.quote(name, 5.0, 5.2)
    desk.trade(contract, 3)
    desk.quote(name, 6.0, 6.2)
    found = desk.values()
    assert found["OptionMarketValue", "USD"] == found["OptionMarketValue", "BASE"] == "1830.00"
    assert found["StockMarketValue", "USD"] == "0.00"
    assert found["GrossPositionValue", "USD"] == "1830.00"
    assert float(found["NetLiquidation", "USD"]) == pytest.approx(float(found["NetLiquidationByCurrency", "BASE"]), abs=0.01)
    single = desk.pnl_of(contract)
    assert (single.position, single.value) == (3.0, pytest.approx(1830.0))
    assert single.daily == pytest.approx(single.unrealized) == pytest.approx(270.0, abs=5)  # less the commission
