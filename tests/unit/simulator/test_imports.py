"""Every module of the simulated gateway can be the first that a program imports: nothing depends on who came before."""

import subprocess
import sys

PROGRAM = """
import importlib, pkgutil, sys
import ib_gateway.simulator

names = [found.name for found in pkgutil.walk_packages(ib_gateway.simulator.__path__, "ib_gateway.simulator.")]
print(len(names))
for name in names:
    for loaded in [one for one in sys.modules if one.startswith("ib_gateway.simulator.")]:
        del sys.modules[loaded]
    try:
        importlib.import_module(name)
    except ImportError as error:
        print(name, error)
"""


def test_every_module_can_be_imported_first():
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, timeout=100, check=False)
    number, *failed = done.stdout.splitlines()
    assert int(number) > 100, done.stderr
    assert failed == []
    assert done.returncode == 0, done.stderr
