"""Paper accounts that are closed at the end of their test."""

from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from support.paper import KNOWN, NOON, Desk

from atlas.domain import Instrument, ManualClock, Unavailable
from atlas.paper import PaperTerms

OpenDesk = Callable[..., Desk]


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(NOON)


@pytest.fixture
async def make_desk(tmp_path: Path, clock: ManualClock) -> AsyncIterator[OpenDesk]:
    """Opens the one account of the test, by default at a market that never closes; again after a kill, if asked."""
    desks: list[Desk] = []

    def make(*instruments: Instrument, rest_after: int = 20_000, folder: str = "paper", **terms: Any) -> Desk:
        desk = Desk(tmp_path / folder, clock, PaperTerms(**{"hours": "always"} | terms), rest_after)
        desks.append(desk)
        return desk.open(*(instruments or KNOWN.values()))

    yield make
    for desk in desks:
        with suppress(Unavailable):
            desk.broker.close()


@pytest.fixture
def desk(make_desk: OpenDesk) -> Desk:
    return make_desk()
