"""What accounts would buy and sell if all that stands were filled, by account and instrument.

Kept up with every change of an order, so that judging a new one does not take longer the more orders stand. Sums are exact:
they are the same whatever the order in which orders came and went.
"""

from collections.abc import Iterable
from decimal import Decimal
from typing import NamedTuple

from atlas.domain import Order, Side
from atlas.exchange.allocation import parts_of
from atlas.exchange.standing import Part, Standing

_NONE = Decimal(0)


class Committed(NamedTuple):
    """Units of one instrument that an account's orders would buy and sell."""

    bought: Decimal = _NONE
    sold: Decimal = _NONE

    def plus(self, side: Side, quantity: Decimal) -> "Committed":
        """With one more order of `side`; a quantity below zero takes it away again."""
        return (
            Committed(self.bought + quantity, self.sold) if side is Side.BUY else Committed(self.bought, self.sold + quantity)
        )


class Commitments:
    """The sums, and each order's part of them.

    A child that its parent holds does not count, and of an OCA group only its largest order on each side.
    """

    def __init__(self) -> None:
        self._orders: dict[str, tuple[Order, dict[str, Decimal]]] = {}
        self._grouped: dict[str, None] = {}
        self._sums: dict[str, dict[str, Committed]] = {}

    def note(self, standing: Standing) -> None:
        """An order stands, or is not what it was before."""
        order = standing.order
        self.drop(order.id)
        if not standing.is_free:
            return
        open_parts = {account: part - standing.parts.get(account, _NO_PART).filled for account, part in parts_of(order).items()}
        self._orders[order.id] = (order, open_parts)
        if order.oca_group:
            self._grouped[order.id] = None
        else:
            self._add(order, open_parts, 1)

    def drop(self, order_id: str) -> None:
        """An order is gone."""
        noted = self._orders.pop(order_id, None)
        if noted is None:
            return
        if order_id in self._grouped:
            del self._grouped[order_id]
        else:
            self._add(*noted, -1)

    def _add(self, order: Order, parts: dict[str, Decimal], sign: int) -> None:
        for account, quantity in parts.items():
            sums = self._sums.setdefault(account, {})
            sums[order.instrument] = sums.get(order.instrument, _NOTHING).plus(order.side, quantity * sign)
            if sums[order.instrument] == _NOTHING:
                del sums[order.instrument]

    def of(self, account: str, but: str = "") -> dict[str, Committed]:
        """What the orders of `account` would do together, the order named `but` left out."""
        result = dict(self._sums.get(account, {}))
        order, parts = self._orders.get(but, (None, {}))
        if order is not None and but not in self._grouped and account in parts:
            result[order.instrument] = result.get(order.instrument, _NOTHING).plus(order.side, -parts[account])
        for instrument, side, quantity in self._largest(account, (name for name in self._grouped if name != but)):
            result[instrument] = result.get(instrument, _NOTHING).plus(side, quantity)
        return result

    def _largest(self, account: str, names: Iterable[str]) -> list[tuple[str, Side, Decimal]]:
        """The largest order on each side of each instrument of every OCA group."""
        found: dict[tuple[str, str, Side], Decimal] = {}
        for name in names:
            order, parts = self._orders[name]
            if account in parts:
                key = (order.oca_group, order.instrument, order.side)
                found[key] = max(found.get(key, _NONE), parts[account])
        return [(instrument, side, quantity) for (_, instrument, side), quantity in found.items()]


_NO_PART = Part()
_NOTHING = Committed()
