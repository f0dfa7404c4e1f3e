"""Ways in which a trader could be wrong, each as a small change of the real one. The model has to notice every one."""

from collections.abc import Callable
from typing import Any

import msgspec
import pytest

import atlas.trading.commands as commands
import atlas.trading.positions as positions
import atlas.trading.reconcile as reconcile
import atlas.trading.risk.gate as gate
import services.trader.engine as engine
import services.trader.ledger as ledger
from atlas.domain import OrderEventKind
from atlas.trading.broker import BrokerSnapshot, Known, Unknown
from atlas.trading.effects import NOTHING, CancelOrder, ChangeOrder, Decision, PlaceOrder

Patch = pytest.MonkeyPatch
MUTANTS: dict[str, Callable[[Patch], None]] = {}


def _mutant(mutate: Callable[[Patch], None]) -> Callable[[Patch], None]:
    MUTANTS[mutate.__name__] = mutate
    return mutate


def _leaving_once_journaled(what: tuple[type, ...]) -> Callable[[Any, Any], None]:
    def make_durable(self: Any, entry: Any) -> None:
        if not entry.durable.done():
            entry.durable.set_result(None)
        if entry.sendings and all(isinstance(one, (*ledger.CANCELLATIONS, *what)) for one in entry.sendings):
            self._leave(entry)

    return make_durable


@_mutant
def an_order_is_sent_before_it_is_written(patch: Patch) -> None:
    patch.setattr(ledger.Ledger, "_make_durable", _leaving_once_journaled((PlaceOrder, ChangeOrder)))


@_mutant
def a_change_is_sent_before_it_is_written(patch: Patch) -> None:
    patch.setattr(ledger.Ledger, "_make_durable", _leaving_once_journaled((ChangeOrder,)))


@_mutant
def an_unknown_answer_is_read_as_an_empty_one(patch: Patch) -> None:
    real = reconcile.Reconciliation.reconcile

    def read(self: Any, answer: Any, asked_ns: int) -> Decision:
        return real(self, Known(BrokerSnapshot((), (), (), (), {})) if isinstance(answer, Unknown) else answer, asked_ns)

    patch.setattr(reconcile.Reconciliation, "reconcile", read)


@_mutant
def a_cancellation_is_final_once_it_is_sent(patch: Patch) -> None:
    real = commands.Commands.sent

    def sent(self: Any, effect: Any) -> Decision:
        if isinstance(effect, CancelOrder):
            return Decision(self._blotter.record(OrderEventKind.CANCELLED, effect.order_id))
        return real(self, effect)

    patch.setattr(commands.Commands, "sent", sent)


@_mutant
def another_stop_price_is_sent_than_was_asked_for(patch: Patch) -> None:
    real = commands.Commands.modify

    def modify(self: Any, wish: Any) -> Decision:
        decision = real(self, wish)
        return Decision(decision.events, tuple(_doubled(one) for one in decision.effects), decision.denial)

    patch.setattr(commands.Commands, "modify", modify)


def _doubled(effect: Any) -> Any:
    if not isinstance(effect, ChangeOrder) or not effect.order.stop_price:
        return effect
    order = msgspec.structs.replace(effect.order, stop_price=effect.order.stop_price * 2)
    return ChangeOrder(order, effect.broker_order_id, effect.parent_id)


@_mutant
def positions_are_not_compared(patch: Patch) -> None:
    patch.setattr(positions.Positions, "compare", lambda *_: NOTHING)


@_mutant
def the_trading_state_is_ignored(patch: Patch) -> None:
    for module in (gate, engine):
        patch.setattr(module, "refused", lambda *_, **__: None)


@_mutant
def events_are_told_before_they_are_written(patch: Patch) -> None:
    real = ledger.Ledger._write

    async def write(self: Any, batch: Any) -> None:
        self._outlet.publish([entry.event for entry in batch])
        await real(self, batch)

    patch.setattr(ledger.Ledger, "_write", write)


@_mutant
def orders_are_taken_in_doubt(patch: Patch) -> None:
    patch.setattr(engine.Engine, "no_orders", lambda _: None)


@_mutant
def an_order_that_was_cancelled_still_leaves(patch: Patch) -> None:
    def may_send(self: Any, effect: Any) -> str:
        state = self._blotter.states[effect.order_id]
        return f"is {state.status.value}" if state.status.is_final else ""

    patch.setattr(commands.Commands, "may_send", may_send)
