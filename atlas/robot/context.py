"""What a strategy sees of the world, and how it asks for something. Nothing happens here: actions are collected, not sent."""

import heapq
from collections.abc import Mapping
from types import MappingProxyType
from typing import Unpack

from msgspec.structs import replace

from atlas.domain import (
    MODIFIABLE,
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
    SubmitGroup,
    TimeInForce,
    UnknownInstrument,
    exact,
    orders_of,
)
from atlas.robot.ledger import Ledger
from atlas.robot.wishes import Bracket, EntryWishes, Exits, Wishes, exits, wished


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
        self._named = 0  # ids that this event's actions have taken
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
        **wishes: Unpack[Wishes],
    ) -> str:
        """Ask for an order: at the market, limited to `limit_price`, or of the `kind` that is wished. Returns its id.

        `wishes` are the fields of `Order` by name: `kind`, `stop_price`, `trail_percent`, `conditions`, `oca_group`,
        `good_till_ns`, `outside_rth`, `algo` and so on. A stop price by itself makes no stop order and no stop loss: say
        `kind=OrderKind.STOP`, or ask for a `bracket`. Prices between two ticks move to the one that is safe for the robot, a
        limit of a buy down, of a sell up; times move to whole seconds.

        Raises:
            UnknownInstrument: the robot was not given this instrument.
            BadInput: the quantity is not a positive number, or the wishes make no order.
        """
        return self._submit(Side.BUY, instrument, quantity, limit_price, time_in_force, **wishes)

    def sell(
        self,
        instrument: str,
        quantity: float,
        limit_price: float | None = None,
        time_in_force: TimeInForce = TimeInForce.DAY,
        **wishes: Unpack[Wishes],
    ) -> str:
        """As `buy`, for the other side."""
        return self._submit(Side.SELL, instrument, quantity, limit_price, time_in_force, **wishes)

    def bracket(
        self,
        instrument: str,
        side: Side,
        quantity: float,
        *,
        entry: float | None = None,
        stop: float | None = None,
        target: float | None = None,
        trail_amount: float | None = None,
        trail_percent: float | None = None,
        time_in_force: TimeInForce = TimeInForce.DAY,
        exits_in_force: TimeInForce = TimeInForce.GTC,
        **wishes: Unpack[EntryWishes],
    ) -> Bracket:
        """Ask for an entry with its stop, and with a target if there is one: all of them or none. Returns their ids.

        The exits wait for the entry's fill, and one's fill reduces the other. They stand until they are cancelled, unless told
        otherwise: a position is not to lose its stop with the session.

        Args:
            instrument: what is traded.
            side: of the entry.
            quantity: of the entry, and of each exit.
            entry: limit price of the entry; None enters at the market, or as `wishes` say.
            stop: where the position is given up; or `trail_amount` or `trail_percent` for a stop that follows the market.
            target: limit price at which the profit is taken.
            trail_amount: see `stop`.
            trail_percent: see `stop`.
            time_in_force: how long the entry stands.
            exits_in_force: how long stop and target stand.
            wishes: as for `buy`, of the entry.

        Raises:
            UnknownInstrument: the robot was not given this instrument.
            BadInput: there is no stop, or not one; a price is on the wrong side of another; or a leg makes no sense.
        """
        definition = self._definition(instrument)
        opening = self._order(side, instrument, quantity, entry, time_in_force, **wishes)
        leave = Exits(stop, trail_amount, trail_percent, target)
        closing = exits(opening, leave, TimeInForce(exits_in_force), (self._next_id(1), self._next_id(2)))
        orders = (opening, *(wished(order, definition) for order in closing))
        self._ask(SubmitGroup(orders))
        return Bracket(*(order.id for order in orders))

    def modify(
        self,
        order_id: str,
        quantity: float | None = None,
        limit_price: float | None = None,
        *,
        stop_price: float | None = None,
        trail_amount: float | None = None,
        trail_percent: float | None = None,
        limit_offset: float | None = None,
    ) -> None:
        """Ask to change a working order; None leaves a value as it is. Does nothing if the order is over.

        Raises:
            BadInput: the robot has no such order, nothing is to change, or what it would become makes no order.
        """
        state = self._own(order_id)
        if state.status.is_final:
            return
        asked = Modify(self._next_id(), order_id, quantity, limit_price, stop_price, trail_amount, trail_percent, limit_offset)
        given = [name for name in MODIFIABLE if getattr(asked, name) is not None]
        if not given:
            raise BadInput(f"nothing of order {order_id} is to change; give a quantity or a price")
        changed = wished(asked.changed(state.order), self._definition(state.order.instrument))
        self._ask(replace(asked, **{name: getattr(changed, name) for name in given}))

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

        Market orders on their way are counted in, so that closing twice closes once; those that wait for something are
        cancelled with the others. Returns the id of the market order, or None where none is needed.
        """
        quantity = exact(self.position(instrument).quantity)
        for state in self.orders:
            if state.order.instrument != instrument:
                continue
            if _is_at_market(state.order):
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
        self,
        side: Side,
        instrument: str,
        quantity: float,
        limit_price: float | None,
        time_in_force: TimeInForce,
        **wishes: Unpack[Wishes],
    ) -> str:
        order = self._order(side, instrument, quantity, limit_price, time_in_force, **wishes)
        self._ask(Submit(order))
        return order.id

    def _order(
        self,
        side: Side,
        instrument: str,
        quantity: float,
        limit_price: float | None,
        time_in_force: TimeInForce,
        **wishes: Unpack[Wishes],
    ) -> Order:
        definition = self._definition(instrument)
        wishes.setdefault("kind", OrderKind.MARKET if limit_price is None else OrderKind.LIMIT)
        order = Order(
            id=self._next_id(),
            robot=self._robot,
            instrument=instrument,
            side=side,
            quantity=quantity,
            limit_price=limit_price,
            time_in_force=time_in_force,
            account="" if wishes.get("advisor_group") else self._account,
            cause_ns=self._now_ns,
            **wishes,  # type: ignore[arg-type] # sequences become tuples when it is made plain
        )
        return wished(order, definition)

    def _ask(self, action: Action) -> None:
        self._asked.append(action)
        self._named += max(1, len(orders_of(action)))
        self._ledger.ask(action)

    def _next_id(self, ahead: int = 0) -> str:
        return f"{self._robot}-{self._sequence}-{self._named + ahead}"

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
        self._named = 0

    def _actions(self) -> list[Action]:
        """What was asked for since the last `_begin`."""
        return list(self._asked)

    def _drop(self) -> None:
        """Forget what was asked for since the last `_begin`, as if it had never been."""
        for action in reversed(self._asked):
            self._ledger.retract(action)
        self._asked = []
        self._named = 0


def _is_at_market(order: Order) -> bool:
    """Whether an order executes as soon as it arrives, and waits for nothing."""
    waits = order.conditions or order.good_after_ns or order.parent_id or order.time_in_force is TimeInForce.OPG
    return order.kind is OrderKind.MARKET and not waits
