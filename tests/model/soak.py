"""Any number of runs by any seed, on all cores: `make soak EXAMPLES=20000 SEED=1`. A run that fails is shrunk and told.

A run is its seed and its steps: `python -m model.soak --replay FILE` does one again, from the file that a failure leaves.
"""

import argparse
import contextlib
import gc
import io
import multiprocessing
import os
import random
import re
import sys
import time
import traceback
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from model.run import quiet, run
from model.steps import Step, drawn

STEPS = 25
_for_good = contextlib.ExitStack()
_SHRINK_RUNS = 400


class Failure(NamedTuple):
    """A run that failed: its seed, its steps, and of what."""

    seed: int
    steps: list[Step]
    text: str


def steps_of(seed: int) -> list[Step]:
    """The steps of run number `seed`."""
    chance = random.Random(seed)
    return drawn(chance, chance.randint(STEPS // 2, STEPS * 3 // 2))


def outcome(seed: int, steps: Sequence[Step]) -> str:
    """What a run failed of; "" if it did not."""
    try:
        with contextlib.redirect_stderr(io.StringIO()):
            run(seed, steps)
    except Exception:  # noqa: BLE001 - whatever it is, it is what the run found
        return traceback.format_exc(limit=-6)
    return ""


def shrunk(failure: Failure) -> Failure:
    """The same failure with as few steps as will do."""
    seed, steps, text = failure
    runs, size = 0, max(1, len(steps) // 2)
    kind = _kind(text)
    while size:
        at = 0
        while at < len(steps) and runs < _SHRINK_RUNS:
            fewer = steps[:at] + steps[at + size :]
            runs += 1
            found = outcome(seed, fewer)
            if found and _kind(found) == kind:
                steps, text = fewer, found
            else:
                at += size
        size //= 2
    return Failure(seed, steps, text)


def _kind(text: str) -> str:
    """What failures of one cause have in common: the words of the last line without its numbers."""
    last = next((line for line in reversed(text.strip().splitlines()) if not line.startswith(" ")), "")
    return re.sub(r"[\d.]+", "#", last)[:60]


def examine(seed: int) -> Failure | None:
    """Do run number `seed`."""
    steps = steps_of(seed)
    text = outcome(seed, steps)
    if seed % 10 == 0:
        gc.collect()
    return Failure(seed, steps, text) if text else None


def _begin() -> None:
    """Prepare a process that does nothing but runs."""
    _for_good.enter_context(quiet())
    gc.collect()
    gc.freeze()
    gc.disable()


def _results(seeds: Sequence[int], processes: int) -> Iterator[Failure | None]:
    if processes == 1:
        _begin()
        yield from map(examine, seeds)
        return
    with multiprocessing.get_context("spawn").Pool(processes, _begin, maxtasksperchild=2000) as pool:
        yield from pool.imap_unordered(examine, seeds, chunksize=10)


def soak(examples: int, seed: int, processes: int, most_failures: int = 1) -> list[Failure]:
    """So many runs from `seed` on; ends early after `most_failures`."""
    failures: list[Failure] = []
    began = told = time.monotonic()
    first = seed * 1_000_000
    results = _results(range(first, first + examples), processes)
    for done, failure in enumerate(results, 1):
        if failure is not None:
            failures.append(failure)
            print(f"run {failure.seed} failed", flush=True)
            if len(failures) >= most_failures:
                break
        if time.monotonic() - told > 10 or done == examples:
            told = time.monotonic()
            print(f"{done} of {examples} runs, {(told - began) / done * 1000:.0f} ms each", flush=True)
    with contextlib.suppress(AttributeError):
        results.close()  # type: ignore[attr-defined]
    return failures


def _tell(failure: Failure) -> None:
    print(f"\nseed {failure.seed}, {len(failure.steps)} steps to replay:\nseed = {failure.seed}\nsteps = [")
    print("".join(f"    {step!r},\n" for step in failure.steps) + "]")
    print(failure.text, flush=True)


def _replay(path: Path) -> int:
    found: dict[str, object] = {}
    exec(path.read_text(), {"Step": Step}, found)
    run(found["seed"], found["steps"])  # type: ignore[arg-type]
    return 0


def main() -> int:
    """Run as a program. The exit code says whether all runs passed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--examples", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--failures", type=int, default=1, help="go on until so many runs have failed")
    parser.add_argument("--replay", type=Path, help="a file with `seed` and `steps`, as a failure is told")
    wanted = parser.parse_args()
    if wanted.replay is not None:
        return _replay(wanted.replay)
    failures = soak(wanted.examples, wanted.seed, wanted.processes, wanted.failures)
    _begin()
    for failure in failures:
        _tell(shrunk(failure))
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
