"""The paper broker: an account that trades at the simulated exchange, behind the port of a real one.

Nothing is told that is not on disk: killed at any moment, the account goes on with the same cash, positions and standing
orders, and gives out no id twice. Nobody who holds the port can tell it from Interactive Brokers.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

import structlog

from atlas.domain import NS_PER_SECOND, Clock, Instrument, MarketEvent, Order, Unavailable
from atlas.exchange import Executed, Settled
from atlas.paper import reports, values
from atlas.paper.account import Account, wanted_by
from atlas.paper.records import Batch
from atlas.paper.terms import PaperTerms
from atlas.paper.vault import REST_AFTER, Vault
from atlas.trading.broker import AccountValues, BrokerReport, BrokerSnapshot, Known, Unknown, WhatIf

log = structlog.get_logger("atlas.paper")

_DAY_NS = 86_400 * NS_PER_SECOND
_TOLD_DAYS = 2
"""So many days before today are told in snapshots: what was filled right before midnight, and a kill, is not lost."""


class PaperBroker:
    """One paper account. Made closed; `open` reads what there was, `close` lets go.

    The market is told to it with `on_market`, and with `on_time` about every second that time passes. Reports are told from the
    event loop, after the call that caused them has returned, as they would come from a socket.

    Args:
        folder: where the account is kept; one folder for each.
        on_report: gets every report, in order.
        find: gives the definition of an instrument by its id; raises as `BrokerPort.instrument` does.
        want: told the id of each instrument whose market the account needs from now on.
        rest_after: records after which everything is written down at once, so that a start has no more than those to read.
    """

    def __init__(
        self,
        folder: Path,
        terms: PaperTerms,
        clock: Clock,
        on_report: Callable[[BrokerReport], None],
        *,
        find: Callable[[str], Awaitable[Instrument]],
        want: Callable[[str], None] = lambda _instrument: None,
        rest_after: int = REST_AFTER,
    ) -> None:
        self._folder = folder
        self._rest_after = rest_after
        self._terms = terms
        self._clock = clock
        self._on_report = on_report
        self._find = find
        self._want = want
        self._account = Account(terms)
        self._vault: Vault | None = None
        self._untold: list[BrokerReport] = []  # until it is on disk
        self._telling: deque[BrokerReport] = deque()
        self._is_scheduled = False
        self._day = 0
        self._early: dict[str, Instrument] = {}  # learned before it was opened

    # Its life

    def open(self) -> None:
        """Read what there was, or open the account. Then it trades.

        Raises:
            CorruptJournal: what there was is damaged.
            BadInput: it is another account's.
            Unavailable: the folder cannot be used; Refused, if another process trades this account.
        """
        vault = Vault(self._folder, self._rest_after)
        try:
            self._account.restore(*vault.read())
        except BaseException:
            vault.close()
            raise
        self._vault = vault
        if not self._account.is_open:
            self._account.open(self._clock.now_ns())
        self.learn(self._early)
        self._commit()
        for name in sorted(self._account.wanted()):
            self._want(name)

    def close(self) -> None:
        """Write everything down at once, and let go. What stands goes on at the next `open`."""
        vault, self._vault = self._vault, None
        if vault is None:
            return
        if not vault.is_clean:
            vault.rest(self._account.snapshot())
        vault.close()

    # The market and time

    def on_market(self, event: MarketEvent) -> None:
        """What the market says, in order."""
        if self._vault is not None:
            self._account.on_market(event)
            self._commit()

    def on_time(self) -> None:
        """Do what is due by now: sessions and orders end, requests arrive."""
        if self._vault is None:
            return
        now_ns = self._clock.now_ns()
        self._account.on_time(now_ns)
        self._commit()
        if now_ns // _DAY_NS != self._day:
            self._day = now_ns // _DAY_NS
            self._account.forget_before((self._day - _TOLD_DAYS) * _DAY_NS)
        if self._vault.is_long:
            self._vault.rest(self._account.snapshot())

    def on_gap(self) -> None:
        """The market was not heard for a while: nothing fills until there is a new quote."""
        if self._vault is not None:
            self._account.forget_prices()

    # The port: its state

    @property
    def is_up(self) -> bool:
        """Whether orders can be placed: the account is open, and the disk takes what happens."""
        return self._vault is not None and not self._vault.problem

    @property
    def accounts(self) -> list[str]:
        """The one account."""
        return [self._terms.account]

    @property
    def last_heard_ns(self) -> int:
        """Now, while it is open: there is no line that could be dead."""
        return self._clock.now_ns() if self.is_up else 0

    def next_order_id(self) -> int:
        """An order id that is higher than all that were ever used."""
        return self._account.book.highest_number + 1

    # The port: orders

    async def place(self, order: Order, broker_order_id: int, *, parent_id: int = 0, transmit: bool = True) -> None:
        """Place `order`, or change the one that stands under that id.

        Raises:
            Unavailable: nothing was done.
        """
        self._need_disk(order.id)
        for name in sorted(wanted_by(order)):
            self._want(name)
        self._account.place(order, broker_order_id, parent_id, self._clock.now_ns(), transmit=transmit)
        self._commit()

    async def cancel(self, broker_order_id: int) -> None:
        """Ask for the cancellation of an order.

        Raises:
            Unavailable: nothing was done.
        """
        self._need_disk(f"the cancellation of {broker_order_id}")
        self._account.cancel(broker_order_id, self._clock.now_ns())
        self._commit()

    async def cancel_all(self) -> None:
        """Ask for the cancellation of every order.

        Raises:
            Unavailable: nothing was done.
        """
        self._need_disk("the cancellation of all orders")
        self._account.cancel_all(self._clock.now_ns())
        self._commit()

    # The port: questions

    async def round_trip(self) -> int:
        """The time, if the account is open and the disk takes what happens.

        Raises:
            Unavailable: it is not, or it does not.
        """
        self._need_disk("a round trip")
        return self._clock.now_ns()

    async def snapshot(self) -> Known[BrokerSnapshot] | Unknown:
        """All that there is of orders and positions. What was not told yet is told before."""
        self.on_time()
        self._tell()
        if not self.is_up or self._untold:
            return Unknown(self._reason)
        account, book, client_id = self._account, self._account.book, self._terms.client_id
        since_ns = (self._clock.now_ns() // _DAY_NS - _TOLD_DAYS) * _DAY_NS
        fills: list[Executed | Settled] = [fill for fill in book.fills if fill.execution.at_ns >= since_ns]
        held = account.exchange.ledger.positions(self._terms.account)
        return Known(
            BrokerSnapshot(
                open_orders=tuple(reports.of_order(one, client_id) for one in book.standing()),
                completed_orders=tuple(reports.of_order(one, client_id) for one in book.completed()),
                executions=tuple(fill.execution for fill in fills),
                commissions=tuple(fill.commission for fill in fills),
                positions={self._terms.account: {name: one.quantity for name, one in held.items()}} if held else {},
            )
        )

    async def account_values(self, account: str) -> Known[AccountValues] | Unknown:
        """What the account is worth by the last quotes; they are on disk before it is told."""
        if not self.is_up:
            return Unknown(self._reason)
        if account != self._terms.account:
            return Unknown(f"there is no account {account!r} here but {self._terms.account}")
        self._account.note_marks()
        self._commit(durably=True)
        if not self.is_up:
            return Unknown(self._reason)
        return Known(values.account_values(self._account.exchange, account))

    async def what_if(self, order: Order) -> Known[WhatIf] | Unknown:
        """What `order` would do; Unknown with the words of its rejection if it would be rejected."""
        if not self.is_up:
            return Unknown(self._reason)
        return values.what_if(self._account.exchange, order, self._terms.account, self._clock.now_ns())

    async def instrument(self, instrument_id: str) -> Instrument:
        """The instrument's definition, which the account knows from then on; while nobody can say, the one that it knows.

        Raises:
            UnknownInstrument, BadInput, Unavailable: as `find`.
        """
        try:
            found = await self._find(instrument_id)
        except Unavailable:
            known = self._account.book.instruments.get(instrument_id)
            if known is None:
                raise
            return known
        self.learn({instrument_id: found})
        return found

    def learn(self, instruments: Mapping[str, Instrument]) -> None:
        """Know these instruments, too; before `open`, from then on."""
        if self._vault is None:
            self._early.update(instruments)
            return
        self._account.learn(instruments)
        for name, reason in self._account.unreadable_hours(instruments):
            log.warning("hours cannot be read; the instrument always trades", instrument=name, reason=reason)
        self._commit()

    # How it is done

    @property
    def _reason(self) -> str:
        if self._vault is None:
            return f"paper account {self._terms.account} is closed"
        return self._vault.problem or "what happened is not on disk yet"

    def _need_disk(self, what: str) -> None:
        if self._vault is not None and self._vault.problem:
            self._commit(durably=True)
        if not self.is_up:
            raise Unavailable(f"{what} was not sent: {self._reason}")

    def _commit(self, *, durably: bool = False) -> None:
        """Write down what happened, and have it told once that is done."""
        records, told = self._account.take()
        vault = self._vault
        if vault is None:
            return
        self._untold += told
        if records:
            vault.append(Batch(records))
        elif not (self._untold or durably or vault.problem):
            return
        if not vault.write(durably=durably or bool(self._untold)):
            log.error("paper account cannot be written", account=self._terms.account, reason=vault.problem)
            return
        if self._untold:
            self._telling.extend(self._untold)
            self._untold = []
            if not self._is_scheduled:
                self._is_scheduled = True
                asyncio.get_running_loop().call_soon(self._tell)

    def _tell(self) -> None:
        self._is_scheduled = False
        while self._telling:
            self._on_report(self._telling.popleft())
