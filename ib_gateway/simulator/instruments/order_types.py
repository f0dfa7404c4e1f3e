"""Which orders a product takes: one table, from which contract details list them and the order desk refuses the others.

It has of IB's lists what is simulated, by IB's names for contract details. Those of stocks, currencies and futures are parts of
recorded ones (a smart-routed US stock, EUR.USD, ES), but that FOK is taken everywhere; there is no record of options, whose
part is what IB's pages on order types say of them. Source: TWS API, "Contract Details"; IB, "Order Types and Algos".
"""

from collections.abc import Mapping

NAMES: Mapping[str, str] = {
    "MKT": "MKT",
    "LMT": "LMT",
    "STP": "STP",
    "STP LMT": "STPLMT",
    "MIT": "MIT",
    "LIT": "LIT",
    "TRAIL": "TRAIL",
    "TRAIL LIMIT": "TRAILLMT",
    "MOC": "MOC",
    "LOC": "LOC",
    "MIDPRICE": "MIDPX",
    "PEG MID": "PEGMID",
    "REL": "REL",
}
"""Order types: as clients write them on orders, and as contract details list them."""

ALL_OR_NONE = "AON"
PERCENT_OFFSET = "RELPCTOFS"

_EVERYWHERE = frozenset(
    ("MKT", "LMT", "STP", "STPLMT", "MIT", "LIT", "TRAIL", "TRAILLMT", "DAY", "GTC", "GTD", "IOC", "FOK", "ALLOC", "COND",
     "CONDORDER", "GAT", "OCA", "WHATIF")
)  # fmt: skip
_RELATIVE = frozenset(("REL", PERCENT_OFFSET))

ACCEPTED: Mapping[str, frozenset[str]] = {
    "STK": _EVERYWHERE | _RELATIVE | {ALL_OR_NONE, "MOC", "LOC", "OPG", "MIDPX", "PEGMID", "RTH"},
    "CASH": _EVERYWHERE | _RELATIVE,
    "FUT": _EVERYWHERE,
    "OPT": _EVERYWHERE | {ALL_OR_NONE},
    "FOP": _EVERYWHERE,
    "IND": frozenset(),
}
"""Order types, times in force and attributes that orders may have, by security type."""

LISTED: Mapping[str, str] = {sec_type: ",".join(sorted(accepted)) for sec_type, accepted in ACCEPTED.items()}
"""The same as contract details say it."""
