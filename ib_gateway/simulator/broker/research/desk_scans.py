"""Scanner subscriptions: told at once, and again every half minute."""

from collections.abc import Callable

from atlas.domain import NS_PER_SECOND
from ib_gateway.simulator.broker.client import Client
from ib_gateway.simulator.broker.floor import Floor, Handlers
from ib_gateway.simulator.broker.market_data.days import Day
from ib_gateway.simulator.broker.research import scanning
from ib_gateway.simulator.broker.research.scanning import Candidate
from ib_gateway.simulator.broker.research.subscriptions import Scan
from ib_gateway.simulator.fixtures import companies, scanners
from ib_gateway.simulator.instruments import Listing
from ib_gateway.simulator.messages import replies
from ib_gateway.simulator.messages import requests as r

_AGAIN_NS = 30 * NS_PER_SECOND
_MOST_SCANS = 10
_HMDS = "Historical Market Data Service "


class ScanDesk:
    """Scans of what does not expire, and of the nearest futures. `day_of` is an instrument's day so far."""

    def __init__(self, floor: Floor, day_of: Callable[[str], Day]) -> None:
        self._floor = floor
        self._day_of = day_of
        self._scanners = scanners()

    def handlers(self) -> Handlers:
        """What this desk answers."""
        return {
            r.ScannerParameters: self._parameters,
            r.ScannerSubscription: self._subscribe,
            r.CancelScannerSubscription: self._cancel,
        }

    def _parameters(self, client: Client, _request: r.ScannerParameters) -> None:
        self._floor.send(client.id, replies.ScannerParameters(scanning.parameters(self._scanners)))

    def _subscribe(self, client: Client, request: r.ScannerSubscription) -> None:
        error, scans = self._floor.error, client.research.scans
        objection = scanning.objection(self._scanners, request)
        if request.req_id in scans:
            error(client, request.req_id, 322, "Error processing request.-'xx' : cause - Duplicate ticker id")
        elif len(scans) >= _MOST_SCANS:
            error(
                client, request.req_id, 162, f"{_HMDS}error message:Only {_MOST_SCANS} simultaneous API scanner subscriptions"
            )
        elif objection:
            error(client, request.req_id, 162, f"{_HMDS}error message:{objection}")
        else:
            scans[request.req_id] = Scan(request, self._floor.clock.now_ns() + _AGAIN_NS)
            self._tell(client, request)

    def _cancel(self, client: Client, request: r.CancelScannerSubscription) -> None:
        if client.research.scans.pop(request.req_id, None) is None:
            self._floor.error(client, request.req_id, 300, f"Can't find EId with tickerId:{request.req_id}")
        else:
            text = f"{_HMDS}error message:API scanner subscription cancelled: {request.req_id}"
            self._floor.error(client, request.req_id, 162, text)

    def pulse(self, now_ns: int) -> None:
        """Tell again what is due."""
        for client in self._floor.clients.values():
            for scan in client.research.scans.values():
                if now_ns >= scan.due_ns:
                    scan.due_ns = now_ns + _AGAIN_NS
                    self._tell(client, scan.request)

    def _tell(self, client: Client, request: r.ScannerSubscription) -> None:
        floor, now = self._floor, self._floor.clock.now_ns()
        place = self._scanners.places[request.location]
        found = scanning.in_place(place, floor.catalogue.front(floor.today()))
        ranked = scanning.rank(self._scanners, request, [self._candidate(listing, now) for listing in found])
        if not ranked:
            floor.error(client, request.req_id, 165, f"{_HMDS}query message:no items retrieved")
        rows = [replies.ScannerRow(n, listing.contract(), listing.market_name) for n, listing in enumerate(ranked)]
        floor.send(client.id, replies.ScannerData(request.req_id, rows))

    def _candidate(self, listing: Listing, now_ns: int) -> Candidate:
        day = self._day_of(listing.instrument.id)
        company = companies().get(listing.instrument.symbol)
        return Candidate(listing, day, company.shares * day.last if company else 0.0, now_ns)
