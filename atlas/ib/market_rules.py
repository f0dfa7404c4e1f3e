"""The price grid of an instrument, from the broker's market rules.

Contract details name a market rule for each exchange; a rule is a list of price bands with the tick in each (TWS API, "Market
Rule"). The tick in contract details is the smallest of all of them and alone would have orders refused (error 110).
"""

from collections.abc import Callable, Coroutine, Sequence
from typing import Any

from msgspec.structs import replace

from atlas.domain import Instrument, PriceBand

AskRule = Callable[[int], Coroutine[Any, Any, Sequence[Any]]]
"""Asks for a market rule by its number: price increments with `lowEdge` and `increment`."""


def rule_of(details: Any, exchange: str) -> int | None:
    """The number of the market rule that holds for an instrument on `exchange`; None where contract details name none.

    The lists of exchanges and of rules are in step. An exchange that is not listed has the rule of the first one.
    """
    rules = [int(number) for number in details.marketRuleIds.split(",") if number.strip()]
    exchanges = details.validExchanges.split(",")
    by_exchange = dict(zip(exchanges, rules, strict=False))
    return by_exchange.get(exchange, rules[0] if rules else None)


def banded(instrument: Instrument, increments: Sequence[Any]) -> Instrument:
    """`instrument` with the grid that a market rule says; a rule with one step everywhere needs no bands."""
    bands = tuple(sorted((PriceBand(float(one.lowEdge), float(one.increment)) for one in increments), key=_edge))
    if not bands:
        return instrument
    if len(bands) == 1:
        return replace(instrument, tick_size=bands[0].increment, price_bands=())
    return replace(instrument, price_bands=bands)


def _edge(band: PriceBand) -> float:
    return band.low_edge


async def on_its_grid(instrument: Instrument, details: Any, ask: AskRule) -> Instrument:
    """`instrument` with the grid that the broker has for it.

    Raises:
        Unavailable: the broker did not answer; which prices it takes is not known.
    """
    rule = rule_of(details, instrument.exchange)
    return instrument if rule is None else banded(instrument, await ask(rule))
