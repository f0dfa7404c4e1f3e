"""The profit desk: streams of profit and loss, of an account and of single positions, about one message a second."""

from collections.abc import Iterator

from ib_gateway.simulator.broker.accounts import values
from ib_gateway.simulator.broker.accounts.profit import Profit
from ib_gateway.simulator.broker.client import Client
from ib_gateway.simulator.broker.floor import NO_DEFINITION, Floor, Handlers
from ib_gateway.simulator.broker.records import DayBegan, Snapshot
from ib_gateway.simulator.messages import replies
from ib_gateway.simulator.messages import requests as r


class ProfitDesk:
    """Who listens to profit and loss. It says nothing new as long as nothing has changed."""

    def __init__(self, floor: Floor) -> None:
        self._floor = floor
        self.profit = Profit(floor)

    def handlers(self) -> Handlers:
        """What this desk answers."""
        return {
            r.Pnl: self._subscribe,
            r.CancelPnl: lambda client, request: self._end(client, client.pnl.pop(request.req_id, None), request.req_id),
            r.PnlSingle: self._subscribe_single,
            r.CancelPnlSingle: lambda client, request: self._end(
                client, client.pnl_single.pop(request.req_id, None), request.req_id
            ),
        }

    def apply(self, record: object) -> None:
        """Make a record so."""
        if isinstance(record, Snapshot):
            if record.day is not None:
                self.profit.apply(record.day)
            self.profit.closes = dict(record.closes)
        else:
            self.profit.apply(record)
        if isinstance(record, (Snapshot, DayBegan)):
            self._open()

    def begin_day(self) -> None:
        """From now on profit and loss of the day counts."""
        self.profit.begin_day()
        self._open()

    def _open(self) -> None:
        self._floor.previous_equity, self._floor.opening = self.profit.day.equity, self.profit.day.opening

    def pulse(self, now_ns: int) -> None:
        """Look at sessions that end, and tell what has changed. Called about once a second."""
        self.profit.watch(now_ns)
        for client in self._floor.clients.values():
            for req_id in client.pnl:
                self._say(client, req_id)
            for req_id in client.pnl_single:
                self._say_single(client, req_id)

    def _subscribe(self, client: Client, request: r.Pnl) -> None:
        account = self._account(client, request.req_id, request.account)
        if account:
            client.pnl[request.req_id] = account
            self._say(client, request.req_id)

    def _subscribe_single(self, client: Client, request: r.PnlSingle) -> None:
        account = self._account(client, request.req_id, request.account)
        if account and self._floor.catalogue.by_con_id(request.con_id) is None:
            self._floor.error(client, request.req_id, 200, NO_DEFINITION)
        elif account:
            client.pnl_single[request.req_id] = (account, request.con_id)
            self._say_single(client, request.req_id)

    def _end(self, client: Client, found: object, req_id: int) -> None:
        if found is None:
            self._floor.error(client, req_id, 300, f"Can't find EId with tickerId:{req_id}")
        client.told.pop(("pnl", req_id), None)

    def _say(self, client: Client, req_id: int) -> None:
        floor, daily, unrealized, realized = self._floor, 0.0, 0.0, 0.0
        for account, name in self._counted(client.pnl[req_id]):
            one = values.holding(floor, account, name)
            rate = floor.exchange.rates.rate(one.listing.instrument.currency) or 0.0
            daily += self.profit.today(account, name) * rate
            unrealized += one.unrealized * rate
            realized += one.realized * rate
        self._tell(client, req_id, replies.Pnl(req_id, round(daily, 4), round(unrealized, 4), round(realized, 4)))

    def _counted(self, title: str) -> Iterator[tuple[str, str]]:
        for account in self._floor.advisor.meant(title) or ():
            for name in sorted(self.profit.traded_or_held(account)):
                yield account, name

    def _say_single(self, client: Client, req_id: int) -> None:
        """What one position has gained; nothing but its size where there is no price, or where there never was a position."""
        floor, (title, con_id) = self._floor, client.pnl_single[req_id]
        listing = floor.catalogue.by_con_id(con_id)
        if listing is None:
            return
        name = listing.instrument.id
        counted = [account for account, mine in self._counted(title) if mine == name]
        held = [values.holding(floor, account, name) for account in counted]
        quantity = sum(one.quantity for one in held)
        if not held or (quantity and floor.exchange.mark(name) is None):
            self._tell(client, req_id, replies.PnlSingle(req_id, quantity, None, None, None, None))
            return
        daily = sum(self.profit.today(account, name) for account in counted)
        amounts = (daily, *(sum(column) for column in zip(*((o.unrealized, o.realized, o.value) for o in held), strict=True)))
        self._tell(client, req_id, replies.PnlSingle(req_id, quantity, *(round(amount, 4) for amount in amounts)))

    def _tell(self, client: Client, req_id: int, reply: replies.Pnl | replies.PnlSingle) -> None:
        if client.told.get(("pnl", req_id)) != reply:
            client.told["pnl", req_id] = reply
            self._floor.send(client.id, reply)

    def _account(self, client: Client, req_id: int, title: str) -> str:
        """What a client calls one account or several; empty after an error was sent."""
        accounts = self._floor.advisor.meant(title)
        if accounts is None:
            text = f"Error validating request.-'xx' : cause - Invalid account code '{title}'."
            self._floor.error(client, req_id, 321, text)
            return ""
        return title or accounts[0]
