"""Orders through the gateway: placing, changing and cancelling, and everything that is reported of them, in our words."""

from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping
from decimal import Decimal
from typing import Any

from atlas.domain import Commission, Execution, Instrument, OrderKind, Side, TimeInForce, Unavailable, from_datetime
from atlas.domain import Order as AtlasOrder
from atlas.ib.connection import Connection
from atlas.ib.contracts import to_contract
from atlas.ib.library import UNSET_DOUBLE, Order
from atlas.trading.broker import BrokerError, BrokerOrder, BrokerReport, BrokerSnapshot, BrokerStatus, Known, Unknown

_ORDER_TYPES = {OrderKind.MARKET: "MKT", OrderKind.LIMIT: "LMT"}
_TIMES_IN_FORCE = {TimeInForce.DAY: "DAY", TimeInForce.GTC: "GTC", TimeInForce.IOC: "IOC"}
_SIDES = {"BOT": Side.BUY, "SLD": Side.SELL}
_STATUSES = {
    "ApiPending": BrokerStatus.RECEIVED,
    "PendingSubmit": BrokerStatus.RECEIVED,
    "PreSubmitted": BrokerStatus.WORKING,
    "Submitted": BrokerStatus.WORKING,
    "PendingCancel": BrokerStatus.WORKING,
    "Filled": BrokerStatus.FILLED,
    "Cancelled": BrokerStatus.CANCELLED,
    "ApiCancelled": BrokerStatus.CANCELLED,
    "Inactive": BrokerStatus.INACTIVE,
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
        self._references: dict[int, str] = {}
        connection.tap("openOrder", self._open_order)
        connection.tap("orderStatus", self._order_status)
        connection.tap("execDetails", self._execution)
        connection.tap("commissionReport", self._commission)
        connection.tap("error", self._error)

    def learn(self, instruments: Mapping[str, Instrument]) -> None:
        """Know these instruments, too."""
        self._instruments.update(instruments)

    def place(self, order: AtlasOrder, broker_order_id: int) -> None:
        """Send `order`; again with the same id and other values, it modifies. Returns when the socket has it.

        Raises:
            Unavailable: the connection is down; nothing was sent.
        """
        self._need_connection(order.id)
        self._references[broker_order_id] = order.id
        contract = to_contract(self._instruments[order.instrument])
        self._connection.ib.client.placeOrder(broker_order_id, contract, _to_ib(order, broker_order_id))

    def cancel(self, broker_order_id: int) -> None:
        """Ask for the cancellation of an order of this client.

        Raises:
            Unavailable: the connection is down; nothing was sent.
        """
        self._need_connection(str(broker_order_id))
        self._connection.ib.client.cancelOrder(broker_order_id, "")

    async def snapshot(self) -> Known[BrokerSnapshot] | Unknown:
        """All that the broker knows of our orders and positions. Unknown if any of the questions was not answered."""
        ib, executions, commissions = self._connection.ib, list[Execution](), list[Commission]()
        try:
            open_orders = await self._ask(ib.reqAllOpenOrdersAsync, "open orders")
            completed = await self._ask(lambda: ib.reqCompletedOrdersAsync(False), "completed orders")
            fills = await self._ask(ib.reqExecutionsAsync, "executions")
            positions = await self._ask(ib.reqPositionsAsync, "positions")
        except Unavailable as error:
            return Unknown(str(error))
        for fill in fills:
            executions.append(self._to_execution(fill.contract, fill.execution))
            if fill.commissionReport.execId:
                commissions.append(_to_commission(fill.commissionReport))
        held: dict[str, dict[str, float]] = defaultdict(dict)
        for row in positions:
            if row.position:
                held[row.account][self._name_of(row.contract)] = float(row.position)
        return Known(
            BrokerSnapshot(
                open_orders=tuple(self._from_trade(trade) for trade in open_orders),
                completed_orders=tuple(self._from_trade(trade) for trade in completed),
                executions=tuple(executions),
                commissions=tuple(commissions),
                positions=dict(held),
            )
        )

    async def cash(self, account: str) -> dict[str, Decimal]:
        """Cash by currency, from the account's ledger. The connection keeps it current.

        Raises:
            Unavailable: the gateway did not answer.
        """
        ib = self._connection.ib
        await self._ask(lambda: ib.reqAccountUpdatesMultiAsync(account), "account values")
        rows = [row for row in ib.accountValues(account) if row.tag == "CashBalance" and row.currency != "BASE"]
        return {row.currency: Decimal(row.value) for row in rows}

    async def net_liquidation(self, account: str) -> float:
        """The account's value in its base currency.

        Raises:
            Unavailable: the gateway did not answer or gave no value.
        """
        ib = self._connection.ib
        await self._ask(lambda: ib.reqAccountUpdatesMultiAsync(account), "account values")
        for row in ib.accountValues(account):
            if row.tag == "NetLiquidation":
                return float(row.value)
        raise Unavailable(f"the gateway gave no NetLiquidation for account {account}")

    async def _ask(self, request: Callable[[], Awaitable[Any]], what: str) -> Any:
        return await self._connection.ask(request, what)

    def _need_connection(self, what: str) -> None:
        if not self._connection.is_up:
            raise Unavailable(f"order {what} was not sent: the gateway is not connected")

    def _name_of(self, contract: Any) -> str:
        for instrument in self._instruments.values():
            if instrument.con_id == contract.conId:
                return instrument.id
        return f"{contract.localSymbol or contract.symbol}#{contract.conId}"

    def _from_trade(self, trade: Any) -> BrokerOrder:
        return self._to_broker_order(trade.order, trade.orderStatus.status)

    def _to_broker_order(self, order: Any, status: str) -> BrokerOrder:
        limit = order.lmtPrice
        return BrokerOrder(
            order_id=order.orderRef,
            broker_order_id=order.orderId,
            perm_id=order.permId,
            status=_STATUSES.get(status, BrokerStatus.RECEIVED),
            quantity=float(order.totalQuantity),
            limit_price=float(limit) if order.orderType == "LMT" and limit not in (None, UNSET_DOUBLE) else None,
        )

    def _to_execution(self, contract: Any, execution: Any) -> Execution:
        return Execution(
            id=execution.execId,
            order_id=execution.orderRef or self._references.get(execution.orderId, ""),
            account=execution.acctNumber,
            instrument=self._name_of(contract),
            side=_SIDES[execution.side],
            quantity=float(execution.shares),
            price=float(execution.price),
            at_ns=from_datetime(execution.time),
            perm_id=execution.permId,
        )

    def _open_order(self, order_id: int, _contract: Any, order: Any, order_state: Any) -> None:
        if order.whatIf:
            return
        if order.orderRef and order.clientId == self._connection.client_id:
            self._references[order_id] = order.orderRef
        self._on_report(self._to_broker_order(order, order_state.status))

    def _order_status(
        self, order_id: int, status: str, _filled: float, _remaining: float, _average: float, perm_id: int, *rest: Any
    ) -> None:
        client_id = rest[2]
        reference = self._references.get(order_id, "") if client_id == self._connection.client_id else ""
        self._on_report(BrokerOrder(reference, order_id, perm_id, _STATUSES.get(status, BrokerStatus.RECEIVED)))

    def _execution(self, _request_id: int, contract: Any, execution: Any) -> None:
        self._on_report(self._to_execution(contract, execution))

    def _commission(self, report: Any) -> None:
        self._on_report(_to_commission(report))

    def _error(self, request_id: int, code: int, text: str, *_: Any) -> None:
        if request_id in self._references:
            self._on_report(BrokerError(request_id, code, text))


def _to_ib(order: AtlasOrder, broker_order_id: int) -> Any:
    result = Order(
        orderId=broker_order_id,
        action=order.side.name,
        totalQuantity=order.quantity,
        orderType=_ORDER_TYPES[order.kind],
        tif=_TIMES_IN_FORCE[order.time_in_force],
        account=order.account,
        orderRef=order.id,
    )
    if order.limit_price is not None:
        result.lmtPrice = order.limit_price
    return result


def _to_commission(report: Any) -> Commission:
    realized = report.realizedPNL
    return Commission(
        execution_id=report.execId,
        amount=float(report.commission),
        currency=report.currency,
        realized_pnl=None if realized in (None, UNSET_DOUBLE, 0.0) else float(realized),
    )
