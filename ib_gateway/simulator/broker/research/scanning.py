"""Scanners: which contracts there are to rank, by which figure of their day, and which of them pass the filters.

Source of codes, parameters and filter tags: TWS API documentation, "Market Scanners".
"""

import math
from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple
from xml.etree import ElementTree as ET

from ib_gateway.simulator.broker.market_data.days import Day
from ib_gateway.simulator.broker.research.markup import add, document
from ib_gateway.simulator.fixtures import Place, Scanners
from ib_gateway.simulator.instruments import Listing
from ib_gateway.simulator.messages.requests import ScannerSubscription

MOST_ROWS = 50
_EVERY_TYPE = frozenset(("", "ALL"))
_ETF_TYPES = frozenset(("ETF",))
_NOT_ETF_TYPES = frozenset(("STOCK", "CORP", "ADR", "REIT"))


class Candidate(NamedTuple):
    """A contract that may be ranked: its day so far, and the worth of all shares in millions (0: unknown)."""

    listing: Listing
    day: Day
    market_cap: float
    now_ns: int


def _change(base: float, price: float) -> float:
    return (price / base - 1) * 100 if base and price else math.nan


_FIGURES: Mapping[str, Callable[[Candidate], float]] = {
    "change": lambda c: _change(c.day.close or c.day.open, c.day.last),
    "since_open": lambda c: _change(c.day.open, c.day.last),
    "gap": lambda c: _change(c.day.close, c.day.open),
    "swing": lambda c: abs(_change(c.day.close or c.day.open, c.day.last)),
    "range": lambda c: c.day.high - c.day.low,
    "volume": lambda c: c.day.volume,
    "money": lambda c: c.day.money,
    "trades": lambda c: c.day.count,
    "trade_rate": lambda c: c.day.rates(c.now_ns)[0],
    "volume_rate": lambda c: c.day.rates(c.now_ns)[1],
}
_Limit = tuple[Callable[[Candidate], float], Callable[[float, float], bool]]
_ABOVE: Callable[[float, float], bool] = lambda value, limit: value >= limit  # noqa: E731 - a row of the table below
_BELOW: Callable[[float, float], bool] = lambda value, limit: value <= limit  # noqa: E731
_LIMITS: Mapping[str, _Limit] = {
    "priceAbove": (lambda c: c.day.last, _ABOVE),
    "priceBelow": (lambda c: c.day.last, _BELOW),
    "volumeAbove": (lambda c: c.day.volume, _ABOVE),
    "marketCapAbove1e6": (lambda c: c.market_cap, _ABOVE),
    "marketCapBelow1e6": (lambda c: c.market_cap, _BELOW),
    "changePercAbove": (_FIGURES["change"], _ABOVE),
    "changePercBelow": (_FIGURES["change"], _BELOW),
}


def objection(scanners: Scanners, request: ScannerSubscription) -> str:
    """Why there is no such scan; empty if there is one."""
    if request.scan_code not in scanners.scans:
        return f"Scanner type with code {request.scan_code} is disabled"
    place = scanners.places.get(request.location)
    if place is None or place.instrument != request.instrument:
        return f"Scanner location {request.location} is not available for instrument {request.instrument}"
    try:
        unknown = [tag for tag in _filters(request) if tag not in scanners.filters]
    except ValueError:
        return f"Scanner filter {request.filters} cannot be read; write tag=number;"
    return f"Scanner filter {unknown[0]} is unknown" if unknown else ""


def in_place(place: Place, listings: Iterable[Listing]) -> list[Listing]:
    """What there is to rank in a place."""
    wants_funds = place.instrument.startswith("ETF")
    return [
        listing
        for listing in listings
        if listing.sec_type == place.sec_type
        and listing.venue in place.exchanges
        and (not wants_funds or listing.stock_type == "ETF")
    ]


def rank(scanners: Scanners, request: ScannerSubscription, candidates: Iterable[Candidate]) -> list[Listing]:
    """The best of the candidates that pass the filters, the very best first; those of equal rank by con id."""
    scan = scanners.scans[request.scan_code]
    figure = _FIGURES[scan.figure]
    limits = [(*_LIMITS[tag], limit) for tag, limit in _filters(request).items()]
    passed = [
        (value, candidate.listing)
        for candidate in candidates
        if _is_of_type(candidate.listing, request.stock_type)
        and all(holds(measure(candidate), limit) for measure, holds, limit in limits)
        and not math.isnan(value := figure(candidate))
    ]
    sign = 1 if scan.ascending else -1
    passed.sort(key=lambda one: (sign * one[0], one[1].instrument.con_id))
    rows = request.rows if request.rows is not None and 0 < request.rows < MOST_ROWS else MOST_ROWS
    return [listing for _, listing in passed[:rows]]


def _is_of_type(listing: Listing, wanted: str) -> bool:
    if wanted in _EVERY_TYPE:
        return True
    return wanted in (_ETF_TYPES if listing.stock_type == "ETF" else _NOT_ETF_TYPES)


def _filters(request: ScannerSubscription) -> dict[str, float]:
    """All limits of a request: those in fields of their own, and those in its filter options "tag=value;"."""
    fields = {
        "priceAbove": request.above_price,
        "priceBelow": request.below_price,
        "volumeAbove": request.above_volume,
        "marketCapAbove1e6": request.market_cap_above,
        "marketCapBelow1e6": request.market_cap_below,
    }
    limits = {tag: float(value) for tag, value in fields.items() if value is not None}
    for part in filter(None, request.filters.split(";")):
        tag, _, text = part.partition("=")
        limits[tag] = float(text)
    return limits


def parameters(scanners: Scanners) -> str:
    """What scanners there are, as IB's XML."""
    root = ET.Element("ScanParameterResponse")
    instruments = add(root, "InstrumentList")
    for code, name in scanners.instruments.items():
        add(instruments, "Instrument", name=name, type=code, filters=",".join(scanners.filters))
    tree = add(root, "LocationTree")
    for code, name in scanners.instruments.items():
        inner = add(add(tree, "Location", displayName=name, locationCode=code, instruments=code), "LocationTree")
        for place_code, place in scanners.places.items():
            if place.instrument == code and place_code != code:
                add(inner, "Location", displayName=place.name, locationCode=place_code, instruments=code)
    scans = add(root, "ScanTypeList")
    for code, scan in scanners.scans.items():
        add(scans, "ScanType", displayName=scan.name, scanCode=code, instruments=",".join(scanners.instruments))
    filters = add(root, "FilterList")
    for tag, name in scanners.filters.items():
        add(add(filters, "SimpleFilter", id=tag), "AbstractField", code=tag, displayName=name)
    return document(root)
