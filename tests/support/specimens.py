"""Services that behave badly in one way each, run in the monitor's place: `python -m support.specimens NAME`."""

import asyncio
import contextlib
import sys
import threading

import services.monitor
from atlas.cli import main
from atlas.domain import Unavailable
from atlas.service.metrics import Figures
from atlas.service.service import Service


class Specimen(Service):
    """Does nothing, well."""

    name = "monitor"

    async def start(self) -> None:
        self.work = asyncio.Event()


class NeverStops(Specimen):
    """Its stop takes for ever."""

    async def stop(self) -> None:
        await asyncio.Event().wait()


class CannotStart(Specimen):
    """Its start says why it cannot."""

    async def start(self) -> None:
        raise Unavailable("the thing that it needs is not there; get one")


class Waits(Specimen):
    """Its start takes until it is told to stop."""

    async def start(self) -> None:
        await self.stopping.wait()


class FailsLater(Specimen):
    """A background task of it ends with an error of ours."""

    async def start(self) -> None:
        self.keep(asyncio.create_task(self._fail()))

    async def _fail(self) -> None:
        await asyncio.sleep(0)
        raise Unavailable("the thing that it needs has gone; bring it back")


class IsWrong(Specimen):
    """A background task of it ends with a defect."""

    async def start(self) -> None:
        self.keep(asyncio.create_task(self._fail()))

    async def _fail(self) -> None:
        raise ZeroDivisionError("a defect")


class FailsToStop(Specimen):
    """Its start fails, and then its stop does too."""

    async def start(self) -> None:
        raise Unavailable("the thing that it needs is not there; get one")

    async def stop(self) -> None:
        raise RuntimeError("nothing to stop")


class StopsBadly(Specimen):
    """Runs well, and its stop fails."""

    async def stop(self) -> None:
        raise RuntimeError("nothing to stop")


async def lose_a_cancellation() -> None:
    """Go on after being cancelled, once."""
    with contextlib.suppress(asyncio.CancelledError):
        await asyncio.Event().wait()
    await asyncio.Event().wait()


class LosesACancellation(Specimen):
    """A background task of it loses its first cancellation."""

    async def start(self) -> None:
        self.keep(asyncio.create_task(lose_a_cancellation()))


class LosesACancellationAtStart(Specimen):
    """Its start loses its first cancellation."""

    async def start(self) -> None:
        await lose_a_cancellation()


class IsDegraded(Specimen):
    """Runs, and does not do its job."""

    def problems(self) -> list[str]:
        return ["the thing is loose", "the other one too"]

    def figures(self) -> Figures:
        return {"things in use": 3, "account": "DU1"}


class CountsOnTheLoop(Specimen):
    """Its figures know the thread that asked for them."""

    def figures(self) -> Figures:
        return {"on_the_main_thread": int(threading.current_thread() is threading.main_thread())}


if __name__ == "__main__":
    services.monitor.Monitor = globals()[sys.argv[1]]  # type: ignore[misc] # in the monitor's place
    sys.argv = ["atlas", "run", "monitor"]
    main()
