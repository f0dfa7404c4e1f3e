"""The advisor's desk: groups, profiles and aliases of a financial advisor's login, as XML; kept over restarts."""

from collections.abc import Mapping

from ib_gateway.simulator.broker.accounts import fa_xml
from ib_gateway.simulator.broker.accounts.advisor import Structure, Unallocatable, checked
from ib_gateway.simulator.broker.client import Client
from ib_gateway.simulator.broker.floor import Floor, Handlers
from ib_gateway.simulator.broker.records import Snapshot
from ib_gateway.simulator.messages import replies
from ib_gateway.simulator.messages import requests as r

_NO_ADVISOR = "FA data operations ignored for non FA customers."
_KINDS: Mapping[int, str] = {fa_xml.GROUPS: "groups", fa_xml.PROFILES: "profiles", fa_xml.ALIASES: "aliases"}


class AdvisorDesk:
    """What an advisor has set up, and changes of it."""

    def __init__(self, floor: Floor) -> None:
        self._floor = floor

    def handlers(self) -> Handlers:
        """What this desk answers."""
        return {r.FaData: self._show, r.ReplaceFaData: self._replace}

    def apply(self, record: object) -> None:
        """Make a record so."""
        if isinstance(record, Snapshot):
            self._floor.advisor.structure = record.structure
        elif isinstance(record, Structure):
            self._floor.advisor.structure = record

    def _show(self, client: Client, request: r.FaData) -> None:
        if self._may(client, -1, request.kind):
            text = fa_xml.write(self._floor.advisor.structure, request.kind, self._floor.accounts)
            self._floor.send(client.id, replies.FaData(request.kind, text))

    def _replace(self, client: Client, request: r.ReplaceFaData) -> None:
        if not self._may(client, request.req_id, request.kind):
            return
        floor, advisor = self._floor, self._floor.advisor
        try:
            read = fa_xml.read(advisor.structure, request.kind, request.xml)
            structure = checked(read, advisor.clients, floor.accounts)
        except ValueError as error:
            self._refuse(client, request.req_id, f"{error}.")
        except Unallocatable as error:
            floor.error(client, request.req_id, error.code, error.text)
        else:
            floor.record(structure)
            self.apply(structure)
            floor.send(client.id, replies.ReplaceFaEnd(request.req_id, "success"))

    def _may(self, client: Client, req_id: int, kind: int) -> bool:
        if not self._floor.advisor.account:
            self._refuse(client, req_id, _NO_ADVISOR)
        elif kind not in _KINDS:
            self._refuse(client, req_id, f"Invalid FA data type {kind}.")
        else:
            return True
        return False

    def _refuse(self, client: Client, req_id: int, cause: str) -> None:
        self._floor.error(client, req_id, 321, f"Error validating request.-'xx' : cause - {cause}")
