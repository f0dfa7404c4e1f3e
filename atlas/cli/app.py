"""The commands, and the options that all of them share."""

from pathlib import Path
from typing import Annotated

import typer

from atlas import __version__
from atlas.cli import configuration, demo, desk, gateway, journal, orders, running, trade
from atlas.cli.context import Shared
from atlas.service.logs import configure_logs
from atlas.service.settings import LogSettings

app = typer.Typer(
    name="atlas",
    help="A private trading desk on Interactive Brokers.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback()
def shared(
    context: typer.Context,
    config: Annotated[Path | None, typer.Option(help="The configuration file; ./atlas.yaml if it is there.")] = None,
    set_: Annotated[list[str] | None, typer.Option("--set", help="A setting, as trader.account=DU1000001.")] = None,
) -> None:
    """A private trading desk on Interactive Brokers."""
    configure_logs(LogSettings(level="warning"), "cli")  # to standard error: what is on standard output may be JSON
    context.obj = Shared(config, tuple(set_ or ()))


@app.command()
def version() -> None:
    """Print the version."""
    typer.echo(__version__)


app.command()(demo.demo)
app.command()(running.run)
app.command()(desk.ping)
app.command()(desk.status)
app.command()(desk.token)
app.command("orders")(orders.list_orders)
app.command()(orders.positions)
app.command()(orders.account)
app.command()(orders.alarms)
app.add_typer(trade.app, name="trade")
app.add_typer(gateway.app, name="gateway")
app.add_typer(configuration.app, name="config")
app.add_typer(journal.app, name="journal")
