"""Buses of two services, with CURVE and without."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from support.bus_peers import FaultBox, Keys

from atlas.bus import Bus

MakeBus = Callable[..., Bus]


@pytest.fixture(params=[True, False], ids=["CURVE", "open"])
def keys(request, tmp_path: Path) -> Keys:
    return Keys(tmp_path, curve=request.param)


@pytest.fixture
def make_bus(keys: Keys) -> Iterator[MakeBus]:
    """Make the bus of a service. `bus.box` counts its faults. All are closed at the end, newest first."""
    made: list[Bus] = []

    def make(name: str, **options: object) -> Bus:
        box = FaultBox()
        bus = Bus(name, keys(name), box, **options)
        bus.box = box
        made.append(bus)
        return bus

    yield make
    for bus in reversed(made):
        bus.close()
