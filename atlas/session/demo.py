"""The demonstration: a whole desk on this machine until Ctrl-C or for some seconds, then its books held side by side."""

import asyncio
import contextlib
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from atlas.domain import AtlasError, BadInput, Unavailable
from atlas.session.desk import LocalDesk
from atlas.session.plan import DemoOptions, DemoPlan, make_plan, write_settings
from atlas.session.view import show_live, show_starting, show_summary


async def run_demo(options: DemoOptions) -> dict[str, Any]:
    """Run a desk as `options` say, and return what came of it: the summary's figures.

    Raises:
        AtlasError: a part did not come up or is gone, or it was stopped before the desk was up; nothing is left running.
    """
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    with _folder(options) as folder:
        plan = make_plan(folder, options)
        write_settings(plan)
        with show_starting(enabled=not options.json):
            desk = await _started(plan, stop)
        try:
            live = None if options.json else asyncio.create_task(show_live(desk))
            await _wait(stop, options.seconds, desk)
            if live is not None:
                live.cancel()
                await asyncio.gather(live, return_exceptions=True)
            result = await _conclude_or_say_who_is_dead(desk)
        finally:
            await desk.__aexit__(None, None, None)
    if not options.json:
        show_summary(result)
    return result


async def _started(plan: DemoPlan, stop: asyncio.Event) -> LocalDesk:
    """The desk, once all of it is up."""
    starting = asyncio.create_task(LocalDesk(plan).__aenter__())
    stopping = asyncio.create_task(stop.wait())
    await asyncio.wait({starting, stopping}, return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    if starting.done():
        return starting.result()
    starting.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await (await starting).__aexit__(None, None, None)  # it was quicker
    raise AtlasError("stopped before the desk was up; nothing is left running")


@contextlib.contextmanager
def _folder(options: DemoOptions) -> Iterator[Path]:
    if options.folder is not None:
        yield _empty(options.folder)
        return
    with tempfile.TemporaryDirectory(prefix="atlas-demo-") as folder:
        yield Path(folder)


def _empty(folder: Path) -> Path:
    """`folder`, made if need be. An earlier demonstration in it would be counted into this one's books."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        taken = next(folder.iterdir(), None)
    except OSError as error:
        raise BadInput(f"the folder {folder} cannot be used ({error.strerror}); name another") from error
    if taken is not None:
        raise BadInput(f"the folder {folder} is not empty; name a new one for this demonstration")
    return folder.resolve()


async def _wait(stop: asyncio.Event, seconds: float | None, desk: LocalDesk) -> None:
    """Until told to stop, until the time is over, or until a process has died."""
    loop = asyncio.get_running_loop()
    deadline = None if seconds is None else loop.time() + seconds
    while not stop.is_set() and not desk.supervisor.dead():
        left = 0.5 if deadline is None else min(0.5, deadline - loop.time())
        if left <= 0:
            return
        try:
            await asyncio.wait_for(stop.wait(), left)
        except TimeoutError:
            continue


async def _conclude_or_say_who_is_dead(desk: LocalDesk) -> dict[str, Any]:
    try:
        return await _conclude(desk)
    except AtlasError as error:
        dead = "; ".join(process.obituary() for process in desk.supervisor.dead())
        if not dead:
            raise
        raise Unavailable(f"{dead} (so the books cannot be compared: {error})") from error


async def _conclude(desk: LocalDesk) -> dict[str, Any]:
    states = await desk.states()
    await desk.settle()
    audit, database = await desk.audit()
    watcher, trader, strategy = [await desk.status(name) for name in ("watcher", "trader", "strategy")]
    seen = watcher.figures if watcher is not None else {}
    latency = trader.figures if trader is not None else {}
    decided = strategy.figures if strategy is not None else {}
    healthy = all(state == "running" for state in states.values())
    return {
        "quotes": seen.get("quotes", 0),
        "quotes_at": {"watcher": seen.get("quotes", 0), "robot": decided.get("quotes", 0)},
        "bars": seen.get("bars", 0),
        "orders": database.orders,
        "fills": database.fills,
        "rejected": database.rejected,
        "positions": {"robot": audit.robot, "database": audit.database, "gateway": audit.gateway},
        "cash_changes": audit.cash,
        "books_agree": audit.agree,
        "differences": audit.differences,
        "tick_to_order_us": {
            "p50": latency.get("tick_to_order_us_p50"),
            "p99": latency.get("tick_to_order_us_p99"),
        },
        "services": states,
        "ok": audit.agree and healthy,
    }
