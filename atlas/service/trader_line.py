"""The line to the trader for people's commands: asks one thing, and gives what came of it as one of the four outcomes.

An answer that did not come is `unknown`, never a failure: what was asked for may have been done.
"""

import asyncio
from collections.abc import Sequence
from typing import Any, TypeVar

from atlas.bus import Bus, Requester, orders
from atlas.domain import (
    Action,
    Cancel,
    IllegalTransition,
    Modify,
    OrderEvent,
    OrderState,
    OrderStatus,
    OutcomeUnknown,
    Unavailable,
    action_id,
    fold,
)
from atlas.service.settings import Settings
from atlas.trading.outcome import Outcome, Verdict, outcome_of

_LOOK_AGAIN_SECONDS = 0.1

R = TypeVar("R")


class TraderLine:
    """An open line to the trader. Made inside the running loop."""

    def __init__(self, bus: Bus, settings: Settings) -> None:
        own = settings.trader
        self._requester: Requester[orders.Reply] = Requester(bus, f"tcp://{own.host}:{own.order_port}", "trader", orders.Reply)

    async def ask(self, body: Any, kind: type[R], seconds: float, key: str = "") -> R:
        """The trader's answer, which must be of `kind`.

        Raises:
            OutcomeUnknown: no answer came.
            Unavailable: the trader is not there, nothing was asked; or it gave another answer.
            AtlasError: as the trader raised it.
        """
        answer = await self._requester.ask(body, seconds, key)
        if not isinstance(answer, kind):
            raise Unavailable(f"the trader answered with {type(answer).__name__} instead of {kind.__name__}")
        return answer

    async def command(self, action: Action, seconds: float) -> Outcome:
        """What came of an action. That no answer came is an outcome: unknown."""
        order_id = action.order_id if isinstance(action, Modify | Cancel) else action_id(action)
        try:
            receipt = await self.ask(orders.Command(action), orders.Receipt, seconds, action_id(action))
        except OutcomeUnknown as error:
            return Outcome(order_id, Verdict.UNKNOWN, OrderStatus.UNKNOWN, str(error))
        return outcome_of_receipt(receipt)

    async def events(self, order_id: str, seconds: float) -> orders.OrderAnswer:
        """Everything that has happened to an order."""
        return await self.ask(orders.OrderQuery(order_id), orders.OrderAnswer, seconds)

    async def end_of(self, order_id: str, seconds: float) -> tuple[Outcome, OrderState | None]:
        """The order as it is in the end; unknown, and None, if it is not final in time."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + seconds
        while True:
            left = max(deadline - loop.time(), _LOOK_AGAIN_SECONDS)
            try:
                state = state_of((await self.events(order_id, left)).events)
            except OutcomeUnknown as error:
                return Outcome(order_id, Verdict.UNKNOWN, OrderStatus.UNKNOWN, str(error)), None
            if state is not None and state.status.is_final:
                return outcome_of(state), state
            if loop.time() >= deadline:
                text = f"it was {state.status.value if state else 'not to be seen'} after {seconds:g} seconds, and is not final"
                return Outcome(order_id, Verdict.UNKNOWN, state.status if state else OrderStatus.UNKNOWN, text), None
            await asyncio.sleep(_LOOK_AGAIN_SECONDS)

    def close(self) -> None:
        """Close the line."""
        self._requester.close()


def outcome_of_receipt(receipt: orders.Receipt) -> Outcome:
    """What a receipt says. A reason without a verdict is a denial."""
    verdict = receipt.verdict
    if verdict is Verdict.ACCEPTED and (receipt.reason or receipt.status is OrderStatus.DENIED):
        verdict = Verdict.DENIED
    return Outcome(receipt.order_id, verdict, receipt.status, receipt.reason, receipt.denial, receipt.code)


def state_of(events: Sequence[OrderEvent]) -> OrderState | None:
    """The state that an order's events make; None if nothing has been heard of it."""
    state: OrderState | None = None
    for event in events:
        try:
            state = fold(state, event)
        except IllegalTransition:  # the trader has alarmed it
            continue
    return state
