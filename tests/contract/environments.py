"""Environments of their own for IB clients that cannot share one with ib_insync.

Each is built from its lock file by venv and pip, kept in .venvs, and rebuilt when the lock file or the interpreter changes.
"""

import hashlib
import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def python_of(name: str) -> Path:
    """The interpreter of the environment `name`, built if need be from locks/`name`.lock.

    Raises:
        subprocess.CalledProcessError: the packages cannot be installed; its output says why.
    """
    lock = Path(__file__).with_name("locks") / f"{name}.lock"
    folder = ROOT / ".venvs" / name
    stamp = folder / "built-from"
    wanted = hashlib.sha256(lock.read_bytes() + sys.version.encode()).hexdigest()
    python = folder / "bin" / "python"
    if not stamp.exists() or stamp.read_text() != wanted:
        venv.create(folder, clear=True, with_pip=True, symlinks=True)
        install = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--require-hashes", "-r", lock]
        done = subprocess.run(install, text=True, capture_output=True, check=False)
        if done.returncode:
            raise AssertionError(f"the environment {folder} cannot be built from {lock.name}:\n{done.stderr[-4000:]}")
        stamp.write_text(wanted)
    return python
