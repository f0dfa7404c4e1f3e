"""What-if orders: what an order would do to margin and what it would cost, without being placed.

The client library waits for ever where the gateway answers with an error, and knows no words of a refusal; so we ask and listen
by ourselves.
"""

import asyncio
from typing import Any

from atlas.domain import Unavailable
from atlas.ib.connection import Connection
from atlas.ib.orders import number
from atlas.trading.broker import Known, Unknown, WhatIf
from atlas.trading.broker_codes import Meaning, meaning_of


class WhatIfs:
    """Asks one connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._asked: dict[int, asyncio.Future[Known[WhatIf] | Unknown]] = {}
        connection.tap("openOrder", self._answered)
        connection.tap("error", self._refused)

    def __contains__(self, number: object) -> bool:
        """Whether a what-if order of this number is under way."""
        return number in self._asked

    async def ask(self, broker_order_id: int, contract: Any, order: Any) -> Known[WhatIf] | Unknown:
        """What the broker says to the library's `order`. Unknown without an answer, or with the words of its refusal."""
        order.whatIf = True

        async def answer() -> Known[WhatIf] | Unknown:
            self._asked[broker_order_id] = asyncio.get_running_loop().create_future()
            try:
                self._connection.ib.client.placeOrder(broker_order_id, contract, order)
                return await self._asked[broker_order_id]
            finally:
                del self._asked[broker_order_id]

        try:
            return await self._connection.ask(answer, f"what-if of order {order.orderRef}")
        except Unavailable as error:
            return Unknown(str(error))

    def _answered(self, order_id: int, _contract: Any, order: Any, state: Any) -> None:
        waiting = self._asked.get(order_id)
        if waiting is None or waiting.done() or not order.whatIf:
            return
        answer = WhatIf(
            number(state.initMarginChange),
            number(state.maintMarginChange),
            number(state.commission if number(state.commission) is not None else state.maxCommission),
            state.commissionCurrency,
            state.warningText,
        )
        waiting.set_result(Known(answer))

    def _refused(self, request_id: int, code: int, text: str, *_: Any) -> None:
        waiting = self._asked.get(request_id)
        if waiting is None or waiting.done() or (meaning_of(code) is Meaning.NOTICE and _is_a_warning(code)):
            return
        waiting.set_result(Unknown(f"{text} ({code})", code))


def _is_a_warning(code: int) -> bool:
    """Warnings about orders (2100 to 2199 and 399) go with an answer."""
    return code == 399 or 2100 <= code < 2200
