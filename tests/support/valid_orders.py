"""Every order that the form takes, as a hypothesis strategy: all kinds, times, conditions, algorithms and links."""

from collections.abc import Sequence
from typing import Any

from hypothesis import strategies as st

from atlas.domain import (
    ORDER_PRICES,
    ExecutionCondition,
    Instrument,
    InstrumentKind,
    Join,
    MarginCondition,
    OcaType,
    Order,
    OrderKind,
    PercentChangeCondition,
    PriceCondition,
    Side,
    TimeCondition,
    TimeInForce,
    TriggerMethod,
    VolumeCondition,
)
from atlas.domain.order_form import TIMES_OF_KIND, TRIGGERED, malformed_order

SECOND = 1_000_000_000
SECONDS = st.integers(min_value=1_700_000_000, max_value=4_000_000_000)
MOMENTS = SECONDS.map(lambda seconds: seconds * SECOND)
WORDS = st.text("abcXYZ019_.:-", min_size=1, max_size=20)
JOINS = st.sampled_from(Join)
ABOVE = st.booleans()


def ticks(instrument: Instrument, least: int = 1, most: int = 20_000) -> st.SearchStrategy[float]:
    """Prices on a grid of one tick, free of what binary floats add."""
    return st.integers(least, most).map(lambda steps: round(steps * instrument.tick_size, 8))


def conditions(instruments: Sequence[Instrument]) -> st.SearchStrategy[Any]:
    """Any condition on one of `instruments`."""
    ids = st.sampled_from([one.id for one in instruments])
    symbols = st.sampled_from([(one.symbol, one.kind, one.exchange) for one in instruments])
    prices = st.floats(min_value=0.001, max_value=1e6).map(lambda price: round(price, 6))
    return st.one_of(
        st.builds(PriceCondition, ids, prices, ABOVE, st.sampled_from(TriggerMethod), JOINS),
        st.builds(TimeCondition, MOMENTS, ABOVE, JOINS),
        st.builds(MarginCondition, st.integers(0, 100).map(float), ABOVE, JOINS),
        st.builds(
            lambda one, anywhere, join: ExecutionCondition(one[0], one[1], "" if anywhere else one[2], join),
            symbols,
            st.booleans(),
            JOINS,
        ),
        st.builds(VolumeCondition, ids, st.integers(0, 2**31 - 2).map(float), ABOVE, JOINS),
        st.builds(PercentChangeCondition, ids, st.integers(-5_000, 5_000).map(lambda n: n / 100), ABOVE, JOINS),
    )


ALGOS = st.sampled_from([
    ("", ()),
    ("Adaptive", (("adaptivePriority", "Patient"),)),
    ("Twap", (("strategyType", "Marketable"), ("startTime", "20260605-15:00:00"), ("allowPastEndTime", "1"))),
    ("Vwap", (("maxPctVol", "0.1"), ("noTakeLiq", "0"))),
    ("DarkIce", ()),
])  # fmt: skip


def _prices(draw: Any, kind: OrderKind, instrument: Instrument) -> dict[str, float]:
    prices = ORDER_PRICES[kind]
    names = list(prices.needed)
    if prices.one_of:
        names.append(draw(st.sampled_from(prices.one_of)))
    names += [name for name in prices.optional if draw(st.booleans())]
    percents = st.integers(1, 9_999).map(lambda n: n / 100)
    return {name: draw(percents if name == "trail_percent" else ticks(instrument)) for name in names}


@st.composite
def valid_orders(draw: Any, instruments: Sequence[Instrument], *, kinds: Sequence[OrderKind] = tuple(OrderKind)) -> Order:
    """Any order in one of `instruments` that the form takes."""
    instrument = draw(st.sampled_from([one for one in instruments if one.kind is not InstrumentKind.INDEX]))
    kind = draw(st.sampled_from(kinds))
    lasting = frozenset({TimeInForce.DAY, TimeInForce.GTC, TimeInForce.GTD})
    force = draw(st.sampled_from(sorted(TIMES_OF_KIND.get(kind, lasting), key=lambda one: one.value)))
    quantity = draw(st.integers(1, 10_000)) * instrument.size_step
    after = draw(st.one_of(st.just(0), MOMENTS))
    looked_at = tuple(draw(st.lists(conditions(instruments), max_size=6)))
    group = draw(st.one_of(st.just(""), WORDS))
    algo, parameters = draw(ALGOS) if kind in (OrderKind.MARKET, OrderKind.LIMIT) else ("", ())
    advisor = draw(st.booleans()) and draw(st.booleans())
    order = Order(
        id=draw(WORDS),
        robot="robot",
        instrument=instrument.id,
        side=draw(st.sampled_from(Side)),
        quantity=float(quantity),
        kind=kind,
        time_in_force=force,
        account="" if advisor else draw(st.sampled_from(["", "DU1", "U7654321"])),
        trigger_method=draw(st.sampled_from(TriggerMethod)) if kind in TRIGGERED else TriggerMethod.DEFAULT,
        good_till_ns=(max(after, draw(MOMENTS)) + SECOND) if force is TimeInForce.GTD else 0,
        good_after_ns=after,
        outside_rth=draw(st.booleans()),
        all_or_none=draw(st.booleans()),
        min_quantity=float(draw(st.integers(0, max(int(quantity), 0)))),
        oca_group=group,
        oca_type=draw(st.sampled_from(OcaType)) if group else OcaType.CANCEL_WITH_BLOCK,
        conditions=looked_at,
        conditions_cancel=bool(looked_at) and draw(st.booleans()),
        conditions_outside_rth=bool(looked_at) and draw(st.booleans()),
        algo=algo,
        algo_parameters=parameters,
        advisor_group="everybody" if advisor else "",
        advisor_method="NetLiq" if advisor and draw(st.booleans()) else "",
        **_prices(draw, kind, instrument),
    )
    assert malformed_order(order) == ""
    return order
