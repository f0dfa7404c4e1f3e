"""Whatever is unknown, blocked or limited: what reduces a position by our own books leaves, through the whole trader.

Only where nothing can be sent at all (no link, no reconciliation since the start, the broker's closing time, no database to
write the order down in first), an exit has to wait like everything else.
"""

import errno
from contextlib import ExitStack
from itertools import product

import pytest
from support.field import Field
from support.field_trader import EURUSD, FieldTrader

from atlas.bus.orders import AccountRequest, Command, SetLimit, SetTradingState
from atlas.domain import OcaType, OrderKind, OrderStatus, Quote, Side, SubmitGroup
from atlas.trading.broker import Unknown
from atlas.trading.outcome import Verdict
from atlas.trading.trading_state import TradingState

STRICTEST = {
    "max_order_quantity": 1, "max_position": 1, "max_working_orders": 1, "max_order_notional": 1, "price_collar_percent": 0.001,
    "price_collar_ticks": 1, "max_exposure": 1, "max_leverage": 0.001, "max_orders_per_second": 1, "max_orders_per_hour": 1,
    "max_daily_loss": 0.01, "daily_profit_lock": 0.01, "duplicate_seconds": 3600, "max_quote_age_seconds": 0.001,
    "trading_hours": True, "restricted": ["*"],
}  # fmt: skip
NAN = float("nan")
READINGS = {
    "account": ("known", "unknown"),
    "positions": ("known", "unknown"),
    "quote": ("none", "fresh", "unreadable", "stale"),
    "state": (TradingState.ACTIVE, TradingState.REDUCING),
    "journal": ("writable", "full"),
}


async def unknown(*_):
    """The broker does not say."""
    return Unknown("the broker does not say")


class World:
    """What the trader can read, one way after the other."""

    def __init__(self, field, trader, monkeypatch):
        self.field, self.trader, self.monkeypatch = field, trader, monkeypatch

    async def become(self, stack, account, positions, quote, state, journal):
        """Have it read these, until `stack` ends."""
        patch = stack.enter_context(self.monkeypatch.context())
        trader, broker, engine = self.trader, self.trader.broker, self.trader.engine
        if account == "unknown":
            patch.setattr(broker, "account_values", unknown)
        if positions == "unknown":
            patch.setattr(broker, "snapshot", unknown)
        await trader.ask(AccountRequest())
        engine.on_link_up()
        wanted = positions == "unknown"
        await self.field.until(lambda: any("does not say" in one for one in engine.problems()) is wanted)
        await trader.ask(SetTradingState(state, ""))
        now = self.field.clock.now_ns()
        bid, at_ns = (NAN if quote == "unreadable" else 1.1), now - (60 * 10**9 if quote == "stale" else 0)
        if quote != "none":
            engine.on_quote(Quote(EURUSD, bid, 1.1, 1e6, 1e6, at_ns, at_ns))
        if journal == "full":
            patch.setattr("atlas.journal._segment.os.pwrite", no_space)
            patch.setattr("atlas.journal._segment.os.posix_fallocate", no_space)


def no_space(*_):
    """The disk is full."""
    raise OSError(errno.ENOSPC, "No space left on device")


async def exits_leave(trader):
    """An exit is taken, changed, and cancelled; so are two of which one is filled. What opens is not."""
    limited = {"kind": OrderKind.LIMIT, "limit_price": 1.6}
    alone = trader.order(Side.SELL, 10_000, **limited)
    both = {**limited, "oca_group": f"exit {trader.numbers}", "oca_type": OcaType.REDUCE_WITH_BLOCK}
    group = trader.order(Side.SELL, 10_000, **both), trader.order(Side.SELL, 10_000, **both)
    assert (await trader.submit(alone)).verdict is Verdict.ACCEPTED
    assert (await trader.ask(Command(SubmitGroup(group)))).verdict is Verdict.ACCEPTED
    for order in (alone, *group):
        await trader.until_status(order, OrderStatus.WORKING)
    assert (await trader.modify(alone, limit_price=1.5)).denial is None
    for opening in (trader.order(), trader.order(Side.SELL, 20_001, **limited)):
        assert (await trader.submit(opening)).verdict is Verdict.DENIED
    for order in (alone, group[0]):
        assert (await trader.cancel(order)).denial is None
    for order in (alone, *group):
        await trader.until_status(order, OrderStatus.CANCELLED)


@pytest.mark.parametrize("journal", READINGS["journal"])
def test_exits_leave_in_every_reading_of_the_world(tmp_path, monkeypatch, journal):
    async def scenario(field):
        trader = FieldTrader(field, tmp_path)
        await trader.begin()
        bought = trader.order()
        await trader.submit(bought)
        await trader.until_status(bought, OrderStatus.FILLED)
        for name, value in STRICTEST.items():
            await trader.ask(SetLimit("", name, value))
        world = World(field, trader, monkeypatch)
        for reading in product(*(READINGS[name] for name in ("account", "positions", "quote", "state"))):
            with ExitStack() as stack:
                await world.become(stack, *reading, journal)
                await exits_leave(trader)
        assert trader.position() == 20_000
        await trader.end()

    Field(hours="always").run(scenario)
