"""The orders and executions of a paper account, by the broker's numbers: the fold of its records."""

from collections.abc import Iterator

from msgspec.structs import replace

from atlas.domain import Execution, Instrument, exact
from atlas.exchange import (
    Accepted,
    Cancelled,
    ExchangeEvent,
    Executed,
    Expired,
    Modified,
    Refused,
    Rejected,
    Settled,
)
from atlas.paper.codes import objection_to
from atlas.paper.records import Cancelling, Changing, Listed, Opened, PaperOrder, Placed, Record, Released, Withdrawn
from atlas.trading.broker import BrokerStatus


class Book:
    """Every order that stands or was over today, every execution of today, and what may be traded.

    The exchange knows an order by its reference; `number_of` is its number here.
    """

    def __init__(self) -> None:
        self.opened: Opened | None = None
        self.instruments: dict[str, Instrument] = {}
        self.orders: dict[int, PaperOrder] = {}
        self.number_of: dict[str, int] = {}
        self.fills: list[Executed | Settled] = []
        self.highest_number = 0

    # What may be asked.

    def of(self, reference: str) -> PaperOrder | None:
        """The order that the exchange speaks of."""
        return self.orders.get(self.number_of.get(reference, -1))

    def standing(self) -> Iterator[PaperOrder]:
        """Orders that are not over."""
        return (one for one in list(self.orders.values()) if not one.done_ns)

    def completed(self) -> Iterator[PaperOrder]:
        """Orders that are over."""
        return (one for one in self.orders.values() if one.done_ns)

    def family(self, number: int) -> list[PaperOrder]:
        """The kept orders that hang together with `number`, parents before their children."""
        top = self.orders[number]
        while (parent := self.orders.get(top.parent)) is not None and parent.is_kept:
            top = parent
        found = [top]
        for one in found:  # grows meanwhile: children of children
            found += self.kept_children(one.number)
        return [one for one in found if one.is_kept]

    def kept_children(self, number: int) -> list[PaperOrder]:
        """The kept orders that are attached to `number`."""
        return [one for one in self.standing() if one.parent == number and one.is_kept]

    # The fold.

    def apply(self, record: Record) -> None:
        """Make `record` so. What concerns the exchange alone changes nothing here."""
        match record:
            case Opened():
                self.opened = record
            case Listed(instrument):
                self.instruments[instrument.id] = instrument
            case Placed(number, order, parent, is_kept):
                self.enter(PaperOrder(number, order, parent, is_kept))
            case Released(number):
                self._set(number, is_kept=False)
            case Changing(number, order):
                kept = self.orders[number].is_kept
                self._set(number, **({"order": order} if kept else {"changing": order}))
            case Cancelling(number):
                self._set(number, cancelling=True)
            case Withdrawn(number, text, at_ns):
                self._set(number, status=BrokerStatus.CANCELLED, is_kept=False, text=text, done_ns=at_ns)
            case _ if isinstance(record, ExchangeEvent):
                self._happen(record)

    def _happen(self, event: ExchangeEvent) -> None:
        match event:
            case Accepted(order, perm_id):
                self._set_of(order.id, status=BrokerStatus.WORKING, perm_id=perm_id)
            case Rejected(order, _, _, at_ns):
                code, text = objection_to(event)
                self._set_of(order.id, status=BrokerStatus.INACTIVE, code=code, text=text, done_ns=at_ns)
            case Executed(execution):
                self.fills.append(event)
                self._fill(execution)
            case Settled():
                self.fills.append(event)
            case Modified(order):
                one = self.of(order.id)
                if one is not None:
                    terms = replace(one.changing or one.order, quantity=order.quantity)
                    self._set(one.number, order=terms, changing=None)
            case Refused(reference):
                self._set_of(reference, changing=None, cancelling=False)
            case Cancelled(reference, text, at_ns):
                self._set_of(reference, status=BrokerStatus.CANCELLED, text=text, done_ns=at_ns)
            case Expired(reference, at_ns):
                self._set_of(reference, status=BrokerStatus.EXPIRED, text="its time was over", done_ns=at_ns)
            case _:
                pass

    def _fill(self, execution: Execution) -> None:
        one = self.of(execution.order_id)
        if one is None:
            return
        filled = exact(one.filled) + exact(execution.quantity)
        self._set(one.number, filled=float(filled))
        if filled >= exact(one.order.quantity):
            self._set(one.number, status=BrokerStatus.FILLED, done_ns=execution.at_ns)

    def enter(self, one: PaperOrder) -> None:
        """Keep an order."""
        self.orders[one.number] = one
        self.number_of[one.order.id] = one.number
        self.highest_number = max(self.highest_number, one.number)

    def _set_of(self, reference: str, **values: object) -> None:
        one = self.of(reference)
        if one is not None:
            self._set(one.number, **values)

    def _set(self, number: int, **values: object) -> None:
        self.orders[number] = replace(self.orders[number], **values)

    def forget_before(self, at_ns: int) -> None:
        """Drop executions, and orders that were over, before that moment. Their numbers stay used."""
        self.fills = [fill for fill in self.fills if fill.execution.at_ns >= at_ns]
        for one in [one for one in self.completed() if one.done_ns < at_ns]:
            del self.orders[one.number], self.number_of[one.order.id]
