"""What the monitor knows of the desk: it asks the services and reads the database, and says unknown when they are silent."""

import asyncio
from typing import Any

from atlas.bus import Bus, Requester, control, orders
from atlas.domain import AtlasError, Unavailable, iso, plain
from atlas.service.settings import ServiceSettings, Settings
from atlas.store import Database, OrderRepository

SERVICES = ("watcher", "trader", "strategy", "monitor")
_ASK_SECONDS = 2.0


class DeskView:
    """Answers of the other services, never older than the question."""

    def __init__(self, settings: Settings, bus: Bus, database: Database) -> None:
        self._orders = OrderRepository(database)
        self._database = database
        self._controls: dict[str, Requester[control.Reply]] = {}
        for name in SERVICES:
            own: ServiceSettings = getattr(settings, name)
            self._controls[name] = Requester(bus, f"tcp://{own.host}:{own.control_port}", name, control.Reply)
        trader = settings.trader
        self._trader: Requester[orders.Reply] = Requester(
            bus, f"tcp://{trader.host}:{trader.order_port}", "trader", orders.Reply
        )

    async def status(self) -> dict[str, Any]:
        """Every service with its state, figures and problems; one that does not answer is `unreachable`."""
        names = list(self._controls)
        answers = await asyncio.gather(*(self._status_of(name) for name in names), self._database_status())
        return dict(zip([*names, "database"], answers, strict=True))

    async def health(self) -> tuple[bool, dict[str, str]]:
        """Whether every service does its job, and the state of each."""
        status = await self.status()
        return all(one["ready"] for one in status.values()), {name: one["state"] for name, one in status.items()}

    async def orders(self, limit: int, robot: str = "") -> list[dict[str, Any]]:
        """The orders that changed last, newest first.

        Raises:
            DatabaseAway: the database does not answer.
        """
        return [{**plain(state), "at": iso(state.at_ns)} for state in await self._orders.newest(limit, robot)]

    async def positions(self) -> dict[str, Any]:
        """What the account holds by the trader's books.

        Raises:
            Unavailable: the trader does not answer.
        """
        answer = await self._trader.ask(orders.PositionsRequest(), _ASK_SECONDS)
        if not isinstance(answer, orders.Positions):
            raise Unavailable(f"the trader answered with {type(answer).__name__} instead of its positions")
        found: dict[str, Any] = plain(answer)
        return found

    def close(self) -> None:
        """Close the links."""
        for requester in self._controls.values():
            requester.close()
        self._trader.close()

    async def _status_of(self, name: str) -> dict[str, Any]:
        try:
            answer = await self._controls[name].ask(control.StatusRequest(), _ASK_SECONDS)
        except AtlasError as error:
            return {"state": "unreachable", "ready": False, "figures": {}, "problems": [str(error)]}
        status: dict[str, Any] = plain(answer)
        status["started"] = iso(status.pop("started_ns"))
        return status

    async def _database_status(self) -> dict[str, Any]:
        try:
            await self._database.ping()
            counts = await self._orders.count_by_status()
        except AtlasError as error:
            return {"state": "unreachable", "ready": False, "figures": {}, "problems": [str(error)]}
        figures = {f"orders_{status}": count for status, count in sorted(counts.items())}
        return {"state": "running", "ready": True, "figures": figures, "problems": []}
