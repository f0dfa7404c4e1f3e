"""Who connects to the gateway under which API client id: one table, so that no two ever use the same.

The gateway refuses an id that is in use (326), also for a while after its owner died; and orders belong to the id that placed
them. So each service keeps its own for good, comes back under it, and never picks another one to get in. Id 0 is the gateway's
own screen and is never used.
"""

from collections.abc import Mapping

from atlas.domain import ConfigurationError

SERVICES: Mapping[str, int] = {"trader": 1, "watcher": 11}
"""By default; each has the setting <service>.client_id."""

LOOK, OBSERVER, PROBE = 899, 900, 990
RESERVED: Mapping[int, str] = {
    LOOK: "looking, read-only, for orders of an id that is stuck",
    OBSERVER: "the observer of a session",
    PROBE: "`atlas ping gateway`",
}


def check_client_ids(ids: Mapping[str, int]) -> None:
    """See that every service has an id of its own.

    Args:
        ids: by service.

    Raises:
        ConfigurationError: two have the same, or one has an id that is reserved.
    """
    owners: dict[int, str] = {}
    for service, number in ids.items():
        if number in RESERVED:
            raise ConfigurationError(f"{service}.client_id {number} is reserved for {RESERVED[number]}; choose another one")
        if number in owners:
            raise ConfigurationError(
                f"{owners[number]}.client_id and {service}.client_id are both {number}; the gateway lets one in only"
            )
        owners[number] = service
