"""The simulated gateway as a package of its own, built from this checkout and installed where nothing else of ours is."""

import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from tests.contract.environments import ROOT, python_of

Run = Callable[..., subprocess.CompletedProcess[str]]


def run_in(folder: Path, command: Sequence[object], **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a program that knows nothing of this checkout; its output is that of the result."""
    plain = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "PYTEST", "ATLAS"))}
    return subprocess.run(
        [str(part) for part in command], cwd=folder, text=True, capture_output=True, check=False, timeout=90,
        env=plain | environment,
    )  # fmt: skip


@pytest.fixture(scope="session")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The interpreter of an environment with the package and what it depends on."""
    python = python_of("simulator")
    dist = tmp_path_factory.mktemp("dist")
    pip = [sys.executable, "-m", "pip", "--python", python, "--disable-pip-version-check", "--quiet"]
    built = run_in(dist, [*pip, "wheel", "--no-index", "--no-deps", "--no-build-isolation", "-w", dist, ROOT / "ib_gateway"])
    assert built.returncode == 0, built.stderr[-3000:]
    (wheel,) = dist.glob("*.whl")
    done = run_in(dist, [*pip, "install", "--no-index", "--no-deps", "--force-reinstall", wheel])
    assert done.returncode == 0, done.stderr[-3000:]
    return python
