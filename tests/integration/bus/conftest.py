"""Buses of two services, with CURVE and without."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from support.bus_peers import FaultBox, Keys

from atlas.bus import Bus, Requester, RequestServer, market

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


@pytest.fixture
def serve(make_bus):
    """Start a server of service `watcher` with the handler given; a name for the bus may be given, too."""

    def start(handler, endpoint="tcp://127.0.0.1:0", **options):
        bus = make_bus("watcher", **options)
        server = RequestServer(bus, endpoint, "market requests", market.Request, handler)
        server.bus = bus
        return server

    return start


@pytest.fixture
def requester_of(make_bus):
    def connect(server, kind=Requester):
        bus = make_bus("strategy")
        requester = kind(bus, server.endpoint, "watcher", market.Reply)
        requester.bus = bus
        return requester

    return connect
