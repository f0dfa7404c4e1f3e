"""Account values: what IB reports of an account, as rows of key, value and currency.

Amounts in the base currency come from equity and margin; the ledger has one block of rows per currency and one for all, BASE.
"""

from collections.abc import Iterator
from decimal import Decimal
from typing import NamedTuple

from atlas.domain import InstrumentKind
from ib_gateway.simulator.broker.floor import Floor
from ib_gateway.simulator.instruments import Listing


class Row(NamedTuple):
    """One value of an account."""

    key: str
    value: str
    currency: str


class Holding(NamedTuple):
    """A position and what it is worth, in the instrument's currency."""

    listing: Listing
    quantity: float
    price: float
    value: float
    average_cost: float
    unrealized: float
    realized: float


def holding(floor: Floor, account: str, instrument: str) -> Holding:
    """What `account` holds of one instrument; all zero but the price if it holds nothing."""
    ledger, listing = floor.exchange.ledger, floor.listing(instrument)
    position = ledger.position(account, instrument)
    cost = ledger.average_cost(account, instrument)
    price = floor.exchange.mark(instrument) or position.average_price
    value = position.quantity * price * listing.instrument.multiplier
    unrealized = value - position.quantity * cost if position.quantity else 0.0
    realized = floor.book.realized.get((account, instrument), 0.0)
    return Holding(listing, position.quantity, price, value, cost, unrealized, realized)


def holdings(floor: Floor, account: str) -> list[Holding]:
    """Everything that `account` holds."""
    return [holding(floor, account, name) for name in floor.exchange.ledger.positions(account)]


def rows(floor: Floor, account: str) -> Iterator[Row]:
    """All values of `account`."""
    base = floor.exchange.rates.base
    yield Row("AccountCode", account, "")
    yield Row("AccountReady", "true", "")
    yield Row("AccountType", "INDIVIDUAL", "")
    yield from totals(floor, account)
    held = holdings(floor, account)
    cash = floor.exchange.ledger.cash(account)
    currencies = sorted({base, *cash, *(one.listing.instrument.currency for one in held)})
    for currency in currencies:
        mine = [one for one in held if one.listing.instrument.currency == currency]
        yield from _ledger(currency, cash.get(currency, Decimal(0)), mine, floor.exchange.rates.rate(currency) or 0.0)
    yield from _base_ledger(floor, cash, held)


def totals(floor: Floor, account: str) -> Iterator[Row]:
    """The values that concern the whole account, in its base currency."""
    base = floor.exchange.rates.base
    margin = floor.exchange.margin(account)
    cash = sum(
        float(amount) * (floor.exchange.rates.rate(currency) or 0.0)
        for currency, amount in floor.exchange.ledger.cash(account).items()
    )
    gross = sum(
        abs(one.value) * (floor.exchange.rates.rate(one.listing.instrument.currency) or 0.0)
        for one in holdings(floor, account)
        if one.listing.instrument.kind is InstrumentKind.STOCK
    )
    free, excess = margin.equity - margin.initial, margin.equity - margin.maintenance
    amounts = {
        "NetLiquidation": margin.equity,
        "TotalCashValue": cash,
        "SettledCash": cash,
        "AccruedCash": 0.0,
        "EquityWithLoanValue": margin.equity,
        "GrossPositionValue": gross,
        "InitMarginReq": margin.initial,
        "MaintMarginReq": margin.maintenance,
        "FullInitMarginReq": margin.initial,
        "FullMaintMarginReq": margin.maintenance,
        "AvailableFunds": free,
        "ExcessLiquidity": excess,
        "FullAvailableFunds": free,
        "FullExcessLiquidity": excess,
        "BuyingPower": max(free, 0.0) * 4,
    }
    for key, amount in amounts.items():
        yield Row(key, f"{amount:.2f}", base)
    yield Row("Cushion", f"{excess / margin.equity:.6f}" if margin.equity else "0", "")


def _ledger(currency: str, cash: Decimal, held: list[Holding], rate: float) -> Iterator[Row]:
    stocks = sum(one.value for one in held if one.listing.instrument.kind is InstrumentKind.STOCK)
    futures = sum(one.unrealized for one in held if one.listing.instrument.kind is InstrumentKind.FUTURE)
    yield Row("Currency", currency, currency)
    yield Row("CashBalance", money(cash), currency)
    yield Row("TotalCashBalance", money(cash), currency)
    yield Row("StockMarketValue", f"{stocks:.2f}", currency)
    yield Row("FuturesPNL", f"{futures:.2f}", currency)
    yield Row("NetLiquidationByCurrency", f"{float(cash) + stocks + futures:.2f}", currency)
    yield Row("UnrealizedPnL", f"{sum(one.unrealized for one in held):.2f}", currency)
    yield Row("RealizedPnL", f"{sum(one.realized for one in held):.2f}", currency)
    yield Row("ExchangeRate", f"{rate:.7f}".rstrip("0").rstrip("."), currency)


def _base_ledger(floor: Floor, cash: dict[str, Decimal], held: list[Holding]) -> Iterator[Row]:
    rate = floor.exchange.rates.rate
    in_base = [(one, rate(one.listing.instrument.currency) or 0.0) for one in held]
    total = sum(float(amount) * (rate(currency) or 0.0) for currency, amount in cash.items())
    stocks = sum(one.value * r for one, r in in_base if one.listing.instrument.kind is InstrumentKind.STOCK)
    futures = sum(one.unrealized * r for one, r in in_base if one.listing.instrument.kind is InstrumentKind.FUTURE)
    yield Row("Currency", "BASE", "BASE")
    yield Row("CashBalance", f"{total:.4f}", "BASE")
    yield Row("TotalCashBalance", f"{total:.4f}", "BASE")
    yield Row("StockMarketValue", f"{stocks:.2f}", "BASE")
    yield Row("FuturesPNL", f"{futures:.2f}", "BASE")
    yield Row("NetLiquidationByCurrency", f"{total + stocks + futures:.2f}", "BASE")
    yield Row("UnrealizedPnL", f"{sum(one.unrealized * r for one, r in in_base):.2f}", "BASE")
    yield Row("RealizedPnL", f"{sum(one.realized * r for one, r in in_base):.2f}", "BASE")
    yield Row("ExchangeRate", "1.00", "BASE")


def money(amount: Decimal) -> str:
    """An exact amount, with at least two decimals: a cash balance is the sum of what moved it, to the last digit."""
    text = f"{amount.normalize():f}"
    whole, _, part = text.partition(".")
    return f"{whole}.{part.ljust(2, '0')}"
