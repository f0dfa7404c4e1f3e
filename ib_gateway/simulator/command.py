"""The command line of the simulated gateway: one set of options, under whatever name it is started.

Whatever `SimulatorOptions` has can be written in a YAML file (`--options`); what is given on the command line wins over it.
"""

import argparse
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec

from atlas.domain import BadInput, from_datetime
from ib_gateway.simulator import yaml_file
from ib_gateway.simulator.options import SimulatorOptions
from ib_gateway.simulator.rules import Rules

_ORDER_RULES = ("master_client_id", "read_only")


def options_of(arguments: Sequence[str] | None, prog: str) -> SimulatorOptions:
    """The options that a command line asks for; the process's own one if `arguments` is None.

    Raises:
        BadInput: the options file or an option cannot be used.
        SystemExit: an unknown flag, or a value that is none; told on standard error, code 2. Help, code 0.
    """
    given = vars(_parser(prog).parse_args(arguments))
    document = yaml_file.read(given.pop("options"), "the options file") if "options" in given else None
    values = document.value if document else {}
    if not isinstance(values, dict):
        raise BadInput(f"{document.where if document else 'the file'} must hold names and values, as `seed: 7`")
    if given.pop("rules", "real") == "none":
        given["rules"] = msgspec.to_builtins(Rules.none())
    orders = {name: given.pop(name) for name in _ORDER_RULES if name in given}
    if orders:
        written = values.get("orders", {})
        given["orders"] = {**written, **orders} if isinstance(written, dict) else written
    try:
        return msgspec.convert({**values, **given}, SimulatorOptions, dec_hook=_convert)
    except msgspec.ValidationError as error:
        what = document.mistake(error) if document else f"the options of the simulated gateway: {error}"
        raise BadInput(f"{what}; correct that one") from error


def _convert(kind: type, value: Any) -> Any:
    if kind is Path and isinstance(value, (str, Path)):
        return Path(value)
    raise BadInput(f"{value!r} is not a path")


def _accounts(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(",") if name.strip())


def _moment(text: str) -> int:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a time; write 2026-06-05T15:00:00Z") from None
    if moment.tzinfo is None:
        raise argparse.ArgumentTypeError(f"{text!r} has no zone; write 2026-06-05T15:00:00Z")
    return from_datetime(moment)


def _parser(prog: str) -> argparse.ArgumentParser:
    default = SimulatorOptions()
    parser = argparse.ArgumentParser(
        prog=prog,
        description="A simulated IB Gateway until Ctrl-C: any ib_insync, ib_async or ibapi program can connect.",
        argument_default=argparse.SUPPRESS,
    )

    def add(flag: str, text: str, **more: Any) -> None:
        parser.add_argument(flag, help=text, **more)

    add("--options", "YAML file with any of these, and rules, entitlements, orders in full", type=Path, metavar="FILE")
    add("--host", f"address to listen on ({default.host})")
    add("--port", f"port to listen on, 0 for any ({default.port})", type=int)
    add("--accounts", f"accounts, separated by commas ({','.join(default.accounts)})", type=_accounts)
    add("--cash", f"US dollars per account ({default.cash:g})", type=float)
    add("--state", "file that keeps the books over restarts (none)", type=Path, metavar="FILE")
    add("--instruments", "instruments file (the shipped one)", type=Path, metavar="FILE")
    add("--recording", "recording to play (the seeded market)", type=Path, metavar="FILE")
    add("--seed", f"seed of the seeded market ({default.seed})", type=int)
    add("--quotes-per-second", f"of the seeded market, per instrument ({default.quotes_per_second:g})", type=float)
    add("--start", "time at which the seeded market begins (now)", type=_moment, dest="start_ns", metavar="TIME")
    add("--speed", f"1 is real time, 0 as fast as clients read ({default.speed:g})", type=float)
    add("--paused", "let time stand until the control API advances or resumes it", action="store_true")
    add("--hours", f"always: no market ever closes ({default.hours})", choices=("real", "always"))
    add("--rules", "none: no limits on message rate, lines and pacing (real)", choices=("real", "none"))
    add("--master-client-id", "client that hears of all clients' orders (none)", type=int, metavar="ID")
    add("--read-only", "refuse requests about orders", action="store_true")
    add("--scenario", "file of faults, or the name of a shipped scenario (no faults)", type=Path)
    add("--control-port", "port of the HTTP control API, 0 for any (none)", type=int, metavar="PORT")
    add("--control-host", f"address of the control API ({default.control_host})", metavar="HOST")
    return parser
