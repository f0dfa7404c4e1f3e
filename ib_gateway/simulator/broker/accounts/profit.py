"""Profit of the day: what positions have gained since the close of the previous session, and what was traded since.

A day is the login's day, as for executions. It begins with every position valued at the last close of its instrument's regular
session; from there on profit counts, net of commissions. Both are written down, so that a restart goes on from the same close.

Source: TWS API, "Profit and Loss": daily P&L is the change against the prior day's close.
"""

from ib_gateway.simulator.broker.floor import Floor, local_date
from ib_gateway.simulator.broker.held import Fill
from ib_gateway.simulator.broker.records import DayBegan, SessionClosed
from ib_gateway.simulator.broker.restatement import opening_of


class Profit:
    """The close of each session, and the beginning of the day."""

    def __init__(self, floor: Floor) -> None:
        self._floor = floor
        self._until: dict[str, int] = {}
        self.closes: dict[str, float] = {}
        self.day = DayBegan("", {}, [])
        self._begun: dict[tuple[str, str], float] = {}
        self._counted: list[Fill] = []
        self._count = 0
        self._date = ""
        self._paid: dict[tuple[str, str], dict[str, float]] = {}

    def apply(self, record: object) -> None:
        """Make a record so."""
        match record:
            case SessionClosed(instrument, price):
                self.closes[instrument] = price
            case DayBegan(_, _, gained):
                self.day = record
                held = {name for _, name in self._held()}
                self.closes = {name: price for name, price in self.closes.items() if name in held}
                self._begun = {(account, instrument): amount for account, instrument, amount in gained}

    def begin_day(self) -> None:
        """Begin today, unless it has begun already before a restart."""
        floor, today = self._floor, self._floor.today()
        if self.day.date == today:
            return
        gained = [
            (account, name, self._gained(account, name, self.closes.get(name) or floor.exchange.mark(name)))
            for account, name in sorted(self._known())
        ]
        equity = {account: floor.exchange.margin(account).equity for account in floor.accounts}
        self._record(DayBegan(today, equity, gained, opening_of(floor.exchange.ledger.state())))

    def watch(self, now_ns: int) -> None:
        """Note the price of everything held whose session has just ended. Called about once a second."""
        for name in {name for _, name in self._held()}:
            until = self._until.get(name)
            if until is not None and until <= now_ns:
                price = self._floor.exchange.mark(name)
                if price is not None:
                    self._record(SessionClosed(name, price, until))
            if until is None or until <= now_ns:
                self._until[name] = self._floor.listing(name).liquid.session_at(now_ns).close_ns

    def today(self, account: str, instrument: str) -> float:
        """What `account` has gained today with one instrument, in that instrument's currency."""
        gained = self._gained(account, instrument, self._floor.exchange.mark(instrument))
        return gained - self._begun.get((account, instrument), 0.0) - self._commissions(account, instrument)

    def traded_or_held(self, account: str) -> set[str]:
        """Instruments that count for an account today."""
        traded = {name for mine, name in self._floor.book.realized if mine == account}
        return traded | set(self._floor.exchange.ledger.positions(account))

    def _held(self) -> set[tuple[str, str]]:
        ledger = self._floor.exchange.ledger
        return {(account, name) for account in self._floor.accounts for name in ledger.positions(account)}

    def _known(self) -> set[tuple[str, str]]:
        ledger = self._floor.exchange.ledger
        return {(account, name) for account in self._floor.accounts for name in ledger.traded(account)}

    def _gained(self, account: str, instrument: str, price: float | None) -> float:
        """All that was ever gained with an instrument if it is worth `price` now, before commissions."""
        ledger = self._floor.exchange.ledger
        position = ledger.position(account, instrument)
        open_gain = 0.0
        if position.quantity and price is not None:
            multiplier = self._floor.listing(instrument).instrument.multiplier
            open_gain = position.quantity * (price - position.average_price) * multiplier
        return ledger.realised(account, instrument) + open_gain

    def _commissions(self, account: str, instrument: str) -> float:
        """Commissions of today's executions, in the instrument's currency."""
        self._add_up()
        rates, currency = self._floor.exchange.rates, self._floor.listing(instrument).instrument.currency
        return sum(
            amount * rates.cross(paid_in, currency) for paid_in, amount in self._paid.get((account, instrument), {}).items()
        )

    def _add_up(self) -> None:
        """Count the executions that are new; a correction or a new day makes a new list of them."""
        fills = self._floor.book.fills
        if fills is not self._counted or self._date != self.day.date:
            self._counted, self._date, self._count, self._paid = fills, self.day.date, 0, {}
        for fill in fills[self._count :]:
            execution, commission = fill.executed.execution, fill.executed.commission
            if local_date(execution.at_ns) == self._date:
                paid = self._paid.setdefault((execution.account, execution.instrument), {})
                paid[commission.currency] = paid.get(commission.currency, 0.0) + commission.amount
        self._count = len(fills)

    def _record(self, record: SessionClosed | DayBegan) -> None:
        self._floor.record(record)
        self.apply(record)
