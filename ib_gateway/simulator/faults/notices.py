"""Notices in IB's words.

Sources: the message codes of the TWS API documentation; texts as gateways' logs show them.
"""

from ib_gateway.simulator.messages.replies import Error

LOST = Error(-1, 1100, "Connectivity between IB and Trader Workstation has been lost.")
SERVER_BROKEN = Error(
    -1, 2110, "Connectivity between Trader Workstation and server is broken. It will be restored automatically."
)
ALL_FARMS = ("usfarm", "ushmds", "secdefil")

_RESTORED = "Connectivity between IB and Trader Workstation has been restored - data {}. {}"
_NOTICES = {
    2103: ("Market data farm connection is broken:{}", "usfarm"),
    2104: ("Market data farm connection is OK:{}", "usfarm"),
    2105: ("HMDS data farm connection is broken:{}", "ushmds"),
    2106: ("HMDS data farm connection is OK:{}", "ushmds"),
    2107: ("HMDS data farm connection is inactive but should be available upon demand.{}", "ushmds"),
    2108: ("Market data farm connection is inactive but should be available upon demand.{}", "usfarm"),
    2110: (SERVER_BROKEN.text, ""),
    2119: ("Market data farm is connecting:{}", "usfarm"),
    2157: ("Sec-def data farm connection is broken:{}", "secdefil"),
    2158: ("Sec-def data farm connection is OK:{}", "secdefil"),
}


def notice(code: int, farm: str = "") -> Error:
    """The notice of a code; an empty farm is the usual one."""
    text, usual = _NOTICES[code]
    return Error(-1, code, text.format(farm or usual))


def restored(data: str, farms_down: frozenset[str]) -> Error:
    """1102 for data that were maintained, 1101 for data that were lost, with the farms and how they are."""
    up = "; ".join(farm for farm in ALL_FARMS if farm not in farms_down)
    down = "; ".join(farm for farm in ALL_FARMS if farm in farms_down)
    farms = f"All data farms are connected: {up}."
    if down:
        connected = f"The following farms are connected: {up}. " if up else ""
        farms = f"{connected}The following farms are not connected: {down}."
    return Error(-1, 1102 if data == "maintained" else 1101, _RESTORED.format(data, farms))


def port_reset(port: int) -> Error:
    """1300, with the port to come back on."""
    text = f"TWS socket port has been reset and this connection is being dropped. Please reconnect on the new port - {port}"
    return Error(-1, 1300, text)


PACING = (162, "Historical Market Data Service error message:Historical data request pacing violation")
LINES = (101, "Max number of tickers has been reached")
