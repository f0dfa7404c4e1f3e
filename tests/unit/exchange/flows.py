"""Random flows of orders of every kind, quotes, trades and time, and what they are played on.

hypothesis draws a seed and a length, and the flow is made from them: drawing every field of every order by itself would take
ten times as long. A failing flow shrinks to its shortest failing beginning.
"""

import random
from collections.abc import Callable, Sequence
from typing import Any

import msgspec
from hypothesis import strategies as st

from atlas.domain import (
    Condition,
    ExecutionCondition,
    InstrumentKind,
    Join,
    MarginCondition,
    OcaType,
    Order,
    OrderKind,
    PercentChangeCondition,
    PriceCondition,
    Quote,
    Share,
    Side,
    TimeCondition,
    TimeInForce,
    Trade,
    TriggerMethod,
    VolumeCondition,
)
from atlas.exchange import Exchange, Terms
from tests.unit.exchange.listings import AAPL, ACCOUNT, ES, INSTRUMENTS, Days, order, quote, trade

OTHER = "DU2"
TRAILS = (OrderKind.TRAILING_STOP, OrderKind.TRAILING_STOP_LIMIT)
CLOSES = (OrderKind.MARKET_ON_CLOSE, OrderKind.LIMIT_ON_CLOSE)
PEGS = (OrderKind.MIDPRICE, OrderKind.PEGGED_TO_MIDPOINT, OrderKind.RELATIVE)
SIZES = (0.0, 10.0, 25.0, 100.0)

Step = Any
"""A quote, a trade, ("time", when), or (when, an order | ("cancel", which) | ("modify", which, quantity, limit))."""


class Flow:
    """Makes steps whose times never go back."""

    def __init__(self, seed: int, *, market_only: bool = False, **fixed: Any) -> None:
        self._random = random.Random(seed)
        self._now = 1
        self._placed: list[str] = []
        self._market_only = market_only
        self._fixed = fixed

    def step(self) -> Step:
        roll = self._random.randrange(10)
        if roll < 3:
            return self._quote()
        if roll < 5 or self._market_only:
            return self._trade()
        if roll == 5:
            self._now += self._random.randrange(400)
            return "time", self._now
        if roll < 8 or not self._placed:
            return self._now, self._order(kinds=self._fixed.get("kinds"))
        which = self._random.choice(self._placed)
        if roll == 8:
            return self._now, self._order(parent_id=which)
        if self._chance(2):
            return self._now, ("cancel", which)
        return self._now, ("modify", which, float(self._random.randint(1, 200)), self._price())

    def _chance(self, one_in: int) -> bool:
        return self._random.randrange(one_in) == 0

    def _price(self) -> float:
        return self._random.randint(9_950, 10_050) / 100

    def _quote(self) -> Quote:
        self._now += self._random.randrange(120)
        instrument = AAPL if self._random.randrange(4) else ES
        bid = self._price() if instrument is AAPL else self._random.randint(396, 404) / 4
        ask = round(bid + self._random.randint(1, 5) * instrument.tick_size, 2)
        return quote(instrument, bid, ask, self._random.choice(SIZES), self._random.choice(SIZES), self._now)

    def _trade(self) -> Trade:
        self._now += self._random.randrange(120)
        return trade(AAPL, self._price(), self._random.choice(SIZES), self._now)

    def _condition(self) -> Condition:
        pick, above = self._random.choice, self._chance(2)
        join, moment = pick(list(Join)), self._now + self._random.randrange(600)
        makers: Sequence[Callable[[], Condition]] = (
            lambda: PriceCondition(AAPL.id, self._price(), above, pick(list(TriggerMethod)), join),
            lambda: TimeCondition(moment, above, join),
            lambda: MarginCondition(pick([90.0, 99.5]), above, join),
            lambda: ExecutionCondition(pick(["AAPL", "ES"]), InstrumentKind.STOCK, "", join),
            lambda: VolumeCondition(AAPL.id, pick([10.0, 100.0]), above, join),
            lambda: PercentChangeCondition(AAPL.id, pick([-0.2, 0.2]), above, join),
        )
        return pick(makers)()

    def _order(self, kinds: Sequence[OrderKind] | None = None, **more: Any) -> Order:
        pick = self._random.choice
        kind, quantity = pick(kinds or list(OrderKind)), self._random.randint(2, 200)
        terms: dict[str, Any] = {
            "kind": kind,
            "limit_price": None if kind in PEGS and self._chance(2) else self._price(),
            "stop_price": None if kind in TRAILS and self._chance(2) else self._price(),
            "limit_offset": pick([0.0, 0.01, 0.05]),
            "time_in_force": pick(list(TimeInForce)),
            "trigger_method": pick(list(TriggerMethod)),
            "outside_rth": self._chance(2),
            "all_or_none": self._chance(5),
            "min_quantity": pick([0.0, 0.0, 0.0, 2.0]),
            "good_after_ns": self._now + 200 if self._chance(6) else 0,
            "good_till_ns": self._now + self._random.randrange(300, 2000),
        }
        if kind in TRAILS:
            terms |= {"trail_amount": 0.05} if self._chance(2) else {"trail_percent": 0.2}
        if kind in CLOSES:
            terms["time_in_force"] = TimeInForce.DAY
        elif terms["time_in_force"] is TimeInForce.OPG and kind not in (OrderKind.MARKET, OrderKind.LIMIT):
            terms["time_in_force"] = TimeInForce.GTC
        if self._chance(4):
            terms |= {
                "conditions": tuple(self._condition() for _ in range(self._random.randint(1, 3))),
                "conditions_cancel": self._chance(3),
                "conditions_outside_rth": self._chance(2),
            }
        if self._chance(3):
            terms |= {"oca_group": pick(["g", "h"]), "oca_type": pick(list(OcaType))}
        if self._chance(4):
            first = self._random.randint(1, quantity - 1)
            terms |= {"account": "", "shares": (Share(ACCOUNT, float(first)), Share(OTHER, float(quantity - first)))}
        terms |= more | {name: value for name, value in self._fixed.items() if name != "kinds"}
        made = order(AAPL, pick(list(Side)), float(quantity), **{"limit_price": None} | terms)
        self._placed.append(made.id)
        return made


def flow_of(seed: int, length: int, **fixed: Any) -> list[Step]:
    """The first `length` steps of the flow of `seed`."""
    flow = Flow(seed, **fixed)
    return [flow.step() for _ in range(length)]


def flows(most: int = 50, **fixed: Any) -> st.SearchStrategy[list[Step]]:
    """Flows of up to `most` steps; what is `fixed` all orders have."""
    return st.builds(lambda seed, length: flow_of(seed, length, **fixed), st.integers(0, 2**32), st.integers(0, most))


def new_exchange(*, always: bool = False, cash: float = 1_000_000.0, **terms: Any) -> Exchange:
    accounts = {ACCOUNT: {"USD": cash}, OTHER: {"USD": cash}}
    return Exchange(INSTRUMENTS, accounts, Terms(**terms), None if always else Days())


def play(exchange: Exchange, step: Step) -> list[Any]:
    """What follows from a step."""
    if isinstance(step, (Quote, Trade)):
        return exchange.on_events([step])
    if step[0] == "time":
        return list(exchange.on_time(step[1]))
    at_ns, what = step
    if isinstance(what, Order):
        return exchange.submit(what, at_ns)
    if what[0] == "cancel":
        return exchange.cancel(what[1], at_ns)
    standing = exchange.standing(what[1])
    if standing is None:
        return exchange.modify(order(AAPL, Side.BUY, 1, id=what[1]), at_ns)
    return exchange.modify(msgspec.structs.replace(standing.order, quantity=what[2], limit_price=what[3], shares=()), at_ns)
