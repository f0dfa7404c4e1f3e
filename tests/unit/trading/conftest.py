"""The desk of the trader's tests."""

import pytest
from support.trading import DeskDriver, reconciled_desk

from atlas.domain import ManualClock


@pytest.fixture
def driver() -> DeskDriver:
    clock = ManualClock(1_000)
    return DeskDriver(clock, reconciled_desk(clock))
