import msgspec
import pytest
from support.risk import FLAT, INSTRUMENTS, STOCK, Gatekeeper, buy, new_york

from atlas.domain import to_datetime

HOURS = msgspec.structs.replace(
    STOCK,
    trading_hours="20261120:0400-20261120:2000;20261121:CLOSED",
    liquid_hours="20261120:0930-20261120:1600;20261121:CLOSED",
)


@pytest.fixture
def check():
    gate = Gatekeeper(trading_hours=True).gate
    return lambda at, one=HOURS, **values: gate.check(buy(**values), one, FLAT, new_york(at))


def test_an_order_opens_during_regular_hours(check):
    assert check("2026-11-20 09:30") is None
    assert check("2026-11-20 15:59") is None


@pytest.mark.parametrize("at", ["2026-11-20 09:29", "2026-11-20 16:00", "2026-11-21 12:00"])
def test_outside_regular_hours_nothing_is_opened(check, at):
    denial = check(at)
    assert (denial.rule, denial.temporary) == ("trading_hours", True)
    moment = to_datetime(new_york(at)).strftime("%Y-%m-%dT%H:%M")
    assert denial.text.startswith(moment)
    assert denial.text.endswith("Z is outside the regular trading hours of AAPL@SMART, and trading_hours of the desk is true")


def test_an_order_for_outside_regular_hours_goes_by_the_trading_hours(check):
    assert check("2026-11-20 04:00", outside_rth=True) is None
    assert check("2026-11-20 19:59", outside_rth=True) is None
    assert "is outside the trading hours of" in check("2026-11-20 20:00", outside_rth=True).text


@pytest.mark.parametrize(
    "hours", ["", "nonsense", "20261199:0930-20261120:1600", "20261119:0930-20261119:1600", "20261113:0930-20261113:1600"]
)
def test_hours_that_nobody_knows_open_nothing(check, hours):
    denial = check("2026-11-20 12:00", msgspec.structs.replace(HOURS, liquid_hours=hours))
    assert denial.temporary
    assert denial.text == (
        "the regular trading hours of AAPL@SMART at 2026-11-20T17:00:00.000000Z are not known, "
        "and trading_hours of the desk is true"
    )


def test_without_the_rule_the_hours_do_not_matter():
    assert Gatekeeper().gate.check(buy(), INSTRUMENTS[STOCK.id], FLAT, 0) is None


def test_hours_in_a_zone_that_nobody_knows_open_nothing(check):
    assert "are not known" in check("2026-11-20 12:00", msgspec.structs.replace(HOURS, time_zone="Nowhere/Atall")).text
