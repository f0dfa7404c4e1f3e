"""Our ids of what the broker names by its own numbers."""

import pytest

from atlas.ib.contracts import id_of
from atlas.ib.library import Contract


@pytest.mark.parametrize(
    ("contract", "name"),
    [
        ({"secType": "CASH", "symbol": "EUR", "currency": "USD", "exchange": "IDEALPRO"}, "EUR.USD@IDEALPRO"),
        ({"secType": "STK", "symbol": "AAPL", "currency": "USD", "exchange": "ISLAND"}, "AAPL@SMART"),
        ({"secType": "STK", "symbol": "SAP", "currency": "EUR", "exchange": "IBIS"}, "SAP@SMART:EUR"),
        (
            {
                "secType": "FUT", "symbol": "ES", "currency": "USD", "exchange": "CME",
                "lastTradeDateOrContractMonth": "20261218",
            },
            "ES-202612@CME",
        ),
        (
            {
                "secType": "OPT", "symbol": "AAPL", "currency": "USD", "exchange": "CBOE", "right": "CALL", "strike": 252.5,
                "lastTradeDateOrContractMonth": "20261218",
            },
            "AAPL-20261218-252.5C@SMART",
        ),
        ({"secType": "IND", "symbol": "SPX", "currency": "USD", "exchange": "CBOE"}, "^SPX@CBOE"),
        ({"secType": "BOND", "symbol": "IBCID", "currency": "USD", "exchange": "SMART"}, ""),
    ],
    ids=lambda one: one if isinstance(one, str) else "",
)  # fmt: skip
def test_a_contract_has_the_id_under_which_it_is_traded_here(contract, name):
    assert id_of(Contract(**contract)) == name
