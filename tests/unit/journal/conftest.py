"""Events of a few bytes, and a way to write many of them."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from atlas.journal import Journal


class Tick(msgspec.Struct, frozen=True, array_like=True, tag="tick"):
    number: int
    text: str = ""


class Tock(msgspec.Struct, frozen=True, array_like=True, tag="tock"):
    number: int
    price: float


@pytest.fixture(scope="session")
def tick() -> type[Tick]:
    return Tick


@pytest.fixture(scope="session")
def tock() -> type[Tock]:
    return Tock


@pytest.fixture(scope="session")
def events() -> Any:
    return Tick | Tock


@pytest.fixture
def open_journal(tmp_path: Path, events: Any) -> Callable[..., Journal[Any]]:
    """Open the one journal of the test; small segments on demand."""

    def open_it(**options: Any) -> Journal[Any]:
        return Journal.open(tmp_path / "journal", events, **options)

    return open_it


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "journal"
