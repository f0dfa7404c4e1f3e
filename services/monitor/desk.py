"""What the monitor knows of the desk: it asks the services and reads the database, and says unknown when they are silent."""

import asyncio
import secrets
from typing import Any

from atlas.bus import Bus, Requester, control, orders
from atlas.domain import AtlasError, iso, plain
from atlas.domain.alarm import Alarm
from atlas.service.settings import ServiceSettings, Settings
from atlas.service.trader_line import TraderLine
from atlas.store import Database, OrderRepository
from atlas.store.alarms import AlarmRepository
from atlas.trading.risk import OPERATOR

SERVICES = ("watcher", "trader", "strategy", "monitor")
_ASK_SECONDS = 2.0


class DeskView:
    """Answers of the other services, never older than the question."""

    def __init__(self, settings: Settings, bus: Bus, database: Database) -> None:
        # A service that never ran has no key yet. It is unreachable, and nobody waits for it.
        bus.peer_key_seconds = 0.0
        self._settings = settings
        self._bus = bus
        self._orders = OrderRepository(database)
        self._database = database
        self._controls: dict[str, Requester[control.Reply]] = {}
        self._alarms = AlarmRepository(database)
        self._trader: TraderLine | None = None

    async def status(self) -> dict[str, Any]:
        """Every service with its state, figures and problems; one that does not answer is `unreachable`."""
        answers = await asyncio.gather(*(self._status_of(name) for name in SERVICES), self._database_status())
        return dict(zip([*SERVICES, "database"], answers, strict=True))

    async def health(self) -> tuple[bool, dict[str, str]]:
        """Whether every service does its job, and the state of each."""
        status = await self.status()
        return all(one["ready"] for one in status.values()), {name: one["state"] for name, one in status.items()}

    async def orders(self, limit: int, robot: str = "", status: str = "", instrument: str = "") -> list[dict[str, Any]]:
        """The orders that changed last, newest first; of one robot, in one status or instrument if named.

        Raises:
            DatabaseAway: the database does not answer.
        """
        found = await self._orders.newest(limit, robot, status, instrument)
        return [{**plain(state), "at": iso(state.at_ns)} for state in found]

    async def alarms(self, limit: int) -> list[Alarm]:
        """The alarms that were raised last, newest first.

        Raises:
            DatabaseAway: the database does not answer.
        """
        return await self._alarms.newest(limit)

    async def positions(self) -> dict[str, Any]:
        """What the account holds by the trader's books.

        Raises:
            Unavailable: the trader does not answer.
        """
        found: dict[str, Any] = plain(await self.trader().ask(orders.PositionsRequest(), orders.Positions, _ASK_SECONDS))
        return found

    def trader(self) -> TraderLine:
        """The line to the trader."""
        if self._trader is None:
            self._trader = TraderLine(self._bus, self._settings)
        return self._trader

    def new_id(self) -> str:
        """An id for an order or a command from here, as no other process makes one."""
        return f"{OPERATOR}-{secrets.token_hex(8)}"

    def now_ns(self) -> int:
        """UTC nanoseconds."""
        return self._bus.clock.now_ns()

    def close(self) -> None:
        """Close the links."""
        for requester in (*self._controls.values(), self._trader):
            if requester is not None:
                requester.close()

    def _control_of(self, name: str) -> Requester[control.Reply]:
        if name not in self._controls:
            own: ServiceSettings = getattr(self._settings, name)
            self._controls[name] = Requester(self._bus, f"tcp://{own.host}:{own.control_port}", name, control.Reply)
        return self._controls[name]

    async def _status_of(self, name: str) -> dict[str, Any]:
        try:
            answer = await self._control_of(name).ask(control.StatusRequest(), _ASK_SECONDS)
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
