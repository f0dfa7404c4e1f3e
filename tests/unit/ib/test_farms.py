"""Data farms, each with its own state, as the gateway's notices tell of them."""

import pytest

from atlas.ib.farms import FARM_NOTICES, FarmKind, Farms, FarmState, farm_name, listed_farms


def after(*notices: tuple[int, str]) -> Farms:
    farms = Farms()
    for code, text in notices:
        farms = farms.hear(code, text)
    return farms


@pytest.mark.parametrize(
    ("code", "text", "name", "kind", "state"),
    [
        (2103, "Market data farm connection is broken:usfarm.nj", "usfarm.nj", FarmKind.MARKET_DATA, FarmState.BROKEN),
        (2104, "Market data farm connection is OK:usfuture", "usfuture", FarmKind.MARKET_DATA, FarmState.CONNECTED),
        (2105, "HMDS data farm connection is broken:euhmds", "euhmds", FarmKind.HISTORY, FarmState.BROKEN),
        (2106, "HMDS data farm connection is OK:ushmds", "ushmds", FarmKind.HISTORY, FarmState.CONNECTED),
        (
            2107,
            "HMDS data farm connection is inactive but should be available upon demand.ushmds",
            "ushmds",
            FarmKind.HISTORY,
            FarmState.INACTIVE,
        ),
        (
            2108,
            "Market data farm connection is inactive but should be available upon demand.cashfarm",
            "cashfarm",
            FarmKind.MARKET_DATA,
            FarmState.INACTIVE,
        ),
        (2119, "Market data farm is connecting:usfarm", "usfarm", FarmKind.MARKET_DATA, FarmState.CONNECTING),
        (2157, "Sec-def data farm connection is broken:secdefnj", "secdefnj", FarmKind.DEFINITIONS, FarmState.BROKEN),
        (2158, "Sec-def data farm connection is OK:secdefil", "secdefil", FarmKind.DEFINITIONS, FarmState.CONNECTED),
    ],
)
def test_a_notice_tells_name_kind_and_state_of_a_farm(code, text, name, kind, state):
    assert farm_name(text) == name
    farm = after((code, text)).by_name[name]
    assert (farm.kind, farm.state) == (kind, state)


def test_every_farm_code_of_the_broker_has_a_row():
    assert set(FARM_NOTICES) == {2103, 2104, 2105, 2106, 2107, 2108, 2119, 2157, 2158}


def test_farms_fail_one_by_one():
    farms = after(
        (2104, "Market data farm connection is OK:usfarm"),
        (2104, "Market data farm connection is OK:eufarm"),
        (2106, "HMDS data farm connection is OK:ushmds"),
        (2103, "Market data farm connection is broken:eufarm"),
    )
    assert farms.broken == ("eufarm",)
    assert farms.by_name["usfarm"].state is FarmState.CONNECTED


@pytest.mark.parametrize(
    ("code", "text"),
    [
        (2110, "Connectivity between Trader Workstation and server is broken. It will be restored automatically."),
        (1100, "Connectivity between IB and Trader Workstation has been lost."),
        (2103, "Market data farm connection is broken:"),
        (2104, ""),
        (10197, "No market data during competing live session"),
    ],
)
def test_what_names_no_farm_changes_none(code, text):
    farms = after((2104, "Market data farm connection is OK:usfarm"))
    assert farms.hear(code, text) == farms


def test_a_restored_link_lists_all_farms_and_how_they_are():
    text = (
        "Connectivity between IB and Trader Workstation has been restored - data maintained. "
        "The following farms are connected: usfarm; secdefil. The following farms are not connected: ushmds; euhmds."
    )
    assert listed_farms(text) == {FarmState.CONNECTED: ("usfarm", "secdefil"), FarmState.BROKEN: ("ushmds", "euhmds")}
    farms = after((2106, "HMDS data farm connection is OK:ushmds"), (1102, text))
    assert farms.broken == ("euhmds", "ushmds")
    assert farms.by_name["ushmds"].kind is FarmKind.HISTORY, "what a list does not say is kept"
    assert farms.by_name["usfarm"].kind is None


def test_a_list_in_which_all_are_connected_mends_what_was_broken():
    text = "... has been restored - data lost. All data farms are connected: usfarm; ushmds; secdefil."
    farms = after((2103, "Market data farm connection is broken:usfarm"), (1101, text))
    assert farms.broken == ()
    assert set(farms.by_name) == {"usfarm", "ushmds", "secdefil"}


def test_only_a_farm_that_was_away_recovers():
    ok = (2104, "Market data farm connection is OK:usfarm")
    broken = (2103, "Market data farm connection is broken:usfarm")
    first, lost, back = after(ok), after(ok, broken), after(ok, broken, ok)
    assert [change.recovered for change in first.since(Farms())] == [False]
    assert [change.recovered for change in lost.since(first)] == [False]
    (change,) = back.since(lost)
    assert change.recovered
    assert change.farm.name == "usfarm"
    assert back.since(back) == ()
    assert after(ok, (2108, "... available upon demand.usfarm"), ok).since(after(ok)) == ()
