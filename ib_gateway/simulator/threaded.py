"""A simulated gateway for programs that have no event loop: it runs in a thread of its own, and is controlled from any other.

with GatewayThread(SimulatorOptions(port=0)) as gateway:
    connect_to(gateway.host, gateway.port)
    gateway.control.inject(faults.FarmOutage(for_seconds=30))
"""

import asyncio
import contextlib
import threading
from collections.abc import Callable, Coroutine, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

from atlas.domain import Unavailable
from ib_gateway.simulator.faults import Active, Fault, Scenario
from ib_gateway.simulator.options import SimulatorOptions
from ib_gateway.simulator.server import SimulatedGateway

_T = TypeVar("_T")
_PATIENCE_SECONDS = 60.0


class _Caller:
    """Calls into the gateway's loop from any other thread, and waits for the answer."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop

    def __call__(self, function: Callable[[], _T]) -> _T:
        async def call() -> _T:
            return function()

        return self.wait(call())

    def wait(self, work: Coroutine[Any, Any, _T]) -> _T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(_PATIENCE_SECONDS)


class Control:
    """The faults of a gateway in another thread. What is injected has taken effect when the call returns."""

    def __init__(self, gateway: SimulatedGateway, call: _Caller) -> None:
        self._faults = gateway.faults
        self._call = call

    def inject(self, fault: Fault) -> int:
        """Let a fault happen; returns the id that clears it, if it lasts.

        Raises:
            BadInput: it is about a message, execution, order or client that there is not.
        """
        return self._call(lambda: self._faults.inject(fault))

    def clear(self, number: int) -> bool:
        """End a fault; False if it was over already."""
        return self._call(lambda: self._faults.clear(number))

    def clear_all(self) -> None:
        """End every fault and the scenario."""
        self._call(self._faults.clear_all)

    def active(self) -> Sequence[Active]:
        """Faults in force, the oldest first."""
        return self._call(self._faults.active)

    def approve(self) -> bool:
        """Give the second factor; False if nothing waits for one."""
        return self._call(self._faults.approve)

    def play(self, scenario: Scenario | Path) -> Scenario:
        """Play a scenario from now, in place of the one before; a path may be the name of a shipped one.

        Raises:
            BadInput: the file cannot be read, or something in it is not known.
        """
        return self._call(lambda: self._faults.play(scenario))

    @property
    def state(self) -> str:
        """running, frozen, restarting, waiting-for-two-factor, or port-taken: another process has it."""
        return self._call(lambda: self._faults.state)


class Clock:
    """The time of a gateway in another thread."""

    def __init__(self, gateway: SimulatedGateway, call: _Caller) -> None:
        self._time = gateway.time
        self._call = call

    @property
    def now_ns(self) -> int:
        """UTC nanoseconds since the epoch."""
        return self._call(lambda: self._time.now_ns)

    def pause(self) -> None:
        """Let it stand: no tick, no timeout, no scheduled fault."""
        self._call(self._time.pause)

    def resume(self) -> None:
        """Let it pass again."""
        self._call(self._time.resume)

    def set_speed(self, speed: float) -> None:
        """Let it pass faster or slower: virtual seconds per real second, 0 as fast as clients read.

        Raises:
            BadInput: the speed is below 0 or beyond a million.
        """
        self._call(lambda: self._time.set_speed(speed))

    def advance(self, seconds: float) -> None:
        """Let so many seconds pass as fast as clients read, with every tick and every fault in them, and then stand.

        Raises:
            BadInput: time cannot go back.
        """
        self._call.wait(self._time.advance(seconds))


class GatewayThread:
    """A simulated gateway in a thread, from `with` on.

    Raises on entry:
        BadInput: an option, the instruments file, the recording, the scenario or the state file cannot be used.
        Unavailable: a port is taken.
    """

    control: Control
    clock: Clock

    def __init__(self, options: SimulatorOptions) -> None:
        self.options = options
        self._gateway: SimulatedGateway | None = None
        self._error: BaseException | None = None
        self._up = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._task: asyncio.Task[None] | None = None
        self._thread = threading.Thread(target=self._live, name="simulated gateway", daemon=True)

    @property
    def host(self) -> str:
        """The address that clients connect to."""
        return self.options.host

    @property
    def port(self) -> int:
        """The port that clients connect to."""
        if self._gateway is None:
            raise Unavailable("the simulated gateway does not run")
        return self._gateway.port

    @property
    def gateway(self) -> SimulatedGateway:
        """The gateway itself. It belongs to its thread: from others, look at it only."""
        if self._gateway is None:
            raise Unavailable("the simulated gateway does not run")
        return self._gateway

    def __enter__(self) -> Self:
        self._thread.start()
        self._up.wait()
        if self._error is not None:
            self._thread.join()
            raise self._error
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        """Stop it, and raise what it has failed of, if it has."""
        assert self._loop is not None  # noqa: S101
        assert self._task is not None  # noqa: S101
        with contextlib.suppress(RuntimeError):  # it has ended by itself
            self._loop.call_soon_threadsafe(self._task.cancel)
        self._thread.join()
        if self._error is not None and error is None:
            raise self._error

    def _live(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._task = self._loop.create_task(self._serve())
        try:
            self._loop.run_until_complete(self._task)
        except asyncio.CancelledError:
            pass  # stopped
        except BaseException as error:  # noqa: BLE001 - raised again in the thread that waits for it
            self._error = error
        finally:
            self._loop.run_until_complete(self._loop.shutdown_asyncgens())
            self._loop.close()
            self._up.set()

    async def _serve(self) -> None:
        async with SimulatedGateway(self.options) as gateway:
            self._gateway = gateway
            call = _Caller(asyncio.get_running_loop())
            self.control, self.clock = Control(gateway, call), Clock(gateway, call)
            self._up.set()
            await gateway.wait_failed()
