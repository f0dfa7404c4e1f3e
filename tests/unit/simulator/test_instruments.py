"""What is listed: the shipped file, wrong files, hours, and how clients' descriptions find a listing."""

from datetime import UTC, date, datetime

import pytest
import yaml

from atlas.domain import BadInput, from_datetime, parse_instrument_id
from ib_gateway.simulator.instruments import Hours, load
from ib_gateway.simulator.instruments.file import DEFAULT
from ib_gateway.simulator.instruments.months import last_trade_day
from ib_gateway.simulator.messages import Contract


@pytest.fixture(scope="module")
def catalogue():
    return load()


@pytest.fixture
def edited(tmp_path):
    """Writes a copy of the shipped file with a change in it."""

    def edit(change):
        content = yaml.safe_load(DEFAULT.read_text())
        change(content)
        path = tmp_path / "instruments.yaml"
        path.write_text(yaml.safe_dump(content))
        return path

    return edit


def ns(text):
    return from_datetime(datetime.fromisoformat(text).replace(tzinfo=UTC))


def test_the_shipped_instruments_carry_ids_of_the_house(catalogue):
    for listing in catalogue:
        spec = parse_instrument_id(listing.instrument.id)
        assert (spec.kind, spec.symbol, spec.exchange, spec.currency) == (
            listing.instrument.kind, listing.instrument.symbol, listing.instrument.exchange, listing.instrument.currency,
        )  # fmt: skip
        assert listing.instrument.con_id < 2**31
        assert catalogue.market_rules[listing.market_rule][0][1] == listing.instrument.tick_size


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (lambda c: c["spot"][0].update(colour="red"), r"unknown field `colour` - at `\$.spot\[0\]`"),
        (lambda c: c["stocks"][1].update(con_id="many"), r"Expected `int`, got `str` - at `\$.stocks\[1\].con_id`"),
        (lambda c: c["stocks"][1].pop("primary_exchange"), "primary_exchange"),
        (lambda c: c["stocks"][1].update(con_id=12087792), "con id 12087792 is given to EUR.USD@IDEALPRO and to MSFT@SMART"),
        (lambda c: c["stocks"].append(c["stocks"][0]), "AAPL@SMART is listed twice"),
        (lambda c: c["spot"][0].update(id="EURUSD"), "'EURUSD'|EURUSD"),
        (lambda c: c["spot"][0].update(market_rule=999), "EUR.USD@IDEALPRO refers to market rule 999"),
        (lambda c: c["spot"][0].update(hours="moon"), "refers to hours 'moon'"),
        (
            lambda c: c["futures"][0]["contracts"].update({"202613": 5}),
            r"matching regex .* `key` in `\$.futures\[0\].contracts`",
        ),
        (lambda c: c["futures"][2]["series"].update(first="2025"), r"\$.futures\[2\].series.first"),
        (lambda c: c["options"][0].update(underlying="IBM@SMART"), "options on IBM@SMART: it is not listed"),
        (lambda c: c["options"][0].update(market_rule=998), "options on AAPL@SMART refers to market rule 998"),
        (lambda c: c["options"][1].update(venue_rule=997), "options on SPY@SMART refers to market rule 997"),
        (lambda c: c["options"][0]["strikes"].update(step=0), r"`float` > 0.* - at `\$.options\[0\].strikes.step`"),
        (lambda c: c["options"][0]["strikes"].update(last=100), "strikes from 200 to 100 by 5 are no grid"),
        (lambda c: c["options"][0]["strikes"].update(step=0.001), "strikes from 200 to 340 by 0.001 are no grid"),
        (lambda c: c["stocks"][0].update(tick_size=0), r"\$.stocks\[0\].tick_size"),
        (lambda c: c["stocks"][0]["market"].update(price=-1), r"\$.stocks\[0\].market.price"),
        (lambda c: c["stocks"][0]["market"].update(price=float("nan")), r"\$.stocks\[0\].market.price"),
        (lambda c: c["futures"][0].update(last_trade_time="8:30"), r"\$.futures\[0\].last_trade_time"),
        (lambda c: c["futures"][0].update(moved={"202606": "18.6.2026"}), r"\$.futures\[0\].moved"),
        (lambda c: c["futures"][0].update(moved={"202606": "20260631"}), "20260631 of ES-202606@CME is not a day"),
        (lambda c: c["market_rules"].update({26: []}), r"\$.market_rules"),
        (
            lambda c: c["options"][1].update({n: c["options"][0][n] for n in ("series", "strikes")}),
            "con id 15[0-9]+ is given to AAPL-",
        ),
        (lambda c: c["options"][0]["series"].update(con_id=2**31), r"\$.options\[0\].series.con_id"),
        (lambda c: c["options"][0]["series"].update(con_id=2**31 - 1), "is not between 1 and 2147483647"),
        (lambda c: c["stocks"][0].update(con_id=0), "con id 0 of AAPL@SMART is not between 1"),
        (lambda c: c["hours"]["forex"].update(trading=["SUN 5pm - MON"]), "'SUN 5pm - MON' is not a session"),
        (lambda c: c["hours"]["forex"].update(time_zone="Mars/Phobos"), "Mars/Phobos"),
        (lambda c: c["hours"]["forex"].update(calendar="XMARS"), "no exchange calendar 'XMARS'"),
        (lambda c: c["hours"]["forex"].update(holidays=["25.12."]), "'25.12.' is not a day of the year"),
    ],
)
def test_a_wrong_file_is_refused_in_one_line_that_names_what_is_wrong(edited, change, named):
    path = edited(change)
    with pytest.raises(BadInput, match=named) as caught:
        load(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_missing_file_and_a_file_that_is_no_yaml_are_refused(tmp_path):
    with pytest.raises(BadInput, match="cannot be read: No such file"):
        load(tmp_path / "none.yaml")
    (tmp_path / "bad.yaml").write_text("spot: [")
    with pytest.raises(BadInput, match="is not YAML"):
        load(tmp_path / "bad.yaml")


@pytest.mark.parametrize(
    ("contract", "found"),
    [
        (Contract(con_id=265598), ["AAPL@SMART"]),
        (Contract(con_id=265598, exchange="ISLAND"), ["AAPL@SMART"]),
        (Contract(con_id=265598, exchange="LSE"), []),
        (Contract(symbol="EUR", sec_type="CASH", exchange="IDEALPRO", currency="USD"), ["EUR.USD@IDEALPRO"]),
        (Contract(symbol="EUR", sec_type="CASH", exchange="IDEALPRO", currency="GBP"), []),
        (Contract(symbol="AAPL", sec_type="STK", exchange="SMART", currency="USD", primary_exchange="NASDAQ"), ["AAPL@SMART"]),
        (Contract(symbol="ES", sec_type="FUT", exchange="CME", expiry="202612"), ["ES-202612@CME"]),
        (Contract(symbol="ES", sec_type="FUT", exchange="CME", expiry="20261218"), ["ES-202612@CME"]),
        (Contract(local_symbol="GCZ6", sec_type="FUT", exchange="COMEX"), ["GC-202612@COMEX"]),
        (Contract(symbol="ES", sec_type="FUT", exchange="CME", multiplier="5"), []),
        (Contract(symbol="ES", sec_type="FUT", exchange="CME", expiry="202509"), []),
        (Contract(con_id=637533641), ["ES-202509@CME"]),
        (Contract(), []),
        (Contract(exchange="SMART", currency="USD"), []),
    ],
)
def test_a_description_finds_what_it_can_mean(catalogue, contract, found):
    assert [one.instrument.id for one in catalogue.find(contract, "20261120")] == found


def test_expired_contracts_are_found_on_request(catalogue):
    wanted = Contract(symbol="ES", sec_type="FUT", exchange="CME")
    months = [one.contract_month for one in catalogue.find(wanted, "20261120", include_expired=True)]
    assert months[:3] == ["201312", "202506", "202509"]
    assert next(one.contract_month for one in catalogue.find(wanted, "20261120")) == "202612"
    assert next(one.contract_month for one in catalogue.find(wanted, "20131007")) == "201312"


def test_the_front_has_one_contract_of_each_future(catalogue):
    names = [one.instrument.id for one in catalogue.front("20261221")]
    assert [name for name in names if "-" in name] == [
        "CL-202701@NYMEX", "ZN-202612@CBOT", "GC-202612@COMEX", "EUR-202703@CME", "ES-202703@CME", "NQ-202703@CME",
        "MES-202703@CME",
    ]  # fmt: skip
    assert "AAPL@SMART" in names


@pytest.mark.parametrize(
    ("rule", "year", "month", "day"),
    [
        ("third-friday", 2025, 6, date(2025, 6, 20)),
        ("third-friday", 2026, 12, date(2026, 12, 18)),
        ("third-last-weekday", 2026, 12, date(2026, 12, 29)),
        ("third-last-weekday", 2013, 12, date(2013, 12, 27)),
        ("eighth-last-weekday", 2026, 9, date(2026, 9, 21)),
        ("monday-before-third-wednesday", 2026, 12, date(2026, 12, 14)),
        ("third-weekday-before-25th", 2026, 12, date(2026, 11, 20)),
        ("third-weekday-before-25th", 2026, 11, date(2026, 10, 20)),  # the 25th is a Sunday
    ],
)
def test_last_trading_days(rule, year, month, day):
    assert last_trade_day(rule, year, month) == day


def test_hours_are_written_as_the_broker_writes_them(catalogue):
    future = catalogue.get("ES-202612@CME")
    assert future.trading.text(ns("2025-05-22T12:00:00")).startswith(
        "20250521:1700-20250522:1600;20250522:1700-20250523:1600;20250524:CLOSED;20250525:1700-20250526:1200"
    )
    assert future.liquid.text(ns("2025-05-22T12:00:00")).startswith("20250522:0830-20250522:1600;20250523:0830-20250523:1600")
    stock = catalogue.get("AAPL@SMART").trading.text(ns("2022-12-30T15:00:00"))
    assert stock.split(";")[:3] == ["20221230:0400-20221230:2000", "20221231:CLOSED", "20230101:CLOSED"]
    pair = catalogue.get("EUR.USD@IDEALPRO").trading.text(ns("2023-12-04T12:00:00")).split(";")
    assert pair[0] == "20231203:1715-20231204:1700"
    assert "20231209:CLOSED" in pair


@pytest.mark.parametrize(
    ("moment", "opens", "closes"),
    [
        ("2026-06-05T15:00:00", "2026-06-04T21:15:00", "2026-06-05T21:00:00"),
        ("2026-06-06T15:00:00", "2026-06-07T21:15:00", "2026-06-08T21:00:00"),
        ("2026-03-08T12:00:00", "2026-03-08T21:15:00", "2026-03-09T21:00:00"),
        ("2026-11-01T12:00:00", "2026-11-01T22:15:00", "2026-11-02T22:00:00"),
    ],
    ids=["within", "weekend", "spring forward", "fall back"],
)
def test_the_session_at_a_moment_follows_the_exchanges_clock(catalogue, moment, opens, closes):
    session = catalogue.get("EUR.USD@IDEALPRO").trading.session_at(ns(moment))
    assert session == (ns(opens), ns(closes))


def test_hours_without_sessions_are_refused():
    with pytest.raises(BadInput, match="no session within a week"):
        Hours("UTC", []).session_at(0)
