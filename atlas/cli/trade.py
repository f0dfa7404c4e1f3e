"""`atlas trade`: orders by hand, and what the trader may do at all. Every answer is the trader's, in words or as JSON."""

import json
from collections.abc import Callable
from typing import Annotated, Any

import typer
from rich.table import Table

from atlas.bus import orders
from atlas.cli.context import print_table
from atlas.cli.order_end import order_end
from atlas.cli.orders import AsJson, describe, show_account, show_positions
from atlas.cli.trader_line import (
    ASK_SECONDS,
    NOT_DONE,
    UNKNOWN,
    asked,
    new_id,
    now_ns,
    tell,
    tell_json,
    unknown,
    with_line,
)
from atlas.domain import (
    Action,
    AtlasError,
    Cancel,
    Modify,
    Order,
    OrderKind,
    OrderState,
    OrderStatus,
    OutcomeUnknown,
    Side,
    Submit,
    TimeInForce,
    parse_instrument_id,
    plain,
)
from atlas.service.trader_line import TraderLine, outcome_of_receipt
from atlas.trading.outcome import Outcome, Verdict
from atlas.trading.risk import OPERATOR
from atlas.trading.trading_state import TradingState

app = typer.Typer(name="trade", help="Trade by hand, and set what the trader may do.", no_args_is_help=True)
limits_app = typer.Typer(name="limits", help="The risk limits.", invoke_without_command=True)
app.add_typer(limits_app)

_Instrument = Annotated[str, typer.Argument(help="As EUR.USD@IDEALPRO, AAPL@SMART, ES-202612@CME.")]
_Quantity = Annotated[float, typer.Argument(help="Units, above zero.")]
_Limit = Annotated[float | None, typer.Option("--limit", help="Not worse than this price.")]
_Stop = Annotated[float | None, typer.Option("--stop", help="Released once the market is there.")]
_Kind = Annotated[
    OrderKind | None, typer.Option("--kind", help="By default what the prices say: market, limit, stop, stop_limit.")
]
_Tif = Annotated[TimeInForce, typer.Option("--tif", help="How long it stands; gtd needs --until.")]
_Until = Annotated[str, typer.Option("--until", help="When it ends, for --tif gtd: 2026-12-18T17:00-05:00, with its zone.")]
_TrailAmount = Annotated[float | None, typer.Option("--trail-amount", help="How far a trailing stop follows.")]
_TrailPercent = Annotated[float | None, typer.Option("--trail-percent", help="The same in percent of the price.")]
_LimitOffset = Annotated[float | None, typer.Option("--limit-offset", help="The limit of a trailing stop, from the stop.")]
_OutsideRth = Annotated[bool, typer.Option("--outside-rth", help="Outside regular trading hours, too.")]
_Wait = Annotated[bool, typer.Option("--wait", help="Until the order is final.")]
_WhatIf = Annotated[bool, typer.Option("--what-if", help="Only ask what it would do.")]
_Timeout = Annotated[float, typer.Option(min=0.1, help="Seconds: for an answer, and with --wait for the end of the order.")]
_Reason = Annotated[str, typer.Option(help="Why, for the record.")]
_OrderId = Annotated[str, typer.Argument(help="As `atlas orders` shows it.")]

_BY_PRICES = {
    (False, False): OrderKind.MARKET,
    (True, False): OrderKind.LIMIT,
    (False, True): OrderKind.STOP,
    (True, True): OrderKind.STOP_LIMIT,
}


# Orders


def _placing(side: Side, words: str) -> Callable[..., None]:
    """The command that places an order on `side`."""

    def place(
        context: typer.Context, instrument: _Instrument, quantity: _Quantity, *, limit: _Limit = None, stop: _Stop = None,
        kind: _Kind = None, tif: _Tif = TimeInForce.DAY, trail_amount: _TrailAmount = None,
        trail_percent: _TrailPercent = None, limit_offset: _LimitOffset = None, outside_rth: _OutsideRth = False,
        until: _Until = "", wait: _Wait = False, what_if: _WhatIf = False, timeout: _Timeout = ASK_SECONDS,
        as_json: AsJson = False,
    ) -> None:  # fmt: skip
        parse_instrument_id(instrument)
        tif, until_ns = order_end(tif, until)
        order = Order(
            new_id(),
            OPERATOR,
            instrument,
            side,
            quantity,
            kind or _BY_PRICES[limit is not None, stop is not None],
            limit,
            tif,
            cause_ns=now_ns(),
            stop_price=stop,
            trail_amount=trail_amount,
            trail_percent=trail_percent,
            limit_offset=limit_offset,
            outside_rth=outside_rth,
            good_till_ns=until_ns,
        )
        if what_if:
            raise _what_if(context, order, as_json=as_json)
        raise _place(context, order, wait=wait, seconds=timeout, as_json=as_json)

    place.__doc__ = words
    return place


app.command("buy")(_placing(Side.BUY, "Buy. Exit code 0: accepted, or filled; 1: denied, or rejected; 2: error; 3: unknown."))
app.command("sell")(_placing(Side.SELL, "Sell. Exit codes as of `buy`."))


@app.command()
def cancel(
    context: typer.Context, order_id: _OrderId, *, wait: _Wait = False, timeout: _Timeout = ASK_SECONDS, as_json: AsJson = False
) -> None:
    """Cancel an order. It is not cancelled before the broker says so: --wait waits for that."""
    outcome, state = _carried_out(context, Cancel(new_id(), order_id), order_id, wait=wait, seconds=timeout)
    filled = wait and state is not None and state.status is OrderStatus.FILLED
    raise _told(outcome, state, as_json=as_json, wanted=OrderStatus.CANCELLED, failed="was filled before" if filled else "")


@app.command()
def modify(
    context: typer.Context,
    order_id: _OrderId,
    *,
    quantity: Annotated[float | None, typer.Option(help="The whole quantity, what is filled included.")] = None,
    limit: _Limit = None,
    stop: _Stop = None,
    trail_amount: _TrailAmount = None,
    trail_percent: _TrailPercent = None,
    timeout: _Timeout = ASK_SECONDS,
    as_json: AsJson = False,
) -> None:
    """Change a working order; what is not named stays."""
    action = Modify(new_id(), order_id, quantity, limit, stop, trail_amount, trail_percent)

    raise tell(with_line(context, lambda line: line.command(action, timeout)), as_json=as_json)


@app.command("cancel-all")
def cancel_all(
    context: typer.Context,
    *,
    robot: Annotated[str, typer.Option(help="Orders of this robot only.")] = "",
    instrument: Annotated[str, typer.Option(help="Orders in this instrument only.")] = "",
    timeout: _Timeout = ASK_SECONDS,
    as_json: AsJson = False,
) -> None:
    """Cancel every working order."""
    raise _steer(
        context, orders.CancelAll(robot, instrument), orders.Cancelling, "atlas orders", seconds=timeout, as_json=as_json
    )


# What the trader may do


@app.command()
def halt(context: typer.Context, *, reason: _Reason = "", timeout: _Timeout = ASK_SECONDS, as_json: AsJson = False) -> None:
    """Take no robot's orders until `resume`; of yours those that only reduce a position. Cancellations always pass."""
    raise _set_state(context, TradingState.HALTED, reason, seconds=timeout, as_json=as_json)


@app.command()
def reduce(context: typer.Context, *, reason: _Reason = "", timeout: _Timeout = ASK_SECONDS, as_json: AsJson = False) -> None:
    """Take only orders that reduce a position, until `resume`."""
    raise _set_state(context, TradingState.REDUCING, reason, seconds=timeout, as_json=as_json)


@app.command()
def resume(context: typer.Context, *, reason: _Reason = "", timeout: _Timeout = ASK_SECONDS, as_json: AsJson = False) -> None:
    """Take orders again."""
    raise _set_state(context, TradingState.ACTIVE, reason, seconds=timeout, as_json=as_json)


@app.command()
def kill(
    context: typer.Context,
    *,
    flatten: Annotated[bool, typer.Option("--flatten", help="Close every position at the market, too.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    reason: _Reason = "",
    timeout: _Timeout = ASK_SECONDS,
    as_json: AsJson = False,
) -> None:
    """Halt, cancel every order, and with --flatten close every position."""
    what = "halt, cancel every order and close every position" if flatten else "halt and cancel every order"
    if not yes and not _confirmed(what):
        raise AtlasError("not confirmed, nothing was done; --yes confirms")
    raise _steer(
        context,
        orders.Kill(reason or "kill switch", flatten),
        orders.Cancelling,
        "atlas account",
        seconds=timeout,
        as_json=as_json,
    )


@app.command()
def release(
    context: typer.Context,
    order_id: _OrderId,
    *,
    robot: Annotated[str, typer.Option(help="Whose it is from now on; by default nobody's. Only before it is filled.")] = "",
    timeout: _Timeout = ASK_SECONDS,
    as_json: AsJson = False,
) -> None:
    """End the quarantine of an order that was not placed by this desk: its instrument is free again."""
    try:
        receipt = asked(context, orders.Release(order_id, robot), orders.Receipt, timeout, new_id())
    except OutcomeUnknown as error:
        raise unknown(error, as_json=as_json, ask_next="atlas account") from None
    raise tell(outcome_of_receipt(receipt), as_json=as_json)


@app.command("adopt-positions")
def adopt_positions(
    context: typer.Context,
    instrument: Annotated[str, typer.Argument(help="Only this one; by default all in which books and broker differ.")] = "",
    *,
    timeout: _Timeout = ASK_SECONDS,
    as_json: AsJson = False,
) -> None:
    """Book what the broker holds and our books lack, as on a first start with a portfolio: trading there is free again."""
    try:
        answer = asked(context, orders.AdoptPositions(instrument), orders.Positions, timeout, new_id())
    except OutcomeUnknown as error:
        raise unknown(error, as_json=as_json, ask_next="atlas positions") from None
    show_positions(answer, as_json=as_json)


@limits_app.callback()
def limits(context: typer.Context, *, as_json: AsJson = False) -> None:
    """Show every limit that is set."""
    if context.invoked_subcommand is None:
        raise _steer(context, orders.LimitsRequest(), orders.Limits, "atlas trade limits", as_json=as_json)


@limits_app.command("set")
def set_limit(
    context: typer.Context,
    scope: Annotated[str, typer.Argument(help="desk, account:DU1, robot:sma or instrument:ES-202612@CME.")],
    name: Annotated[str, typer.Argument(help="As `atlas trade limits` shows it.")],
    value: Annotated[str, typer.Argument(help="As JSON: 5, 0.5, true, [1, 2]; none ends the limit.")],
    *,
    as_json: AsJson = False,
) -> None:
    """Set a limit for as long as the desk lives; restarts do not forget it."""
    request = orders.SetLimit("" if scope == "desk" else scope, name, _value(value))
    raise _steer(context, request, orders.Limits, "atlas trade limits", as_json=as_json)


# How it is done


def _place(context: typer.Context, order: Order, *, wait: bool, seconds: float, as_json: bool) -> typer.Exit:
    outcome, state = _carried_out(context, Submit(order), order.id, wait=wait, seconds=seconds)
    return _told(outcome, state, as_json=as_json, wanted=OrderStatus.FILLED)


def _carried_out(
    context: typer.Context, action: Action, order_id: str, *, wait: bool, seconds: float
) -> tuple[Outcome, OrderState | None]:
    """What came of an action, and with `wait` the order as it is in the end."""

    async def work(line: TraderLine) -> tuple[Outcome, OrderState | None]:
        outcome = await line.command(action, seconds)
        if not wait or outcome.verdict is not Verdict.ACCEPTED:
            return outcome, None
        return await line.end_of(order_id, seconds)

    return with_line(context, work)


def _told(outcome: Outcome, state: OrderState | None, *, as_json: bool, wanted: OrderStatus, failed: str = "") -> typer.Exit:
    """Print what came of an order. In the end it is as `wanted`, or the exit code says that it is not."""
    if state is None or outcome.verdict is not Verdict.ACCEPTED:
        return tell(outcome, as_json=as_json)
    more = {name: plain(getattr(state, name)) for name in ("filled", "average_price", "commission")}
    if as_json:
        tell(outcome, as_json=True, more=more)
    else:
        filled = f", {state.filled:g} at {state.average_price:.10g}" if state.filled else ""
        end = failed or state.status.value
        typer.echo(f"{end}: order {outcome.order_id}, {describe(state.order)} {state.order.instrument}{filled}")
    return typer.Exit(0 if state.status is wanted else NOT_DONE)


def _what_if(context: typer.Context, order: Order, *, as_json: bool) -> typer.Exit:
    try:
        answer = asked(context, orders.WhatIfRequest(order), orders.WhatIfAnswer)
    except OutcomeUnknown as error:
        return unknown(error, as_json=as_json, ask_next="atlas status")
    if as_json:
        tell_json(answer)
    elif answer.denial is not None:
        typer.echo(f"would be denied by {answer.denial.rule}: {answer.denial.text}")
    else:
        typer.echo("our rules would let it pass")
    if not as_json:
        _show_what_if(answer)
    if answer.denial is not None:
        return typer.Exit(NOT_DONE)
    return typer.Exit(UNKNOWN if answer.unknown else 0)


def _show_what_if(answer: orders.WhatIfAnswer) -> None:
    if answer.unknown:
        typer.echo(f"the broker does not say what it would do: {answer.unknown}")
        return
    table = Table("value", answer.currency, box=None)
    for name in ("initial_margin_change", "maintenance_margin_change", "commission"):
        value = getattr(answer, name)
        table.add_row(name.replace("_", " "), "unknown" if value is None else f"{value:.2f}")
    print_table(table)
    if answer.warning:
        typer.echo(f"the broker warns: {answer.warning}")


def _set_state(context: typer.Context, state: TradingState, reason: str, *, seconds: float, as_json: bool) -> typer.Exit:
    request = orders.SetTradingState(state, reason)
    return _steer(context, request, orders.Account, "atlas account", seconds=seconds, as_json=as_json)


def _steer(
    context: typer.Context, request: Any, kind: Any, ask_next: str, *, seconds: float = ASK_SECONDS, as_json: bool
) -> typer.Exit:
    """Ask for what concerns more than one order, and show the answer."""
    try:
        answer = asked(context, request, kind, seconds, new_id())
    except OutcomeUnknown as error:
        return unknown(error, as_json=as_json, ask_next=ask_next)
    if as_json:
        tell_json(answer)
    else:
        _SHOWN[kind](answer)
    return typer.Exit(NOT_DONE if getattr(answer, "not_closing", None) else 0)


def _show_cancelling(answer: orders.Cancelling) -> None:
    typer.echo(f"cancelling {len(answer.order_ids)} orders{': ' if answer.order_ids else ''}{', '.join(answer.order_ids)}")
    if answer.closing:
        typer.echo(f"closing with {len(answer.closing)} orders: {', '.join(answer.closing)}")
    for instrument, why in sorted(answer.not_closing.items()):
        typer.echo(f"not closed yet: {instrument}: {why}")
    if answer.not_closing:
        typer.echo("the trader goes on trying, restarts included, until nothing is held or `atlas trade resume`")


def _show_limits(answer: orders.Limits) -> None:
    table = Table("scope", "limit", "value", box=None)
    for scope, named in sorted(answer.limits.items()):
        for name, value in sorted(named.items()):
            table.add_row(scope or "desk", name, json.dumps(value))
    print_table(table)
    if answer.warning:
        typer.echo(f"warning: {answer.warning}", err=True)


_SHOWN: dict[Any, Any] = {orders.Account: show_account, orders.Cancelling: _show_cancelling, orders.Limits: _show_limits}


def _confirmed(what: str) -> bool:
    try:
        return typer.confirm(f"{what}?", err=True)
    except typer.Abort:
        return False


def _value(text: str) -> Any:
    """A limit's value: JSON where it is that, else the word itself."""
    if text.lower() in ("none", "null"):
        return None
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        return text
