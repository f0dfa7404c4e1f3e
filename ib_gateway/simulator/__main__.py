"""`python -m ib_gateway.simulator`: a simulated gateway until Ctrl-C."""

import argparse
import asyncio
import contextlib
import signal
import sys
from pathlib import Path

from atlas.domain import AtlasError
from ib_gateway.simulator.broker import OrderRules
from ib_gateway.simulator.options import SimulatorOptions
from ib_gateway.simulator.server import serve


def _options(arguments: list[str] | None) -> SimulatorOptions:
    default = SimulatorOptions()
    parser = argparse.ArgumentParser(prog="python -m ib_gateway.simulator", description=__doc__)
    parser.add_argument("--host", default=default.host, help="address to listen on (%(default)s)")
    parser.add_argument("--port", type=int, default=default.port, help="port to listen on, 0 for any (%(default)s)")
    parser.add_argument("--accounts", default=",".join(default.accounts), help="accounts, separated by commas (%(default)s)")
    parser.add_argument("--instruments", type=Path, help="instruments file (the shipped one)")
    parser.add_argument("--recording", type=Path, help="recording to play (the seeded market)")
    parser.add_argument("--seed", type=int, default=default.seed, help="seed of the seeded market (%(default)s)")
    parser.add_argument("--speed", type=float, default=default.speed, help="1 real time, 0 as fast as read (%(default)s)")
    parser.add_argument(
        "--quotes-per-second", type=float, default=default.quotes_per_second, help="per instrument (%(default)s)"
    )
    parser.add_argument("--state", type=Path, help="file that keeps the books over restarts (none)")
    parser.add_argument("--cash", type=float, default=default.cash, help="US dollars per account (%(default)s)")
    parser.add_argument(
        "--hours", choices=("real", "always"), default=default.hours, help="always: no market ever closes (%(default)s)"
    )
    parser.add_argument("--master-client-id", type=int, help="client that hears of all clients' orders (none)")
    parser.add_argument("--read-only", action="store_true", help="refuse requests about orders")
    parser.add_argument("--scenario", type=Path, help="file of faults, or the name of a shipped scenario (no faults)")
    parser.add_argument("--control-port", type=int, help="port of the HTTP control API, 0 for any (none)")
    parser.add_argument("--control-host", default=default.control_host, help="address of the control API (%(default)s)")
    given = parser.parse_args(arguments)
    return SimulatorOptions(
        host=given.host,
        port=given.port,
        accounts=tuple(name.strip() for name in given.accounts.split(",") if name.strip()),
        instruments=given.instruments,
        recording=given.recording,
        seed=given.seed,
        speed=given.speed,
        quotes_per_second=given.quotes_per_second,
        state=given.state,
        cash=given.cash,
        scenario=given.scenario,
        control_port=given.control_port,
        control_host=given.control_host,
        hours=given.hours,
        orders=OrderRules(master_client_id=given.master_client_id, read_only=given.read_only),
    )


async def _run(options: SimulatorOptions) -> None:
    task = asyncio.current_task()
    assert task is not None  # noqa: S101
    for name in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(name, task.cancel)
    with contextlib.suppress(asyncio.CancelledError):
        await serve(options, ready=lambda port: print(f"listening on {options.host} port {port}", flush=True))


def main(arguments: list[str] | None = None) -> int:
    """Run until stopped; 2 if it cannot start."""
    try:
        asyncio.run(_run(_options(arguments)))
    except AtlasError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
