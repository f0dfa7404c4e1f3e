"""Commands about orders: taken, denied for now, or carried to the desk; and the receipt that says so once it is durable."""

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Protocol

from atlas.bus.orders import Receipt
from atlas.domain import (
    Action,
    BadInput,
    Cancel,
    Clock,
    Denial,
    Instrument,
    Modify,
    Order,
    OrderState,
    OrderStatus,
    Unavailable,
    UnknownInstrument,
    fitted,
    fitted_change,
    orders_of,
    parse_instrument_id,
)
from atlas.trading.broker import BrokerPort
from atlas.trading.desk import Desk
from atlas.trading.effects import Decision
from atlas.trading.form import malformed
from atlas.trading.outcome import Verdict, outcome_of
from atlas.trading.risk import Gate
from services.trader.latency import Latency
from services.trader.ports import Faults


class Condition(Protocol):
    """How the trader stands."""

    def no_orders(self) -> Denial | None:
        """Why nothing that is new or changed can be sent now, exits neither."""
        ...

    def no_openings(self) -> Denial | None:
        """Why nothing is opened now."""
        ...

    def nothing_durable(self) -> str:
        """Why nothing at all can be written down now, or ""."""
        ...


class Orders:
    """Takes commands.

    Args:
        take: takes what the desk makes of a command; the future is done when that is durable.
        learned: told an instrument that was not known before.
        wants: told each instrument that is traded, whose quotes the risk rules look at.
    """

    def __init__(
        self,
        desk: Desk,
        gate: Gate,
        broker: BrokerPort,
        clock: Clock,
        faults: Faults,
        condition: Condition,
        *,
        take: Callable[[Decision], asyncio.Future[None]],
        learned: Callable[[Instrument], None],
        wants: Callable[[str], None],
    ) -> None:
        self._desk = desk
        self._gate = gate
        self._broker = broker
        self._clock = clock
        self._faults = faults
        self._condition = condition
        self._take = take
        self._learned = learned
        self._wants = wants
        self._underway: dict[str, asyncio.Future[None]] = {}  # by action id: taken, and not durable yet
        self._judged: Counter[str] = Counter()
        self.next_broker_order_id = 0
        self.latency = Latency("tick_to_journal")

    async def on_action(self, action: Action) -> Receipt:
        """Take a command.

        Raises:
            BadInput: it is malformed; nothing was written.
            Unavailable: nothing can be written down now; nothing was done.
        """
        if reason := malformed(action):
            raise BadInput(f"{reason}; nothing was written")
        orders = orders_of(action)
        if orders:
            ids = [order.id for order in orders]
            self._judged.update(ids)
            try:
                return await self._submit(orders)
            finally:
                self._judged.subtract(ids)
        if isinstance(action, Modify):
            return await self._modify(action)
        assert isinstance(action, Cancel)  # noqa: S101 # there is nothing else
        return await self._cancel(action)

    def is_judging(self, order_id: str) -> bool:
        """Whether an order of that id has come and nobody can say yet whether it will be taken."""
        return self._judged[order_id] > 0 and order_id not in self._desk.states

    def offer_broker_order_id(self, offered: int) -> None:
        """No new order gets a lower number than the broker offers, nor one that was used before."""
        self.next_broker_order_id = max(self.next_broker_order_id, offered)

    # New orders

    async def _submit(self, orders: Sequence[Order]) -> Receipt:
        orders = self._fitted(orders)
        if (known := await self._known(orders)) is not None:
            return known
        self._need_durability()
        denial = self._condition.no_orders() or self._closed_to(orders) or await self._unlearnable(orders)
        orders = self._fitted(orders)
        if (known := await self._known(orders)) is not None:  # it came again meanwhile
            return known
        self._faults.reached("send.1_checked")
        if denial is not None:
            decision = self._desk.deny(orders, denial)
        else:
            decision = self._desk.submit(orders, self.next_broker_order_id)
            if decision.effects:
                self.next_broker_order_id += len(orders)
        return await self._receipt(orders, decision)

    def _fitted(self, orders: Sequence[Order]) -> Sequence[Order]:
        """The orders with their prices on the grids of those instruments that are known: those of robots are there already."""
        known = self._desk.instruments
        return tuple(fitted(order, known[order.instrument]) if order.instrument in known else order for order in orders)

    async def _receipt(self, orders: Sequence[Order], decision: Decision) -> Receipt:
        await self._durable(orders[0].id, decision)
        self.latency.measure(orders[0].cause_ns, self._clock.now_ns())
        first = decision.events[0]
        status = OrderStatus(first.kind.value)
        verdict = Verdict.DENIED if status is OrderStatus.DENIED else Verdict.ACCEPTED
        return Receipt(orders[0].id, status, first.reason, verdict, first.denial)

    async def _durable(self, action_id: str, decision: Decision) -> None:
        durable = self._take(decision)
        self._underway[action_id] = durable
        try:
            await asyncio.shield(durable)
        finally:
            self._underway.pop(action_id, None)

    async def _known(self, orders: Sequence[Order]) -> Receipt | None:
        """The receipt of the very same order or group, if it was submitted before; told when that is durable."""
        state = self._desk.known(orders[0])
        if state is None:
            return None
        if (durable := self._underway.get(orders[0].id)) is not None:
            await asyncio.shield(durable)
            state = self._desk.states[orders[0].id]
        others = [order for order in orders if self._desk.known(order) is None]
        if not others:
            return _receipt_of(state)
        # A trader that died wrote the first of a group and not the rest, or only the first was submitted, or with others.
        names = ", ".join(order.id for order in others)
        text = f"order {orders[0].id} is {state.status.value} without {names}: a group is taken whole or not at all"
        denial = Denial("group", text)
        if lost := [order for order in others if order.id not in self._desk.states]:
            await asyncio.shield(self._take(self._desk.deny(lost, denial)))
        return Receipt(orders[0].id, state.status, denial.text, Verdict.DENIED, denial)

    def _closed_to(self, orders: Sequence[Order]) -> Denial | None:
        denial = self._condition.no_openings()
        if denial is None or all(self._gate.is_exit(order, self._desk) for order in orders):
            return None
        return denial

    async def learn(self, instrument: str) -> None:
        """Make sure that an instrument is known.

        Raises:
            UnknownInstrument, BadInput, Unavailable: as `BrokerPort.instrument`.
        """
        if instrument not in self._desk.instruments:
            self._learned(await self._broker.instrument(instrument))
        self._wants(instrument)

    async def _unlearnable(self, orders: Sequence[Order]) -> Denial | None:
        """Make sure that all instruments are known; why one cannot be.

        Raises:
            BadInput: one of them is no instrument's id at all; nothing was written.
        """
        for name in sorted({order.instrument for order in orders} - self._desk.instruments.keys()):
            try:
                parse_instrument_id(name)
            except BadInput as error:
                raise BadInput(f"{error}; nothing was written") from None
        for name in sorted({order.instrument for order in orders}):
            try:
                await self.learn(name)
            except (UnknownInstrument, BadInput) as error:
                return Denial("instrument", str(error))
            except Unavailable as error:
                return Denial("instrument", str(error), temporary=True)
        return None

    # Orders that stand

    async def _modify(self, wish: Modify) -> Receipt:
        if (known := await self._taken(wish)) is not None:
            return known
        self._need_durability()
        self._faults.reached("modify.1_requested")
        state = self._desk.states.get(wish.order_id)
        if state is not None and state.order.instrument in self._desk.instruments:
            wish = fitted_change(wish, state.order, self._desk.instruments[state.order.instrument])
        denial = self._condition.no_orders()
        if denial is None and state is not None and (closed := self._condition.no_openings()) is not None:
            exits = self._gate.is_exit(wish.changed(state.order), self._desk, replacing=wish.order_id)
            denial = None if exits else closed
        decision = Decision(denial=denial) if denial is not None else self._desk.modify(wish)
        return await self._answer(wish.order_id, decision, wish.id)

    async def _cancel(self, wish: Cancel) -> Receipt:
        if (known := await self._taken(wish)) is not None:
            return known
        self._need_durability()
        self._faults.reached("cancel.1_requested")
        return await self._answer(wish.order_id, self._desk.cancel(wish), wish.id)

    async def release(self, order_id: str, robot: str, who: str) -> Receipt:
        """End the quarantine of a foreign order.

        Raises:
            Unavailable: nothing can be written down now; nothing was done.
        """
        self._need_durability()
        return await self._answer(order_id, self._desk.release(order_id, robot, who), f"release-{order_id}")

    async def adopt_positions(self, instrument: str, who: str) -> None:
        """Book what the broker is known to hold and our books lack; it is durable then.

        Raises:
            BadInput: it cannot be booked; nothing was.
            Unavailable: nothing can be written down now; nothing was done.
        """
        self._need_durability()
        decision = self._desk.adopt_positions(instrument, who)
        if decision.denial is not None:
            raise BadInput(f"{decision.denial.text}; nothing was booked")
        await asyncio.shield(self._take(decision))

    async def _taken(self, wish: Modify | Cancel) -> Receipt | None:
        """The receipt of the very same change or cancellation, if it was taken before; told when that is durable."""
        state = self._desk.states.get(wish.order_id)
        if state is None or wish.id not in state.actions:
            return None
        if (durable := self._underway.get(wish.id)) is not None:
            await asyncio.shield(durable)
        return Receipt(wish.order_id, state.status)

    async def _answer(self, order_id: str, decision: Decision, action_id: str) -> Receipt:
        state = self._desk.states.get(order_id)
        status = state.status if state is not None else OrderStatus.UNKNOWN
        if decision.denial is not None:
            return Receipt(order_id, status, decision.denial.text, Verdict.DENIED, decision.denial)
        await self._durable(action_id, decision)
        return Receipt(order_id, status)

    def _need_durability(self) -> None:
        if reason := self._condition.nothing_durable():
            raise Unavailable(reason)


def _receipt_of(state: OrderState) -> Receipt:
    outcome = outcome_of(state)
    return Receipt(outcome.order_id, outcome.status, outcome.text, outcome.verdict, outcome.denial, outcome.code)
