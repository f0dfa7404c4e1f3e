"""Orders and steering over HTTP. What came of a command is in the status code, and in words and numbers in the body.

202 accepted, or 200 when it was waited for; 409 denied, with the rule and its numbers; 422 rejected by the broker, with its
code (and what is no command at all); 504 unknown: it may have been done, so ask, and do not send it again. Every command is one
line in the log, with who gave it and what came of it.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Annotated, Any, Final

import msgspec
import structlog
from fastapi import APIRouter, Body, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from atlas.bus import orders
from atlas.domain import BadInput, Cancel, Modify, Order, OrderState, OutcomeUnknown, Submit, from_plain, iso, plain
from atlas.service.trader_line import outcome_of_receipt
from atlas.trading.outcome import Outcome, Verdict, sentence
from atlas.trading.risk import OPERATOR
from atlas.trading.trading_state import TradingState
from services.monitor.desk import DeskView

ASK_SECONDS: Final = 10.0
_MOST_SECONDS = 60.0

log = structlog.get_logger("atlas.audit")

_STATUS = {Verdict.ACCEPTED: 202, Verdict.DENIED: 409, Verdict.REJECTED: 422, Verdict.UNKNOWN: 504}
_WaitSeconds = Annotated[float, Query(ge=0, le=_MOST_SECONDS, description="wait so long for the order to be final")]


class _Closed(BaseModel):
    """A body without unknown keys."""

    model_config = ConfigDict(extra="forbid")


class Change(_Closed):
    """What is to be changed of an order; what is not named stays."""

    quantity: float | None = None
    limit_price: float | None = None
    stop_price: float | None = None
    trail_amount: float | None = None
    trail_percent: float | None = None
    limit_offset: float | None = None


class CancelAll(_Closed):
    """Whose orders are to be cancelled; everyone's and everywhere if nothing is named."""

    robot: str = ""
    instrument: str = ""


class State(_Closed):
    """The trading state, and why."""

    state: TradingState
    reason: str = Field("", max_length=200)


class Kill(_Closed):
    """The kill switch."""

    reason: str = Field("kill switch", max_length=200)
    flatten: bool = False


class Limit(_Closed):
    """A risk limit; null ends it. The scope is "" for the desk, or as "robot:sma"."""

    scope: str = ""
    name: str
    value: Any


def build_commands(desk: DeskView) -> APIRouter:
    """The routes. Who includes them guards them."""
    router = APIRouter()

    async def carry_out(request: Request, response: Response, action: Any, order_id: str, wait: float) -> dict[str, Any]:
        with _audited(request, action) as note:
            line, state = desk.trader(), None
            outcome = await line.command(action, ASK_SECONDS)
            if wait and outcome.verdict is Verdict.ACCEPTED:
                outcome, state = await line.end_of(order_id, wait)
            note(outcome.verdict.value)
        response.status_code = 200 if state is not None and outcome.verdict is Verdict.ACCEPTED else _STATUS[outcome.verdict]
        return _told(outcome, state)

    async def steer(request: Request, body: Any, kind: Any) -> dict[str, Any]:
        with _audited(request, body) as note:
            found: dict[str, Any] = plain(await desk.trader().ask(body, kind, ASK_SECONDS, desk.new_id()))
            note("done")
        return found

    @router.post("/orders", status_code=202)
    async def submit(
        request: Request, response: Response, order: Annotated[dict[str, Any], Body()], wait_seconds: _WaitSeconds = 0.0
    ) -> dict[str, Any]:
        """Place an order: the fields of an order by name. With an id of your own, a repeated request is recognised."""
        made = _order(order, desk)
        return await carry_out(request, response, Submit(made), made.id, wait_seconds)

    @router.post("/orders/{order_id}/cancel", status_code=202)
    async def cancel(request: Request, response: Response, order_id: str, wait_seconds: _WaitSeconds = 0.0) -> dict[str, Any]:
        """Cancel an order. It is not cancelled before the broker says so."""
        return await carry_out(request, response, Cancel(desk.new_id(), order_id), order_id, wait_seconds)

    @router.patch("/orders/{order_id}", status_code=202)
    async def modify(request: Request, response: Response, order_id: str, change: Change) -> dict[str, Any]:
        """Change a working order."""
        action = Modify(desk.new_id(), order_id, **change.model_dump())
        return await carry_out(request, response, action, order_id, 0.0)

    @router.post("/cancel-all")
    async def cancel_all(request: Request, whose: CancelAll | None = None) -> dict[str, Any]:
        """Cancel every working order."""
        chosen = whose or CancelAll()
        return await steer(request, orders.CancelAll(chosen.robot, chosen.instrument), orders.Cancelling)

    @router.post("/trading-state")
    async def trading_state(request: Request, wanted: State) -> dict[str, Any]:
        """Set what the trader may do at all."""
        return await steer(request, orders.SetTradingState(wanted.state, wanted.reason), orders.Account)

    @router.post("/orders/{order_id}/release", status_code=202)
    async def release(
        request: Request, response: Response, order_id: str, whose: Annotated[str, Query(alias="robot", max_length=100)] = ""
    ) -> dict[str, Any]:
        """End the quarantine of an order that was not placed by this desk, and give it to a robot if one is named."""
        wanted = orders.Release(order_id, whose)
        with _audited(request, wanted) as note:
            outcome = outcome_of_receipt(await desk.trader().ask(wanted, orders.Receipt, ASK_SECONDS, desk.new_id()))
            note(outcome.verdict.value)
        response.status_code = _STATUS[outcome.verdict]
        return _told(outcome, None)

    @router.post("/kill")
    async def kill(request: Request, wanted: Kill | None = None) -> dict[str, Any]:
        """Halt, cancel every order, and close every position if so wanted."""
        chosen = wanted or Kill()
        return await steer(request, orders.Kill(chosen.reason, chosen.flatten), orders.Cancelling)

    @router.put("/limits")
    async def set_limit(request: Request, limit: Limit) -> dict[str, Any]:
        """Set a risk limit."""
        return await steer(request, orders.SetLimit(limit.scope, limit.name, limit.value), orders.Limits)

    return router


def build_questions(desk: DeskView) -> APIRouter:
    """The routes that ask the trader and change nothing. Who includes them guards them."""
    router = APIRouter()

    async def ask(body: Any, kind: Any) -> dict[str, Any]:
        found: dict[str, Any] = plain(await desk.trader().ask(body, kind, ASK_SECONDS))
        return found

    @router.get("/orders/{order_id}")
    async def order(order_id: str, response: Response) -> dict[str, Any]:
        """Everything that has happened to an order. 404 if the trader never had it."""
        answer = await ask(orders.OrderQuery(order_id), orders.OrderAnswer)
        response.status_code = 200 if answer["known"] else 404
        return answer

    @router.get("/account")
    async def account() -> dict[str, Any]:
        """What the account is worth, the trading state, and what is blocked. `unknown` says why there are no values."""
        return await ask(orders.AccountRequest(), orders.Account)

    @router.get("/limits")
    async def limits() -> dict[str, Any]:
        """Every risk limit by scope and name."""
        return await ask(orders.LimitsRequest(), orders.Limits)

    @router.get("/alarms")
    async def alarms(
        limit: Annotated[int, Query(ge=1, le=1000)] = 100,
        cleared: Annotated[bool, Query()] = False,
    ) -> dict[str, Any]:
        """The alarms that are raised, newest first, and with `cleared` also those that were."""
        found = await desk.alarms(limit)
        return {"alarms": [{**plain(one), "raised": iso(one.raised_ns)} for one in found if cleared or not one.cleared_ns]}

    return router


def _order(fields: dict[str, Any], desk: DeskView) -> Order:
    """The order in a body.

    Raises:
        BadInput: it is none.
    """
    unknown = sorted(set(fields) - set(Order.__struct_fields__))
    # An order that comes again under its own id has to be the same order: when it came does not belong to it.
    given = fields if "id" in fields else {"id": desk.new_id(), "cause_ns": desk.now_ns(), **fields}
    if unknown or given.get("robot", OPERATOR) != OPERATOR:
        raise BadInput(f"an order has no {', '.join(unknown)}" if unknown else f"orders from here are those of {OPERATOR}")
    if not str(given["id"]).startswith(f"{OPERATOR}-"):
        raise BadInput(f"the id of an order from here begins with {OPERATOR}-")
    try:
        return from_plain({**given, "robot": OPERATOR}, Order)
    except (msgspec.ValidationError, TypeError) as error:
        raise BadInput(f"this is no order: {error}") from error


def _told(outcome: Outcome, state: OrderState | None) -> dict[str, Any]:
    ended = {} if state is None else {name: plain(getattr(state, name)) for name in ("filled", "average_price", "commission")}
    return {**plain(outcome), **ended, "detail": sentence(outcome)}


@contextmanager
def _audited(request: Request, command: Any) -> Iterator[Callable[[str], None]]:
    """One line of the log for a command, whatever comes of it; the block says what did."""
    outcome = "failed"

    def note(what: str) -> None:
        nonlocal outcome
        outcome = what

    try:
        yield note
    except OutcomeUnknown:
        outcome = "unknown"
        raise
    finally:
        who = f"http:{request.client.host}" if request.client is not None else "http"
        log.warning("command", who=who, command=type(command).__name__, arguments=plain(command), outcome=outcome)
