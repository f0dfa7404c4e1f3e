"""What a strategy sees of the world, and how it asks for something. Nothing happens here: actions are collected, not sent."""

import heapq
import math
from collections.abc import Mapping
from types import MappingProxyType

from atlas.domain import (
    Action,
    BadInput,
    Cancel,
    Instrument,
    Modify,
    Order,
    OrderKind,
    OrderState,
    Position,
    Side,
    Submit,
    TimeInForce,
    UnknownInstrument,
    exact,
)
from atlas.robot.ledger import Ledger


class Context:
    """The robot's view during one event. Strategies get it as `ctx`; only the runtime makes one."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._instruments: Mapping[str, Instrument] = MappingProxyType({})
        self._robot = ""
        self._account = ""
        self._sequence = 0
        self._now_ns = 0
        self._asked: list[Action] = []
        self._timers: list[tuple[int, int, str]] = []
        self._timers_set = 0

    # What is so

    @property
    def now_ns(self) -> int:
        """UTC nanoseconds of the event at hand: when its tick came in, when its order event happened. The only clock."""
        return self._now_ns

    @property
    def instruments(self) -> Mapping[str, Instrument]:
        """The instruments that the robot was given, by id."""
        return self._instruments

    @property
    def orders(self) -> tuple[OrderState, ...]:
        """The robot's orders that are not over, oldest first; one that was asked for just now is PENDING."""
        return tuple(self._ledger.working.values())

    def order(self, order_id: str) -> OrderState | None:
        """An order of the robot, over or not; None if it never asked for it."""
        return self._ledger.orders.get(order_id)

    def position(self, instrument: str) -> Position:
        """What the robot holds by its own executions: signed quantity and average price."""
        return self._ledger.position(instrument)

    def expected_position(self, instrument: str) -> float:
        """The signed quantity that the robot will hold once all its working orders have executed in full."""
        return self._ledger.expected_position(instrument)

    # What is wanted

    def buy(
        self,
        instrument: str,
        quantity: float,
        limit_price: float | None = None,
        time_in_force: TimeInForce = TimeInForce.DAY,
    ) -> str:
        """Ask for an order: at the market, or limited to `limit_price`. Returns its id.

        A limit between two ticks moves to the tick that is better for the robot: a buy down, a sell up.

        Raises:
            UnknownInstrument: the robot was not given this instrument.
            BadInput: the quantity is not a positive number, or the limit is not a number.
        """
        return self._submit(Side.BUY, instrument, quantity, limit_price, time_in_force)

    def sell(
        self,
        instrument: str,
        quantity: float,
        limit_price: float | None = None,
        time_in_force: TimeInForce = TimeInForce.DAY,
    ) -> str:
        """As `buy`, for the other side."""
        return self._submit(Side.SELL, instrument, quantity, limit_price, time_in_force)

    def modify(self, order_id: str, quantity: float | None = None, limit_price: float | None = None) -> None:
        """Ask to change a working order; None leaves a value as it is. Does nothing if the order is over.

        Raises:
            BadInput: the robot has no such order, or a value is not a usable number.
        """
        state = self._own(order_id)
        if state.status.is_final:
            return
        if quantity is not None:
            quantity = _quantity(quantity)
        if limit_price is not None:
            limit_price = self._on_grid(state.order.instrument, state.order.side, limit_price)
        self._ask(Modify(self._next_id(), order_id, quantity, limit_price))

    def cancel(self, order_id: str) -> None:
        """Ask to cancel a working order. Does nothing if the order is over or its cancel is on the way.

        Raises:
            BadInput: the robot has no such order.
        """
        state = self._own(order_id)
        if not (state.status.is_final or order_id in self._ledger.cancelling):
            self._ask(Cancel(self._next_id(), order_id))

    def close(self, instrument: str) -> str | None:
        """Cancel the resting orders of `instrument` and ask for the market order that makes it flat.

        Market orders on their way are counted in, so that closing twice closes once. Returns the id of the market order, or
        None where none is needed.
        """
        quantity = exact(self.position(instrument).quantity)
        for state in self.orders:
            if state.order.instrument != instrument:
                continue
            if state.order.kind is OrderKind.MARKET:
                quantity += self._ledger.on_the_way(state)
            else:
                self.cancel(state.order.id)
        if not quantity:
            return None
        side = Side.SELL if quantity > 0 else Side.BUY
        return self._submit(side, instrument, float(abs(quantity)), None, TimeInForce.DAY)

    def timer(self, name: str = "", *, after_ns: int | None = None, at_ns: int | None = None) -> None:
        """Have `on_timer` called with `name` once: `after_ns` from now, or at `at_ns`. Starting anew forgets all timers.

        Raises:
            BadInput: neither or both of the times are given.
        """
        if (after_ns is None) == (at_ns is None):
            raise BadInput(f"timer {name!r}: give either after_ns or at_ns")
        due_ns = at_ns if at_ns is not None else self._now_ns + (after_ns or 0)
        self._timers_set += 1
        heapq.heappush(self._timers, (due_ns, self._timers_set, name))

    # How it is done

    def _submit(
        self, side: Side, instrument: str, quantity: float, limit_price: float | None, time_in_force: TimeInForce
    ) -> str:
        quantity = _quantity(quantity)
        self._definition(instrument)
        kind = OrderKind.MARKET
        if limit_price is not None:
            kind, limit_price = OrderKind.LIMIT, self._on_grid(instrument, side, limit_price)
        order = Order(
            id=self._next_id(),
            robot=self._robot,
            instrument=instrument,
            side=side,
            quantity=quantity,
            kind=kind,
            limit_price=limit_price,
            time_in_force=TimeInForce(time_in_force),
            account=self._account,
            cause_ns=self._now_ns,
        )
        self._ask(Submit(order))
        return order.id

    def _ask(self, action: Action) -> None:
        self._asked.append(action)
        self._ledger.ask(action)

    def _next_id(self) -> str:
        return f"{self._robot}-{self._sequence}-{len(self._asked)}"

    def _own(self, order_id: str) -> OrderState:
        state = self._ledger.orders.get(order_id)
        if state is None:
            raise BadInput(f"robot {self._robot} has no order {order_id!r}; use an id that buy, sell or close returned")
        return state

    def _definition(self, instrument: str) -> Instrument:
        definition = self._instruments.get(instrument)
        if definition is None:
            given = ", ".join(self._instruments) or "none"
            raise UnknownInstrument(f"robot {self._robot} was not given {instrument!r}; its instruments are: {given}")
        return definition

    def _on_grid(self, instrument: str, side: Side, price: float) -> float:
        if not math.isfinite(price):
            raise BadInput(f"a limit price of {price} for {instrument} is not a number; give a price or leave it out")
        return self._definition(instrument).passive_price(float(price), side)

    # The runtime's side

    def _start(self, robot: str, account: str, instruments: Mapping[str, Instrument]) -> None:
        self._robot = robot
        self._account = account
        self._instruments = MappingProxyType(dict(instruments))
        self._timers = []

    def _due_timer(self, at_ns: int) -> str | None:
        """Take the earliest timer that is due at `at_ns`: its name."""
        if self._timers and self._timers[0][0] <= at_ns:
            return heapq.heappop(self._timers)[2]
        return None

    def _begin(self, sequence: int, now_ns: int) -> None:
        self._sequence = sequence
        self._now_ns = now_ns

        self._asked = []

    def _actions(self) -> list[Action]:
        """What was asked for since the last `_begin`."""
        return list(self._asked)

    def _drop(self) -> None:
        """Forget what was asked for since the last `_begin`, as if it had never been."""
        for action in reversed(self._asked):
            self._ledger.retract(action)
        self._asked = []


def _quantity(quantity: float) -> float:
    """A plain float, whatever kind of number it was: a journal gives back no other."""
    if not (math.isfinite(quantity) and quantity > 0):
        raise BadInput(f"a quantity of {quantity} cannot be ordered; give a positive number, and choose buy or sell")
    return float(quantity)
