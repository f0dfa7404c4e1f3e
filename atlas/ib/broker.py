"""Orders through the gateway: placing, changing and cancelling, and everything that is reported of them, in our words.

Reports are read as the messages are decoded, before the client library interprets them: it drops executions and commissions of
orders that it does not know, and takes an error for an order's end. We drop nothing.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from typing import Any

from atlas.domain import AtlasError, Commission, Instrument, Unavailable
from atlas.domain import Order as AtlasOrder
from atlas.ib.connection import Connection
from atlas.ib.contracts import to_contract
from atlas.ib.limiter import Priority
from atlas.ib.orders import Place, number, to_ib
from atlas.ib.questions import Questions
from atlas.ib.reports import OPEN, Reports
from atlas.ib.what_if import WhatIfs
from atlas.trading.broker import (
    AccountValues,
    BrokerError,
    BrokerOrder,
    BrokerReport,
    BrokerSnapshot,
    Known,
    Unknown,
    WhatIf,
)

_ACCOUNT_VALUES = {
    "excess_liquidity": "ExcessLiquidity",
    "gross_position_value": "GrossPositionValue",
    "buying_power": "BuyingPower",
    "initial_margin": "InitMarginReq",
    "maintenance_margin": "MaintMarginReq",
}


class Broker:
    """The order side of one connection.

    Args:
        instruments: those that may be traded, by id; executions of others are reported under the broker's name.
        on_report: gets every report in the order in which the gateway sent them, also those of orders that are not ours.
    """

    def __init__(
        self, connection: Connection, instruments: dict[str, Instrument], on_report: Callable[[BrokerReport], None]
    ) -> None:
        self._connection = connection
        self._instruments = instruments
        self._on_report = on_report
        self._reports = Reports(connection.client_id, instruments, connection.clock)
        self._questions = Questions(connection)
        self._what_ifs = WhatIfs(connection)
        self._live: list[tuple[Any, Any]] | None = None
        self._others: dict[str, Instrument] = {}  # by id: what others trade
        self._nameless: set[int] = set()
        self._live_commissions: list[Commission] = []
        connection.tap("openOrder", self._open_order)
        connection.tap("orderStatus", self._order_status)
        connection.tap("execDetails", self._execution)
        connection.tap("commissionReport", self._commission)
        connection.tap("error", self._error)

    # What there is to know

    @property
    def is_up(self) -> bool:
        """Whether orders can be sent: there is a session, and it reaches the broker behind it."""
        return self._connection.is_up

    @property
    def accounts(self) -> list[str]:
        """The accounts of the login, in the broker's order."""
        return self._connection.accounts

    @property
    def last_heard_ns(self) -> int:
        """When the gateway gave its last sign of life."""
        return self._connection.last_heard_ns

    def next_order_id(self) -> int:
        """An order id that the gateway will take from this client."""
        return self._connection.next_order_id()

    def learn(self, instruments: Mapping[str, Instrument]) -> None:
        """Know these instruments, too."""
        self._instruments.update(instruments)
        self._reports.learn(instruments)

    async def instrument(self, instrument_id: str) -> Instrument:
        """The instrument's definition, asked once; it is known from then on.

        Raises:
            UnknownInstrument: the broker has no such contract.
            BadInput: the id is malformed or ambiguous.
            Unavailable: no answer in time.
        """
        if instrument_id not in self._instruments:
            self.learn({instrument_id: await self._connection.instrument(instrument_id)})
        return self._instruments[instrument_id]

    # Orders

    async def place(self, order: AtlasOrder, broker_order_id: int, *, parent_id: int = 0, transmit: bool = True) -> None:
        """Send `order`; again with the same id and other values, it modifies. Returns when the socket has it.

        Raises:
            Unavailable: nothing was sent: the connection is down, or the instrument or one in a condition is not defined.
        """
        what = f"order {order.id}"
        await self._define(order)
        contract, theirs = self._written(order, Place(broker_order_id, parent_id, transmit))
        await self._turn(what)
        client = self._connection.ib.client
        client.updateReqId(broker_order_id + 1)  # no request gets the number of an order: errors name but the number
        self._reports.placed(order, broker_order_id, transmit=transmit)
        self._send(what, lambda: client.placeOrder(broker_order_id, contract, theirs))

    async def cancel(self, broker_order_id: int) -> None:
        """Ask for the cancellation of an order of this client.

        Raises:
            Unavailable: the connection is down; nothing was sent.
        """
        what = f"the cancellation of order {broker_order_id}"
        await self._turn(what)
        self._reports.cancelled(broker_order_id)
        self._send(what, lambda: self._connection.ib.client.cancelOrder(broker_order_id, ""))

    async def cancel_all(self) -> None:
        """Ask for the cancellation of every order of the login, whoever placed it.

        Raises:
            Unavailable: the connection is down; nothing was sent.
        """
        what = "the cancellation of all orders"
        await self._turn(what)
        self._send(what, self._connection.ib.client.reqGlobalCancel)

    async def what_if(self, order: AtlasOrder) -> Known[WhatIf] | Unknown:
        """What `order` would do, without placing it. One that the broker would reject is Unknown with its words."""
        try:
            await self._define(order)
            await self._turn(f"the what-if of order {order.id}")
        except AtlasError as error:
            return Unknown(str(error))
        broker_order_id = self.next_order_id()
        return await self._what_ifs.ask(broker_order_id, *self._written(order, Place(broker_order_id)))

    async def round_trip(self) -> int:
        """Prove the gateway with a request for its time; returns that time in UTC nanoseconds.

        Raises:
            Unavailable: no answer in time.
        """
        return await self._connection.round_trip()

    async def _define(self, order: AtlasOrder) -> None:
        wanted = [order.instrument, *(getattr(one, "instrument", order.instrument) for one in order.conditions)]
        for instrument_id in dict.fromkeys(wanted):
            try:
                await self.instrument(instrument_id)
            except Unavailable:
                raise
            except AtlasError as error:
                raise Unavailable(f"order {order.id} was not sent: {error}") from error

    def _written(self, order: AtlasOrder, place: Place) -> tuple[Any, Any]:
        contract = to_contract(self._instruments[order.instrument])
        return contract, to_ib(order, place, self._instruments.__getitem__)

    async def _turn(self, what: str) -> None:
        self._need_connection(what)
        await self._connection.limiter.turn(Priority.ORDER)
        self._need_connection(what)

    def _need_connection(self, what: str) -> None:
        if not self._connection.is_up:
            raise Unavailable(f"{what} was not sent: the gateway is not connected")

    @staticmethod
    def _send(what: str, send: Callable[[], None]) -> None:
        try:
            send()
        except ConnectionError as error:
            raise Unavailable(f"{what} was not sent: {error}") from error

    # Questions

    async def snapshot(self) -> Known[BrokerSnapshot] | Unknown:
        """All that the broker knows of our orders and positions. Unknown if any of the questions was not answered in full.

        Unknown too if the way to the broker broke while it was asked: the answers would be of two worlds. Executions that come
        unasked meanwhile are in it.
        """
        breaks = self._questions.breaks
        self._live, self._live_commissions = [], []
        try:
            await self._questions.settle()
            open_orders = await self._questions.open_orders()
            completed = await self._questions.completed_orders()
            executions = await self._questions.executions()
            positions = await self._questions.positions()
            named = [row[1] for row in (*open_orders, *executions)] + [row[0] for row in completed]
            await self._name([*named, *(contract for _, contract, quantity, _ in positions if quantity)])
            while await self._name([contract for contract, _ in self._live]):
                pass  # more can have come while it was asked
        except AtlasError as error:
            return Unknown(str(error))
        else:
            if self._questions.breaks != breaks:
                return Unknown("the connection to the broker broke, or sent something unreadable, while it was asked")
            unasked = self._live
            both = [*((contract, execution) for _, contract, execution in executions), *unasked]
            told = [self._reports.execution(contract, execution) for contract, execution in both]
        finally:
            self._live = None
        return Known(
            BrokerSnapshot(
                open_orders=self._standing(open_orders),
                completed_orders=tuple(self._reports.completed(*row) for row in completed),
                executions=tuple({one.id: one for one in told}.values()),
                commissions=tuple({one.execution_id: one for one in self._live_commissions}.values()),
                positions=self._held(positions),
                costs=self._costs(positions),
                instruments=dict(self._others),
            )
        )

    async def _name(self, contracts: Iterable[Any]) -> bool:
        """Know all these contracts by our ids, for others trade what we never asked for. Whether one was strange."""
        strange = {one.conId for one in contracts if one.conId and not self._reports.knows(one.conId)} - self._nameless
        for con_id in sorted(strange):
            found = await self._connection.instrument_by_number(con_id)
            if found is None:
                self._nameless.add(con_id)  # it keeps the broker's name
            else:
                self._others[found.id] = found
                self.learn({found.id: found})
        return bool(strange)

    def _standing(self, rows: list[tuple[Any, ...]]) -> tuple[BrokerOrder, ...]:
        """Open orders as last heard: what was reported while the list came is in it, too."""
        for _, _, order, _ in rows:
            self._reports.note(order)
        newest = {
            (order.clientId, order.orderId, order.permId): (contract, order, state)
            for _, contract, order, state in rows
            if not order.whatIf
        }
        standing = [self._reports.open_order(*row) for row in newest.values()]
        return tuple(one for one in standing if one.status in OPEN)

    def _held(self, rows: list[tuple[Any, ...]]) -> dict[str, dict[str, float]]:
        held: dict[str, dict[str, float]] = defaultdict(dict)
        for account, contract, quantity, _ in rows:
            held[account][self._reports.name_of(contract)] = float(quantity)
        return {
            account: {instrument: quantity for instrument, quantity in positions.items() if quantity}
            for account, positions in held.items()
            if any(positions.values())
        }

    def _costs(self, rows: list[tuple[Any, ...]]) -> dict[str, dict[str, float]]:
        """Average prices of a unit; the broker's average cost is that of a contract, multiplier included."""
        costs: dict[str, dict[str, float]] = defaultdict(dict)
        for account, contract, quantity, cost in rows:
            if quantity and cost:
                costs[account][self._reports.name_of(contract)] = float(cost) / float(contract.multiplier or 1)
        return dict(costs)

    async def account_values(self, account: str) -> Known[AccountValues] | Unknown:
        """What the account is worth now, in its base currency."""
        try:
            rows = await self._questions.account_values(account)
        except AtlasError as error:
            return Unknown(str(error))
        values = {(tag, currency): value for _, owner, model, tag, value, currency in rows if owner == account and not model}
        base = next((currency for tag, currency in values if tag == "NetLiquidation"), "")
        worth = number(values.get(("NetLiquidation", base)))
        if worth is None:
            return Unknown(f"the broker gave no net liquidation value of account {account}")
        more = {ours: number(values.get((theirs, base))) for ours, theirs in _ACCOUNT_VALUES.items()}
        cash = {
            currency: Decimal(value) for (tag, currency), value in values.items() if tag == "CashBalance" and currency != "BASE"
        }
        return Known(AccountValues(account, base, worth, cash=cash, **more))

    async def cash(self, account: str) -> dict[str, Decimal]:
        """Cash by currency.

        Raises:
            Unavailable: the gateway did not answer.
        """
        values = await self.account_values(account)
        if isinstance(values, Unknown):
            raise Unavailable(values.reason)
        return dict(values.value.cash or {})

    # Reports

    def _open_order(self, _order_id: int, contract: Any, order: Any, order_state: Any) -> None:
        if order.whatIf:
            return
        self._reports.note(order)
        self._on_report(self._reports.open_order(contract, order, order_state))

    def _order_status(self, order_id: int, status: str, *rest: Any) -> None:
        self._on_report(self._reports.order_status(order_id, status, perm_id=rest[3], client_id=rest[6]))

    def _execution(self, _request_id: int, contract: Any, execution: Any) -> None:
        told = self._reports.execution(contract, execution)
        if self._live is not None:
            self._live.append((contract, execution))
        self._on_report(told)

    def _commission(self, report: Any) -> None:
        told = self._reports.commission(report)
        if told is None:
            return
        if self._live is not None:
            self._live_commissions.append(told)
        self._on_report(told)

    def _error(self, request_id: int, code: int, text: str, *_: Any) -> None:
        if self._reports.is_own(request_id) and not self._is_asked(request_id):
            self._reports.answered(request_id)
            self._on_report(BrokerError(request_id, code, text))

    def _is_asked(self, number: int) -> bool:
        """Whether a question is under way by this number: its error must not be taken for an order's.

        An order's that is taken for a question's is found out by asking for the order; a live order that was taken for
        rejected would not be.
        """
        theirs = self._connection.ib.wrapper._futures.get(number)
        return (theirs is not None and not theirs.done()) or self._questions.is_asked(number) or number in self._what_ifs
