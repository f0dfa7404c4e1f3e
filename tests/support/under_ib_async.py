"""A pytest plugin: the tests run on ib_async instead of ib_insync.

ATLAS_TEST_IB_ASYNC is the folder of its packages. The two share a vocabulary, and a package that both bring in versions of
their own; whoever imports the one gets the other.
"""

import importlib
import os
import sys
from typing import Any

sys.path.insert(0, os.environ["ATLAS_TEST_IB_ASYNC"])
sys.modules["ib_insync"] = importlib.import_module("ib_async")


def pytest_terminal_summary(terminalreporter: Any) -> None:
    from atlas.ib.library import NAME

    terminalreporter.write_line(f"client library: {NAME}")
