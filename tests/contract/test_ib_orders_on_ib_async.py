"""Our broker on the other client library: the same tests, in a process where that one is installed."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.contract.environments import ROOT, python_of

SUITE = (
    "tests/unit/ib/test_orders.py",
    "tests/unit/ib/test_questions.py",
    "tests/contract/test_ib_orders.py",
    "tests/contract/test_ib_orders_snapshot.py",
    "tests/contract/field/test_field_23_preflight.py",
)


@pytest.mark.timeout(600)
def test_orders_mean_the_same_on_ib_async():
    python = python_of("ib_async")
    code = "import ib_async, pathlib; print(pathlib.Path(ib_async.__file__).parents[1])"
    packages = subprocess.run([python, "-c", code], text=True, capture_output=True, check=True).stdout.strip()
    environment = {**os.environ, "ATLAS_TEST_IB_ASYNC": packages, "PYTHONPATH": str(ROOT / "tests")}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "support.under_ib_async", "-p", "no:cacheprovider", *SUITE]
    done = subprocess.run(command, text=True, capture_output=True, check=False, cwd=Path(ROOT), env=environment)
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    assert "client library: ib_async" in done.stdout
