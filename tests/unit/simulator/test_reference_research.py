"""News that are dated, scans that rank, days on which companies report: decided without a gateway."""

from datetime import UTC, date, datetime

import pytest

from atlas.domain import from_datetime, to_datetime
from ib_gateway.simulator.broker.market_data.days import Day
from ib_gateway.simulator.broker.research import earnings, scanning
from ib_gateway.simulator.broker.research.news import article, articles, bulletins
from ib_gateway.simulator.broker.research.reports import report
from ib_gateway.simulator.broker.research.scanning import Candidate
from ib_gateway.simulator.fixtures import companies, login, news, scanners
from ib_gateway.simulator.instruments import load
from ib_gateway.simulator.messages.requests import ScannerSubscription


def ns(text):
    return from_datetime(datetime.fromisoformat(text).replace(tzinfo=UTC))


@pytest.fixture(scope="module")
def catalogue():
    return load()


# News


def test_news_are_the_same_whenever_they_are_asked_for():
    whole = list(articles(news(), {}, ns("2026-06-01T00:00"), ns("2026-06-08T00:00")))
    parts = [one for day in range(7, 0, -1) for one in articles(news(), {}, ns(f"2026-06-0{day}"), ns(f"2026-06-0{day + 1}"))]
    assert whole == parts
    assert [one.at_ns for one in whole] == sorted((one.at_ns for one in whole), reverse=True)
    assert len({(one.provider, one.id) for one in whole}) == len(whole)


def test_every_headline_can_be_read_once_it_has_appeared():
    for one in articles(news(), {"AAPL": "Apple"}, ns("2026-06-01T00:00"), ns("2026-06-08T00:00")):
        assert article(news(), {"AAPL": "Apple"}, one.provider, one.id, one.at_ns) == one
        assert article(news(), {}, one.provider, one.id, one.at_ns - 1) is None
        assert "{" not in one.headline + one.text


@pytest.mark.parametrize("article_id", ["", "DJNL", "DJNL$", "DJNL$2026", "DJNL$20260605", "DJNL$202606059999", "\0"])
def test_what_is_no_article_is_not_found(article_id):
    assert article(news(), {}, "DJNL", article_id, ns("2026-07-01")) is None


def test_bulletins_come_on_working_days_under_numbers_of_their_own():
    found = bulletins(news(), ns("2026-06-05T00:00"), ns("2026-06-09T00:00"))
    assert {to_datetime(one.at_ns).date() for one in found} == {date(2026, 6, 5), date(2026, 6, 8)}
    assert len({one.id for one in found}) == len(found) == 2 * len(news().bulletins)
    assert all(one.id < 2**31 for one in found)


# Scans


def candidate(catalogue, name, **figures):
    day = Day(0, figures.pop("close", 0.0))
    for figure, number in figures.items():
        setattr(day, figure, number)
    company = companies().get(catalogue.get(name).instrument.symbol)
    return Candidate(catalogue.get(name), day, company.shares * day.last if company else 0.0, 0)


@pytest.fixture
def market(catalogue):
    return [
        candidate(catalogue, "AAPL@SMART", close=100.0, open=101.0, last=103.0, volume=500.0, high=104.0, low=100.5),
        candidate(catalogue, "KO@SMART", close=100.0, open=102.0, last=99.0, volume=900.0, high=102.0, low=98.0),
        candidate(catalogue, "SPY@SMART", close=100.0, open=100.0, last=101.0, volume=700.0, high=101.0, low=100.0),
        candidate(catalogue, "MSFT@SMART"),  # has not traded, and nobody knows its close
    ]


def scan(code="TOP_PERC_GAIN", **more):
    return ScannerSubscription(1, -1, "STK", "STK.US.MAJOR", code, **more)


def ranked(request, market):
    return [listing.instrument.symbol for listing in scanning.rank(scanners(), request, market)]


@pytest.mark.parametrize(
    ("code", "order"),
    [
        ("TOP_PERC_GAIN", ["AAPL", "SPY", "KO"]),
        ("TOP_PERC_LOSE", ["KO", "SPY", "AAPL"]),
        ("MOST_ACTIVE", ["KO", "SPY", "AAPL", "MSFT"]),
        ("HIGH_OPEN_GAP", ["KO", "AAPL", "SPY"]),
        ("TOP_OPEN_PERC_GAIN", ["AAPL", "SPY", "KO"]),
        ("TOP_PRICE_RANGE", ["KO", "AAPL", "SPY", "MSFT"]),
    ],
)
def test_a_scanner_ranks_by_its_figure(market, code, order):
    assert ranked(scan(code), market) == order


@pytest.mark.parametrize(
    ("limits", "left"),
    [
        ({"above_price": 100.0}, ["AAPL", "SPY"]),
        ({"below_price": 100.0, "above_volume": 1}, ["KO"]),
        ({"stock_type": "ETF"}, ["SPY"]),
        ({"stock_type": "STOCK"}, ["AAPL", "KO"]),
        ({"market_cap_above": 1_000_000.0}, ["AAPL"]),
        ({"filters": "changePercAbove=0.5;changePercBelow=2;"}, ["SPY"]),
        ({"stock_type": "ALL"}, ["AAPL", "SPY", "KO"]),
    ],
)
def test_a_scanner_leaves_out_what_does_not_pass_its_limits(market, limits, left):
    assert ranked(scan(**limits), market) == left


def test_a_scanner_tells_no_more_rows_than_it_was_asked_for(market):
    request = ScannerSubscription(1, 2, "STK", "STK.US.MAJOR", "TOP_PERC_GAIN")
    assert ranked(request, market) == ["AAPL", "SPY"]


@pytest.mark.parametrize("filters", ["luck=7;", "priceAbove", "priceAbove=much;"])
def test_filters_that_make_no_sense_are_objected_to(filters):
    assert "Scanner filter" in scanning.objection(scanners(), scan(filters=filters))
    assert not scanning.objection(scanners(), scan(filters="priceAbove=1;"))


def test_every_scan_and_every_place_of_the_fixtures_can_be_used(catalogue, market):
    for code in scanners().scans:
        assert ranked(scan(code), market)
    for code, place in scanners().places.items():
        assert not scanning.objection(scanners(), ScannerSubscription(1, -1, place.instrument, code, "MOST_ACTIVE"))
        assert scanning.in_place(place, catalogue), code


# Companies


def test_companies_report_on_working_days():
    for company in companies().values():
        days = earnings.reporting_days(company, date(2026, 1, 1), date(2027, 12, 31))
        assert len(days) == 8
        assert all(day.weekday() < 5 for day in days)


@pytest.mark.parametrize(
    "filters", ["[]", "{", '{"watchlist": ["AAPL"]}', '{"watchlist": 5}', '{"limit": [1]}', '{"limit": "many"}', "[" * 100_000]
)
def test_a_filter_that_cannot_be_read_is_refused(filters):
    with pytest.raises(ValueError, match="the filter cannot be read"):
        earnings.query(None, filters, ("", ""), None, date(2026, 6, 5))


def test_a_query_has_a_year_to_both_sides_and_every_company_unless_it_says_otherwise():
    asked = earnings.query(None, "", ("", "20261231"), 7, date(2026, 6, 5))
    assert asked == (frozenset(), frozenset({"wshe_ed"}), date(2025, 6, 5), date(2026, 12, 31), 7)
    with pytest.raises(ValueError, match=r"Invalid isoformat|month must be"):
        earnings.query(None, "", ("20261301", ""), None, date(2026, 6, 5))


def test_a_report_knows_no_year_that_is_not_over_and_reported(catalogue):
    apple = catalogue.get("AAPL@SMART")
    for today, newest in ((date(2026, 2, 1), "2024-12-31"), (date(2026, 3, 2), "2025-12-31")):
        xml = report("ReportsFinSummary", companies()["AAPL"], apple, 270.0, today)
        assert f'asofDate="{newest}"' in xml
        assert ("2025-12-31" in xml) is (newest == "2025-12-31")


def test_a_report_before_the_first_known_year_has_no_figures_but_the_price(catalogue):
    xml = report("ReportSnapshot", companies()["AAPL"], catalogue.get("AAPL@SMART"), 17.5, date(2013, 10, 7))
    assert ">17.50000<" in xml
    assert "TTMREV" not in xml


def test_every_company_of_the_fixtures_is_listed(catalogue):
    symbols = {listing.instrument.symbol for listing in catalogue if listing.sec_type == "STK"}
    assert companies().keys() <= symbols
    assert {symbol for story in news().stories for symbol in story.symbols} <= symbols
    assert login().soft_dollar_tiers
