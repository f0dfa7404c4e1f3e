"""Requests of the order socket, each to whom it concerns. A table, not a chain of questions."""

from collections.abc import Awaitable, Callable
from typing import Any

import msgspec

from atlas.bus import orders as messages
from atlas.bus.orders import Done, Events, Held, OrderAnswer, Positions, WhatIfAnswer
from atlas.domain import (
    Action,
    BadInput,
    Cancel,
    Clock,
    Modify,
    Refused,
    Submit,
    Unavailable,
    UnknownInstrument,
    fitted,
    orders_of,
)
from atlas.trading.broker import BrokerPort, Unknown
from atlas.trading.desk import Desk
from atlas.trading.form import malformed
from atlas.trading.risk import OPERATOR, Gate
from services.trader.ledger import Ledger
from services.trader.orders import Orders
from services.trader.ports import Store
from services.trader.steering import Steering

ROBOT_PEER = "robot:"
"""How the name of a peer begins that is one robot, as on the database route. No key can be called so, for it has a colon; a
service's key speaks for all robots that the service runs."""

_EVENTS_AT_ONCE = 1000
_FOR_OPERATORS = (
    messages.SetTradingState,
    messages.CancelAll,
    messages.Kill,
    messages.SetLimit,
    messages.Release,
    messages.AdoptPositions,
)


class Answers:
    """Answers requests; `answer` is the socket's handler."""

    def __init__(
        self,
        desk: Desk,
        gate: Gate,
        broker: BrokerPort,
        store: Store,
        orders: Orders,
        steering: Steering,
        ledger: Ledger,
        clock: Clock,
    ) -> None:
        self._clock = clock
        self._desk = desk
        self._gate = gate
        self._broker = broker
        self._store = store
        self._orders = orders
        self._steering = steering
        self._ledger = ledger
        self._table: dict[type, Callable[[Any, str], Awaitable[messages.Reply]]] = {
            messages.Command: self._command,
            messages.EventsSince: self._events_since,
            messages.OrderQuery: self._order,
            messages.PositionsRequest: self._positions,
            messages.OrdersRequest: self._orders_now,
            messages.AccountRequest: self._account,
            messages.SetTradingState: self._set_trading_state,
            messages.CancelAll: self._cancel_all,
            messages.Kill: self._kill,
            messages.Release: self._release,
            messages.AdoptPositions: self._adopt_positions,
            messages.LimitsRequest: self._limits,
            messages.SetLimit: self._set_limit,
            messages.WhatIfRequest: self._what_if,
        }

    async def answer(self, request: messages.Request, peer: str) -> messages.Reply:
        """The answer to `request` of `peer`.

        Raises:
            BadInput, Refused, Unavailable: as `Engine.on_request`.
        """
        if isinstance(request, _FOR_OPERATORS):
            self._steering.check_operator(peer, type(request).__name__)
        handler = self._table.get(type(request))
        return await handler(request, peer) if handler is not None else Done()

    # About orders

    async def _command(self, request: messages.Command, peer: str) -> messages.Reply:
        owners = self._owners_of(request.action)
        if OPERATOR in owners and not isinstance(request.action, Cancel):  # a cancellation creates nothing
            self._steering.check_operator(peer, f"an order of {OPERATOR}")
        robot = peer.removeprefix(ROBOT_PEER)
        if peer.startswith(ROBOT_PEER) and owners - {robot}:
            raise Refused(f"the order is not one of {robot}: an order is changed and cancelled by its robot, or by an operator")
        return await self._orders.on_action(request.action)

    def _owners_of(self, action: Action) -> set[str]:
        """Whose orders an action makes, changes or cancels."""
        if isinstance(action, Modify | Cancel):
            state = self._desk.states.get(action.order_id)
            return {state.order.robot} if state is not None else set()
        return {order.robot for order in orders_of(action)}

    async def _events_since(self, request: messages.EventsSince, _peer: str) -> messages.Reply:
        found = await self._store.events_since(request.sequence, _EVENTS_AT_ONCE, request.robot)
        return Events(found, max([self._ledger.published_sequence, *(event.sequence for event in found[-1:])]))

    async def _order(self, request: messages.OrderQuery, _peer: str) -> messages.Reply:
        found = await self._store.events_of(request.order_id)
        if self._orders.is_judging(request.order_id):  # "not known" would be taken for "it will never be sent"
            raise Unavailable(f"order {request.order_id} is being judged; ask again")
        return OrderAnswer(bool(found) or request.order_id in self._desk.states, found)

    async def _orders_now(self, request: messages.OrdersRequest, _peer: str) -> messages.Reply:
        states = self._desk.states.values() if request.everything else self._desk.working()
        wanted = [state for state in states if request.robot in ("", state.order.robot)]
        return messages.Orders(sorted(wanted, key=lambda state: (-state.at_ns, state.order.id)))

    async def _what_if(self, request: messages.WhatIfRequest, _peer: str) -> messages.Reply:
        order = msgspec.structs.replace(request.order, account=request.order.account or self._desk.account)
        if reason := malformed(Submit(order)):
            raise BadInput(reason)
        try:
            await self._orders.learn(order.instrument)
        except (UnknownInstrument, Unavailable) as error:
            return WhatIfAnswer(None, str(error))
        instrument, now_ns = self._desk.instruments.get(order.instrument), self._clock.now_ns()
        if instrument is not None:  # asked is what a command would send
            order = fitted(order, instrument)
        denial = self._gate.check(order, instrument, self._desk, now_ns)
        found = await self._broker.what_if(order)
        if isinstance(found, Unknown):
            return WhatIfAnswer(denial, found.reason)
        what = found.value
        return WhatIfAnswer(
            denial,
            "",
            what.initial_margin_change,
            what.maintenance_margin_change,
            what.commission,
            what.commission_currency,
            what.warning,
        )

    # About the account

    async def _positions(self, _request: messages.PositionsRequest, _peer: str) -> messages.Reply:
        account, books = self._desk.account, self._desk.books
        held = []
        for name in books.traded(account):
            one, position = self._desk.instruments[name], books.position(account, name)
            realised = books.realised(account, name)
            held.append(Held(name, position.quantity, position.average_price, realised, one.multiplier, one.currency))
        return Positions(account, held, books.commissions(account))

    async def _account(self, _request: messages.AccountRequest, _peer: str) -> messages.Reply:
        return await self._steering.account()

    # Steering

    async def _set_trading_state(self, request: messages.SetTradingState, peer: str) -> messages.Reply:
        self._steering.set_state(request.state, request.reason, peer)
        return self._steering.account_now()

    async def _cancel_all(self, request: messages.CancelAll, peer: str) -> messages.Reply:
        return await self._steering.cancel_all(request.robot, request.instrument, peer)

    async def _kill(self, request: messages.Kill, peer: str) -> messages.Reply:
        return await self._steering.kill(request.reason, peer, flatten=request.flatten)

    async def _release(self, request: messages.Release, peer: str) -> messages.Reply:
        return await self._orders.release(request.order_id, request.robot, peer)

    async def _adopt_positions(self, request: messages.AdoptPositions, peer: str) -> messages.Reply:
        if request.instrument:
            await self._orders.learn(request.instrument)
        await self._orders.adopt_positions(request.instrument, peer)
        return await self._positions(messages.PositionsRequest(), peer)

    async def _limits(self, _request: messages.LimitsRequest, _peer: str) -> messages.Reply:
        return self._steering.limits()

    async def _set_limit(self, request: messages.SetLimit, peer: str) -> messages.Reply:
        return self._steering.set_limit(request.scope, request.name, request.value, peer)
