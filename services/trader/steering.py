"""What people set: the trading state, the limits; and the kill switch. It holds at once, and is written down behind it.

Only operators may: the names of their keys are in `trader.operators`. Everything is logged with the name of who did it, and
kept in the database with its history.
"""

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any

import msgspec
import structlog

from atlas.bus.orders import Account, Cancelling, Limits
from atlas.domain import BadInput, Clock, Refused
from atlas.service.alarms import Alarms, Severity
from atlas.trading.broker import AccountValues, BrokerPort, Known, Unknown
from atlas.trading.desk import Desk
from atlas.trading.effects import CancelEverything, CancelOrder, Decision
from atlas.trading.risk import Gate, LimitTree
from atlas.trading.risk.closing import closings
from atlas.trading.risk.limits import described
from atlas.trading.trading_state import LimitChange, TradingState, TradingStateChange
from services.trader.closer import Closer
from services.trader.filing import Filing
from services.trader.ports import Store
from services.trader.sender import Sender
from services.trader.worth import Worth

_ACCOUNT_SECONDS = 3.0
_CLOSING_SECONDS = 1.0
"""So long the answer to a kill waits for the orders that flatten; then it names those that there are by then."""

log = structlog.get_logger("atlas.trader")


def limits_in_force(configured: LimitTree, changed: Mapping[str, Mapping[str, Any]], alarms: Alarms) -> LimitTree:
    """The configured limits with those that were set since. One that is none any more is an alarm."""
    limits = configured
    for scope, values in changed.items():
        for name, value in values.items():
            try:
                limits = limits.with_limit(scope, name, value)
            except BadInput as error:  # a former version took it
                text = f"a limit that was set does not hold: {error}"
                alarms.raise_(f"limit-unusable:{scope}:{name}", text, Severity.CRITICAL)
    return limits


class Steering:
    """Sets what the trader may do."""

    def __init__(
        self,
        desk: Desk,
        gate: Gate,
        broker: BrokerPort,
        worth: Worth,
        store: Store,
        filing: Filing,
        closer: Closer,
        sender: Sender,
        clock: Clock,
        alarms: Alarms,
        operators: Sequence[str],
        *,
        take: Callable[[Decision], asyncio.Future[None]],
        nothing_durable: Callable[[], str],
        note: Callable[[TradingStateChange | LimitChange], bool],
    ) -> None:
        self._desk = desk
        self._gate = gate
        self._broker = broker
        self._worth = worth
        self._store = store
        self._filing = filing
        self._closer = closer
        self._sender = sender
        self._clock = clock
        self._alarms = alarms
        self._operators = tuple(operators)
        self._take = take
        self._nothing_durable = nothing_durable
        self._note = note
        self._last_ns = 0

    def check_operator(self, peer: str, what: str) -> None:
        """See that `peer` may steer.

        Raises:
            Refused: it may not.
        """
        if not any(fnmatchcase(peer, pattern) for pattern in self._operators):
            log.warning("refused to a peer that is no operator", peer=peer, request=what)
            raise Refused(f"{peer} may not do that: {what} is for operators, {', '.join(self._operators)} (trader.operators)")

    # Trading state

    def set_state(
        self, state: TradingState, reason: str, who: str, until_ns: int = 0, *, flatten: bool = False
    ) -> TradingStateChange:
        """Set the trading state: it holds from now on, and is written down. What is to be closed stays so until `ACTIVE`."""
        if state is TradingState.ACTIVE:
            self._closer.forget()
        flatten = state is not TradingState.ACTIVE and (flatten or self._gate.trading_state.flatten)
        change = TradingStateChange(state, who, reason, self._now(), until_ns, flatten)
        log.warning("trading state set", state=state.value, who=who, reason=reason, flatten=flatten)
        return self._hold(change)

    def _hold(self, change: TradingStateChange) -> TradingStateChange:
        self._gate.set_state(change)
        self._note(change)
        what = f"the trading state {change.state.value}"
        self._filing.put(lambda: self._store.save_trading_state(change), what, is_decision=True)
        return change

    async def account(self) -> Account:
        """What the account is worth now, what state holds, and what is blocked."""
        return self._account(await self._worth.within(_ACCOUNT_SECONDS))

    def account_now(self) -> Account:
        """The same at once, with what the broker last said: nobody has to wait for one that hangs."""
        return self._account(self._worth.last)

    def _account(self, found: Known[AccountValues] | Unknown) -> Account:
        state, blocked = self._gate.trading_state, dict(self._gate.blocked)
        if isinstance(found, Unknown):
            return Account(self._desk.account, "", {}, found.reason, state, blocked)
        return Account(self._desk.account, found.value.currency, _plain(found.value), "", state, blocked)

    # Limits

    def limits(self) -> Limits:
        """Every limit that is set."""
        return Limits(self._gate.limits.plain())

    def set_limit(self, scope: str, name: str, value: Any, who: str) -> Limits:
        """Set a limit, or end it with None.

        Raises:
            BadInput: there is no such scope or limit, or the value is not of its type; nothing was changed.
        """
        before = self._gate.limits.plain().get(scope, {}).get(name)
        self._gate.set_limit(scope, name, value)
        log.warning("limit set", scope=scope, name=name, value=value, before=before, who=who)
        at_ns = self._now()
        self._note(LimitChange(scope, name, value, who, at_ns))
        what = f"the limit {name} of {described(scope)}"
        self._filing.put(lambda: self._store.save_limit(scope, name, value, who, at_ns), what, is_decision=True)
        return Limits(self._gate.limits.plain(), self._doubt(scope))

    def _doubt(self, scope: str) -> str:
        """What is odd about a scope: nobody can say that a robot will never be, yet a name may be misspelt."""
        kind, _, name = scope.partition(":")
        known: dict[str, Collection[str]] = {
            "account": [self._desk.account],
            "robot": {state.order.robot for state in self._desk.states.values()},
            "instrument": self._desk.instruments,
        }
        if not scope or name in known[kind]:
            return ""
        return f"nothing is known of {described(scope)} so far: the limit is set, and holds for nothing if the name is wrong"

    # Everything off

    async def cancel_all(self, robot: str, instrument: str, who: str) -> Cancelling:
        """Cancel every working order, or those named."""
        log.warning("cancel all", robot=robot, instrument=instrument, who=who)
        return Cancelling(await self._cancel_all(robot, instrument), [])

    async def kill(self, reason: str, who: str, *, flatten: bool) -> Cancelling:
        """Halt, cancel everything, and flatten if so wanted. What still waits to be sent does not leave any more.

        The time that it takes does not grow with the number of orders where the login has one account: then one message
        cancels them all. Else each is cancelled by itself, past everything else that waits to be sent.
        """
        log.critical("kill", reason=reason, flatten=flatten, who=who)
        self.set_state(TradingState.HALTED, reason or "kill switch", who, flatten=flatten)
        cancelled = await self._cancel_all("", "", at_once=len(self._broker.accounts) == 1)
        if not flatten:
            return Cancelling(cancelled, [])
        for name, why in sorted(self._desk.breaks.items()):
            log.warning("flattening what the broker is known to hold", instrument=name, why=why)
        self.flatten()
        await self._closer.wait(_CLOSING_SECONDS)
        return Cancelling(cancelled, list(self._closer.submitted), dict(self._closer.not_closing))

    def flatten(self) -> None:
        """Close everything, until nothing is held: what the trading state may ask for, also that of an earlier run."""
        if self._gate.trading_state.flatten:
            self._closer.flatten(closings(self._desk.at_broker().items()))

    def on_flat(self) -> None:
        """All is closed that was to be: what comes to be held from now on stays."""
        before = self._gate.trading_state
        if before.flatten:
            self._hold(msgspec.structs.replace(before, at_ns=self._now(), flatten=False))

    async def _cancel_all(self, robot: str, instrument: str, *, at_once: bool = False) -> list[str]:
        spare = {state.order.id for state in self._closer.closing_orders().values()}  # cancelled, they would leave again
        if self._nothing_durable():  # a cancellation creates nothing: better sent without a record than not at all
            states = [state for state in self._desk.working() if state.broker_order_id and state.order.id not in spare]
            matching = [s for s in states if robot in ("", s.order.robot) and instrument in ("", s.order.instrument)]
            if matching:
                self._sender.put([CancelOrder(state.order.id, state.broker_order_id) for state in matching])
            return [state.order.id for state in matching]
        decision = self._desk.cancel_all(robot, instrument, spare)
        order_ids = [effect.order_id for effect in decision.effects if isinstance(effect, CancelOrder)]
        if at_once and not spare and len(order_ids) > 1:
            others = tuple(effect for effect in decision.effects if not isinstance(effect, CancelOrder | CancelEverything))
            decision = Decision(decision.events, (*others, CancelEverything()), decision.denial)
        await asyncio.shield(self._take(decision))
        return order_ids

    def _now(self) -> int:
        """The time, never the same twice: ids and histories are made of it."""
        self._last_ns = max(self._clock.now_ns(), self._last_ns + 1)
        return self._last_ns


def _plain(values: AccountValues) -> dict[str, float]:
    numbers = {
        name: getattr(values, name)
        for name in (
            "net_liquidation",
            "excess_liquidity",
            "gross_position_value",
            "buying_power",
            "initial_margin",
            "maintenance_margin",
        )
    }
    cash = {f"cash_{currency}": float(amount) for currency, amount in (values.cash or {}).items()}
    return {name: float(value) for name, value in numbers.items() if value is not None} | cash
