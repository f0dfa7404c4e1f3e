"""The desk in a terminal: quotes, bars, positions, orders, profit, latency and the health of each part, four times a second."""

import asyncio
import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from rich import box
from rich.console import Console, Group
from rich.live import Live
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from atlas.bus import control, market, orders
from atlas.domain import NS_PER_SECOND, OrderState, iso

if TYPE_CHECKING:
    from atlas.session.desk import LocalDesk

_REFRESH_SECONDS = 0.25
_ORDERS_SHOWN = 8
_console = Console()


@contextlib.contextmanager
def show_starting(*, enabled: bool) -> Iterator[None]:
    """Say that the desk is starting while it does."""
    if not enabled:
        yield
        return
    with _console.status("starting gateway, database, watcher, trader, strategy and monitor …"):
        yield


async def show_live(desk: "LocalDesk") -> None:
    """Draw the desk until cancelled."""
    with Live(console=_console, auto_refresh=False, screen=_console.is_terminal) as live:
        while True:
            live.update(await _draw(desk), refresh=True)
            await asyncio.sleep(_REFRESH_SECONDS)


def show_summary(result: dict[str, Any]) -> None:
    """Print what came of a run."""
    table = Table(title="Summary", show_header=False, title_justify="left")
    for key in ("quotes", "bars", "orders", "fills", "rejected"):
        table.add_row(key, f"{result[key]:,}")
    latency = result["tick_to_order_us"]
    table.add_row("tick to order", f"median {_us(latency['p50'])}, 99th percentile {_us(latency['p99'])}")
    for source, books in result["positions"].items():
        for account, held in books.items() or {"-": {}}.items():
            text = ", ".join(f"{name} {quantity:+,g}" for name, quantity in held.items()) or "flat"
            table.add_row(f"positions, {source}", f"{account}: {text}")
    verdict = Text("agree", "green") if result["books_agree"] else Text("; ".join(result["differences"]), "red")
    table.add_row("books", verdict)
    _console.print(table)


async def _draw(desk: "LocalDesk") -> Group:
    names = ("watcher", "trader", "strategy", "monitor")
    answers = await asyncio.gather(*(desk.status(name) for name in names))
    statuses = dict(zip(names, answers, strict=True))
    snapshot, positions, newest = await asyncio.gather(desk.snapshot(), desk.positions(), desk.newest_orders(_ORDERS_SHOWN))
    return Group(
        _head(desk, statuses),
        _market(snapshot),
        _positions(positions, snapshot),
        _orders(newest),
    )


def _head(desk: "LocalDesk", statuses: dict[str, control.Status | None]) -> Panel:
    words = Text()
    dead = {process.name for process in desk.supervisor.dead()}
    for name in ("gateway", "database"):
        words.append(f"{name} ", "dim").append("ended  " if name in dead else "running  ", "red" if name in dead else "green")
    for name, status in statuses.items():
        state = status.state if status is not None else "unreachable"
        words.append(f"{name} ", "dim").append(f"{state}  ", "green" if state == "running" else "red")
    figures = _figures(statuses)
    words.append(
        f"\nquotes {figures.get('quotes', 0):,}  bars {figures.get('bars', 0):,}  events {figures.get('events', 0):,}  "
        f"tick to order {_us(figures.get('tick_to_order_us_p50'))} median, {_us(figures.get('tick_to_order_us_p99'))} p99"
    )
    words.append(f"\nweb page {desk.page_address()}", "dim")
    return Panel(words, title=f"Atlas · {desk.account} · simulated market", subtitle="Ctrl-C ends", title_align="left")


def _figures(statuses: dict[str, control.Status | None]) -> dict[str, Any]:
    merged: dict[str, Any] = {}
    for name in ("strategy", "trader", "watcher"):
        status = statuses[name]
        merged |= status.figures if status is not None else {}
    return merged


def _market(snapshot: market.Snapshot | None) -> Table:
    table = Table(title="Market", title_justify="left", expand=True, box=box.SIMPLE_HEAD)
    for name in ("instrument", "bid", "ask", "sizes", "last bar (shortest)"):
        table.add_column(name, justify="left" if name == "instrument" else "right")
    for quote in sorted(snapshot.quotes, key=lambda one: one.instrument) if snapshot is not None else ():
        mine = [bar for bar in snapshot.bars if bar.instrument == quote.instrument] if snapshot is not None else []
        bar = min(mine, key=lambda one: one.end_ns - one.start_ns, default=None)
        shown = "" if bar is None else f"{bar.open:g} {bar.high:g} {bar.low:g} {bar.close:g} ({_seconds(bar)} s)"
        sizes = f"{quote.bid_size:,.0f} x {quote.ask_size:,.0f}"
        table.add_row(quote.instrument, f"{quote.bid:g}", f"{quote.ask:g}", sizes, shown)
    return table


def _positions(positions: orders.Positions | None, snapshot: market.Snapshot | None) -> Table:
    table = Table(title="Positions", title_justify="left", expand=True, box=box.SIMPLE_HEAD)
    for name in ("instrument", "quantity", "average price", "realised", "unrealised"):
        table.add_column(name, justify="left" if name == "instrument" else "right")
    mids = {quote.instrument: quote.mid for quote in snapshot.quotes} if snapshot is not None else {}
    for one in positions.held if positions is not None else ():
        mid = mids.get(one.instrument)
        open_profit = None if mid is None else (mid - one.average_price) * one.quantity * one.multiplier
        table.add_row(
            one.instrument,
            f"{one.quantity:+,g}",
            f"{one.average_price:,.5f}",
            _money(one.realised, one.currency),
            "unknown" if open_profit is None else _money(open_profit, one.currency),
        )
    if positions is not None and positions.commissions:
        paid = ", ".join(f"{amount:,.2f} {currency}" for currency, amount in positions.commissions.items())
        table.caption = f"commissions {paid}"
    return table


def _orders(newest: list[OrderState]) -> Table:
    table = Table(title="Orders", title_justify="left", expand=True, box=box.SIMPLE_HEAD)
    for name in ("at", "order", "what", "status", "filled", "average price"):
        table.add_column(name, justify="right" if name in ("filled", "average price") else "left", no_wrap=True)
    for state in newest:
        order = state.order
        table.add_row(
            iso(state.at_ns)[11:23],
            order.id,
            f"{order.side.value} {order.quantity:g} {order.instrument}",
            state.status.value,
            f"{state.filled:g}",
            f"{state.average_price:.5f}" if state.filled else "",
        )
    return table


def _seconds(bar: Any) -> int:
    return int((bar.end_ns - bar.start_ns) // NS_PER_SECOND)


def _money(amount: float, currency: str) -> Text:
    return Text(f"{amount:+,.2f} {currency}", "green" if amount >= 0 else "red")


def _us(value: float | None) -> str:
    return "-" if value is None else f"{value / 1000:.1f} ms"
