"""News, scanners, reports, corporate events and display groups, as unmodified ib_insync sees them."""

import json
from datetime import UTC, datetime
from xml.etree import ElementTree as ET

import ib_insync
import pytest

from tests.contract.conftest import until, within

AAPL = ib_insync.Stock("AAPL", "SMART", "USD", conId=265598, primaryExchange="NASDAQ")
SUBSCRIPTION = {"instrument": "STK", "locationCode": "STK.US.MAJOR", "scanCode": "TOP_PERC_GAIN"}
FRIDAY_13_04_NS = 1_780_664_640_000_000_000  # 2026-06-05 13:04 UTC: one minute before a story about Apple
FRIDAY_13_14_NS = FRIDAY_13_04_NS + 600 * 10**9  # one minute before a bulletin


# Scanners


async def test_scanner_parameters_are_xml_with_codes_places_and_filters(ib):
    root = ET.fromstring(await ib.reqScannerParametersAsync())
    codes = {element.text for element in root.iter("scanCode")}
    assert codes >= {"TOP_PERC_GAIN", "TOP_PERC_LOSE", "MOST_ACTIVE", "HOT_BY_VOLUME"}
    assert "STK.US.MAJOR" in {element.text for element in root.iter("locationCode")}
    assert "priceAbove" in {element.text for element in root.iter("code")}


async def test_a_scan_ranks_the_simulated_market(ib):
    await until_traded(ib, "AAPL", "KO")
    gainers = await ib.reqScannerDataAsync(ib_insync.ScannerSubscription(**SUBSCRIPTION))
    symbols = [row.contractDetails.contract.symbol for row in gainers]
    assert [row.rank for row in gainers] == list(range(len(gainers)))
    assert {"AAPL", "KO"} <= set(symbols)
    assert "BMW" not in symbols


async def test_a_scan_keeps_to_its_limits(ib):
    await until_traded(ib, "AAPL", "KO")
    cheap = ib_insync.ScannerSubscription(**SUBSCRIPTION, belowPrice=100)
    assert [row.contractDetails.contract.symbol for row in await ib.reqScannerDataAsync(cheap)] == ["KO"]
    one = ib_insync.ScannerSubscription(**SUBSCRIPTION, numberOfRows=1)
    assert len(await ib.reqScannerDataAsync(one)) == 1
    filtered = await ib.reqScannerDataAsync(
        ib_insync.ScannerSubscription(**SUBSCRIPTION), [], [ib_insync.TagValue("priceBelow", "100")]
    )
    assert [row.contractDetails.contract.symbol for row in filtered] == ["KO"]


async def test_a_scan_goes_on_until_it_is_cancelled(make_gateway, connect):
    ib = await connect(await make_gateway(speed=120))
    rows = ib.reqScannerSubscription(ib_insync.ScannerSubscription(**SUBSCRIPTION | {"scanCode": "MOST_ACTIVE"}))
    for _ in range(2):
        async with within():
            await rows.updateEvent
    req_id = rows.reqId
    ib.cancelScannerSubscription(rows)
    await until(ib, lambda: ib.errors)
    assert ib.errors[-1][1:] == (
        162, f"Historical Market Data Service error message:API scanner subscription cancelled: {req_id}",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("changed", "text"),
    [
        ({"scanCode": "TOP_LUCK"}, "TOP_LUCK is disabled"),
        ({"locationCode": "STK.MARS"}, "STK.MARS is not available"),
        ({"instrument": "BOND"}, "not available for instrument BOND"),
    ],
)
async def test_a_scan_that_does_not_exist_is_refused(ib, changed, text):
    ib.reqScannerSubscription(ib_insync.ScannerSubscription(**SUBSCRIPTION | changed))
    await until(ib, lambda: ib.errors)
    assert ib.errors[-1][1] == 162
    assert text in ib.errors[-1][2]


async def until_traded(ib, *symbols):
    tickers = [ib.reqMktData(ib_insync.Stock(symbol, "SMART", "USD")) for symbol in symbols]
    await until(ib, lambda: all(ticker.last > 0 for ticker in tickers))


# News


async def test_news_of_the_past_are_told_newest_first_and_can_be_read(ib):
    providers = await ib.reqNewsProvidersAsync()
    codes = "+".join(provider.code for provider in providers)
    headlines = await ask_news(ib, 265598, codes, 5)
    times = [one.time for one in headlines]
    assert times == sorted(times, reverse=True)
    assert len(headlines) == 5
    assert headlines[0].time == datetime(2026, 6, 5, 13, 5)  # noqa: DTZ001 - the library leaves the zone out
    article = await ib.reqNewsArticleAsync(headlines[0].providerCode, headlines[0].articleId)
    assert (article.articleType, "AAPL" in article.articleText) == (0, True)
    assert ib.errors == []


async def ask_news(ib, con_id, providers, count, start="", end=""):
    """The library drops all but the count of its list, so its own event is used."""
    found = []
    original = ib.wrapper.historicalNews
    ib.wrapper.historicalNews = lambda req_id, *told: found.append(told) or original(req_id, *told)
    async with within():
        await ib.reqHistoricalNewsAsync(con_id, providers, start, end, count)
    return [ib_insync.HistoricalNews(ib_insync.util.parseIBDatetime(time), *more) for time, *more in found]


async def test_news_keep_to_their_times(ib):
    found = await ask_news(ib, 265598, "DJNL", 100, "2026-06-01 00:00:00.0", "2026-06-03 00:00:00.0")
    assert [one.time.day for one in found] == [2, 1]


async def test_news_that_there_are_not_are_refused(ib):
    await ask_news(ib, 265598, "BZ", 5)
    assert ib.errors[-1][1:] == (10276, "News feed is not allowed.")
    await ask_news(ib, 265598, "DJNL", 5, "yesterday")
    assert ib.errors[-1][1] == 321
    await ask_news(ib, 1, "DJNL", 5)
    assert ib.errors[-1][1] == 321
    await ib.reqNewsArticleAsync("DJNL", "DJNL$209906050000")
    assert ib.errors[-1][1] == 10172


async def test_a_headline_arrives_with_the_ticks_of_its_company(make_gateway, connect):
    ib = await connect(await make_gateway(start_ns=FRIDAY_13_04_NS, speed=60))
    ib.reqMktData(AAPL, "mdoff,292")
    await until(ib, ib.newsTicks)
    (tick,) = ib.newsTicks()
    assert (tick.providerCode, tick.timeStamp) == ("DJNL", datetime(2026, 6, 5, 13, 5, tzinfo=UTC).timestamp() * 1000)
    assert "Apple" in tick.headline
    assert (await ib.reqNewsArticleAsync(tick.providerCode, tick.articleId)).articleText


async def test_bulletins_of_the_day_come_at_once_and_new_ones_when_they_appear(make_gateway, connect):
    gateway = await make_gateway(start_ns=FRIDAY_13_14_NS, speed=60)
    ib, later = await connect(gateway), await connect(gateway, client_id=2)
    ib.reqNewsBulletins(True)
    later.reqNewsBulletins(False)
    await until(ib, lambda: len(ib.newsBulletins()) >= 2)
    assert [one.msgType for one in ib.newsBulletins()][:2] == [1, 2]
    await until(later, later.newsBulletins)
    assert (later.newsBulletins()[0].msgType, later.newsBulletins()[0].origExchange) == (2, "PEARL")


# Companies


async def test_reports_are_xml_with_the_figures_of_the_time(ib):
    snapshot = ET.fromstring(await ib.reqFundamentalDataAsync(AAPL, "ReportSnapshot"))
    assert snapshot.find("CoIDs/CoID").text == "Apple Inc"
    ratios = {ratio.get("FieldName"): float(ratio.text) for ratio in snapshot.iter("Ratio")}
    assert 200 < ratios["NPRICE"] < 350
    summary = ET.fromstring(await ib.reqFundamentalDataAsync(AAPL, "ReportsFinSummary"))
    assert next(summary.iter("TotalRevenue")).get("asofDate") == "2025-12-31"


@pytest.mark.parametrize("kind", ["ReportsFinStatements", "RESC", "CalendarReport"])
async def test_every_kind_of_report_is_xml(ib, kind):
    assert len(ET.fromstring(await ib.reqFundamentalDataAsync(AAPL, kind)))


async def test_what_no_report_is_about_is_430(ib):
    fund = ib_insync.Stock("SPY", "SMART", "USD", conId=756733)
    await ib.reqFundamentalDataAsync(fund, "ReportSnapshot")
    assert ib.errors[-1][1:] == (430, "The fundamentals data for the security specified is not available.")
    await ib.reqFundamentalDataAsync(AAPL, "ReportHoroscope")
    assert ib.errors[-1][1] == 321


async def test_corporate_events_need_their_meta_data_first(ib):
    await ib.getWshEventDataAsync(ib_insync.WshEventData(265598))
    assert ib.errors[-1][1] == 10282
    kinds = json.loads(await ib.getWshMetaDataAsync())
    assert kinds["meta_data"]["event_types"][0]["tag"] == "wshe_ed"
    asked = ib_insync.WshEventData(265598, startDate="20260601", endDate="20261231")
    events = json.loads(await ib.getWshEventDataAsync(asked))
    assert [(one["conid"], one["data"]["earnings_date"]) for one in events] == [("265598", "20260729"), ("265598", "20261029")]
    by_filter = ib_insync.WshEventData(filter='{"watchlist": ["8894"], "wshe_ed": "true"}', totalLimit=1)
    assert [one["symbol"] for one in json.loads(await ib.getWshEventDataAsync(by_filter))] == ["KO"]


# Windows that show the same


async def test_display_groups_show_what_any_client_makes_them_show(gateway, connect, ib):
    other, told = await connect(gateway, client_id=2), []
    for number, client in enumerate((ib, other)):
        client.wrapper.displayGroupList = lambda _req_id, groups, n=number: told.append((n, groups))
        client.wrapper.displayGroupUpdated = lambda _req_id, info, n=number: told.append((n, info))
    ib.client.queryDisplayGroups(71)
    await until(ib, lambda: told)
    assert told == [(0, "1|2|3|4|5|6|7")]
    ib.client.subscribeToGroupEvents(72, 3)
    other.client.subscribeToGroupEvents(73, 3)
    await until(ib, lambda: len(told) >= 2)
    await until(other, lambda: len(told) >= 3)
    other.client.updateDisplayGroup(73, "265598@SMART")
    await until(ib, lambda: (0, "265598@SMART") in told)
    await until(other, lambda: (1, "265598@SMART") in told)
    ib.client.unsubscribeFromGroupEvents(72)
    ib.client.updateDisplayGroup(72, "none")
    ib.client.subscribeToGroupEvents(74, 9)
    await until(ib, lambda: len(ib.errors) >= 2)
    assert [error[1] for error in ib.errors] == [321, 321]
