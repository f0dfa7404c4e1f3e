"""The gate: the one that the desk asks whether an order may go out. Pure; time is handed in.

It asks, in this order: whether the order can be right at all; what the trading state lets through; and, for orders that open,
whether something blocks the instrument and what each rule says of every scope that the order falls into. Exits pass no limit.
What the gate cannot read (a quote, the account, positions) refuses what opens, and never an exit.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from atlas.domain import Commission, Denial, Execution, Instrument, Order, Quote
from atlas.trading.broker import AccountValues, Known, Unknown
from atlas.trading.risk.case import Case, shown
from atlas.trading.risk.closing import LimitReached, actions
from atlas.trading.risk.days import SessionDays
from atlas.trading.risk.exits import OPERATOR, closes_alone, exit_room, is_exit
from atlas.trading.risk.flow import Flow
from atlas.trading.risk.limits import LimitTree
from atlas.trading.risk.prices import Prices
from atlas.trading.risk.readings import extremes
from atlas.trading.risk.rules import CHECKS, RULES
from atlas.trading.risk.rules.daily import reached
from atlas.trading.risk.session import Session, SessionMemory
from atlas.trading.risk.view import Joined, OrdersView, Scoped, Wish, uncovered
from atlas.trading.trading_state import ACTIVE_FROM_START, TradingState, TradingStateChange, refused

__all__ = ["OPERATOR", "Gate"]


class Gate:
    """The limits, the trading state and all that rules look at, for one account.

    Args:
        limits: what holds at first.
        account: the account that is traded; an order for any other is refused.
        instruments: what may be traded, by id. It is looked at whenever an order is, and may grow.
        days: when session days begin; at 17:00 in New York when None.

    Attributes:
        limits: what holds now.
        blocked: why nothing is opened in an instrument, "" being all of them. The desk fills it.
    """

    def __init__(
        self, limits: LimitTree, account: str, instruments: Mapping[str, Instrument], days: SessionDays | None = None
    ) -> None:
        self.limits = limits
        self.blocked: dict[str, str] = {}
        self._account_id = account
        self._instruments = instruments
        self._account: Known[AccountValues] | Unknown = Unknown("the broker has not told the account's values yet")
        self._change = ACTIVE_FROM_START
        self._prices = Prices(instruments)
        self._flow = Flow()
        self._days = days or SessionDays()
        self._session = Session(instruments, self._prices)
        self._next_day_ns = 0

    # What the gate is told

    def on_quote(self, quote: Quote) -> None:
        """The market says `quote`."""
        self._roll(quote.receive_ns)
        if self._prices.on_quote(quote):
            self._session.on_quote(quote)

    def on_account(self, values: Known[AccountValues] | Unknown) -> None:
        """What the account is worth, or why that is not known any more."""
        self._account = values

    def on_execution(self, execution: Execution, robot: str = "") -> None:
        """An order of `robot` ("" for nobody's) was filled, or a fill corrected. At a start: all that ever were, in order.

        What robots hold is known from nowhere else. One that comes twice counts once.
        """
        self._session.on_execution(execution, robot)

    def on_commission(self, commission: Commission) -> None:
        """What an execution, told before, cost."""
        self._session.on_commission(commission)

    def note_submitted(self, order: Order, now_ns: int) -> None:
        """`order` was let through and is written down: it counts for what comes after it."""
        self._flow.note(self._booked(order), now_ns)

    def set_state(self, change: TradingStateChange) -> None:
        """The trading state is another from now on."""
        self._change = change

    def set_limit(self, scope: str, name: str, value: Any) -> None:
        """Set a limit of a scope, or end it with None.

        Raises:
            BadInput: there is no such scope or limit, or `value` is not of its type; nothing was changed.
        """
        self.limits = self.limits.with_limit(scope, name, value)
        self._session.reached.discard((scope, name))  # it is another limit now, and `watch` judges it anew

    # What it answers

    @property
    def trading_state(self) -> TradingStateChange:
        """What was set last, by whom and why; `at(now_ns)` says what holds of it."""
        return self._change

    @property
    def day_began_ns(self) -> int:
        """When the session day began, in UTC nanoseconds; 0 before anything was judged."""
        return self._session.began_ns

    def mids(self) -> dict[str, float]:
        """The middle of the last quote of each instrument that has one."""
        return self._prices.mids()

    def is_exit(self, order: Order, view: OrdersView, *, replacing: str = "") -> bool:
        """Whether `order`, with what counts on its side, only reduces the position (`atlas.trading.risk.exits`).

        Args:
            order: what is wanted.
            view: the account's orders and positions.
            replacing: id of the working order that `order` takes the place of, when it is a change.
        """
        wish = Wish.of(order, view, replacing)
        return is_exit(order, wish.view, wish.units)

    def closes_alone(self, order: Order, view: OrdersView) -> bool:
        """Whether `order` only reduces the position even if everything that works on its side is filled, too."""
        return closes_alone(order, view, order.quantity)

    def check(
        self, order: Order, instrument: Instrument | None, view: OrdersView, now_ns: int, *, replacing: str = ""
    ) -> Denial | None:
        """Why `order` must not be sent, or None.

        A change is judged as the order that it makes, beside all others.

        Args:
            order: what is wanted.
            instrument: what it trades; None if nobody knows it.
            view: the account's orders and positions.
            now_ns: UTC nanoseconds.
            replacing: id of the working order that `order` takes the place of, when it is a change.
        """
        self._roll(now_ns)
        order = self._booked(order)
        if denial := self._wrong(order, instrument) or self._wrong_account(order):
            return denial
        assert instrument is not None  # noqa: S101 # else it was denied
        wish = Wish.of(order, view, replacing)
        exits = is_exit(order, wish.view, wish.units)
        if denial := self._held_back(order, now_ns, lets_out=exits or wish.only_reduces, is_exit=exits):
            halted = self._change.at(now_ns) is TradingState.HALTED  # then not even the part that closes would pass
            return denial if halted else _with_room(denial, wish)
        if exits:
            return None
        if replacing and (denial := _uncovers(wish, view)):
            return denial
        if wish.only_reduces:
            return None
        denial = self._blocked(order) or self._beyond_a_limit(wish, instrument, now_ns)
        return denial and _with_room(denial, wish)

    def check_group(self, orders: Sequence[Order], view: OrdersView, now_ns: int) -> Denial | None:
        """Why the orders of a group, each beside those before it, must not be sent; None if all of them may."""
        for number, order in enumerate(orders):
            before = [self._booked(one) for one in orders[:number]]
            if denial := self.check(order, self._instruments.get(order.instrument), Joined(view, before), now_ns):
                return denial
        return None

    def watch(self, view: OrdersView, now_ns: int) -> list[LimitReached]:
        """The limits of the session day that were reached since it was last asked, and what is to be done about each."""
        self._roll(now_ns)
        result = []
        for scope in self.limits:
            limits = self.limits[scope]
            if limits.max_daily_loss is None and limits.daily_profit_lock is None:
                continue
            seen, _ = extremes(scope, self._account, self._session, view)
            for name, found, limit in reached(limits, seen):
                if (scope, name) not in self._session.reached:
                    self._session.reached.add((scope, name))
                    scoped = Scoped(view, scope, self._session.robots)
                    cancel, close = actions(limits.at_daily_limit, scoped, self._prices)
                    result.append(LimitReached(scope, name, found, limit, self._next_day_ns, cancel, close))
        return result

    def is_reached(self, limit: LimitReached) -> bool:
        """Whether `limit`, which `watch` told, has neither been set anew since nor ended with its day."""
        return (limit.scope, limit.name) in self._session.reached

    def memory(self) -> SessionMemory:
        """What of the session day has to survive a restart."""
        return self._session.memory()

    def recall(self, memory: SessionMemory, now_ns: int) -> None:
        """Take over what an earlier run remembered, if it was in the session day that lasts at `now_ns`."""
        self._roll(now_ns)
        self._session.recall(memory)

    # How it is done

    def _roll(self, now_ns: int) -> None:
        if now_ns >= self._next_day_ns:
            self._session.roll(self._days.begun_by(now_ns))
            self._next_day_ns = self._days.next_after(now_ns)

    def _booked(self, order: Order) -> Order:
        return order if order.account else msgspec.structs.replace(order, account=self._account_id)

    def _wrong(self, order: Order, instrument: Instrument | None) -> Denial | None:
        if instrument is None:
            return Denial("instrument", f"{order.instrument} is not an instrument of this desk")
        return next((denial for rule in CHECKS if (denial := rule.check(order, instrument))), None)

    def _wrong_account(self, order: Order) -> Denial | None:
        for account in (order.account, *(share.account for share in order.shares)):
            if account != self._account_id:
                return Denial("account", f"this trader trades {self._account_id}, not {account}")
        return None

    def _held_back(self, order: Order, now_ns: int, *, lets_out: bool, is_exit: bool) -> Denial | None:
        if is_exit and order.robot == OPERATOR:
            return None
        return refused(self._change, now_ns, is_exit=lets_out)

    def _blocked(self, order: Order) -> Denial | None:
        for name in ("", order.instrument):
            if reason := self.blocked.get(name):
                what = f"opening in {name}" if name else "opening"
                return Denial("blocked", f"{what} is blocked: {reason}", temporary=True)
        return None

    def _beyond_a_limit(self, wish: Wish, instrument: Instrument, now_ns: int) -> Denial | None:
        case = Case(
            order=wish.order,
            instrument=instrument,
            units=wish.units,
            view=wish.view,
            now_ns=now_ns,
            account=self._account,
            instruments=self._instruments,
            prices=self._prices,
            flow=self._flow,
            session=self._session,
        )
        for scope in self.limits.scopes_of(wish.order):
            limits = self.limits[scope]
            for rule in RULES:
                if denial := rule.check(case, scope, limits):
                    return denial
        return None


def _uncovers(wish: Wish, view: OrdersView) -> Denial | None:
    """Why a change would leave orders that are attached to the order closing more than it opens."""
    if beyond := uncovered(wish, view):
        text = (
            f"what is attached to order {wish.order.id} would close {shown(beyond)} more than it opens; make that smaller first"
        )
        return Denial("children", text, beyond, 0.0)
    return None


def _with_room(denial: Denial, wish: Wish) -> Denial:
    """The denial in one line, which says how much of the order would only have closed."""
    text, room = " ".join(denial.text.split()), exit_room(wish.order, wish.view)
    if 0 < room < wish.units:
        text += f"; {shown(room)} would pass as an exit"
    return msgspec.structs.replace(denial, text=text)
