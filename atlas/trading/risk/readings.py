"""What rules read off a case: the value of an order, the exposure of a scope, in the account's base currency. Pure.

Each is a number, or a sentence that names the input that is missing.
"""

from atlas.domain import Order, Quote, Side, exact
from atlas.trading.broker import AccountValues, Known, Unknown
from atlas.trading.risk.case import Case
from atlas.trading.risk.session import Extremes, Session
from atlas.trading.risk.view import OrdersView

Reading = float | str
"""A number, or what is missing to say it."""


def net_liquidation(account: Known[AccountValues] | Unknown) -> Reading:
    """What the account is worth."""
    return _not_known(account) if isinstance(account, Unknown) else account.value.net_liquidation


def order_value(case: Case) -> Reading:
    """What the order is worth if it is filled: at its limit, else at its stop or the market, whatever is worse for it."""
    quote = case.prices.quote(case.order.instrument)
    price = _worst_price(case.order, quote)
    if price is None:
        return f"there is no quote of {case.order.instrument}"
    rate = _rate(case, case.instrument.currency)
    return rate if isinstance(rate, str) else case.units * price * case.instrument.multiplier * rate


def gross_exposure(case: Case, scope: str) -> Reading:
    """What the positions of `scope` could come to be worth, long and short added up, with all that works and the order itself.

    Of each instrument the worse side counts: all that works there filled, and nothing on the other.
    """
    view = case.seen_from(scope)
    names = {*view.held(), *(state.order.instrument for state in view.working()), case.order.instrument}
    total = 0.0
    for name in sorted(names):
        instrument = case.instruments.get(name)
        if instrument is None:
            return f"{name}, which is held, is not an instrument of this desk"
        held, can = exact(view.position(name)), case.fillable(scope, name)
        values = []
        for units, short in ((held + can[Side.BUY], False), (can[Side.SELL] - held, True)):
            value = case.prices.unit_value(instrument, short=short)
            if value is None:
                return f"there is no quote of {name}"
            values.append(max(float(units), 0.0) * value)
        rate = _rate(case, instrument.currency)
        if isinstance(rate, str):
            return rate
        total += max(values) * rate
    return total


def extremes(scope: str, account: Known[AccountValues] | Unknown, session: Session, view: OrdersView) -> tuple[Extremes, str]:
    """The lowest and highest profit of `scope` since the session day began, and what is missing to say what it is now."""
    if isinstance(account, Unknown):
        return session.extremes(scope), _not_known(account)
    profit = session.profit(scope, view, account.value.currency)
    if isinstance(profit, str):
        return session.extremes(scope), profit
    return session.extremes(scope, profit), ""


def _not_known(account: Unknown) -> str:
    return f"the account's values are not known ({account.reason})"


def _rate(case: Case, currency: str) -> Reading:
    if isinstance(case.account, Unknown):
        return _not_known(case.account)
    base = case.account.value.currency
    rate = case.prices.rate(currency, base)
    return f"there is no rate of {currency} in {base}" if rate is None else rate


def _worst_price(order: Order, quote: Quote | None) -> float | None:
    """How far from zero the price may be that a buy pays, or that what is sold may come to be held for.

    Of the prices that may count it is the furthest. A buy pays no more than its limit, but below zero that is no bound.
    """
    limit, buys = order.limit_price, order.side is Side.BUY
    if quote is None:
        return limit if buys and limit is not None and limit > 0 else None
    touch = quote.ask if buys else quote.bid
    if buys and limit is not None:
        return max(abs(limit), abs(min(touch, limit)))
    return max(abs(price) for price in (touch, limit, order.stop_price) if price is not None)
