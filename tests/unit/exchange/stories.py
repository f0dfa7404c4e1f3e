"""How the tables of tests say what the market does and what becomes of an order."""

from typing import Any

from atlas.domain import Order, Quote, Trade
from atlas.exchange import (
    Accepted,
    Cancelled,
    Exchange,
    ExchangeEvent,
    Executed,
    Expired,
    Modified,
    Refused,
    Rejected,
    Settled,
    Staged,
    Trailed,
)
from tests.unit.exchange.listings import AAPL, quote, trade


def q(bid: float, ask: float, bid_size: float = 0.0, ask_size: float = 0.0, *, at: int = 1, of: Any = AAPL) -> Quote:
    """A quote; without sizes its source gives none."""
    return quote(of, bid, ask, bid_size, ask_size, at)


def t(price: float, size: float = 0.0, *, at: int = 1, of: Any = AAPL) -> Trade:
    """A trade."""
    return trade(of, price, size, at)


def told(event: ExchangeEvent) -> str:
    """An event in a word or two: a stage, a price that moved, quantity@price of a fill, how it ended."""
    match event:
        case Accepted() | Staged():
            return event.stage.value
        case Trailed(_, stop, limit):
            return " ".join(f"{name} {price:g}" for name, price in (("stop", stop), ("limit", limit)) if price is not None)
        case Executed(execution):
            return f"{execution.quantity:g}@{execution.price:g}"
        case Settled(execution):
            return f"settled {execution.side.sign * execution.quantity:g}@{execution.price:g}"
        case Modified(order):
            return f"{order.quantity:g} in all"
        case Rejected(_, reason) | Refused(_, reason):
            return reason.value
        case Cancelled():
            return "cancelled"
        case Expired():
            return "expired"


def name_of(event: ExchangeEvent) -> str:
    """The id of the order that an event is about."""
    if isinstance(event, (Executed, Settled)):
        return event.execution.order_id
    return event.order.id if isinstance(event, (Accepted, Modified, Rejected)) else event.order_id


def story(exchange: Exchange, *steps: Quote | Trade | Order | int, at: int = 1) -> list[str]:
    """What is told while `steps` happen: quotes, trades, orders placed at the time of the step before, or a time."""
    result: list[str] = []
    for step in steps:
        if isinstance(step, int):
            at = step
            events = exchange.on_time(step)
        elif isinstance(step, Order):
            events = exchange.submit(step, at)
        else:
            at = step.exchange_ns
            events = exchange.on_events([step])
        result += [told(event) for event in events]
    return result


def stories(exchange: Exchange, *steps: Any, at: int = 1) -> list[tuple[str, str]]:
    """The same with the id of the order in front, for several of them. A tuple is a cancel: ("cancel", id)."""
    result: list[tuple[str, str]] = []
    for step in steps:
        if isinstance(step, tuple):
            events = exchange.cancel(step[1], at)
        elif isinstance(step, Order):
            events = exchange.submit(step, at)
        elif isinstance(step, int):
            at, events = step, list(exchange.on_time(step))
        else:
            at, events = step.exchange_ns, exchange.on_events([step])
        result += [(name_of(event), told(event)) for event in events]
    return result
