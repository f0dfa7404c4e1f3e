"""Accounts as unmodified ib_insync sees them: one, several, and an advisor's."""

from collections import Counter

import ib_insync
import pytest

from tests.contract.conftest import START_NS, until, within

AAPL = ib_insync.Stock("AAPL", "SMART", "USD", conId=265598)
FAMILY = ("DF1000001", "DU1000011", "DU1000012", "DU1000013")
HALVES = """<?xml version="1.0" encoding="UTF-8"?>
<ListOfGroups>
  <Group>
    <name>Halves</name>
    <ListOfAccts varName="list"><String>DU1000011</String><String>DU1000012</String></ListOfAccts>
    <defaultMethod>Equal</defaultMethod>
  </Group>
</ListOfGroups>"""


@pytest.fixture
async def advised(make_gateway):
    return await make_gateway(accounts=FAMILY)


async def bought(ib, account, quantity=100):
    """A market order of one account that is filled."""
    ticker = ib.reqMktData(AAPL)
    await until(ib, lambda: ticker.bid > 0 and ticker.ask > 0)
    trade = ib.placeOrder(AAPL, ib_insync.MarketOrder("BUY", quantity, account=account))
    await until(ib, trade.isDone)
    assert trade.orderStatus.status == "Filled"
    return trade


async def test_an_account_has_ledger_rows_per_currency_and_for_all(ib):
    await ib.accountSummaryAsync()
    rows = {(value.tag, value.currency): value.value for value in ib.accountValues()}
    assert rows["CashBalance", "USD"] == rows["TotalCashBalance", "USD"] == "1000000.00"
    assert rows["CashBalance", "BASE"] == "1000000.0000"
    assert rows["NetLiquidation", "USD"] == rows["NetLiquidation-S", "USD"] == "1000000.00"
    assert rows["Currency", "BASE"] == "BASE"
    assert rows["DayTradesRemaining", ""] == "-1"


async def test_each_of_several_accounts_has_its_own_positions_and_profit(make_gateway, connect):
    gateway = await make_gateway(accounts=("DU1", "DU2"))
    ib = await connect(gateway)
    await bought(ib, "DU2")
    await until(ib, ib.positions)
    assert [(one.account, one.position) for one in ib.positions()] == [("DU2", 100)]
    mine, other = ib.reqPnL("DU2"), ib.reqPnL("DU1")
    single = ib.reqPnLSingle("DU2", "", 265598)
    await until(ib, lambda: single.position == 100 and mine.dailyPnL == mine.dailyPnL and other.dailyPnL == 0.0)
    assert single.unrealizedPnL == pytest.approx(single.dailyPnL, abs=0.01)
    assert {value.account for value in await ib.accountSummaryAsync()} == {"DU1", "DU2"}


async def test_account_updates_follow_a_trade_within_moments(ib):
    times = []
    ib.updatePortfolioEvent += lambda item: times.append(item.position)
    await bought(ib, "DU1000001")
    await until(ib, lambda: times and times[-1] == 100)
    (item,) = ib.portfolio()
    assert (item.position, item.account) == (100, "DU1000001")
    assert item.marketValue == pytest.approx(100 * item.marketPrice)
    await until(ib, lambda: any(v.tag == "StockMarketValue" and float(v.value) > 0 for v in ib.accountValues()))


async def test_at_sixty_times_speed_account_values_are_refreshed_every_three_seconds(make_gateway, connect):
    gateway = await make_gateway(speed=60.0, quotes_per_second=2.0)
    ib = await connect(gateway)
    await bought(ib, "DU1000001")
    prices = []
    ib.updatePortfolioEvent += lambda item: prices.append(item.marketPrice)
    await until(ib, lambda: len(prices) >= 2)
    assert len(set(prices)) == len(prices)


async def test_a_third_summary_is_refused_with_322(ib):
    ib.client.reqAccountSummary(9001, "All", "NetLiquidation")
    ib.client.reqAccountSummary(9002, "All", "$LEDGER:ALL")
    ib.client.reqAccountSummary(9003, "All", "NetLiquidation")
    await until(ib, lambda: ib.errors)
    assert [(number, code) for number, code, _ in ib.errors] == [(9003, 322)]


# An advisor


async def test_an_advisors_login_connects_with_all_its_accounts(advised, connect):
    async with within(3):
        ib = await connect(advised)
    assert ib.managedAccounts() == list(FAMILY)
    assert ib.errors == []
    assert {value.account for value in await ib.accountSummaryAsync()} == set(FAMILY[1:])


async def test_groups_profiles_and_aliases_are_kept_over_a_restart(make_gateway, connect, tmp_path):
    options = {"accounts": FAMILY, "state": tmp_path / "gateway.state", "start_ns": START_NS}
    gateway = await make_gateway(**options)
    ib = await connect(gateway)
    assert "<ListOfGroups" in await ib.requestFAAsync(1)
    ib.replaceFA(1, HALVES)
    groups = await ib.requestFAAsync(1)
    assert "<name>Halves</name>" in groups
    assert "<defaultMethod>EqualQuantity</defaultMethod>" in groups
    assert "<alias>DU1000011</alias>" in await ib.requestFAAsync(3)
    ib.disconnect()
    await gateway.__aexit__(None, None, None)
    ib = await connect(await make_gateway(**options))
    assert await ib.requestFAAsync(1) == groups


async def test_a_group_with_a_strangers_account_is_refused_with_10231(advised, connect):
    ib = await connect(advised)
    ib.replaceFA(1, HALVES.replace("DU1000011", "DU7"))
    await until(ib, lambda: ib.errors)
    assert [code for _, code, _ in ib.errors] == [10231]
    assert "Halves" not in await ib.requestFAAsync(1)


async def test_a_summary_of_a_group_has_its_accounts_only(advised, connect):
    ib = await connect(advised)
    ib.replaceFA(1, HALVES)
    seen = []
    ib.accountSummaryEvent += lambda value: seen.append((value.account, value.tag))
    ib.client.reqAccountSummary(9001, "Halves", "NetLiquidation")
    await until(ib, lambda: len(seen) == 2)
    assert seen == [("DU1000011", "NetLiquidation"), ("DU1000012", "NetLiquidation")]


async def test_an_order_for_a_client_account_is_that_accounts_alone(advised, connect):
    ib = await connect(advised)
    trade = await bought(ib, "DU1000012")
    assert {fill.execution.acctNumber for fill in trade.fills} == {"DU1000012"}
    assert sum(fill.execution.shares for fill in trade.fills) == 100
    await until(ib, lambda: [(one.account, one.position) for one in ib.positions()] == [("DU1000012", 100)])


async def test_an_order_for_a_group_is_filled_for_each_of_its_accounts(advised, connect):
    ib = await connect(advised)
    ib.replaceFA(1, HALVES)
    ticker = ib.reqMktData(AAPL)
    await until(ib, lambda: ticker.bid > 0 and ticker.ask > 0)
    trade = ib.placeOrder(AAPL, ib_insync.MarketOrder("BUY", 101, faGroup="Halves"))
    await until(ib, trade.isDone)
    await until(ib, lambda: {one.account: one.position for one in ib.positions()} == {"DU1000011": 51, "DU1000012": 50})
    bought = Counter()
    for fill in trade.fills:
        bought[fill.execution.acctNumber] += fill.execution.shares
    assert bought == {"DU1000011": 51, "DU1000012": 50}
    assert trade.orderStatus.filled == 101
    assert ib.errors == []


async def test_an_order_for_a_profile_of_percentages_is_divided_by_them(advised, connect):
    ib = await connect(advised)
    accounts = "".join(
        f"<Allocation><acct>{account}</acct><amount>{part}</amount></Allocation>"
        for account, part in (("DU1000011", 75.0), ("DU1000013", 25.0))
    )
    profile = "<AllocationProfile><name>Three to one</name><type>1</type><ListOfAllocations varName='listOfAllocations'>"
    ib.replaceFA(
        2, f"<ListOfAllocationProfiles>{profile}{accounts}</ListOfAllocations></AllocationProfile></ListOfAllocationProfiles>"
    )
    ticker = ib.reqMktData(AAPL)
    await until(ib, lambda: ticker.bid > 0 and ticker.ask > 0)
    trade = ib.placeOrder(AAPL, ib_insync.MarketOrder("SELL", 40, faProfile="Three to one"))
    await until(ib, trade.isDone)
    await until(ib, lambda: {one.account: one.position for one in ib.positions()} == {"DU1000011": -30, "DU1000013": -10})


async def test_an_advisors_order_without_an_account_is_refused_with_435(advised, connect):
    ib = await connect(advised)
    ib.placeOrder(AAPL, ib_insync.MarketOrder("BUY", 100))
    await until(ib, lambda: ib.errors)
    assert [code for _, code, _ in ib.errors] == [435]


async def test_a_login_without_advisor_gets_321(ib):
    ib.client.requestFA(1)
    await until(ib, lambda: ib.errors)
    assert [code for _, code, _ in ib.errors] == [321]
