"""No two ever connect to the gateway under the same client id."""

import pytest

from atlas.domain import ConfigurationError
from atlas.service.client_ids import RESERVED, SERVICES, check_client_ids
from atlas.service.config import load


def test_the_ids_of_the_table_are_all_different_and_none_is_the_gateways_own():
    ids = [*SERVICES.values(), *RESERVED]
    assert len(set(ids)) == len(ids)
    assert 0 not in ids
    check_client_ids(SERVICES)


def test_two_services_with_the_same_id_are_named():
    with pytest.raises(ConfigurationError, match=r"watcher\.client_id and trader\.client_id are both 7"):
        check_client_ids({"watcher": 7, "trader": 7})


@pytest.mark.parametrize("number", RESERVED)
def test_a_reserved_id_is_refused_with_what_it_is_for(number):
    with pytest.raises(ConfigurationError, match=rf"trader\.client_id {number} is reserved for"):
        check_client_ids({"trader": number})


@pytest.mark.parametrize("override", ["trader.client_id=11", "watcher.client_id=1", "trader.client_id=900"])
def test_the_configuration_refuses_them_too(override):
    with pytest.raises(ConfigurationError, match="client_id"):
        load([override], environment={})


def test_ids_may_change_places():
    settings = load(["trader.client_id=11", "watcher.client_id=1"], environment={}).settings
    assert (settings.trader.client_id, settings.watcher.client_id) == (11, 1)
