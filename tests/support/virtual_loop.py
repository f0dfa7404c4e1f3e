"""An event loop whose time is a number: it jumps to the next timer when nothing is ready, so that a day passes in moments.

Everything in it is deterministic: no socket, no thread, no wall clock. What belongs to a `Process` can be killed as by SIGKILL:
from then on none of its callbacks and tasks ever runs again, nothing is flushed, and nobody hears an exception.
"""

import asyncio
import contextvars
import heapq
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

T = TypeVar("T")

_TURNS_WITHOUT_TIME = 200_000


class Stuck(AssertionError):
    """Nothing will ever happen again, or everything happens in the same moment for ever."""


class Killed(BaseException):
    """Unwinds the stack in which a process was killed. No `except Exception` holds it up."""


class Process:
    """What dies together. A task belongs to the process in whose context it was made, and so does all that it starts."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.alive = True
        self.on_death: list[Callable[[], None]] = []
        self._halted: list[asyncio.Handle] = []

    def kill(self) -> None:
        """Stop it in the middle of whatever it does. Who calls it from within the process raises `Killed` next."""
        if self.alive:
            self.alive = False
            for tell in self.on_death:
                tell()

    def keep(self, handle: asyncio.Handle) -> None:
        """Hold what will not run any more; its tasks must not be collected while the world goes on."""
        self._halted.append(handle)

    def bury(self) -> list[asyncio.Handle]:
        """Give out what was held: once the world is over, it may unwind."""
        halted, self._halted = self._halted, []
        self.alive = True
        return halted

    def context(self) -> contextvars.Context:
        """A context in which everything that is started belongs to this process."""
        context = contextvars.copy_context()
        context.run(_process.set, self)
        return context


_process: contextvars.ContextVar[Process | None] = contextvars.ContextVar("process", default=None)


def current_process() -> Process | None:
    """The process to which the running code belongs."""
    return _process.get()


class _Handle(asyncio.Handle):
    __slots__ = ()

    def _run(self) -> None:
        process = self._context.get(_process)  # type: ignore[attr-defined]
        if process is None or process.alive:
            super()._run()  # type: ignore[misc]
        else:
            process.keep(self)


class _TimerHandle(asyncio.TimerHandle):
    __slots__ = ()

    def _run(self) -> None:
        process = self._context.get(_process)  # type: ignore[attr-defined]
        if process is None or process.alive:
            super()._run()  # type: ignore[misc]
        else:
            process.keep(self)


class _Selector:
    """In the place of the operating system: waiting is setting the clock."""

    def __init__(self, loop: "VirtualLoop") -> None:
        self._loop = loop
        self._turns = 0

    def select(self, timeout: float | None) -> list[Any]:
        if timeout is None:
            raise Stuck("nothing is ready, and no timer will ever make it so")
        if timeout > 0:
            self._loop.now += timeout
            self._turns = 0
        else:
            self._turns += 1
            if self._turns > _TURNS_WITHOUT_TIME:
                raise Stuck(f"{self._turns} turns without time passing")
        return []


class VirtualLoop(asyncio.BaseEventLoop):
    """The loop. `now` is its time in seconds; `failures` are exceptions that nobody caught.

    Args:
        executor_seconds: how long anything takes that is given to a thread; it is done here, in that moment.
    """

    def __init__(self, *, executor_seconds: float = 0.001) -> None:
        super().__init__()
        self.now = 0.0
        self.failures: list[str] = []
        self.network: Any = None
        self._selector = _Selector(self)
        self._clock_resolution = 1e-9
        self._executor_seconds = executor_seconds
        self.set_exception_handler(self._failed)

    # What an event loop does.

    def time(self) -> float:
        """Seconds since the loop was made."""
        return self.now

    def _process_events(self, event_list: list[Any]) -> None:
        """There are none: everything is in memory."""

    def _write_to_self(self) -> None:
        """Nobody has to be woken: there is but one thread."""

    def _call_soon(self, callback: Any, args: Any, context: Any) -> asyncio.Handle:
        handle = _Handle(callback, args, self, context)
        self._ready.append(handle)  # type: ignore[attr-defined]
        return handle

    def call_at(self, when: float, callback: Any, *args: Any, context: Any = None) -> asyncio.TimerHandle:
        """Call at a moment of the loop's time."""
        timer = _TimerHandle(when, callback, args, self, context)
        heapq.heappush(self._scheduled, timer)  # type: ignore[attr-defined]
        timer._scheduled = True  # type: ignore[attr-defined]
        return timer

    def call_later(self, delay: float, callback: Any, *args: Any, context: Any = None) -> asyncio.TimerHandle:
        """Call after so many seconds."""
        return self.call_at(self.now + delay, callback, *args, context=context)

    def run_in_executor(self, executor: Any, func: Callable[..., T], *args: Any) -> "asyncio.Future[T]":  # noqa: ARG002
        """Do it a moment later, on this thread; a process that is killed before has not done it."""
        future: asyncio.Future[T] = self.create_future()
        self.call_later(self._executor_seconds, _do, future, func, args)
        return future

    async def create_connection(self, protocol_factory: Any, host: Any = None, port: Any = None, **_: Any) -> Any:  # type: ignore[override]
        """Connect to a server of this loop's network."""
        return await self.network.connect(protocol_factory, host, port)

    async def create_server(self, protocol_factory: Any, host: Any = None, port: Any = None, **more: Any) -> Any:  # type: ignore[override]
        """Listen in this loop's network."""
        return self.network.listen(protocol_factory, host, port, sock=more.get("sock"), serve=more.get("start_serving", True))

    # What tests do.

    def spawn(self, process: Process, work: Coroutine[Any, Any, T]) -> "asyncio.Task[T]":
        """Start a task of a process."""
        return self.create_task(work, context=process.context())

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run until `work` is done. Libraries that ask for the thread's loop get this one."""
        asyncio.set_event_loop(self)
        try:
            return self.run_until_complete(work)
        finally:
            asyncio.set_event_loop(None)

    def end(self, dead: list[Process]) -> None:
        """Unwind every task that is left, also those of the dead, and close."""
        asyncio.set_event_loop(self)
        try:
            halted = [handle for process in dead for handle in process.bury() if not handle.cancelled()]
            for task in asyncio.all_tasks(self):
                task.cancel()  # before anything runs: the dead do not get one step further
            self._ready.extend(halted)  # type: ignore[attr-defined]
            if self.network is not None:
                self.network.reset()
                self.run_until_complete(asyncio.sleep(0))
            while left := asyncio.all_tasks(self):
                for task in left:
                    task.cancel()
                self.run_until_complete(asyncio.wait(left, timeout=5))
        finally:
            asyncio.set_event_loop(None)
            self.close()

    def _failed(self, _loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        error = context.get("exception")
        if not isinstance(error, Killed):
            self.failures.append(f"{context.get('message')}: {error!r}")


def _do(future: "asyncio.Future[T]", func: Callable[..., T], args: tuple[Any, ...]) -> None:
    if future.cancelled():
        return
    try:
        result = func(*args)
    except Exception as error:  # noqa: BLE001 - it belongs to whoever waits
        future.set_exception(error)
    else:
        future.set_result(result)
