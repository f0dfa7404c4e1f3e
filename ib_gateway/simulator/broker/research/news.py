"""News of a time: the stories of the fixtures, dated. Any day has its news, whenever it is asked for.

An article is told by provider and number: the day and the place of its story in the fixtures, and of the company in it.
"""

from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import NamedTuple

from atlas.domain import from_datetime, to_datetime
from ib_gateway.simulator.fixtures import Bulletin, News, Story

_ONE_DAY = timedelta(days=1)
_EPOCH = date(2000, 1, 1)
_BULLETINS_PER_DAY = 10


class Article(NamedTuple):
    """A piece of news. Without a symbol it is about no company."""

    id: str
    provider: str
    at_ns: int
    headline: str
    text: str
    symbol: str


class DatedBulletin(NamedTuple):
    """A bulletin of a day, under a number of its own."""

    id: int
    at_ns: int
    bulletin: Bulletin


def articles(news: News, names: Mapping[str, str], start_ns: int, end_ns: int) -> Iterator[Article]:
    """All news from `start_ns` to before `end_ns`, the newest first. `names` are those of companies by symbol."""
    day, last = to_datetime(end_ns).date(), to_datetime(start_ns).date()
    while day >= last:
        for article in sorted(_of_day(news, names, day), key=lambda one: one.at_ns, reverse=True):
            if start_ns <= article.at_ns < end_ns:
                yield article
        day -= _ONE_DAY


def article(news: News, names: Mapping[str, str], provider: str, article_id: str, now_ns: int) -> Article | None:
    """The article of that provider and id, if there is one and it has appeared by `now_ns`."""
    try:
        day = datetime.strptime(article_id.partition("$")[2][:8], "%Y%m%d").date()  # noqa: DTZ007 - a date, not a time
    except ValueError:
        return None
    for one in _of_day(news, names, day):
        if (one.provider, one.id) == (provider, article_id) and one.at_ns <= now_ns:
            return one
    return None


def bulletins(news: News, start_ns: int, end_ns: int) -> list[DatedBulletin]:
    """Bulletins from `start_ns` to before `end_ns`, the oldest first."""
    result, day = [], to_datetime(start_ns).date()
    while day <= to_datetime(end_ns).date():
        if day.weekday() < 5:
            for place, bulletin in enumerate(news.bulletins):
                at_ns = _moment(day, bulletin.at)
                if start_ns <= at_ns < end_ns:
                    result.append(DatedBulletin((day - _EPOCH).days * _BULLETINS_PER_DAY + place, at_ns, bulletin))
        day += _ONE_DAY
    return sorted(result, key=lambda one: one.at_ns)


def _of_day(news: News, names: Mapping[str, str], day: date) -> Iterator[Article]:
    for place, story in enumerate(news.stories):
        if day.weekday() in story.days:
            for number, symbol in enumerate(story.symbols or ("",)):
                article_id = f"{story.provider}${day:%Y%m%d}{place:02}{number:02}"
                yield _article(story, article_id, day, symbol, names.get(symbol, symbol))


def _article(story: Story, article_id: str, day: date, symbol: str, name: str) -> Article:
    words = {"symbol": symbol, "name": name, "date": day.isoformat()}
    return Article(
        article_id, story.provider, _moment(day, story.at), story.headline.format(**words), story.text.format(**words), symbol
    )


def _moment(day: date, at: str) -> int:
    return from_datetime(datetime.combine(day, time.fromisoformat(at), tzinfo=UTC))
