"""What the gateway says of orders, executions and commissions, in our words. Keeps what is needed to name them; does no I/O."""

import math
import re
from collections.abc import Mapping
from typing import Any

import structlog

from atlas.domain import Clock, Commission, Execution, Instrument, Side, from_datetime
from atlas.domain import Order as AtlasOrder
from atlas.ib.conditions import NoWords
from atlas.ib.library import UNSET_DOUBLE
from atlas.ib.orders import from_ib, number
from atlas.trading.broker import BrokerOrder, BrokerStatus

log = structlog.get_logger("atlas.ib")

_STATUSES = {
    "ApiPending": BrokerStatus.RECEIVED,
    "PendingSubmit": BrokerStatus.RECEIVED,
    "PreSubmitted": BrokerStatus.WORKING,
    "Submitted": BrokerStatus.WORKING,
    "PendingCancel": BrokerStatus.CANCELLING,
    "Filled": BrokerStatus.FILLED,
    "Cancelled": BrokerStatus.CANCELLED,
    "ApiCancelled": BrokerStatus.CANCELLED,
    "Inactive": BrokerStatus.INACTIVE,
}
"""ApiCancelled is a cancellation before the broker had the order; Cancelled one that the broker confirmed. Both are an end."""

OPEN = frozenset({BrokerStatus.RECEIVED, BrokerStatus.WORKING, BrokerStatus.CANCELLING, BrokerStatus.INACTIVE})
"""Where an order may still be filled. Inactive ones may come back to life: held shares are located, a price is changed."""

_EXPIRED = re.compile(r"expire|session is over|good.till", re.IGNORECASE)
_UNSET_INTEGER = 2**31 - 1
_NO_COMMISSION_YET = -1.0


class Reports:
    """Reads the gateway's objects.

    Args:
        client_id: which orders are ours.
        instruments: by id; contracts of others get the broker's own name.
    """

    def __init__(self, client_id: int, instruments: Mapping[str, Instrument], clock: Clock) -> None:
        self._client_id = client_id
        self._clock = clock
        self._names: dict[int, str] = {}
        self._references: dict[tuple[int, int], str] = {}
        self._references_by_perm_id: dict[int, str] = {}
        self._ends_ns: dict[tuple[int, int], int] = {}
        self._held: set[tuple[int, int]] = set()
        self.learn(instruments)

    def learn(self, instruments: Mapping[str, Instrument]) -> None:
        """Know contracts by these ids."""
        self._names.update({one.con_id: one.id for one in instruments.values()})

    def knows(self, con_id: int) -> bool:
        """Whether a contract has an id of ours."""
        return con_id in self._names

    # What is known of orders

    def placed(self, order: AtlasOrder, broker_order_id: int, *, transmit: bool = True) -> None:
        """We send `order` under this number. One that is not transmitted the gateway holds, and calls it Inactive meanwhile."""
        if not transmit:
            self._held.add((self._client_id, broker_order_id))
        self._references[self._client_id, broker_order_id] = order.id
        self._ends_ns[self._client_id, broker_order_id] = order.good_till_ns

    def cancelled(self, broker_order_id: int) -> None:
        """We ask for its cancellation: what the gateway answers is about an order of ours, whoever placed it."""
        self._references.setdefault((self._client_id, broker_order_id), "")
        self._ends_ns.pop((self._client_id, broker_order_id), None)

    def answered(self, broker_order_id: int) -> None:
        """The gateway has an error or a warning for it: from now on, Inactive means what it says."""
        self._held.discard((self._client_id, broker_order_id))

    def note(self, order: Any) -> None:
        """The gateway shows an order: from now on its number and its permanent id are known by its reference."""
        if order.orderRef:
            self._references_by_perm_id[order.permId] = order.orderRef
            if order.orderId > 0:
                self._references[order.clientId, order.orderId] = order.orderRef

    def is_own(self, broker_order_id: int) -> bool:
        """Whether a number is that of an order of this client."""
        return (self._client_id, broker_order_id) in self._references

    def name_of(self, contract: Any) -> str:
        """The instrument id of a contract, or the broker's name for one that we do not know."""
        known = self._names.get(contract.conId)
        return known or f"{contract.localSymbol or contract.symbol}#{contract.conId}"

    # What is said of them

    def open_order(self, contract: Any, order: Any, state: Any) -> BrokerOrder:
        """An order as `openOrder` shows it."""
        return self._order(contract, order, self._status(state.status, order.clientId, order.orderId), state.warningText)

    def completed(self, contract: Any, order: Any, state: Any) -> BrokerOrder:
        """An order that is done. The list of them names neither client nor order id."""
        text = state.completedStatus or state.warningText
        status = _STATUSES.get(state.status, BrokerStatus.CANCELLED)
        if status is BrokerStatus.CANCELLED and _EXPIRED.search(text):
            status = BrokerStatus.EXPIRED
        return self._order(contract, order, status, text)

    def order_status(self, order_id: int, status: str, *, perm_id: int, client_id: int) -> BrokerOrder:
        """A status by itself."""
        ours = client_id == self._client_id and order_id > 0
        return BrokerOrder(
            self._reference(client_id, order_id, perm_id),
            order_id,
            perm_id,
            self._status(status, client_id, order_id),
            client_id=client_id,
            ours=ours,
        )

    def execution(self, contract: Any, execution: Any) -> Execution:
        """An execution, or a correction of one: the same id but for a higher last part, and what is right.

        Of an order that an advisor divides it says the account of each part.
        """
        order_id = 0 if execution.orderId == _UNSET_INTEGER else execution.orderId  # as the gateway has it of manual orders
        return Execution(
            id=execution.execId,
            order_id=execution.orderRef or self._reference(execution.clientId, order_id, execution.permId),
            account=execution.acctNumber,
            instrument=self.name_of(contract),
            side=Side.BUY if execution.side.upper().startswith("B") else Side.SELL,
            quantity=float(execution.shares),
            price=float(execution.price),
            at_ns=from_datetime(execution.time),
            perm_id=execution.permId,
        )

    def commission(self, report: Any) -> Commission | None:
        """What an execution cost; None while the broker has not said it: its placeholder would be booked as money."""
        amount = report.commission
        unset = not math.isfinite(amount) or abs(amount) >= UNSET_DOUBLE
        if unset or (amount == _NO_COMMISSION_YET and not report.currency):
            log.warning("commission not known yet", execution=report.execId, amount=repr(amount))
            return None
        return Commission(report.execId, float(amount), report.currency, number(report.realizedPNL))

    def _order(self, contract: Any, order: Any, status: BrokerStatus, reason: str) -> BrokerOrder:
        terms = self._terms(contract, order)
        client_id, order_id = order.clientId, order.orderId
        return BrokerOrder(
            order_id=order.orderRef or self._reference(client_id, order_id, order.permId),
            broker_order_id=order_id,
            perm_id=order.permId,
            status=status,
            quantity=float(order.totalQuantity),
            limit_price=terms.limit_price if terms is not None else number(order.lmtPrice),
            reason=reason,
            terms=terms,
            client_id=client_id,
            ours=client_id == self._client_id and order_id > 0,
        )

    def _terms(self, contract: Any, order: Any) -> AtlasOrder | None:
        def parent_of(order_id: int) -> str:
            return self._references.get((order.clientId, order_id), "")

        try:
            return from_ib(order, self.name_of(contract), lambda con_id: self._names.get(con_id, f"#{con_id}"), parent_of)
        except NoWords as words:
            log.warning("an order that we have no words for", perm_id=order.permId, what=str(words))
            return None

    def _reference(self, client_id: int, order_id: int, perm_id: int) -> str:
        by_number = self._references.get((client_id, order_id), "") if order_id > 0 else ""
        return by_number or self._references_by_perm_id.get(perm_id, "")

    def _status(self, text: str, client_id: int, order_id: int) -> BrokerStatus:
        """The status; a cancellation that nobody asked for, of an order whose time is over, is its expiry."""
        status = _STATUSES.get(text, BrokerStatus.RECEIVED)
        if status is BrokerStatus.INACTIVE and (client_id, order_id) in self._held:  # it may be told late, too
            return BrokerStatus.RECEIVED
        ends_ns = self._ends_ns.get((client_id, order_id), 0)
        if status is BrokerStatus.CANCELLED and 0 < ends_ns <= self._clock.now_ns():
            return BrokerStatus.EXPIRED
        return status
