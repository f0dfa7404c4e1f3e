"""Fixtures that every rung of the ladder uses."""

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def market_data() -> Path:
    """The folder of real recordings, named by ATLAS_TEST_DATA, by default beside the checkout."""
    default = Path(__file__).resolve().parents[2] / "shared" / "data"
    folder = Path(os.environ.get("ATLAS_TEST_DATA") or default)
    if not folder.is_dir():
        reason = f"the real market data is not at {folder}; name its folder in ATLAS_TEST_DATA"
        if os.environ.get("ATLAS_REQUIRE_DATA") == "1":
            pytest.fail(reason)
        pytest.skip(reason)
    return folder
