"""A week at speed 0, which plays as fast as clients read: three real clients trade on what they see, nothing waits for them.

Nightly restarts close their sockets with orders on the way, resets of the link swallow what fills meanwhile; each client comes
back by itself and asks what it has missed. In the end the clients' positions and cash, the broker's books and the state file
agree. How many orders there are depends on the machine; that the books agree does not.
"""

import asyncio
import random
from collections import defaultdict
from pathlib import Path

import ib_insync
import pytest
import yaml

import ib_gateway.simulator.instruments
from atlas.exchange import Executed
from ib_gateway.simulator import SimulatedGateway, SimulatorOptions
from ib_gateway.simulator.state import StateFile
from tests.contract.conftest import within

SUNDAY_NS = 1_780_869_600_000_000_000  # 2026-06-07 22:00 UTC: currencies have just opened
FRIDAY_NS = SUNDAY_NS + (4 * 24 + 22) * 3_600_000_000_000
ACCOUNTS = ("DU2000001", "DU2000002", "DU2000003")
EURUSD = ib_insync.Forex("EURUSD", conId=12087792, localSymbol="EUR.USD", tradingClass="EUR.USD")
NAME = "EUR.USD@IDEALPRO"
CASH = 1_000_000.0
SCENARIO = """
name: a week of nights
steps:
  - at: "23:45 America/New_York"
    days: [mon, tue, wed, thu, fri]
    fault: {kind: restart, down_seconds: 90}
  - at: "05:30 America/New_York"
    fault: {kind: connectivity-lost, for_seconds: 900, repeat_seconds: 300}
"""
SIZE = 20_000.0


class Trader:
    """A client that lets every so manieth tick cause an order, and lives through whatever happens to its connection."""

    def __init__(self, number, gateway):
        self.id, self.account, self.gateway = number, ACCOUNTS[number - 1], gateway
        self.random = random.Random(number)
        self.ticks, self.next_order_at, self.connections = 0, 50, 0
        self.known, self.codes = set(), []
        self.placed, self.cut_off = [], 0
        self.home = asyncio.Event()
        self.stopping = False
        self.ib = None

    async def run(self):
        while not self.stopping:
            await self.connect()
            await self.home.wait()

    async def connect(self):
        self.home.clear()
        self.placed = []
        self.ib = ib = ib_insync.IB()
        ib.errorEvent += self.on_error
        ib.disconnectedEvent += self.on_disconnect
        ib.execDetailsEvent += lambda _, fill: self.remember(fill)
        try:
            await ib.connectAsync("127.0.0.1", self.gateway.port, clientId=self.id, timeout=10)
        except (OSError, TimeoutError):
            self.home.set()  # the port refuses: once more
            return
        self.connections += 1
        for fill in ib.fills():
            self.remember(fill)
        ticker = ib.reqTickByTickData(EURUSD, "BidAsk")
        ticker.updateEvent += self.on_ticks

    def on_disconnect(self):
        self.cut_off += sum(not trade.isDone() for trade in self.placed)
        self.home.set()

    def on_error(self, _req_id, code, *_):
        self.codes.append(code)
        if code == 1102:  # what filled in the silence is told only to those who ask
            self.ib.client.reqExecutions(999_000 + len(self.codes), ib_insync.ExecutionFilter())

    def remember(self, fill):
        if fill.execution.clientId == self.id:
            self.known.add(fill.execution.execId)

    def on_ticks(self, ticker):
        self.ticks += len(ticker.tickByTicks)
        if self.ticks < self.next_order_at or self.stopping:
            return
        self.next_order_at = self.ticks + self.random.randint(200, 600)
        ib, tick = self.ib, ticker.tickByTicks[-1]
        action = self.random.choice(("BUY", "SELL"))
        terms = {"account": self.account, "tif": "GTC"}
        if self.random.random() < 0.5:
            self.placed.append(ib.placeOrder(EURUSD, ib_insync.MarketOrder(action, SIZE, **terms)))
        else:
            limit = tick.bidPrice - 0.0002 if action == "BUY" else tick.askPrice + 0.0002
            self.placed.append(ib.placeOrder(EURUSD, ib_insync.LimitOrder(action, SIZE, round(limit, 4), **terms)))
        resting = [trade for trade in ib.openTrades() if trade.orderStatus.status == "Submitted"]
        if len(resting) > 5:
            ib.cancelOrder(resting[0].order)


@pytest.fixture
def options(tmp_path):
    """A gateway that lists nothing but the euro, so that a week of its ticks is read in seconds."""
    shipped = Path(ib_gateway.simulator.instruments.__file__).with_name("instruments.yaml")
    listed = yaml.safe_load(shipped.read_text())
    only = {key: listed[key] for key in ("hours", "market_rules", "reference_rates")}
    only["spot"] = [row for row in listed["spot"] if row["id"] == NAME]
    instruments = tmp_path / "instruments.yaml"
    instruments.write_text(yaml.safe_dump(only))
    scenario = tmp_path / "scenario.yaml"
    scenario.write_text(SCENARIO)
    return SimulatorOptions(
        port=0, accounts=ACCOUNTS, cash=CASH, seed=5, speed=0.0, start_ns=SUNDAY_NS, quotes_per_second=0.5,
        instruments=instruments, state=tmp_path / "gateway.state", scenario=scenario, paused=True,
    )  # fmt: skip


@pytest.mark.timeout(180)
async def test_three_clients_trade_a_week_at_full_speed_through_restarts_and_all_books_agree(options):
    async with SimulatedGateway(options) as gateway:
        traders = [Trader(number, gateway) for number in (1, 2, 3)]
        running = [asyncio.create_task(trader.run()) for trader in traders]
        async with within(150):
            while not all(trader.connections for trader in traders):  # noqa: ASYNC110
                await asyncio.sleep(0.01)
            gateway.time.resume()
            while gateway.time.now_ns < FRIDAY_NS:  # noqa: ASYNC110 - the week is over when it is over
                await asyncio.sleep(0.01)
            for trader in traders:
                trader.stopping = True
            gateway.time.pause()
            while not all(trader.ib.isConnected() for trader in traders):  # noqa: ASYNC110
                await asyncio.sleep(0.01)
            for trader in traders:
                trader.ib.client.reqGlobalCancel()
                await trader.ib.reqCurrentTimeAsync()
            positions, cash = gateway.terminal.positions(), gateway.terminal.cash()
            for trader in traders:
                await check_client(trader, positions, cash)
        check_the_week(traders)
        for trader, task in zip(traders, running, strict=True):
            trader.ib.disconnect()
            await task
        assert gateway.counters["faults"] == 0
    check_the_state_file(options, traders, positions, cash)
    async with SimulatedGateway(options) as again:
        assert (again.terminal.positions(), again.terminal.cash()) == (positions, cash)


def check_the_week(traders):
    """Four restarts and five resets, each with orders on the way or standing, and enough trades to be worth the trouble."""
    for trader in traders:
        assert trader.connections == 5
        assert trader.codes.count(1102) == 5
        assert len(trader.known) > 50
        assert trader.codes.count(100) == 0
    assert sum(trader.cut_off for trader in traders) > 5


async def check_client(trader, positions, cash):
    """A fresh answer to each question is what the broker's books say."""
    told = await trader.ib.reqPositionsAsync()
    assert {(p.account, NAME): p.position for p in told if p.position} == positions
    assert not [trade for trade in await trader.ib.reqAllOpenOrdersAsync() if not trade.isDone()]
    trader.ib.client.reqAccountUpdates(True, trader.account)
    while not [v for v in trader.ib.accountValues(trader.account) if v.tag == "CashBalance" and v.currency == "USD"]:
        await trader.ib.updateEvent
    for currency in ("USD", "EUR"):
        values = [v for v in trader.ib.accountValues(trader.account) if v.tag == "CashBalance" and v.currency == currency]
        for value in values:
            assert float(value.value) == pytest.approx(cash.get((trader.account, currency), 0.0), abs=0.01)


def check_the_state_file(options, traders, positions, cash):
    """Every execution is written once, nobody was told of one that is not written, and together they make the books."""
    executed = [record for record in StateFile.read(options.state) if isinstance(record, Executed)]
    ids = [record.execution.id for record in executed]
    assert len(set(ids)) == len(ids)
    assert {execution_id for trader in traders for execution_id in trader.known} <= set(ids)
    held, money = defaultdict(float), {(account, "USD"): CASH for account in ACCOUNTS}
    for record in executed:
        execution, commission = record.execution, record.commission
        signed = execution.quantity * execution.side.sign
        held[execution.account, execution.instrument] += signed
        money[execution.account, "USD"] -= signed * execution.price
        money[execution.account, commission.currency] -= commission.amount
    assert {key: quantity for key, quantity in held.items() if quantity} == positions
    for key, amount in money.items():
        assert cash[key] == pytest.approx(amount, abs=0.01)
