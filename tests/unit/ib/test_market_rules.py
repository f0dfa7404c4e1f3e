"""Which market rule holds for an instrument, and what grid it says."""

from typing import Any, NamedTuple

import pytest

from atlas.domain import Instrument, InstrumentKind, PriceBand, Unavailable
from atlas.ib.market_rules import banded, on_its_grid, rule_of

OPTION = Instrument("SPY-20261218-600C@CBOE", InstrumentKind.OPTION, "SPY", "CBOE", "USD", 2, 0.01, multiplier=100.0)


class Details(NamedTuple):
    validExchanges: str  # noqa: N815 - the library's names
    marketRuleIds: str  # noqa: N815


class Increment(NamedTuple):
    lowEdge: float  # noqa: N815
    increment: float


DETAILS = Details("SMART,AMEX,CBOE", "32,109,110")


@pytest.mark.parametrize(("exchange", "rule"), [("SMART", 32), ("AMEX", 109), ("CBOE", 110), ("ELSEWHERE", 32)])
def test_each_exchange_has_its_own_rule(exchange, rule):
    assert rule_of(DETAILS, exchange) == rule


@pytest.mark.parametrize("rules", ["", " "])
def test_contract_details_may_name_no_rule(rules):
    assert rule_of(Details("SMART", rules), "SMART") is None


def test_a_rule_with_several_steps_is_kept_as_bands_in_order():
    found = banded(OPTION, [Increment(3.0, 0.05), Increment(0.0, 0.01)])
    assert found.price_bands == (PriceBand(0.0, 0.01), PriceBand(3.0, 0.05))


def test_a_rule_with_one_step_takes_the_place_of_the_smallest_tick():
    found = banded(OPTION, [Increment(0.0, 0.05)])
    assert (found.tick_size, found.price_bands) == (0.05, ())


def test_an_empty_rule_says_nothing():
    assert banded(OPTION, []) is OPTION


async def test_the_rule_of_the_exchange_is_asked_for_and_no_other():
    asked: list[int] = []

    async def ask(number: int) -> Any:
        asked.append(number)
        return [Increment(0.0, 0.01), Increment(3.0, 0.05)]

    found = await on_its_grid(OPTION, DETAILS, ask)
    assert asked == [110]
    assert (found.on_tick(3.01), found.on_tick(2.99), found.on_tick(3.05)) == (False, True, True)


async def test_without_an_answer_the_instrument_is_not_defined_rather_than_traded_off_its_grid():
    async def ask(number: int) -> Any:
        raise Unavailable(f"market rule {number}: no answer")

    with pytest.raises(Unavailable):
        await on_its_grid(OPTION, DETAILS, ask)
