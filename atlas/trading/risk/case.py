"""What a rule is, and what it looks at. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import ClassVar, Protocol

from atlas.domain import Denial, Instrument, Order, Side
from atlas.trading.broker import AccountValues, Known, Unknown
from atlas.trading.risk.flow import Flow
from atlas.trading.risk.limits import Limits, described
from atlas.trading.risk.prices import Prices
from atlas.trading.risk.session import Session
from atlas.trading.risk.view import OrdersView, Scoped, fillable


@dataclass(frozen=True, slots=True)
class Case:
    """An order before the rules, and all that is known beside it.

    `units` is what it can still fill: its quantity, less what was filled before it was changed.
    """

    order: Order
    instrument: Instrument
    units: float
    view: OrdersView
    now_ns: int
    account: "Known[AccountValues] | Unknown"
    instruments: Mapping[str, Instrument]
    prices: Prices
    flow: Flow
    session: Session
    _fillable: dict[tuple[str, str], dict[Side, Decimal]] = field(default_factory=dict)

    def fillable(self, scope: str, instrument: str) -> dict[Side, Decimal]:
        """What can be filled at most on each side of `instrument` in `scope`, the order included.

        Several rules ask; all that works is looked through once.
        """
        key = (scope, instrument)
        if key not in self._fillable:
            self._fillable[key] = fillable(self.seen_from(scope), instrument, self.order, self.units)
        return self._fillable[key]

    def seen_from(self, scope: str) -> OrdersView:
        """What `scope` holds and has working."""
        return Scoped(self.view, scope, self.session.robots)


class Check(Protocol):
    """A rule that holds for every order, exits too: what it refuses cannot be right."""

    name: ClassVar[str]

    def check(self, order: Order, instrument: Instrument) -> Denial | None:
        """Why the order is refused, or None."""
        ...


class Rule(Protocol):
    """A rule about opening orders with a limit of its own. `name` is that of its limit, or of the first of them."""

    name: ClassVar[str]

    def check(self, case: Case, scope: str, limits: Limits) -> Denial | None:
        """Why the limits of `scope` refuse the order, or None."""
        ...


def shown(number: float) -> str:
    """A number as people write it, with all digits that it has.

    >>> shown(1_000_001.0), shown(0.1 + 0.2)
    ('1000001', '0.3')
    """
    return f"{number:.15g}"


def above(name: str, scope: str, what: str, found: float, limit: float, *, temporary: bool = False) -> Denial:
    """The denial of a number above its limit."""
    text = f"{what} {shown(found)}, above {name} {shown(limit)} of {described(scope)}"
    return Denial(name, text, found, limit, temporary)


def unreadable(name: str, scope: str, limit: float, missing: str) -> Denial:
    """The denial of what cannot be judged: `missing` names the input that is not there."""
    text = f"{missing}, so {name} {shown(limit)} of {described(scope)} cannot be judged; only exits pass until it is known"
    return Denial(name, text, None, limit, temporary=True)
