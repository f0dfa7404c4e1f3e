"""The trader's database in memory, with what can go wrong with one: it is away, or it writes and the answer is lost.

It outlives the trader. A write that is on its way takes effect even if the trader dies meanwhile, as at a real server.
"""

import asyncio
import contextvars
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Literal, TypeVar

import msgspec

from atlas.domain import Commission, Execution, Instrument, OrderEvent, OrderEventKind, OrderState, Refused
from atlas.service.alarms import Alarm
from atlas.trading.lease import LEASE_NS, Lease, held_text, is_held_by_another, share_text
from atlas.trading.risk.flow import HOUR_NS
from atlas.trading.risk.session import SessionMemory
from atlas.trading.trading_state import TradingStateChange
from services.trader.ports import Restored, StoreAway

T = TypeVar("T")
Outage = Literal["", "before", "after", "part"]
"""Nothing; requests fail without effect; they take effect and fail; a batch takes effect in part and fails."""

_PATIENCE_SECONDS = 1.0
_RECENT = 1000


class MemoryStore:
    """Implements `services.trader.ports.Store` for one account. `outage` says how it fails just now."""

    def __init__(self, latency: float = 0.001) -> None:
        self.latency = latency
        self.outage: Outage = ""
        self.orders: dict[str, OrderState] = {}
        self.executions: dict[str, tuple[str, Execution]] = {}
        self.commissions: dict[str, Commission] = {}
        self.events: dict[int, OrderEvent] = {}
        self.instruments: dict[str, Instrument] = {}
        self.trading_state: TradingStateChange | None = None
        self.limits: dict[str, dict[str, Any]] = {}
        self.session: SessionMemory | None = None
        self.alarms: list[Alarm] = []
        self.leases: dict[str, Lease] = {}
        self.written = 0

    # What the trader asks.

    async def restore(self, account: str, since_ns: int) -> Restored:
        """What there is of `account`."""
        return await self._ask(lambda: self._restored(account, since_ns))

    async def take_lease(self, wanted: Lease, now_ns: int, reserved: float) -> Lease:
        """Take the lease of an account."""
        return await self._ask(lambda: self._take_lease(wanted, now_ns, reserved))

    async def renew_lease(self, lease: Lease, now_ns: int) -> Lease | None:
        """Hold a lease for longer; None when another trader has taken it."""
        return await self._ask(lambda: self._renew_lease(lease, now_ns))

    async def release_lease(self, lease: Lease) -> None:
        """Give a lease back."""
        await self._ask(lambda: self.leases.pop(lease.account, None))

    async def save_orders(self, states: Sequence[OrderState]) -> None:
        """Write the states of orders, the last one of each."""
        await self._write(states, self._save_order)

    async def save_trades(self, facts: Sequence[tuple[str, Execution | Commission]]) -> None:
        """Write executions and commissions."""
        await self._write(facts, self._save_trade)

    async def append_events(self, events: Sequence[OrderEvent]) -> None:
        """Write events; one that is there already must be the same."""
        await self._write(events, self._append_event)

    async def events_since(self, sequence: int, limit: int, robot: str = "") -> list[OrderEvent]:
        """Events above a number, in order."""
        return await self._ask(
            lambda: [one for one in self.all_events() if one.sequence > sequence and robot in ("", one.robot)][:limit]
        )

    async def events_of(self, order_id: str) -> list[OrderEvent]:
        """All events of one order, in order."""
        return await self._ask(lambda: [one for one in self.all_events() if one.order_id == order_id])

    async def save_instrument(self, instrument: Instrument) -> None:
        """Write an instrument's definition."""
        await self._write([instrument], lambda one: self.instruments.__setitem__(one.id, one))

    async def save_trading_state(self, change: TradingStateChange) -> None:
        """Write down a change of the trading state."""
        await self._write([change], self._save_trading_state)

    async def save_session(self, memory: SessionMemory) -> None:
        """Write down what of the session day has to survive a restart."""
        await self._write([memory], self._save_session)

    async def save_limit(self, scope: str, name: str, value: Any, who: str, at_ns: int) -> None:  # noqa: ARG002
        """Write down a change of a limit."""
        await self._write([value], lambda one: self.limits.setdefault(scope, {}).__setitem__(name, one))

    async def save_alarm(self, alarm: Alarm) -> None:
        """Write down an alarm."""
        await self._write([alarm], self.alarms.append)

    # What tests look at.

    def all_events(self) -> list[OrderEvent]:
        """Every event, in order."""
        return [self.events[number] for number in sorted(self.events)]

    def trades(self) -> list[tuple[Execution, Commission | None]]:
        """Every execution in the order of its time, then of its id, with its commission."""
        executions = sorted((one for _, one in self.executions.values()), key=lambda one: (one.at_ns, one.id))
        return [(one, self.commissions.get(one.id)) for one in executions]

    # How it is done.

    def _restored(self, account: str, since_ns: int) -> Restored:  # noqa: ARG002 - it holds but one
        states = [state for state in self.orders.values() if not state.status.is_final or state.at_ns >= since_ns]
        return Restored(
            states=states,
            trades=self.trades(),
            used_ids=list(self.orders),
            instruments=dict(self.instruments),
            last_sequence=max(self.events, default=0),
            last_broker_order_id=max((state.broker_order_id for state in self.orders.values()), default=0),
            robots={execution.id: robot for robot, execution in self.executions.values()},
            session=self.session,
            trading_state=self.trading_state,
            limits={scope: dict(values) for scope, values in self.limits.items()},
            submitted=self._submitted(),
            recent=self.all_events()[-_RECENT:],
        )

    def _take_lease(self, wanted: Lease, now_ns: int, reserved: float) -> Lease:
        held = self.leases.get(wanted.account)
        if held is not None and is_held_by_another(held, wanted, now_ns):
            raise Refused(held_text(held, now_ns))
        if problem := share_text(wanted, self.leases.values(), reserved, now_ns):
            raise Refused(problem)
        epoch = held.epoch + 1 if held is not None else 1
        self.leases[wanted.account] = msgspec.structs.replace(wanted, until_ns=now_ns + LEASE_NS, epoch=epoch)
        return self.leases[wanted.account]

    def _renew_lease(self, lease: Lease, now_ns: int) -> Lease | None:
        held = self.leases.get(lease.account, lease)
        if (held.holder, held.epoch) != (lease.holder, lease.epoch):
            return None
        self.leases[lease.account] = msgspec.structs.replace(lease, until_ns=now_ns + LEASE_NS)
        return self.leases[lease.account]

    def _submitted(self) -> list[OrderEvent]:
        found = [event for event in self.all_events() if event.kind is OrderEventKind.PENDING]
        return [event for event in found if event.at_ns >= found[-1].at_ns - HOUR_NS]

    def _save_order(self, state: OrderState) -> None:
        self.orders[state.order.id] = state

    def _save_trade(self, fact: tuple[str, Execution | Commission]) -> None:
        robot, one = fact
        if isinstance(one, Execution):
            self.executions[one.id] = (robot, one)
        else:
            self.commissions[one.execution_id] = one

    def _append_event(self, event: OrderEvent) -> None:
        there = self.events.setdefault(event.sequence, event)
        if there != event:
            raise Refused(f"event {event.sequence} is there with other content: {there} is not {event}")

    def _save_session(self, memory: SessionMemory) -> None:
        self.session = memory

    def _save_trading_state(self, change: TradingStateChange) -> None:
        self.trading_state = change

    async def _write(self, values: Iterable[T], write: Callable[[T], object]) -> None:
        values = list(values)
        if not values:
            return

        def take_effect() -> None:
            taken = values[: len(values) // 2] if self.outage == "part" else values
            for one in taken:
                write(one)
            self.written += len(taken)

        await self._ask(take_effect)

    async def _ask(self, request: Callable[[], T]) -> T:
        """Carry out a request as a server does: in its own time, whatever becomes of who asked."""
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[T] = loop.create_future()
        loop.call_later(self.latency, self._serve, request, answer, context=_SERVER)
        return await answer

    def _serve(self, request: Callable[[], T], answer: "asyncio.Future[T]") -> None:
        loop, outage = asyncio.get_running_loop(), self.outage
        try:
            result = None if outage == "before" else request()
        except Refused as error:
            loop.call_later(self.latency, _fail, answer, error, context=_SERVER)
            return
        if outage:
            away = StoreAway("the database does not answer")
            loop.call_later(_PATIENCE_SECONDS, _fail, answer, away, context=_SERVER)
        else:
            loop.call_later(self.latency, _tell, answer, result, context=_SERVER)


_SERVER = contextvars.Context()


def _tell(answer: "asyncio.Future[Any]", result: object) -> None:
    if not answer.done():
        answer.set_result(result)


def _fail(answer: "asyncio.Future[Any]", error: Exception) -> None:
    if not answer.done():
        answer.set_exception(error)
