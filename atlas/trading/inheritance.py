"""What the broker holds and our books lack, taken over on a person's word. Pure.

An account that was traded before, or whose fills nobody tells any more, is not ours to explain. What is missing is booked as
the execution of an order that nobody placed, at the broker's average price, as of before the session day: it is no profit and
no loss of any day of ours. No robot holds it.
"""

from collections.abc import Iterable, Mapping

from atlas.domain import Commission, Denial, Execution, Order, OrderEventKind, Side
from atlas.trading.blotter import Blotter
from atlas.trading.effects import NOTHING, Decision, joined

_K = OrderEventKind


class Inheritance:
    """Books what the broker is known to hold."""

    def __init__(self, blotter: Blotter) -> None:
        self._blotter = blotter

    def take_over(self, names: Iterable[str], who: str, quotes: Mapping[str, float], at_ns: int) -> Decision:
        """Book the differences in these instruments; or nothing, with the denial that says why.

        Args:
            names: instruments of which the broker is known to hold something else than our books.
            who: the person, for the record.
            quotes: what to book at where neither the broker nor our books have an average price.
            at_ns: when it is to have been executed, in UTC nanoseconds.
        """
        wanted = sorted(set(names))
        for name in wanted:
            if denial := self._against(name, quotes):
                return Decision(denial=denial)
        return joined(self._book(name, who, self._price(name, quotes), at_ns) for name in wanted)

    def _against(self, name: str, quotes: Mapping[str, float]) -> Denial | None:
        if not self._blotter.adrift.get(name):
            text = f"{name}: the broker is not known to hold anything else than our books (it is known when seen twice)"
            return Denial("position", text, temporary=True)
        if name not in self._blotter.instruments:
            return Denial("instrument", f"{name} is not an instrument of this desk")
        if self._price(name, quotes) is None:
            return Denial("price", f"{name} has neither an average price nor a quote to be booked at", temporary=True)
        return None

    def _price(self, name: str, quotes: Mapping[str, float]) -> float | None:
        ours = self._blotter.held()
        if (cost := self._blotter.costs.get(name)) is not None:
            return cost
        return ours[name].average_price if name in ours else quotes.get(name)

    def _book(self, name: str, who: str, price: float | None, at_ns: int) -> Decision:
        more, blotter = self._blotter.adrift.get(name), self._blotter
        if not more or price is None:
            return NOTHING
        number = next(n for n in range(1, len(blotter.used_ids) + 2) if f"position-{name}-{n}" not in blotter.used_ids)
        order_id, side = f"position-{name}-{number}", Side.BUY if more > 0 else Side.SELL
        order = Order(order_id, "", name, side, float(abs(more)), account=blotter.account)
        told, ours = blotter.told(name) or 0.0, blotter.position(name)
        execution = Execution(f"{order_id}.01", order_id, blotter.account, name, side, order.quantity, price, at_ns)
        reason = f"the broker has {told:g} and our books have {ours:g}: taken over by {who}"
        cost = Commission(execution.id, 0.0, blotter.instruments[name].currency)
        events = blotter.record(_K.ADOPTED, order_id, order=order, reason=reason)
        events += blotter.record(_K.ADOPTED, order_id, order=order, reason=f"released by {who}")
        events += blotter.record(_K.EXECUTED, order_id, execution=execution)
        blotter.adrift.pop(name, None)
        return Decision(events + blotter.record(_K.COMMISSIONED, order_id, commission=cost))
