"""`python -m ib_gateway.simulator`, or `ib-simulator`: a simulated gateway until Ctrl-C."""

import asyncio
import contextlib
import signal
import sys

from atlas.domain import AtlasError
from ib_gateway.simulator.command import options_of
from ib_gateway.simulator.options import SimulatorOptions
from ib_gateway.simulator.server import serve
from ib_gateway.simulator.state import StateLost


async def _run(options: SimulatorOptions) -> None:
    task = asyncio.current_task()
    assert task is not None  # noqa: S101
    for name in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(name, task.cancel)
    with contextlib.suppress(asyncio.CancelledError):
        await serve(options, ready=lambda port: print(f"listening on {options.host} port {port}", flush=True))


def main(arguments: list[str] | None = None) -> int:
    """Run until stopped; 2 if it cannot start, 1 if it cannot go on."""
    try:
        asyncio.run(_run(options_of(arguments, "ib-simulator")))
    except AtlasError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1 if isinstance(error, StateLost) else 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
