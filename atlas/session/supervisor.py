"""Local processes, started in order of readiness, watched, and stopped in reverse: TERM, grace, KILL of the tree."""

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import psutil
import structlog

from atlas.domain import AtlasError, Unavailable
from atlas.service.settings import ENVIRONMENT_PREFIX
from atlas.session import tether

log = structlog.get_logger("atlas.session")

GRACE_SECONDS = 6.0
_POLL_SECONDS, _MOST_POLL_SECONDS = 0.05, 0.5
_TAIL_BYTES = 4096


@dataclass
class Process:
    """One process: what to run, and how to know that it works. `environment` comes on top of ours without our settings.

    `is_ready` is asked again and again until it says True; an AtlasError that it raises counts as not ready yet.
    """

    name: str
    command: Sequence[str]
    is_ready: Callable[[], Awaitable[bool]]
    environment: Mapping[str, str] = field(default_factory=dict)
    ready_seconds: float = 30.0
    handle: asyncio.subprocess.Process | None = None
    log_file: Path | None = None

    @property
    def pid(self) -> int | None:
        """The process id, while it runs."""
        return self.handle.pid if self.handle is not None and self.handle.returncode is None else None

    @property
    def exit_code(self) -> int | None:
        """How it ended; None while it runs or before it was started."""
        return self.handle.returncode if self.handle is not None else None

    def last_words(self) -> str:
        """The last line that it logged, for telling why it ended."""
        if self.log_file is None or not self.log_file.exists():
            return ""
        with self.log_file.open("rb") as file:
            file.seek(max(0, self.log_file.stat().st_size - _TAIL_BYTES))
            lines = file.read().decode(errors="replace").strip().splitlines()
        return next((line for line in reversed(lines) if line.strip()), "").strip()

    def obituary(self) -> str:
        """How it ended, and its last words if it had any to say about that."""
        if self.exit_code is not None and self.exit_code < 0:
            return f"{self.name} was killed by {signal.Signals(-self.exit_code).name}"
        words = self.last_words().removeprefix("atlas: ")
        return f"{self.name} ended with exit code {self.exit_code}: {words or f'see {self.log_file}'}"


class Supervisor:
    """Starts processes one after the other, each when the one before is ready. Their output goes to files in `folder`.

    As a context manager it never leaves a process behind.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.processes: list[Process] = []

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def start(self, process: Process) -> None:
        """Start `process` and wait until it is ready.

        Raises:
            Unavailable: it could not be run, it ended, or it was not ready in time; its last words are told.
        """
        self._folder.mkdir(parents=True, exist_ok=True)
        process.log_file = self._folder / f"{process.name}.log"
        with process.log_file.open("ab") as output:
            try:
                process.handle = await asyncio.create_subprocess_exec(
                    *process.command,
                    stdin=asyncio.subprocess.DEVNULL,
                    stdout=output,
                    stderr=output,
                    env={**_inherited(), **process.environment},
                    start_new_session=True,  # Ctrl-C is for us alone; we stop the others in order
                )
            except OSError as error:
                raise Unavailable(f"{process.name} cannot be started: {process.command[0]}: {error.strerror}") from error
        self.processes.append(process)
        await _wait_until_ready(process, process.handle)

    def dead(self) -> list[Process]:
        """Processes that have ended by themselves."""
        return [process for process in self.processes if process.exit_code is not None]

    async def stop(self, grace_seconds: float = GRACE_SECONDS) -> None:
        """Stop all processes, the last started first. None is left, nor any child of theirs."""
        while self.processes:
            await _stop_tree(self.processes.pop(), grace_seconds)


def tethered(*command: str) -> list[str]:
    """`command`, ended by the system if we die without having stopped it."""
    return [sys.executable, "-I", tether.__file__, str(os.getpid()), *command]


def _inherited() -> dict[str, str]:
    """Our environment without settings of Atlas: what a process is set to is what its starter says."""
    return {name: value for name, value in os.environ.items() if not name.startswith(ENVIRONMENT_PREFIX)}


async def _wait_until_ready(process: Process, handle: asyncio.subprocess.Process) -> None:
    ended = asyncio.create_task(handle.wait())
    ready = asyncio.create_task(_ask_until_ready(process))
    try:
        await asyncio.wait({ended, ready}, timeout=process.ready_seconds, return_when=asyncio.FIRST_COMPLETED)
        if ended.done():
            raise Unavailable(process.obituary())
        if not ready.done():
            raise Unavailable(
                f"{process.name} was not ready within {process.ready_seconds:g} s; its log is {process.log_file}: "
                f"{process.last_words()}"
            )
        ready.result()
    finally:
        ended.cancel()
        ready.cancel()
        await asyncio.gather(ended, ready, return_exceptions=True)


async def _ask_until_ready(process: Process) -> None:
    for pause in pauses():
        with contextlib.suppress(AtlasError):
            if await process.is_ready():
                return
        await asyncio.sleep(pause)


def pauses() -> Iterator[float]:
    """Seconds between two looks at whether something is there: short at first, calm when it takes its time.

    >>> first = pauses()
    >>> [next(first) for _ in range(6)]
    [0.05, 0.1, 0.2, 0.4, 0.5, 0.5]
    """
    pause = _POLL_SECONDS
    while True:
        yield pause
        pause = min(_MOST_POLL_SECONDS, 2 * pause)


async def _stop_tree(process: Process, grace_seconds: float) -> None:
    handle = process.handle
    if handle is None:
        return
    family: list[psutil.Process] = []
    with contextlib.suppress(psutil.NoSuchProcess):
        family = psutil.Process(handle.pid).children(recursive=True)
    if handle.returncode is None:
        handle.send_signal(signal.SIGTERM)
        try:
            await asyncio.wait_for(handle.wait(), grace_seconds)
        except TimeoutError:
            log.warning("killed after its grace", process=process.name, seconds=grace_seconds)
            handle.kill()
            await handle.wait()
    for child in family:
        with contextlib.suppress(psutil.NoSuchProcess):
            child.kill()
    with contextlib.suppress(ProcessLookupError):  # children whose parents had gone before, or that came later
        os.killpg(handle.pid, signal.SIGKILL)
