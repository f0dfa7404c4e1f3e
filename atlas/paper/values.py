"""What a paper account is worth, and what an order would do to it: in the broker's terms."""

from msgspec.structs import replace

from atlas.domain import Instrument, InstrumentKind, Order
from atlas.exchange import Exchange
from atlas.trading.broker import AccountValues, Known, Unknown, WhatIf

_LEVERAGE = 4
"""Times available funds that a margin account can buy within a day (IBKR, "Buying Power"; FINRA rule 4210 (f)(8)(B))."""

_GROSS = frozenset({InstrumentKind.STOCK, InstrumentKind.OPTION})  # what the broker counts as position value


def account_values(exchange: Exchange, account: str) -> AccountValues:
    """The account by the last quotes, in its base currency."""
    margin = exchange.margin(account)
    return AccountValues(
        account=account,
        currency=exchange.terms.base_currency,
        net_liquidation=margin.equity,
        excess_liquidity=margin.equity - margin.maintenance,
        gross_position_value=_gross(exchange, account),
        buying_power=max(margin.equity - margin.initial, 0.0) * _LEVERAGE,
        initial_margin=margin.initial,
        maintenance_margin=margin.maintenance,
        cash=exchange.ledger.cash(account),
    )


def _gross(exchange: Exchange, account: str) -> float:
    total = 0.0
    for name, position in exchange.ledger.positions(account).items():
        instrument: Instrument = exchange.instruments[name]
        if instrument.kind in _GROSS:
            price = exchange.mark(name) or position.average_price
            rate = exchange.rates.rate(instrument.currency) or 0.0
            total += abs(position.quantity) * price * instrument.multiplier * rate
    return total


def what_if(exchange: Exchange, order: Order, account: str, now_ns: int) -> Known[WhatIf] | Unknown:
    """What `order` would do to the account; Unknown with the words of its rejection."""
    order = replace(order, account=order.account or account, parent_id="")
    found = exchange.objection(order, now_ns)
    if found is not None:
        return Unknown(found[1])
    effect = exchange.what_if(order)
    return Known(
        WhatIf(
            initial_margin_change=effect.after.initial - effect.before.initial,
            maintenance_margin_change=effect.after.maintenance - effect.before.maintenance,
            commission=effect.commission,
            commission_currency=effect.currency,
        )
    )
