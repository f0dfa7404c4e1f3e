"""Environments of their own for IB clients that cannot share one with ib_insync.

Each is built from its lock file by venv and pip, kept in .venvs, and rebuilt when the lock file or the interpreter changes.
None has a pip of its own: the one that runs the tests installs into it, which halves the time.
"""

import fcntl
import hashlib
import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ENVIRONMENTS = ROOT / ".venvs"


def python_of(name: str) -> Path:
    """The interpreter of the environment `name`, built if need be from locks/`name`.lock. Safe to call from many processes.

    Raises:
        AssertionError: the packages cannot be installed; the message says why.
    """
    lock = Path(__file__).with_name("locks") / f"{name}.lock"
    folder = ENVIRONMENTS / name
    stamp = folder / "built-from"
    wanted = hashlib.sha256(lock.read_bytes() + sys.version.encode()).hexdigest()
    python = folder / "bin" / "python"
    ENVIRONMENTS.mkdir(exist_ok=True)
    with (ENVIRONMENTS / f"{name}.building").open("w") as building:
        fcntl.flock(building, fcntl.LOCK_EX)
        if not stamp.exists() or stamp.read_text() != wanted:
            venv.create(folder, clear=True, with_pip=False, symlinks=True)
            pip = [sys.executable, "-m", "pip", "--python", python, "install", "--quiet", "--disable-pip-version-check"]
            done = subprocess.run([*pip, "--require-hashes", "-r", lock], text=True, capture_output=True, check=False)
            if done.returncode:
                raise AssertionError(f"the environment {folder} cannot be built from {lock.name}:\n{done.stderr[-4000:]}")
            stamp.write_text(wanted)
    return python
