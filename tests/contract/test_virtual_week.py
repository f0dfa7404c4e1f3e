"""A week from Sunday to Friday in half a minute: three clients trade through nightly restarts and resets, and the books agree.

Time stands while the clients act and passes as fast as they read in between, so nothing depends on how fast the machine is.
"""

import asyncio
import random
from collections import defaultdict
from pathlib import Path

import ib_insync
import pytest

from atlas.exchange import Executed
from ib_gateway.simulator import SimulatedGateway, SimulatorOptions
from ib_gateway.simulator.rules import Rules
from ib_gateway.simulator.state import StateFile
from tests.contract.conftest import within

SUNDAY_NS = 1_780_869_600_000_000_000  # 2026-06-07 22:00 UTC: currencies have just opened
STEP_SECONDS = 2 * 3600
STEPS = 59  # to Friday 20:00 UTC, when the shares close
ACCOUNTS = ("DU2000001", "DU2000002", "DU2000003")
CASH = 1_000_000.0
EURUSD = ib_insync.Forex("EURUSD", conId=12087792, localSymbol="EUR.USD", tradingClass="EUR.USD")
AAPL = ib_insync.Stock("AAPL", "SMART", "USD", conId=265598)
SIZES = {EURUSD.conId: 20_000, AAPL.conId: 10}


class Robot:
    """A client that trades at random by seed, comes back after every restart, and remembers what it has heard."""

    def __init__(self, number, gateway):
        self.id, self.account, self.gateway = number, ACCOUNTS[number - 1], gateway
        self.random = random.Random(number)
        self.ib = None
        self.executions, self.codes, self.connections = {}, [], 0

    async def ready(self):
        """Connect if need be, and catch up with what nobody has told."""
        while self.ib is None or not self.ib.isConnected():
            self.ib = ib_insync.IB()
            self.ib.client.MaxRequests = 0
            self.ib.execDetailsEvent += lambda _, fill: self.remember(fill)
            self.ib.errorEvent += lambda _, code, __, ___: self.codes.append(code)
            await self.ib.connectAsync("127.0.0.1", self.gateway.port, clientId=self.id, timeout=10)
            self.connections += 1
            self.ib.reqMktData(EURUSD)
        for fill in await self.ib.reqExecutionsAsync(ib_insync.ExecutionFilter(clientId=self.id)):
            self.remember(fill)

    def remember(self, fill):
        execution = fill.execution
        if execution.clientId == self.id:
            self.executions[execution.execId] = (execution.acctNumber, fill.contract.conId, execution.side, execution.shares)

    async def trade(self):
        """Place an order or two, and take back some of those that rest."""
        for _ in range(self.random.randint(1, 2)):
            contract = self.random.choice((EURUSD, EURUSD, AAPL))
            self.ib.placeOrder(contract, self.order(contract))
        for trade in await self.ib.reqOpenOrdersAsync():
            if not trade.isDone() and self.random.random() < 0.3:
                self.ib.cancelOrder(trade.order)
        await self.ib.reqCurrentTimeAsync()  # the gateway has heard it all

    def order(self, contract):
        terms = {"account": self.account, "tif": self.random.choice(("DAY", "GTC")), "outsideRth": True}
        action, size = self.random.choice(("BUY", "SELL")), SIZES[contract.conId] * self.random.randint(1, 3)
        if contract is AAPL or self.random.random() < 0.5:
            return ib_insync.MarketOrder(action, size, **terms)
        ticker = self.ib.ticker(EURUSD)
        near = ticker.bid if ticker.bid > 0 else 1.1
        return ib_insync.LimitOrder(action, size, round(near + self.random.choice((-0.002, 0.002)), 4), **terms)


def totals(executions):
    """Units by account and contract."""
    held = defaultdict(float)
    for account, con_id, side, shares in executions:
        held[account, con_id] += shares if side == "BOT" else -shares
    return {key: quantity for key, quantity in held.items() if quantity}


@pytest.fixture
def options(tmp_path):
    return SimulatorOptions(
        port=0, accounts=ACCOUNTS, cash=CASH, seed=5, speed=0.0, start_ns=SUNDAY_NS, quotes_per_second=0.02,
        state=tmp_path / "gateway.state", scenario=Path("nightly-restart"), rules=Rules.none(),
    )  # fmt: skip


@pytest.mark.timeout(180)
async def test_after_a_week_of_restarts_the_books_of_all_agree(options):
    gateway = SimulatedGateway(options)
    gateway.time.pause()
    async with gateway:
        robots = [Robot(number, gateway) for number in (1, 2, 3)]
        for _ in range(STEPS):
            async with within(60):
                await asyncio.gather(*(robot.ready() for robot in robots))
                await asyncio.gather(*(robot.trade() for robot in robots))
                await gateway.time.advance(STEP_SECONDS)
        assert gateway.time.now_ns == SUNDAY_NS + STEPS * STEP_SECONDS * 1_000_000_000
        await asyncio.gather(*(robot.ready() for robot in robots))
        check_the_week(robots)
        positions, cash = gateway.terminal.positions(), gateway.terminal.cash()
        await check_the_clients(robots, positions, cash)
        for robot in robots:
            robot.ib.disconnect()
    check_the_state_file(options, robots, positions, cash)
    async with SimulatedGateway(options) as again:
        assert again.terminal.positions() == positions
        assert again.terminal.cash() == cash


def check_the_week(robots):
    """Four restarts, five resets, and enough trades to be worth the trouble."""
    assert [robot.connections for robot in robots] == [5, 5, 5]
    for robot in robots:
        assert robot.codes.count(1102) == 5
        assert robot.codes.count(1100) == 5 * 3  # each repeats twice
        assert len(robot.executions) > 20


async def check_the_clients(robots, positions, cash):
    """What each client is told now is what the broker's books say, and what it traded itself."""
    instruments = {EURUSD.conId: "EUR.USD@IDEALPRO", AAPL.conId: "AAPL@SMART"}
    for robot in robots:
        async with within():
            told = await robot.ib.reqPositionsAsync()
        assert {(p.account, instruments[p.contract.conId]): p.position for p in told if p.position} == positions
        own = {(account, instruments[con_id]): q for (account, con_id), q in totals(robot.executions.values()).items()}
        assert own == {key: quantity for key, quantity in positions.items() if key[0] == robot.account}
        values = {
            (value.account, value.currency): float(value.value)
            for value in robot.ib.accountValues()
            if value.tag == "CashBalance" and value.currency in ("USD", "EUR")
        }
        for key, amount in values.items():
            assert amount == pytest.approx(cash.get(key, 0.0), abs=0.01)
        assert {account for account, _ in values} == set(ACCOUNTS)


def check_the_state_file(options, robots, positions, cash):
    """Every execution of the week is in the file once, is one that its client knows, and makes the positions and the cash."""
    executed = [record for record in StateFile.read(options.state) if isinstance(record, Executed)]
    ids = [record.execution.id for record in executed]
    assert len(set(ids)) == len(ids)
    assert set(ids) == {execution_id for robot in robots for execution_id in robot.executions}
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
