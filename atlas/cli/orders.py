"""`atlas orders`, `atlas positions`, `atlas account`, `atlas alarms`: what there is, what it is worth, what is wrong."""

import asyncio
from typing import Annotated

import typer
from rich.table import Table

from atlas.bus import orders
from atlas.cli.context import loaded, print_table
from atlas.cli.trader_line import NOT_DONE, UNKNOWN, asked, tell_json
from atlas.domain import Order, OrderEvent, OrderState, Unavailable, iso, plain
from atlas.domain.alarm import Alarm
from atlas.service.settings import Settings
from atlas.service.trader_line import state_of

AsJson = Annotated[bool, typer.Option("--json", help="As JSON.")]
_PRICES = (("limit_price", "limit"), ("stop_price", "stop"), ("trail_amount", "trail"), ("trail_percent", "trail %"))

_HISTORY_SECONDS = 3.0


def list_orders(
    context: typer.Context,
    *,
    robot: Annotated[str, typer.Option(help="Of this robot only; operator is you.")] = "",
    every: Annotated[bool, typer.Option("--all", help="Final ones too, as far as the trader remembers them.")] = False,
    order_id: Annotated[str, typer.Option("--id", help="One order with everything that happened to it.")] = "",
    as_json: AsJson = False,
) -> None:
    """Show the orders that work."""
    if order_id:
        raise _one_order(context, order_id, as_json=as_json)

    found = asked(context, orders.OrdersRequest(robot, every), orders.Orders).orders
    if as_json:
        tell_json([{**plain(state), "at": iso(state.at_ns)} for state in found])
        return
    table = Table("order", "instrument", "order", "status", "filled", "at", "reason", box=None)
    for state in found:
        table.add_row(*_row(state))
    print_table(table)


def positions(context: typer.Context, *, as_json: AsJson = False) -> None:
    """Show what the account holds by the trader's books."""
    show_positions(asked(context, orders.PositionsRequest(), orders.Positions), as_json=as_json)


def show_positions(found: orders.Positions, *, as_json: bool) -> None:
    """Show positions, and what was paid in commissions."""
    if as_json:
        tell_json(found)
        return
    table = Table("instrument", "quantity", "average price", "realised", "currency", box=None)
    for held in found.held:
        table.add_row(
            held.instrument, f"{held.quantity:g}", f"{held.average_price:.10g}", f"{held.realised:.2f}", held.currency
        )
    print_table(table)
    paid = ", ".join(f"{amount:.2f} {currency}" for currency, amount in sorted(found.commissions.items()))
    typer.echo(f"account {found.account}, commissions {paid or 'none'}")


def account(context: typer.Context, *, as_json: AsJson = False) -> None:
    """Show what the account is worth, and what may be traded; exit code 3 if the broker does not tell."""
    found = asked(context, orders.AccountRequest(), orders.Account)
    if as_json:
        tell_json(found)
    else:
        show_account(found)
    raise typer.Exit(UNKNOWN if found.unknown else 0)


def alarms(
    context: typer.Context,
    *,
    every: Annotated[bool, typer.Option("--all", help="Those that were cleared, too.")] = False,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="At most so many of the newest.")] = 100,
    as_json: AsJson = False,
) -> None:
    """Show the alarms that are raised."""
    found = [alarm for alarm in asyncio.run(_alarms(loaded(context).settings, limit)) if every or not alarm.cleared_ns]
    if as_json:
        tell_json([{**plain(alarm), "raised": iso(alarm.raised_ns)} for alarm in found])
        return
    table = Table("raised", "cleared", "severity", "source", "alarm", "text", box=None)
    for alarm in found:
        cleared = iso(alarm.cleared_ns) if alarm.cleared_ns else ""
        table.add_row(iso(alarm.raised_ns), cleared, alarm.severity.value, alarm.source, alarm.key, alarm.text)
    print_table(table)


def show_account(found: orders.Account) -> None:
    """Print an account and what holds for it."""
    state = found.trading_state
    typer.echo(f"account {found.account}: {state.state.value}{_by_whom(state.who, state.reason)}")
    for instrument, why in sorted(found.blocked.items()):
        typer.echo(f"opening is blocked on {instrument or 'every instrument'}: {why}")
    if found.unknown:
        typer.echo(f"values unknown: {found.unknown}")
        return
    table = Table("value", found.currency, box=None)
    for name, value in sorted(found.values.items()):
        table.add_row(name, f"{value:.2f}")
    print_table(table)


def describe(order: Order) -> str:
    """An order in a few words: buy 100 limit 9.5 day."""
    prices = [f"{name} {value:.10g}" for field, name in _PRICES if (value := getattr(order, field)) is not None]
    kind = order.kind.value.replace("_", " ")
    words = [order.side.value, f"{order.quantity:g}", *([] if prices and kind in ("limit", "stop") else [kind]), *prices]
    return " ".join([*words, order.time_in_force.value])


def _one_order(context: typer.Context, order_id: str, *, as_json: bool) -> typer.Exit:
    try:
        answer = asked(context, orders.OrderQuery(order_id), orders.OrderAnswer, _HISTORY_SECONDS)
    except Unavailable as error:  # the history is in the database; how the order stands, the trader knows by itself
        return _without_history(context, order_id, error, as_json=as_json)
    state = state_of(answer.events)
    if as_json:
        tell_json({"known": answer.known, "state": plain(state) if state else None, "events": plain(answer.events)})
    elif state is None:
        typer.echo(
            f"the trader {'knows of' if answer.known else 'never had'} an order {order_id}; nothing was sent because of it"
        )
    else:
        typer.echo(f"{order_id}: {describe(state.order)} {state.order.instrument} is {_status(state)}")
        table = Table("number", "at", "event", "detail", box=None)
        for event in answer.events:
            table.add_row(str(event.sequence), iso(event.at_ns), event.kind.value, _detail(event))
        print_table(table)
    return typer.Exit(0 if answer.known else NOT_DONE)


def _without_history(context: typer.Context, order_id: str, error: Unavailable, *, as_json: bool) -> typer.Exit:
    """The order by the trader's own memory; `error`, which kept its history away, if it is not there."""
    states = asked(context, orders.OrdersRequest("", everything=True), orders.Orders).orders
    state = next((one for one in states if one.order.id == order_id), None)
    if state is None:
        raise error
    if as_json:
        tell_json({"known": True, "state": plain(state), "events": []})
    else:
        typer.echo(f"{order_id}: {describe(state.order)} {state.order.instrument} is {_status(state)}")
    typer.echo(f"its history is not to be had: {error}", err=True)
    return typer.Exit(0)


def _row(state: OrderState) -> list[str]:
    order = state.order
    filled = f"{state.filled:g} at {state.average_price:.10g}" if state.filled else ""
    return [order.id, order.instrument, describe(order), _status(state), filled, iso(state.at_ns), state.reason]


def _status(state: OrderState) -> str:
    return f"{state.status.value}, cancelling" if state.cancel_requested and not state.status.is_final else state.status.value


def _detail(event: OrderEvent) -> str:
    if event.execution is not None:
        return f"{event.execution.quantity:g} at {event.execution.price:.10g} ({event.execution.id})"
    if event.commission is not None:
        return f"{event.commission.amount:.2f} {event.commission.currency}"
    return event.reason


def _by_whom(who: str, reason: str) -> str:
    said = ", ".join(word for word in (f"by {who}" if who else "", reason) if word)
    return f" ({said})" if said else ""


async def _alarms(settings: Settings, limit: int) -> list[Alarm]:
    from atlas.store import Database
    from atlas.store.alarms import AlarmRepository

    own = settings.database
    password = settings.database_password()
    database = await Database.connect(own.url, own.name, user=own.user, password=password, wait_seconds=0.0)
    try:
        return await AlarmRepository(database).newest(limit)
    finally:
        await database.close()
