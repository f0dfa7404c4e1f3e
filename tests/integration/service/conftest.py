"""Settings of a desk on free ports, with a database."""

import gc

import pytest
from support.servers import desk_settings


@pytest.fixture
def settings(database_server, tmp_path):
    """Settings of a desk that keeps everything in the test's folder."""
    return desk_settings(tmp_path, database_server) | {"database.name": tmp_path.name}


@pytest.fixture(autouse=True)
def nothing_is_left_open():
    """What a service has not closed would be found by the garbage collector, and told as an error of this test."""
    yield
    gc.collect()
