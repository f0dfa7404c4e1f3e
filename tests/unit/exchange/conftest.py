"""A small exchange."""

from collections.abc import Callable
from typing import Any

import pytest

from atlas.exchange import Exchange, Terms
from tests.unit.exchange.listings import ACCOUNT, INSTRUMENTS


@pytest.fixture
def make_exchange() -> Callable[..., Exchange]:
    def make(cash: float = 1_000_000.0, **terms: Any) -> Exchange:
        return Exchange(INSTRUMENTS, {ACCOUNT: {"USD": cash}}, Terms(**terms))

    return make


@pytest.fixture
def exchange(make_exchange: Callable[..., Exchange]) -> Exchange:
    return make_exchange()
