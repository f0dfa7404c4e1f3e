"""The trader's store in MongoDB: the repositories of one account behind the engine's port."""

from collections.abc import Sequence
from typing import Any

from atlas.domain import Commission, Execution, Instrument, OrderEvent, OrderState
from atlas.domain.alarm import Alarm
from atlas.store import Database, InstrumentRepository, OrderEventRepository, OrderRepository, TradeRepository
from atlas.store.alarms import AlarmRepository
from atlas.store.leases import LeaseRepository
from atlas.store.limits import LimitRepository
from atlas.store.sessions import SessionRepository
from atlas.store.trading_state import TradingStateRepository
from atlas.trading.lease import Lease
from atlas.trading.risk.flow import HOUR_NS
from atlas.trading.risk.session import SessionMemory
from atlas.trading.trading_state import TradingStateChange
from services.trader.ledger import MOST_AT_ONCE
from services.trader.ports import Restored
from services.trader.proof import prove


class MongoStore:
    """Implements `services.trader.ports.Store`."""

    def __init__(self, database: Database, account: str) -> None:
        self._account = account
        self.quarantined: dict[str, str] = {}
        """By key the documents that were no orders when they were restored, and why not; they were left alone."""
        self._orders = OrderRepository(database, account)
        self._trades = TradeRepository(database, account)
        self._events = OrderEventRepository(database, account)
        self._instruments = InstrumentRepository(database)
        self._states = TradingStateRepository(database, account)
        self._limits = LimitRepository(database, account)
        self._alarms = AlarmRepository(database)
        self._leases = LeaseRepository(database)
        self._sessions = SessionRepository(database, account)

    async def prepare(self) -> None:
        """Make the indexes of all collections."""
        for repository in (self._orders, self._trades, self._events, self._states, self._limits, self._alarms):
            await repository.prepare()

    async def restore(self, account: str, since_ns: int) -> Restored:
        """What there is of `account`; final orders only if they changed at `since_ns` or later."""
        if account != self._account:
            raise ValueError(f"this store is of {self._account}, not of {account}")
        last_sequence = await self._events.last_sequence()
        states = await self._orders.open_or_since(since_ns)
        events = await self._events.of_orders(state.order.id for state in states)
        proof = prove(states, events, last_sequence, last_sequence + 2 * MOST_AT_ONCE)
        await self._orders.repair(proof.rebuilt)
        self.quarantined = {**self._orders.unreadable, **proof.unproven}
        return Restored(
            robots=await self._trades.robots(),
            session=await self._sessions.newest(),
            states=proof.good,
            trades=await self._trades.all(),
            used_ids=await self._orders.ids(),
            instruments=await self._instruments.all(),
            last_sequence=last_sequence,
            last_broker_order_id=await self._last_broker_order_id(),
            trading_state=await self._states.newest(),
            limits=await self._limits.changed(),
            submitted=await self._events.submitted(HOUR_NS),
            recent=await self._events.since(max(0, last_sequence - 2 * MOST_AT_ONCE), 2 * MOST_AT_ONCE),
        )

    async def _last_broker_order_id(self) -> int:
        """The highest number of which also the events tell: nobody uses numbers up by writing a document."""
        for number, order_id in await self._orders.broker_order_ids():
            if await self._events.sent_under(number, order_id):
                return number
        return 0

    async def take_lease(self, wanted: Lease, now_ns: int, reserved: float) -> Lease:
        """Take the lease of an account."""
        return await self._leases.take(wanted, now_ns, reserved)

    async def renew_lease(self, lease: Lease, now_ns: int) -> Lease | None:
        """Hold a lease for longer; None when another trader has taken it."""
        return await self._leases.renew(lease, now_ns)

    async def release_lease(self, lease: Lease) -> None:
        """Give a lease back."""
        await self._leases.release(lease)

    async def save_orders(self, states: Sequence[OrderState]) -> None:
        """Write the states of orders."""
        await self._orders.save(states)

    async def save_trades(self, facts: Sequence[tuple[str, Execution | Commission]]) -> None:
        """Write executions and commissions, each with its robot."""
        await self._trades.save(facts)

    async def append_events(self, events: Sequence[OrderEvent]) -> None:
        """Write events; those that are there already are left alone."""
        await self._events.append(events)

    async def events_since(self, sequence: int, limit: int, robot: str = "") -> list[OrderEvent]:
        """Events above number `sequence`, in order; of one robot if named."""
        return await self._events.since(sequence, limit, robot)

    async def events_of(self, order_id: str) -> list[OrderEvent]:
        """All events of one order, in order."""
        return await self._events.of_order(order_id)

    async def save_instrument(self, instrument: Instrument) -> None:
        """Write an instrument's definition."""
        await self._instruments.save([instrument])

    async def save_trading_state(self, change: TradingStateChange) -> None:
        """Write down a change of the trading state."""
        await self._states.save(change)

    async def save_session(self, memory: SessionMemory) -> None:
        """Write down what of the session day has to survive a restart."""
        await self._sessions.save(memory)

    async def save_limit(self, scope: str, name: str, value: Any, who: str, at_ns: int) -> None:
        """Write down a change of a limit."""
        await self._limits.save(scope, name, value, who, at_ns)

    async def save_alarm(self, alarm: Alarm) -> None:
        """Write down an alarm."""
        await self._alarms.save(alarm)
