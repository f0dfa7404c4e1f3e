"""Environments of their own for IB clients that cannot share one with ib_insync.

Each is built from its lock file by venv and pip, kept in .venvs, and rebuilt when the lock file or the interpreter changes.
None has a pip of its own: the one that runs the tests installs into it, which halves the time.
"""

import fcntl
import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ENVIRONMENTS = ROOT / ".venvs"


def python_of(name: str, base: Path = Path(sys.executable)) -> Path:
    """The interpreter of the environment `name`, built if need be from locks/`name`.lock. Safe to call from many processes.

    `base` is the interpreter that it is made of.

    Raises:
        AssertionError: the packages cannot be installed; the message says why.
    """
    lock = Path(__file__).with_name("locks") / f"{name}.lock"
    version = subprocess.run([base, "--version"], text=True, capture_output=True, check=True).stdout.split()[1]
    folder = ENVIRONMENTS / f"{name}-py{version}"
    stamp = folder / "built-from"
    wanted = hashlib.sha256(lock.read_bytes() + str(base).encode()).hexdigest()
    python = folder / "bin" / "python"
    ENVIRONMENTS.mkdir(exist_ok=True)
    with (ENVIRONMENTS / f"{folder.name}.building").open("w") as building:
        fcntl.flock(building, fcntl.LOCK_EX)
        if not stamp.exists() or stamp.read_text() != wanted:
            subprocess.run([base, "-m", "venv", "--clear", "--without-pip", "--symlinks", folder], check=True)
            pip = [sys.executable, "-m", "pip", "--python", python, "install", "--quiet", "--disable-pip-version-check"]
            done = subprocess.run([*pip, "--require-hashes", "-r", lock], text=True, capture_output=True, check=False)
            if done.returncode:
                raise AssertionError(f"the environment {folder} cannot be built from {lock.name}:\n{done.stderr[-4000:]}")
            stamp.write_text(wanted)
    return python


def interpreters() -> dict[str, Path]:
    """The interpreters from 3.11 to 3.13 that this machine has, by version; the one that runs the tests stands for its own."""
    found = {f"3.{sys.version_info.minor}": Path(sys.executable)}
    for minor in (11, 12, 13):
        candidates = [shutil.which(f"python3.{minor}"), *sorted(Path.home().glob(f".pyenv/versions/3.{minor}.*/bin/python"))]
        for candidate in candidates:
            if candidate and _works(Path(candidate)):
                found.setdefault(f"3.{minor}", Path(candidate))
    return found


def _works(python: Path) -> bool:
    """Whether an interpreter can make environments: some are names that lead nowhere."""
    return subprocess.run([python, "-c", "import venv, ssl"], capture_output=True, check=False).returncode == 0
