"""Account values, positions, summaries and profit of the day, without any wire."""

import json
from collections import Counter
from datetime import UTC, datetime

import pytest

from atlas.domain import InstrumentKind, ManualClock, Quote, from_datetime
from atlas.exchange import Exchange
from ib_gateway.simulator.broker import Broker
from ib_gateway.simulator.broker.records import DayBegan, SessionClosed
from ib_gateway.simulator.instruments import load
from ib_gateway.simulator.messages import Contract, Ticket, replies
from ib_gateway.simulator.messages import requests as r

CATALOGUE = load()
EURUSD, AAPL, ES = (Contract(con_id=number, exchange=place) for number, place in
                    ((12087792, "IDEALPRO"), (265598, "SMART"), (750202609, "CME")))  # fmt: skip
NOON = from_datetime(datetime(2026, 6, 5, 16, tzinfo=UTC))  # Friday noon in New York
_HOUR = 3_600_000_000_000


class Desk:
    """A broker, a clock that stands, and everything that was said."""

    def __init__(self, *accounts, records=(), now_ns=NOON):
        self.clock = ManualClock(now_ns)
        self.said, self.records = [], list(records)
        cash = {account: {} if account.startswith("DF") else {"USD": 1_000_000.0} for account in accounts or ("DU1",)}
        self.exchange = Exchange(CATALOGUE.instruments(), cash)
        self.broker = Broker(
            CATALOGUE, self.exchange, self.clock, self, lambda client, reply: self.said.append((client, reply)), lambda *_: None
        )  # fmt: skip
        self.broker.restore(records)
        self.broker.begin()
        self.broker.connect(1)

    def append(self, record):
        self.records.append(record)

    def quote(self, instrument, bid, ask):
        now = self.clock.now_ns()
        self.broker.on_market([Quote(instrument, bid, ask, 0.0, 0.0, now, now)])

    def ask(self, request):
        self.said.clear()
        self.broker.handle(1, request)
        return [reply for _, reply in self.said]

    def trade(self, contract, quantity, account="DU1"):
        """A market order that is filled at once, and everything that follows from it."""
        self.order = getattr(self, "order", 0) + 1
        ticket = Ticket(
            action="BUY" if quantity > 0 else "SELL", quantity=abs(quantity), order_type="MKT", account=account
        )  # fmt: skip
        said = self.ask(r.PlaceOrder(self.order, contract, ticket))
        self.broker.settle()
        assert any(isinstance(reply, replies.Execution) for reply in said)
        return [reply for _, reply in self.said]

    def pass_time(self, hours):
        self.clock.advance(int(hours * _HOUR))
        self.said.clear()
        self.broker.on_time()
        return [reply for _, reply in self.said]

    def values(self, account="DU1"):
        self.ask(r.AccountUpdates(subscribe=False, account=account))
        said = self.ask(r.AccountUpdates(subscribe=True, account=account))
        found = {(one.key, one.currency): one.value for one in said if isinstance(one, replies.AccountValue)}
        self.ask(r.AccountUpdates(subscribe=False, account=account))
        return found

    def pnl(self, account="DU1"):
        (reply,) = self.ask(r.Pnl(900, account, ""))
        self.ask(r.CancelPnl(900))
        return reply

    def pnl_of(self, contract, account="DU1"):
        (reply,) = self.ask(r.PnlSingle(901, account, "", contract.con_id))
        self.ask(r.CancelPnlSingle(901))
        return reply


@pytest.fixture
def desk():
    desk = Desk()
    desk.quote("EUR.USD@IDEALPRO", 1.16, 1.1601)
    desk.quote("AAPL@SMART", 199.99, 200.01)
    desk.quote("ES-202609@CME", 6000.0, 6000.25)
    return desk


def of(kind, said):
    return [reply for reply in said if isinstance(reply, kind)]


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


def summary(said):
    return {(one.account, one.tag, one.currency): one.value for one in of(replies.AccountSummary, said)}


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


def over_night(desk):
    """100 AAPL bought at 200.01; the session closes at 204; later that evening they are quoted at 210."""
    desk.trade(AAPL, 100)
    desk.quote("AAPL@SMART", 203.99, 204.01)
    desk.pass_time(0.001)
    desk.clock.advance(CATALOGUE.get("AAPL@SMART").liquid.session_at(NOON).close_ns - desk.clock.now_ns())
    desk.pass_time(0.001)
    desk.quote("AAPL@SMART", 209.99, 210.01)
    desk.pass_time(24.0)


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
    again = Desk(records=[desk.broker.snapshot()], now_ns=NOON + 72 * _HOUR)
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


# An advisor's login


@pytest.fixture
def advised():
    desk = Desk("DF10", "DU11", "DU12")
    desk.quote("AAPL@SMART", 199.99, 200.01)
    return desk


GROUPS = """<?xml version="1.0" encoding="UTF-8"?>
<ListOfGroups>
	<Group>
		<name>Half</name>
		<ListOfAccts varName="list">
			<String>DU11</String>
		</ListOfAccts>
		<defaultMethod>NetLiq</defaultMethod>
	</Group>
</ListOfGroups>
"""


def test_an_advisor_sees_its_clients_accounts_and_its_family(advised):
    (managed,) = advised.ask(r.ManagedAccounts())
    assert managed.accounts == "DF10,DU11,DU12,"
    (families,) = advised.ask(r.FamilyCodes())
    assert families.codes == [("DF10", "DF10A"), ("DU11", "DF10A"), ("DU12", "DF10A")]
    kinds = summary(advised.ask(r.AccountSummary(1, "All", "AccountType")))
    assert kinds == {("DU11", "AccountType", ""): "INDIVIDUAL", ("DU12", "AccountType", ""): "INDIVIDUAL"}
    assert advised.values("DF10")["NetLiquidation", "USD"] == "0.00"


def test_what_an_advisor_sets_up_is_given_back_and_survives_a_restart(advised):
    assert advised.ask(r.ReplaceFaData(3, 1, GROUPS)) == [replies.ReplaceFaEnd(3, "success")]
    assert advised.ask(r.FaData(1)) == [replies.FaData(1, GROUPS)]
    for records in (advised.records, [advised.broker.snapshot()]):
        again = Desk("DF10", "DU11", "DU12", records=records)
        assert again.ask(r.FaData(1)) == [replies.FaData(1, GROUPS)]


def test_a_group_stands_for_its_accounts_in_summaries_updates_and_positions(advised):
    advised.ask(r.ReplaceFaData(3, 1, GROUPS))
    advised.trade(AAPL, 100, "DU11")
    advised.trade(AAPL, 50, "DU12")
    assert {account for account, _, _ in summary(advised.ask(r.AccountSummary(1, "Half", "NetLiquidation")))} == {"DU11"}
    held = of(replies.PositionMulti, advised.ask(r.PositionsMulti(2, "Half", "")))
    assert [(one.account, one.position) for one in held] == [("DU11", 100.0)]
    assert advised.pnl_of(AAPL, "DF10A").position == 150.0
    assert advised.pnl("Half").unrealized == advised.pnl("DU11").unrealized


@pytest.mark.parametrize(
    ("request_", "code"),
    [
        (r.FaData(4), 321),
        (r.ReplaceFaData(3, 9, GROUPS), 321),
        (r.ReplaceFaData(3, 1, "nonsense"), 321),
        (r.ReplaceFaData(3, 1, GROUPS.replace("DU11", "DU99")), 10231),
    ],
)
def test_what_cannot_be_set_up_leaves_everything_as_it_was(advised, request_, code):
    advised.ask(r.ReplaceFaData(3, 1, GROUPS))
    assert [reply.code for reply in advised.ask(request_)] == [code]
    assert advised.ask(r.FaData(1)) == [replies.FaData(1, GROUPS)]


def test_a_login_without_advisor_has_nothing_to_set_up(desk):
    for request in (r.FaData(1), r.ReplaceFaData(3, 1, GROUPS)):
        (reply,) = desk.ask(request)
        assert (reply.code, "non FA customers" in reply.text) == (321, True)


# Corrections


def correct(desk, execution_id, **right):
    """A correction, or a bust if nothing is right; returns the id that says so."""
    number = desk.broker.correct_execution(execution_id, **right) if right else desk.broker.bust_execution(execution_id)
    desk.broker.settle()
    return number


def test_profit_is_right_after_an_execution_is_corrected_and_after_it_is_busted(desk):
    desk.trade(AAPL, 100)
    bought = desk.pnl()
    sold = of(replies.Execution, desk.trade(AAPL, -100))[-1]
    before = desk.pnl()
    corrected = correct(desk, sold.execution_id, price=sold.price + 1.0)
    assert desk.pnl().daily == desk.pnl_of(AAPL).daily == pytest.approx(before.daily + 100.0)
    assert desk.pnl().realized == desk.pnl_of(AAPL).realized == pytest.approx(before.realized + 100.0)
    correct(desk, corrected)
    assert desk.pnl() == bought
    assert (desk.pnl_of(AAPL).position, desk.pnl_of(AAPL).realized) == (100.0, 0.0)
    assert desk.values()["RealizedPnL", "USD"] == "0.00"


@pytest.mark.parametrize(("contract", "step"), [(AAPL, 1.0), (ES, 2.5)])
def test_correcting_what_was_bought_corrects_what_was_sold_afterwards(desk, contract, step):
    """Bought, sold, turned short: with the first price right from the start everything had come out as it does now."""
    name = "AAPL@SMART" if contract is AAPL else "ES-202609@CME"
    held = Desk(records=desk.records)
    for one in (desk, held):
        one.quote("AAPL@SMART", 199.99, 200.01)
        one.quote("ES-202609@CME", 6000.0, 6000.25)
    bought = of(replies.Execution, desk.trade(contract, 10))[-1]
    quote = held.exchange.quote(name)
    held.quote(name, quote.bid - step, quote.ask - step)
    held.trade(contract, 10)
    for one in (desk, held):
        one.quote(name, quote.bid, quote.ask)
        one.trade(contract, -15)
        one.trade(contract, 2)
    correct(desk, bought.execution_id, price=bought.price - step)
    assert desk.pnl_of(contract) == held.pnl_of(contract)
    assert desk.values() == held.values()
    again = Desk(records=desk.records)
    again.quote(name, quote.bid, quote.ask)
    assert again.pnl_of(contract) == held.pnl_of(contract)


def test_a_correction_of_today_leaves_what_was_held_before_at_its_cost(desk):
    over_night(desk)
    bought = of(replies.Execution, desk.trade(AAPL, 100))[-1]
    correct(desk, bought.execution_id, price=209.01)
    (item,) = of(replies.PositionMulti, desk.ask(r.PositionsMulti(2, "DU1", "")))
    assert item.average_cost == pytest.approx((200.01 + 209.01 + 0.02) / 2)
    correct(desk, bought.execution_id[:-2] + "02")
    (item,) = of(replies.PositionMulti, desk.ask(r.PositionsMulti(2, "DU1", "")))
    assert (item.position, item.average_cost) == (100.0, pytest.approx(200.02))


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
