"""The one import of the IB client library: ib_insync, or ib_async where that is what is installed.

Both share one vocabulary. What differs between them is settled here and in `connection.py` and nowhere else.
"""

import logging
from importlib import import_module
from typing import Any

library: Any
try:
    library = import_module("ib_insync")
except ModuleNotFoundError:  # the other environment of the contract tests
    library = import_module("ib_async")

# The library logs every error that the gateway sends and every attempt to connect; we hear them too, and say what they mean.
logging.getLogger(library.__name__).setLevel(logging.CRITICAL)

IB: Any = library.IB
Contract: Any = library.Contract
Order: Any = library.Order
RequestError: Any = library.wrapper.RequestError
NAME: str = library.__name__
UNSET_DOUBLE: float = library.util.UNSET_DOUBLE
