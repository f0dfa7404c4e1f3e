"""Runs the tests in two halves side by side: one computes most of the time, the other mostly waits for processes it started.

`make test` calls it; what is given to it goes to pytest. With paths of tests among that, pytest is simply run with them.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

HALVES = (("tests/unit", "tests/model", "tests/contract", "tests/fuzz"), ("tests/integration", "tests/chaos"))
_NOTHING_SELECTED = 5


def main(arguments: list[str]) -> int:
    """Run, and say how it went: 0 if all tests passed."""
    pytest = [sys.executable, "-m", "pytest", *arguments]
    if any(Path(argument.split("::")[0]).exists() for argument in arguments):
        return subprocess.run(pytest, check=False).returncode
    with tempfile.TemporaryFile("w+") as told:
        beside = subprocess.Popen([*pytest, *HALVES[1]], stdout=told, stderr=subprocess.STDOUT)
        try:
            first = subprocess.run([*pytest, *HALVES[0]], check=False).returncode
            second = beside.wait()
        finally:
            if beside.poll() is None:
                beside.terminate()
                beside.wait()
        told.seek(0)
        print(told.read(), flush=True)
    if {first, second} == {_NOTHING_SELECTED}:
        return _NOTHING_SELECTED
    return int(any(code not in (0, _NOTHING_SELECTED) for code in (first, second)))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
