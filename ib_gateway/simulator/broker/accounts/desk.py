"""The account desk: values, portfolio, positions and summaries, and who is subscribed to them."""

from collections.abc import Iterable, MutableMapping
from functools import cache
from typing import Any

from atlas.domain import to_datetime
from ib_gateway.simulator.broker.accounts import values
from ib_gateway.simulator.broker.client import Client, Summary
from ib_gateway.simulator.broker.floor import Floor, Handlers
from ib_gateway.simulator.messages import replies
from ib_gateway.simulator.messages import requests as r

_MAX_SUMMARIES = 2
_LIGHT = values.LEDGER_KEYS | {"NetLiquidation"}
"""What a client gets that wants no more than the ledger and the net liquidation value."""


class AccountDesk:
    """What accounts have. Says it whole at first, and then what has changed: at trades, and every three minutes."""

    def __init__(self, floor: Floor) -> None:
        self._floor = floor

    def handlers(self) -> Handlers:
        """What this desk answers."""
        return {
            r.ManagedAccounts: lambda client, _: self.introduce(client),
            r.AccountUpdates: self._subscribe_updates,
            r.AccountUpdatesMulti: self._subscribe_multi,
            r.CancelAccountUpdatesMulti: lambda client, request: _forget(client, client.account_multi, "multi", request.req_id),
            r.AccountSummary: self._subscribe_summary,
            r.CancelAccountSummary: lambda client, request: _forget(client, client.summaries, "summary", request.req_id),
            r.Positions: self._subscribe_positions,
            r.CancelPositions: lambda client, _: setattr(client, "positions", False),
            r.PositionsMulti: self._subscribe_positions_multi,
            r.CancelPositionsMulti: lambda client, request: client.positions_multi.pop(request.req_id, None),
            r.FamilyCodes: self._families,
        }

    def introduce(self, client: Client) -> None:
        """Say which accounts the login has; after an advisor's list stands a comma, as IB writes it."""
        tail = "," if self._floor.advisor.account else ""
        self._floor.send(client.id, replies.ManagedAccounts(",".join(self._floor.accounts) + tail))

    def _families(self, client: Client, _request: r.FamilyCodes) -> None:
        advisor = self._floor.advisor.account
        code = f"{advisor}A" if advisor else ""
        self._floor.send(client.id, replies.FamilyCodes([(account, code) for account in self._floor.accounts]))

    # Account updates: values and portfolio of one account.

    def _subscribe_updates(self, client: Client, request: r.AccountUpdates) -> None:
        if not request.subscribe:
            client.account_updates = ""
            return
        accounts = self._accounts(client, -1, request.account)
        if not accounts:
            return
        account = accounts[0] if len(accounts) == 1 else ""
        if not account:
            self._refuse(client, -1, request.account)
            return
        client.account_updates = account
        self._send_values(client, account, self._rows(account), everything=True)
        for one in values.holdings(self._floor, account):
            self._send_portfolio(client, account, one, everything=True)
        self._floor.send(client.id, self._time())
        self._floor.send(client.id, replies.AccountDownloadEnd(account))

    def _rows(self, account: str) -> list[values.Row]:
        return list(values.rows(self._floor, account))

    def _send_values(self, client: Client, account: str, rows: list[values.Row], *, everything: bool) -> None:
        for row in rows:
            if self._news(client, ("value", account, row.key, row.currency), row.value) or everything:
                self._floor.send(client.id, replies.AccountValue(row.key, row.value, row.currency, account))

    def _send_portfolio(self, client: Client, account: str, one: values.Holding, *, everything: bool) -> None:
        contract = one.listing.contract()
        reply = replies.PortfolioValue(
            contract, one.quantity, one.price, round(one.value, 2), one.average_cost, round(one.unrealized, 2),
            round(one.realized, 2), account,
        )  # fmt: skip
        if self._news(client, ("portfolio", account, contract.con_id), reply) or everything:
            self._floor.send(client.id, reply)

    def _time(self) -> replies.AccountTime:
        return replies.AccountTime(to_datetime(self._floor.clock.now_ns()).strftime("%H:%M"))

    # The same under a request id.

    def _subscribe_multi(self, client: Client, request: r.AccountUpdatesMulti) -> None:
        accounts = self._accounts(client, request.req_id, request.account)
        if not accounts:
            return
        if not request.model_code:  # nothing is held in a model
            client.account_multi[request.req_id] = (accounts, request.ledger_and_nlv)
            for account in accounts:
                self._send_multi(client, request.req_id, account, self._rows(account), everything=True)
        self._floor.send(client.id, replies.AccountUpdateMultiEnd(request.req_id))

    def _send_multi(self, client: Client, req_id: int, account: str, rows: list[values.Row], *, everything: bool) -> None:
        _, light = client.account_multi[req_id]
        for row in rows:
            if light and row.key not in _LIGHT:
                continue
            if self._news(client, ("multi", req_id, account, row.key, row.currency), row.value) or everything:
                reply = replies.AccountUpdateMulti(req_id, account, "", row.key, row.value, row.currency)
                self._floor.send(client.id, reply)

    # Summaries.

    def _subscribe_summary(self, client: Client, request: r.AccountSummary) -> None:
        tags = tuple(tag.strip() for tag in request.tags.split(",") if tag.strip())
        accounts = self._floor.advisor.members(request.group)
        unknown = [tag for tag in tags if tag not in values.SUMMARY_TAGS and not _is_ledger(tag)]
        if request.req_id in client.summaries:
            self._too_much(client, request.req_id, "Duplicate ticker ID for account summary request.")
        elif len(client.summaries) >= _MAX_SUMMARIES:
            text = "Maximum number of account summary requests exceeded, please cancel previous summary requests and try again."
            self._too_much(client, request.req_id, text)
        elif accounts is None:
            self._invalid(client, request.req_id, f"There is no account group '{request.group}'.")
        elif unknown or not tags:
            self._invalid(client, request.req_id, f"Invalid account summary tag '{','.join(unknown)}'.")
        else:
            client.summaries[request.req_id] = Summary(accounts, tags)
            self._send_summary(client, request.req_id, everything=True)
            self._floor.send(client.id, replies.AccountSummaryEnd(request.req_id))

    def _send_summary(self, client: Client, req_id: int, *, everything: bool) -> None:
        accounts, tags = client.summaries[req_id]
        for account in accounts:
            for row in values.summary(self._floor, account, tags):
                if self._news(client, ("summary", req_id, account, row.key, row.currency), row.value) or everything:
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
        accounts = self._accounts(client, request.req_id, request.account)
        if not accounts:
            return
        if not request.model_code:
            client.positions_multi[request.req_id] = accounts
            for account in accounts:
                for one in values.holdings(self._floor, account):
                    self._send_position_multi(client, request.req_id, account, one)
        self._floor.send(client.id, replies.PositionMultiEnd(request.req_id))

    def _send_position_multi(self, client: Client, req_id: int, account: str, one: values.Holding) -> None:
        position = self._position(account, one)
        self._floor.send(
            client.id,
            replies.PositionMulti(req_id, account, position.contract, position.position, position.average_cost, ""),
        )

    # When something changed.

    def traded(self, changed: Iterable[tuple[str, str]]) -> None:
        """Tell the subscribers that positions of accounts have changed."""
        changed = sorted(changed)
        for account, instrument in changed:
            one = values.holding(self._floor, account, instrument)
            for client in self._floor.clients.values():
                if client.positions:
                    self._floor.send(client.id, self._position(account, one))
                for req_id, accounts in client.positions_multi.items():
                    if account in accounts:
                        self._send_position_multi(client, req_id, account, one)
                if client.account_updates == account:
                    self._send_portfolio(client, account, one, everything=True)
        self._refresh({account for account, _ in changed})

    def refresh(self) -> None:
        """Tell the subscribers what has changed with the market: positions first, as they are worth now."""
        for client in self._floor.clients.values():
            for one in values.holdings(self._floor, client.account_updates) if client.account_updates else ():
                self._send_portfolio(client, client.account_updates, one, everything=False)
        self._refresh(set(self._floor.accounts))

    def _refresh(self, concerned: set[str]) -> None:
        rows = cache(self._rows)  # the same for every subscriber
        for client in self._floor.clients.values():
            if client.account_updates in concerned:
                self._send_values(client, client.account_updates, rows(client.account_updates), everything=False)
                self._floor.send(client.id, self._time())
            for req_id, (accounts, _) in client.account_multi.items():
                for account in accounts:
                    if account in concerned:
                        self._send_multi(client, req_id, account, rows(account), everything=False)
            for req_id, summary in client.summaries.items():
                if concerned.intersection(summary.accounts):
                    self._send_summary(client, req_id, everything=False)

    def _news(self, client: Client, key: object, value: object) -> bool:
        if client.told.get(key) == value:
            return False
        client.told[key] = value
        return True

    def _accounts(self, client: Client, req_id: int, title: str) -> tuple[str, ...]:
        """The accounts a client means; none after an error was sent."""
        accounts = self._floor.advisor.meant(title)
        if accounts is None:
            self._refuse(client, req_id, title)
        return accounts or ()

    def _refuse(self, client: Client, req_id: int, title: str) -> None:
        self._invalid(client, req_id, f"Invalid account code '{title}'.")

    def _invalid(self, client: Client, req_id: int, cause: str) -> None:
        self._floor.error(client, req_id, 321, f"Error validating request.-'xx' : cause - {cause}")

    def _too_much(self, client: Client, req_id: int, cause: str) -> None:
        self._floor.error(client, req_id, 322, f"Error processing request.-'xx' : cause - {cause}")


def _is_ledger(tag: str) -> bool:
    """Whether a tag asks for rows of the ledger: $LEDGER, $LEDGER:ALL, or $LEDGER and a currency."""
    head, _, currency = tag.partition(":")
    return head == "$LEDGER" and (not currency or (currency.isalpha() and currency.isupper()))


def _forget(client: Client, subscriptions: MutableMapping[int, Any], kind: str, req_id: int) -> None:
    """End a subscription, and forget what was said on it: its number may come again."""
    if subscriptions.pop(req_id, None) is not None:
        client.told = {
            key: value for key, value in client.told.items() if not (isinstance(key, tuple) and key[:2] == (kind, req_id))
        }
