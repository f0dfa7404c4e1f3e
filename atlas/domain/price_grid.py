"""The grid of an instrument's prices: ticks that may differ by price, and how a price moves onto them.

Brokers refuse a price between two ticks (Interactive Brokers: error 110). The tick may depend on the price: an option may trade
in steps of 0.05 below 3 and of 0.10 above, and the book of such bands is what IB calls a market rule. Bands are of magnitudes,
so that a spread at -3.2 is in the band of 3.2. Arithmetic is decimal: binary floats know no 0.05.
"""

from collections.abc import Sequence
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

from atlas.domain._struct import Value

_NOISE = Decimal("1e-6")  # of a tick; a price that is nearer to a tick than this means the tick


class PriceBand(Value, frozen=True):
    """Prices from `low_edge` on go in steps of `increment`, up to the next band."""

    low_edge: float
    increment: float


def tick_at(bands: Sequence[PriceBand], price: float) -> float:
    """The tick at `price`. Below the lowest edge it is that of the lowest band."""
    return bands[_band(bands, abs(_decimal(price)))].increment


def on_tick(bands: Sequence[PriceBand], price: float) -> bool:
    """Whether `price` is a whole number of the ticks that hold there."""
    return _decimal(price) % _decimal(tick_at(bands, price)) == 0


def rounded(bands: Sequence[PriceBand], price: float, *, up: bool) -> float:
    """The nearest price on the grid that is not below `price`, or with `up` false not above it.

    >>> bands = (PriceBand(0.0, 0.05), PriceBand(3.0, 0.1))
    >>> rounded(bands, 2.97, up=True), rounded(bands, 3.03, up=True), rounded(bands, -2.97, up=True)
    (3.0, 3.1, -2.95)
    """
    exact = _decimal(price)
    magnitude = _away(bands, abs(exact)) if up == (exact > 0) else _nearer(bands, abs(exact))
    return float(magnitude.copy_sign(exact)) if magnitude else 0.0


def rounded_distance(bands: Sequence[PriceBand], distance: float, *, up: bool, near: float | None = None) -> float:
    """A distance between prices, in whole ticks: of those at the price `near`, without one of the coarsest.

    A distance that is not zero never becomes zero: it is one tick at least.
    """
    tick = _decimal(tick_at(bands, near) if near is not None else max(band.increment for band in bands))
    steps = _steps(_decimal(distance), tick, up=up)
    return float(max(steps, Decimal(1)) * tick) if distance else 0.0


def _away(bands: Sequence[PriceBand], magnitude: Decimal) -> Decimal:
    """On the grid at or beyond `magnitude`."""
    at = _band(bands, magnitude)
    tick = _decimal(bands[at].increment)
    found = _steps(magnitude, tick, up=True) * tick
    if at + 1 < len(bands) and found >= _decimal(bands[at + 1].low_edge):
        return _away(bands, _decimal(bands[at + 1].low_edge))
    return found


def _nearer(bands: Sequence[PriceBand], magnitude: Decimal) -> Decimal:
    """On the grid at or below `magnitude`."""
    at = _band(bands, magnitude)
    tick, edge = _decimal(bands[at].increment), _decimal(bands[at].low_edge)
    found = _steps(magnitude, tick, up=False) * tick
    while at > 0 and found < edge:  # the lowest step of a band may lie above its edge: go on below it
        at -= 1
        tick, above = _decimal(bands[at].increment), edge
        edge = _decimal(bands[at].low_edge)
        found = ((above / tick).to_integral_value(ROUND_CEILING) - 1) * tick
    return found


def _steps(value: Decimal, tick: Decimal, *, up: bool) -> Decimal:
    steps = value / tick
    nearest = steps.to_integral_value()
    if abs(steps - nearest) < _NOISE:
        return nearest
    return steps.to_integral_value(ROUND_CEILING if up else ROUND_FLOOR)


def _band(bands: Sequence[PriceBand], magnitude: Decimal) -> int:
    below = [at for at, band in enumerate(bands) if _decimal(band.low_edge) <= magnitude]
    return below[-1] if below else 0


def _decimal(value: float) -> Decimal:
    return Decimal(repr(value))
