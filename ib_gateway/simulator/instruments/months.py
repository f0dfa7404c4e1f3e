"""Contract months and last trading days."""

from collections.abc import Callable, Iterator, Mapping
from datetime import date, timedelta

from atlas.domain import BadInput
from ib_gateway.simulator.instruments.rows import SeriesRow

MONTH_CODES = "FGHJKMNQUVXZ"
"""January to December, as futures exchanges write them."""

_ONE_DAY = timedelta(days=1)


def months_of(series: SeriesRow, owner: str) -> Iterator[tuple[str, int]]:
    """The contract months (YYYYMM) of a series, and what is to be added to its con id for each: months since 2000.

    Raises:
        BadInput: the first or the last is no month.
    """
    first, last = (_month_number(text, owner) for text in (series.first, series.last))
    for number in range(first, last + 1):
        if MONTH_CODES[number % 12] in series.months:
            yield f"{2000 + number // 12}{number % 12 + 1:02}", number


def _month_number(text: str, owner: str) -> int:
    year, month = split_month(text, owner)
    return (year - 2000) * 12 + month - 1


def split_month(text: str, owner: str) -> tuple[int, int]:
    """Year and month of YYYYMM.

    Raises:
        BadInput: it is none.
    """
    if len(text) != 6 or not text.isdigit() or not 1 <= int(text[4:]) <= 12 or int(text[:4]) < 2000:
        raise BadInput(f"{owner}: {text!r} is not a contract month; write YYYYMM")
    return int(text[:4]), int(text[4:])


def last_trade_day(rule: str, year: int, month: int) -> date:
    """The day on which a contract of `year` and `month` stops trading. Holidays are not considered."""
    return _RULES[rule](date(year, month, 1))


def _nth(first: date, weekday: int, n: int) -> date:
    """The `n`th `weekday` (Monday is 0) from `first` on."""
    return first + timedelta(days=(weekday - first.weekday()) % 7 + 7 * (n - 1))


def _weekday_before(day: date, count: int) -> date:
    """`count` weekdays before `day`."""
    while count:
        day -= _ONE_DAY
        count -= day.weekday() < 5
    return day


def _month_after(first: date) -> date:
    return date(first.year + first.month // 12, first.month % 12 + 1, 1)


def _third_weekday_before_25th(first: date) -> date:
    """Of the month before: the third weekday before the 25th, or before the last weekday before it if it is none."""
    day = (first - _ONE_DAY).replace(day=25)
    return _weekday_before(day if day.weekday() < 5 else _weekday_before(day, 1), 3)


_RULES: Mapping[str, Callable[[date], date]] = {
    "third-friday": lambda first: _nth(first, 4, 3),
    "third-last-weekday": lambda first: _weekday_before(_month_after(first), 3),
    "eighth-last-weekday": lambda first: _weekday_before(_month_after(first), 8),
    "monday-before-third-wednesday": lambda first: _nth(first, 2, 3) - 2 * _ONE_DAY,
    "third-weekday-before-25th": _third_weekday_before_25th,
}
