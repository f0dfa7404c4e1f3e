"""The account desk: values, portfolio, positions, summaries, profit and loss, and who is subscribed to them."""

from collections.abc import Iterable

from atlas.domain import to_datetime
from ib_gateway.simulator.broker import values
from ib_gateway.simulator.broker.client import Client
from ib_gateway.simulator.broker.floor import Floor, Handlers
from ib_gateway.simulator.messages import replies
from ib_gateway.simulator.messages import requests as r

_MAX_SUMMARIES = 2
_LEDGER_KEYS = frozenset({
    "Currency", "CashBalance", "TotalCashBalance", "StockMarketValue", "FuturesPNL", "NetLiquidationByCurrency",
    "UnrealizedPnL", "RealizedPnL", "ExchangeRate",
})  # fmt: skip


class AccountDesk:
    """Everything about money that a client may ask or subscribe to."""

    def __init__(self, floor: Floor) -> None:
        self._floor = floor
        self._day_start: dict[str, float] = {}

    def handlers(self) -> Handlers:
        """What this desk answers."""
        return {
            r.ManagedAccounts: lambda client, _: self.introduce(client),
            r.AccountUpdates: self._subscribe_updates,
            r.AccountUpdatesMulti: self._subscribe_multi,
            r.CancelAccountUpdatesMulti: lambda client, request: client.account_multi.pop(request.req_id, None),
            r.AccountSummary: self._subscribe_summary,
            r.CancelAccountSummary: lambda client, request: client.summaries.pop(request.req_id, None),
            r.Positions: self._subscribe_positions,
            r.CancelPositions: lambda client, _: setattr(client, "positions", False),
            r.PositionsMulti: self._subscribe_positions_multi,
            r.CancelPositionsMulti: lambda client, request: client.positions_multi.pop(request.req_id, None),
            r.Pnl: self._subscribe_pnl,
            r.CancelPnl: lambda client, request: client.pnl.pop(request.req_id, None),
            r.PnlSingle: self._subscribe_pnl_single,
            r.CancelPnlSingle: lambda client, request: client.pnl_single.pop(request.req_id, None),
            r.FamilyCodes: lambda client, _: self._floor.send(
                client.id, replies.FamilyCodes([(account, "") for account in self._floor.accounts])
            ),
        }

    def introduce(self, client: Client) -> None:
        """Say which accounts the login has."""
        self._floor.send(client.id, replies.ManagedAccounts(",".join(self._floor.accounts)))

    # Account updates: values and portfolio of one account.

    def _subscribe_updates(self, client: Client, request: r.AccountUpdates) -> None:
        account = self._account(client, -1, request.account) if request.subscribe else ""
        client.account_updates = account
        if account:
            self._send_values(client, account, everything=True)
            for one in values.holdings(self._floor, account):
                self._send_portfolio(client, account, one)
            self._floor.send(client.id, self._time())
            self._floor.send(client.id, replies.AccountDownloadEnd(account))

    def _send_values(self, client: Client, account: str, *, everything: bool) -> None:
        for row in values.rows(self._floor, account):
            if self._news(client, ("value", account, row.key, row.currency), row.value) or everything:
                self._floor.send(client.id, replies.AccountValue(row.key, row.value, row.currency, account))

    def _send_portfolio(self, client: Client, account: str, one: values.Holding) -> None:
        contract = one.listing.contract()
        self._floor.send(
            client.id,
            replies.PortfolioValue(
                contract, one.quantity, one.price, round(one.value, 2), one.average_cost, round(one.unrealized, 2),
                round(one.realized, 2), account,
            ),
        )  # fmt: skip

    def _time(self) -> replies.AccountTime:
        return replies.AccountTime(to_datetime(self._floor.clock.now_ns()).strftime("%H:%M"))

    # The same under a request id.

    def _subscribe_multi(self, client: Client, request: r.AccountUpdatesMulti) -> None:
        account = self._account(client, request.req_id, request.account)
        if account:
            client.account_multi[request.req_id] = account
            self._send_multi(client, request.req_id, account, everything=True)
            self._floor.send(client.id, replies.AccountUpdateMultiEnd(request.req_id))

    def _send_multi(self, client: Client, req_id: int, account: str, *, everything: bool) -> None:
        for row in values.rows(self._floor, account):
            if self._news(client, ("multi", req_id, row.key, row.currency), row.value) or everything:
                self._floor.send(client.id, replies.AccountUpdateMulti(req_id, account, "", row.key, row.value, row.currency))

    # Summaries.

    def _subscribe_summary(self, client: Client, request: r.AccountSummary) -> None:
        if request.req_id not in client.summaries and len(client.summaries) >= _MAX_SUMMARIES:
            text = (
                "Error processing request.-'xx' : cause - Maximum number of account summary requests exceeded, "
                "please cancel previous summary requests and try again."
            )
            self._floor.error(client, request.req_id, 322, text)
            return
        client.summaries[request.req_id] = tuple(tag.strip() for tag in request.tags.split(",") if tag.strip())
        self._send_summary(client, request.req_id, everything=True)
        self._floor.send(client.id, replies.AccountSummaryEnd(request.req_id))

    def _send_summary(self, client: Client, req_id: int, *, everything: bool) -> None:
        tags = client.summaries[req_id]
        for account in self._floor.accounts:
            for row in values.rows(self._floor, account):
                if _in_summary(row, tags) and (
                    self._news(client, ("summary", req_id, account, row.key, row.currency), row.value) or everything
                ):
                    self._floor.send(client.id, replies.AccountSummary(req_id, account, row.key, row.value, row.currency))

    # Positions.

    def _subscribe_positions(self, client: Client, _request: r.Positions) -> None:
        client.positions = True
        for account in self._floor.accounts:
            for one in values.holdings(self._floor, account):
                self._floor.send(client.id, self._position(account, one))
        self._floor.send(client.id, replies.PositionEnd())

    def _position(self, account: str, one: values.Holding) -> replies.Position:
        contract = one.listing.contract(one.listing.instrument.primary_exchange)
        return replies.Position(account, contract, one.quantity, one.average_cost)

    def _subscribe_positions_multi(self, client: Client, request: r.PositionsMulti) -> None:
        account = self._account(client, request.req_id, request.account)
        if account:
            client.positions_multi[request.req_id] = account
            for one in values.holdings(self._floor, account):
                self._send_position_multi(client, request.req_id, account, one)
            self._floor.send(client.id, replies.PositionMultiEnd(request.req_id))

    def _send_position_multi(self, client: Client, req_id: int, account: str, one: values.Holding) -> None:
        position = self._position(account, one)
        self._floor.send(
            client.id,
            replies.PositionMulti(req_id, account, position.contract, position.position, position.average_cost, ""),
        )

    # Profit and loss.

    def _subscribe_pnl(self, client: Client, request: r.Pnl) -> None:
        account = self._account(client, request.req_id, request.account)
        if account:
            client.pnl[request.req_id] = account
            self._send_pnl(client)

    def _subscribe_pnl_single(self, client: Client, request: r.PnlSingle) -> None:
        account = self._account(client, request.req_id, request.account)
        listing = self._floor.catalogue.by_con_id(request.con_id)
        if account and listing is None:
            self._floor.error(client, request.req_id, 200, "No security definition has been found for the request")
        elif account and listing:
            client.pnl_single[request.req_id] = (account, request.con_id)
            self._send_pnl(client)

    def _send_pnl(self, client: Client) -> None:
        floor = self._floor
        for req_id, account in client.pnl.items():
            held = [(one, floor.exchange.rates.rate(one.listing.instrument.currency) or 0.0) for one in self._all(account)]
            equity = floor.exchange.margin(account).equity
            daily = equity - self._day_start.setdefault(account, equity)
            unrealized = sum(one.unrealized * rate for one, rate in held)
            realized = sum(one.realized * rate for one, rate in held)
            reply = replies.Pnl(req_id, round(daily, 4), round(unrealized, 4), round(realized, 4))
            if self._news(client, ("pnl", req_id), reply):
                floor.send(client.id, reply)
        for req_id, (account, con_id) in client.pnl_single.items():
            listing = floor.catalogue.by_con_id(con_id)
            if listing is None:
                continue
            one = values.holding(floor, account, listing.instrument.id)
            daily = one.unrealized + one.realized
            single = replies.PnlSingle(req_id, one.quantity, round(daily, 4), round(one.unrealized, 4), round(one.realized, 4),
                                       round(one.value, 4))  # fmt: skip
            if self._news(client, ("pnl", req_id), single):
                floor.send(client.id, single)

    def _all(self, account: str) -> Iterable[values.Holding]:
        """Holdings, and flat instruments that were traded today."""
        traded = {name for mine, name in self._floor.book.realized if mine == account}
        return (
            values.holding(self._floor, account, name) for name in traded | set(self._floor.exchange.ledger.positions(account))
        )

    # When something changed.

    def start_day(self) -> None:
        """From now on profit and loss of the day counts."""
        self._day_start = {account: self._floor.exchange.margin(account).equity for account in self._floor.accounts}

    def traded(self, changed: Iterable[tuple[str, str]]) -> None:
        """Tell the subscribers that positions of accounts have changed."""
        changed = sorted(changed)
        for account, instrument in changed:
            one = values.holding(self._floor, account, instrument)
            for client in self._floor.clients.values():
                if client.positions:
                    self._floor.send(client.id, self._position(account, one))
                for req_id, mine in client.positions_multi.items():
                    if mine == account:
                        self._send_position_multi(client, req_id, account, one)
                if client.account_updates == account:
                    self._send_portfolio(client, account, one)
        self.refresh({account for account, _ in changed})

    def refresh(self, accounts: set[str] | None = None) -> None:
        """Tell the subscribers of (some) accounts which values have changed."""
        for client in self._floor.clients.values():
            mine = client.account_updates
            if mine and (accounts is None or mine in accounts):
                self._send_values(client, mine, everything=False)
                self._floor.send(client.id, self._time())
            for req_id, account in client.account_multi.items():
                if accounts is None or account in accounts:
                    self._send_multi(client, req_id, account, everything=False)
            for req_id in client.summaries:
                self._send_summary(client, req_id, everything=False)

    def pulse(self) -> None:
        """Profit and loss, about once a second."""
        for client in self._floor.clients.values():
            if client.pnl or client.pnl_single:
                self._send_pnl(client)

    def _news(self, client: Client, key: object, value: object) -> bool:
        if client.told.get(key) == value:
            return False
        client.told[key] = value
        return True

    def _account(self, client: Client, req_id: int, name: str) -> str:
        """The account a client means: by name, or the only one. Empty after an error was sent."""
        if name in self._floor.accounts:
            return name
        if not name and len(self._floor.accounts) == 1:
            return self._floor.accounts[0]
        text = f"Error validating request.-'xx' : cause - Invalid account code '{name}'."
        self._floor.error(client, req_id, 321, text)
        return ""


def _in_summary(row: values.Row, tags: tuple[str, ...]) -> bool:
    if row.key in _LEDGER_KEYS and row.currency != "":
        return "$LEDGER:ALL" in tags or f"$LEDGER:{row.currency}" in tags or ("$LEDGER" in tags and row.currency == "BASE")
    return row.key in tags
