"""Account values: what IB reports of an account, as rows of key, value and currency.

Whole-account values are in the base currency, each with its part in the securities segment (-S) and in the commodities segment
(-C, futures). The ledger has one block of rows per currency and one for all, BASE. Cash stands in the securities segment; the
commodities segment has what its margin takes, as IB sweeps it there.

Source: TWS API, "Account Value Update" and "IBApi.EWrapper.updateAccountValue"; keys and their places as in recorded messages.
"""

from collections.abc import Iterator, Mapping
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


class Purse(NamedTuple):
    """All that an account has in one currency. `rate` is what one unit is worth in the base currency."""

    currency: str
    rate: float
    cash: Decimal
    stocks: float
    options: float
    gross: float
    futures: float
    unrealized: float
    realized: float

    @property
    def worth(self) -> float:
        """What liquidating everything would leave."""
        return float(self.cash) + self.stocks + self.options + self.futures


_NEVER_HELD = (
    "AccruedCash", "CorporateBondValue", "FundValue", "FutureOptionValue", "FxCashBalance", "IssuerOptionValue",
    "MoneyMarketFundValue", "MutualFundValue", "NetDividend", "TBillValue", "TBondValue", "WarrantValue",
)  # fmt: skip
"""Rows of the ledger about what is not traded or accrued here: always 0.00."""

_NEVER_DUE = ("AccruedDividend", "Billable", "Guarantee", "IndianStockHaircut", "PASharesValue", "PostExpirationExcess",
              "PostExpirationMargin")  # fmt: skip
"""The same of the whole account."""

LEDGER_KEYS = frozenset({
    "AccountOrGroup", "CashBalance", "Currency", "ExchangeRate", "FuturesPNL", "NetLiquidationByCurrency", "OptionMarketValue",
    "RealCurrency", "RealizedPnL", "StockMarketValue", "TotalCashBalance", "UnrealizedPnL", *_NEVER_HELD,
})  # fmt: skip
"""Keys that come once per currency."""

SUMMARY_TAGS = frozenset({
    "AccountType", "NetLiquidation", "TotalCashValue", "SettledCash", "AccruedCash", "BuyingPower", "EquityWithLoanValue",
    "PreviousEquityWithLoanValue", "PreviousDayEquityWithLoanValue", "GrossPositionValue", "ReqTEquity", "ReqTMargin",
    "RegTEquity", "RegTMargin", "SMA", "InitMarginReq", "MaintMarginReq", "AvailableFunds", "ExcessLiquidity", "Cushion",
    "FullInitMarginReq", "FullMaintMarginReq", "FullAvailableFunds", "FullExcessLiquidity", "LookAheadNextChange",
    "LookAheadInitMarginReq", "LookAheadMaintMarginReq", "LookAheadAvailableFunds", "LookAheadExcessLiquidity",
    "HighestSeverity", "DayTradesRemaining", "DayTradesRemainingT+1", "DayTradesRemainingT+2", "DayTradesRemainingT+3",
    "DayTradesRemainingT+4", "Leverage",
})  # fmt: skip
"""Tags of an account summary, besides $LEDGER. Source: TWS API, IBApi.EClient.reqAccountSummary."""


def holding(floor: Floor, account: str, instrument: str) -> Holding:
    """What `account` holds of one instrument; all zero but the price if it holds nothing."""
    ledger, listing = floor.exchange.ledger, floor.listing(instrument)
    position = ledger.position(account, instrument)
    cost = ledger.average_cost(account, instrument)
    price = floor.exchange.mark(instrument) or position.average_price
    value = position.quantity * price * listing.instrument.multiplier
    unrealized = value - position.quantity * cost if position.quantity else 0.0
    realized = floor.book.realized.get((account, instrument), 0.0) - _paid_apart(floor, account, listing)
    return Holding(listing, position.quantity, price, value, cost, unrealized, realized)


def _paid_apart(floor: Floor, account: str, listing: Listing) -> float:
    """The day's commissions in other currencies than the instrument's, in the instrument's: its cost never carries them."""
    currency, rates = listing.instrument.currency, floor.exchange.rates
    paid = floor.book.paid.get((account, listing.instrument.id), {})
    return sum(amount * rates.cross(one, currency) for one, amount in paid.items() if one != currency)


def holdings(floor: Floor, account: str) -> list[Holding]:
    """Everything that `account` holds."""
    return [holding(floor, account, name) for name in floor.exchange.ledger.positions(account)]


def purses(floor: Floor, account: str) -> list[Purse]:
    """What `account` has, by currency; the base currency is always there."""
    held = {one.listing.instrument.id: one for one in holdings(floor, account)}
    for mine, name in floor.book.realized:
        if mine == account and name not in held:  # flat again, but it made a profit today
            held[name] = holding(floor, account, name)
    by_currency: dict[str, list[Holding]] = {}
    for one in held.values():
        by_currency.setdefault(one.listing.instrument.currency, []).append(one)
    cash = floor.exchange.ledger.cash(account)
    rates = floor.exchange.rates
    return [
        _purse(currency, rates.rate(currency) or 0.0, cash.get(currency, Decimal(0)), by_currency.get(currency, []))
        for currency in sorted({rates.base, *cash, *by_currency})
    ]


def _purse(currency: str, rate: float, cash: Decimal, held: list[Holding]) -> Purse:
    def total(kind: InstrumentKind) -> float:
        return sum(one.value for one in held if one.listing.instrument.kind is kind)

    return Purse(
        currency,
        rate,
        cash,
        stocks=total(InstrumentKind.STOCK),
        options=total(InstrumentKind.OPTION),
        gross=sum(
            abs(one.value) for one in held if one.listing.instrument.kind in (InstrumentKind.STOCK, InstrumentKind.OPTION)
        ),
        futures=sum(one.unrealized for one in held if one.listing.instrument.kind is InstrumentKind.FUTURE),
        unrealized=sum(one.unrealized for one in held),
        realized=sum(one.realized for one in held),
    )


def rows(floor: Floor, account: str) -> Iterator[Row]:
    """All values of `account`."""
    every = purses(floor, account)
    yield Row("AccountCode", account, "")
    yield Row("AccountReady", "true", "")
    yield Row("AccountType", _kind_of(floor, account), "")
    yield from (row for row in totals(floor, account, every) if row.key not in LEDGER_KEYS)
    yield from ledger(account, every, floor.exchange.rates.base)


def ledger(account: str, every: list[Purse], base: str) -> Iterator[Row]:
    """The block of each currency, and that of all in the base currency."""
    for purse in every:
        rate = f"{purse.rate:.7f}".rstrip("0")
        yield from _block(
            account, purse, purse.currency, money(purse.cash), rate + "0" * max(0, 2 - len(rate.partition(".")[2]))
        )
    whole = _in_base(every, base)
    yield from _block(account, whole, "BASE", f"{whole.cash:.4f}", "1.00")


def summary(floor: Floor, account: str, tags: tuple[str, ...]) -> Iterator[Row]:
    """The values that the tags of a summary ask for, those of the ledger last."""
    every = purses(floor, account)
    values = {row.key: row for row in totals(floor, account, every)}
    values["AccountType"] = Row("AccountType", _kind_of(floor, account), "")
    values["HighestSeverity"] = Row("HighestSeverity", "0", "")
    for tag, same in (
        ("Leverage", "Leverage-S"),
        ("ReqTEquity", "RegTEquity"),
        ("ReqTMargin", "RegTMargin"),
        ("PreviousEquityWithLoanValue", "PreviousDayEquityWithLoanValue"),
    ):
        values[tag] = values[same]._replace(key=tag)
    yield from (values[tag] for tag in tags if tag in values)
    wanted = {tag.partition(":")[2] or "BASE" for tag in tags if tag.startswith("$LEDGER")}
    if wanted:
        for row in ledger(account, every, floor.exchange.rates.base):
            if "ALL" in wanted or row.currency in wanted:
                yield row


def totals(floor: Floor, account: str, every: list[Purse]) -> Iterator[Row]:
    """The values that concern the whole account, in its base currency."""
    base = floor.exchange.rates.base
    margin, whole = floor.exchange.margin(account), _in_base(every, base)
    commodities, to_hold = _commodities_margin(floor, account)
    equity = {"": margin.equity, "-C": commodities, "-S": margin.equity - commodities}
    initial = {"": margin.initial, "-C": commodities, "-S": margin.initial - commodities}
    maintenance = {"": margin.maintenance, "-C": to_hold, "-S": margin.maintenance - to_hold}
    cash = {"": float(whole.cash), "-C": commodities - whole.futures, "-S": float(whole.cash) - commodities + whole.futures}
    for segment in ("", "-C", "-S"):
        free, excess = equity[segment] - initial[segment], equity[segment] - maintenance[segment]
        amounts: dict[str, float] = dict.fromkeys(_NEVER_DUE, 0.0) | {
            "NetLiquidation": equity[segment],
            "TotalCashValue": cash[segment],
            "AccruedCash": 0.0,
            "EquityWithLoanValue": equity[segment],
        }
        for prefix in ("", "Full", "LookAhead"):
            amounts |= {
                f"{prefix}InitMarginReq": initial[segment],
                f"{prefix}MaintMarginReq": maintenance[segment],
                f"{prefix}AvailableFunds": free,
                f"{prefix}ExcessLiquidity": excess,
            }
        for key, amount in amounts.items():
            yield Row(key + segment, _cents(amount), base)
    yield from _single_totals(floor, account, whole, equity, initial)
    excess = margin.equity - margin.maintenance
    yield Row("Cushion", f"{excess / margin.equity:.6f}" if margin.equity else "0", "")


def _single_totals(
    floor: Floor, account: str, whole: Purse, equity: Mapping[str, float], initial: Mapping[str, float]
) -> Iterator[Row]:
    """Whole-account values of which there is no commodities part."""
    base = floor.exchange.rates.base
    before = floor.previous_equity.get(account, equity[""])
    amounts = {
        "SettledCash": float(whole.cash),
        "GrossPositionValue": whole.gross,
        "GrossPositionValue-S": whole.gross,
        "BuyingPower": max(equity[""] - initial[""], 0.0) * 4,
        "PreviousDayEquityWithLoanValue": before,
        "PreviousDayEquityWithLoanValue-S": before,
        "RegTEquity": equity["-S"],
        "RegTEquity-S": equity["-S"],
        "RegTMargin": initial["-S"],
        "RegTMargin-S": initial["-S"],
        "SMA": equity["-S"] - initial["-S"],
        "SMA-S": equity["-S"] - initial["-S"],
        "NetLiquidationUncertainty": 0.0,
    }
    for key, amount in amounts.items():
        yield Row(key, _cents(amount), base)
    yield Row("Leverage-S", f"{whole.gross / equity['-S']:.2f}" if equity["-S"] else "0.00", "")
    yield Row("LookAheadNextChange", "0", "")
    yield Row("NLVAndMarginInReview", "false", "")
    yield Row("WhatIfPMEnabled", "true", "")
    yield Row("TradingType-S", "STKNOPT", "")
    yield Row("SegmentTitle-C", "US Commodities", "")
    for day in ("", "T+1", "T+2", "T+3", "T+4"):
        yield Row(f"DayTradesRemaining{day}", "-1", "")


def _commodities_margin(floor: Floor, account: str) -> tuple[float, float]:
    """What the futures of an account must be covered with: to open them, to hold them."""
    exchange, terms = floor.exchange, floor.exchange.terms
    to_open = to_hold = 0.0
    for one in holdings(floor, account):
        instrument = one.listing.instrument
        if instrument.kind is InstrumentKind.FUTURE:
            rate = terms.instrument_margins.get(instrument.id) or terms.margins[instrument.kind]
            value = abs(one.value) * (exchange.rates.rate(instrument.currency) or 0.0)
            to_open, to_hold = to_open + value * rate.initial, to_hold + value * rate.maintenance
    return to_open, to_hold


def _in_base(every: list[Purse], base: str) -> Purse:
    def total(name: str) -> float:
        return sum(float(getattr(purse, name)) * purse.rate for purse in every)

    fields = ("stocks", "options", "gross", "futures", "unrealized", "realized")
    return Purse(base, 1.0, Decimal(repr(total("cash"))), **{name: total(name) for name in fields})


def _block(account: str, purse: Purse, currency: str, cash: str, rate: str) -> Iterator[Row]:
    values = dict.fromkeys(_NEVER_HELD, "0.00") | {
        "AccountOrGroup": account,
        "CashBalance": cash,
        "Currency": currency,
        "ExchangeRate": rate,
        "FuturesPNL": _cents(purse.futures),
        "NetLiquidationByCurrency": f"{purse.worth:.4f}",
        "OptionMarketValue": _cents(purse.options),
        "RealCurrency": currency,
        "RealizedPnL": _cents(purse.realized),
        "StockMarketValue": _cents(purse.stocks),
        "TotalCashBalance": cash,
        "UnrealizedPnL": _cents(purse.unrealized),
    }
    return (Row(key, value, currency) for key, value in values.items())


def _kind_of(floor: Floor, account: str) -> str:
    return "ADVISOR" if account == floor.advisor.account else "INDIVIDUAL"


def _cents(amount: float) -> str:
    """An amount to the cent, without a sign on nothing."""
    text = f"{amount:.2f}"
    return "0.00" if text == "-0.00" else text


def money(amount: Decimal) -> str:
    """An exact amount, with at least two decimals: a cash balance is the sum of what moved it, to the last digit."""
    text = f"{amount.normalize():f}"
    whole, _, part = text.partition(".")
    return f"{whole}.{part.ljust(2, '0')}"
