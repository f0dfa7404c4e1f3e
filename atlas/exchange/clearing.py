"""What executions cost and what accounts must cover."""

from collections.abc import Iterable, Mapping
from decimal import Decimal

import msgspec

from atlas.domain import Commission, Execution, Instrument, InstrumentKind, Order, Quote, Side, exact
from atlas.exchange.allocation import accounts_of, parts_of
from atlas.exchange.commission import CommissionRule
from atlas.exchange.commitments import Commitments, Committed
from atlas.exchange.events import Executed, Reason, Settled
from atlas.exchange.expiry import settlement_price
from atlas.exchange.ledger import Ledger
from atlas.exchange.margin import MarginRate, MarginState, WhatIf
from atlas.exchange.market import Market
from atlas.exchange.matching import touch
from atlas.exchange.rates import Rates
from atlas.exchange.standing import Part, Standing
from atlas.exchange.terms import Terms

Objection = tuple[Reason, str]
"""Why something is turned down, and how the broker says it."""

_FREE = CommissionRule()  # for what has no line in the price list
_IN_FULL = MarginRate(1.0, 1.0)


class Clearing:
    """Prices executions and judges accounts, by the terms, the last quotes and the ledger."""

    def __init__(
        self, terms: Terms, instruments: Mapping[str, Instrument], ledger: Ledger, quotes: Mapping[str, Quote]
    ) -> None:
        self.rates = Rates(terms.base_currency, instruments.values(), quotes, terms.reference_rates)
        self._terms = terms
        self._instruments = instruments
        self._ledger = ledger
        self._quotes = quotes

    # Executions.

    def executed(self, standing: Standing, account: str, quantity: Decimal, price: float, at_ns: int, number: int) -> Executed:
        """The execution with that number: `quantity` of an order for `account`, its commission and its profit."""
        order = standing.order
        execution = Execution(
            id=self._execution_id(number),
            order_id=order.id,
            account=account,
            instrument=order.instrument,
            side=order.side,
            quantity=float(quantity),
            price=price,
            at_ns=at_ns,
            perm_id=standing.perm_id,
        )
        part = standing.parts.get(account, Part())
        rule, total = self.price(
            self._instruments[order.instrument], part.filled + quantity, part.paid + quantity * exact(price)
        )
        amount = float(max(total - part.charged, Decimal(0)))
        commission = Commission(execution.id, amount, rule.currency_for(self._instruments[order.instrument]))
        profit = self._ledger.closing_profit(execution, commission)
        return Executed(execution, msgspec.structs.replace(commission, realized_pnl=profit))

    def settled(
        self, account: str, market: Market, underlying: Market | None, at_ns: int, perm_id: int, number: int
    ) -> Settled:
        """What ends the position of `account` in an instrument that has expired: the execution with that number.

        Where no price is known at all it ends at what it was bought for: nobody gains by what nobody knows.
        """
        instrument = market.instrument
        position = self._ledger.position(account, instrument.id)
        price = settlement_price(instrument, self._last_known(market), self._last_known(underlying) if underlying else None)
        execution = Execution(
            id=self._execution_id(number),
            order_id="",
            account=account,
            instrument=instrument.id,
            side=Side.SELL if position.quantity > 0 else Side.BUY,
            quantity=abs(position.quantity),
            price=position.average_price if price is None else price,
            at_ns=at_ns,
            perm_id=perm_id,
        )
        commission = Commission(execution.id, 0.0, instrument.currency)
        profit = self._ledger.closing_profit(execution, commission)
        return Settled(execution, msgspec.structs.replace(commission, realized_pnl=profit))

    def holders(self, instrument: str) -> list[str]:
        """The accounts that hold something of `instrument`."""
        return [account for account in self._ledger.accounts if self._ledger.position(account, instrument).quantity]

    def _last_known(self, market: Market) -> float | None:
        """The last trade's price; without trades the middle of the last quote, or else the last close."""
        return market.last_price or self.mark(market.instrument.id) or market.close or None

    def _execution_id(self, number: int) -> str:
        return f"{self._terms.execution_prefix}.{number & 0xFFFFFFFF:08x}.01.01"

    def price(self, instrument: Instrument, quantity: Decimal, paid: Decimal) -> tuple[CommissionRule, Decimal]:
        """What an order costs of which `quantity` units are filled, and its rule. `paid` is the sum of quantity times price."""
        rule = self._terms.instrument_commissions.get(instrument.id) or self._terms.commissions.get(instrument.kind, _FREE)
        currency = rule.currency_for(instrument)
        value = paid * exact(instrument.multiplier)
        if currency != instrument.currency:
            value *= exact(self.rates.cross(instrument.currency, currency))
        return rule, rule.total(quantity, value)

    # Accounts.

    def mark(self, instrument: str) -> float | None:
        """The price at which `instrument` is valued: the middle of its last quote."""
        quote = self._quotes.get(instrument)
        return None if quote is None or quote.bid <= 0 or quote.ask <= 0 else quote.mid

    def margin(self, account: str, order: Order | None = None) -> MarginState:
        """Equity and margin of `account`: of its positions, and of its part of `order` as if it were filled whole."""
        extra = {}
        if order is not None:
            extra = {order.instrument: order.side.sign * float(parts_of(order).get(account, Decimal(0)))}
        return self._ledger.margin(account, self.mark, self.rates, self._margin_rate, extra)

    def what_if(self, order: Order) -> WhatIf:
        """What `order` would do to its accounts together."""
        instrument, quote = self._instruments[order.instrument], self._quotes.get(order.instrument)
        price = exact(order.limit_price or (touch(quote, order.side) if quote else None) or order.stop_price or 0.0)
        amounts = [self.price(instrument, quantity, quantity * price) for quantity in parts_of(order).values()]
        return WhatIf(
            _together(self.margin(account) for account in accounts_of(order)),
            _together(self.margin(account, order) for account in accounts_of(order)),
            float(sum((amount for _, amount in amounts), Decimal(0))),
            amounts[0][0].currency_for(instrument),
        )

    def _margin_rate(self, instrument: Instrument) -> MarginRate:
        return self._terms.instrument_margins.get(instrument.id) or self._terms.margins.get(instrument.kind, _IN_FULL)

    # Objections.

    def objection(self, order: Order, standing: Standing | None, commitments: Commitments) -> Objection | None:
        """Why an account of `order` could not carry what is left of it, beside its positions and its other orders.

        `commitments` are those of all standing orders. What closes a position never needs margin.
        """
        for account, part in parts_of(order).items():
            held = standing.parts.get(account, Part()).filled if standing else Decimal(0)
            found = self._shorting_objection(order, account, part - held) or self._margin_objection(
                order, account, part - held, commitments
            )
            if found:
                return found
        return None

    def _shorting_objection(self, order: Order, account: str, opening: Decimal) -> Objection | None:
        if order.instrument not in self._terms.not_shortable or order.side is Side.BUY:
            return None
        if self._instruments[order.instrument].kind is not InstrumentKind.STOCK:
            return None
        held = exact(self._ledger.position(account, order.instrument).quantity)
        return (Reason.NOT_SHORTABLE, _NOT_SHORTABLE) if held - opening < 0 else None

    def _margin_objection(self, order: Order, account: str, opening: Decimal, commitments: Commitments) -> Objection | None:
        if not self._terms.check_margin:
            return None
        committed = commitments.of(account, but=order.id)
        with_it = {**committed, order.instrument: committed.get(order.instrument, Committed()).plus(order.side, opening)}
        after = self._worst(account, with_it, order)
        if after.initial <= after.equity or after.initial <= self._worst(account, committed, order).initial:
            return None
        base = self._terms.base_currency
        return Reason.MARGIN, (
            "YOUR ORDER IS NOT ACCEPTED. IN ORDER TO OBTAIN THE DESIRED POSITION YOUR EQUITY WITH LOAN VALUE "
            f"[{after.equity:.2f} {base}] MUST EXCEED THE INITIAL MARGIN [{after.initial:.2f} {base}]"
        )

    def _worst(self, account: str, committed: Mapping[str, Committed], order: Order) -> MarginState:
        """Margin with those orders filled that make the largest position, buys or sells."""
        extra = {}
        for name, (bought, sold) in committed.items():
            held = exact(self._ledger.position(account, name).quantity)
            extra[name] = float(bought if abs(held + bought) >= abs(held - sold) else -sold)

        def mark(name: str) -> float | None:
            """An instrument without a quote is valued at the order's own price."""
            found = self.mark(name)
            return (order.limit_price or order.stop_price) if found is None and name == order.instrument else found

        return self._ledger.margin(account, mark, self.rates, self._margin_rate, extra)


_NOT_SHORTABLE = (
    "Shares for this order are not immediately available for short sale. "
    "The order will be held while we attempt to locate the shares."
)


def _together(margins: Iterable[MarginState]) -> MarginState:
    equity = initial = maintenance = 0.0
    for margin in margins:
        equity, initial, maintenance = equity + margin.equity, initial + margin.initial, maintenance + margin.maintenance
    return MarginState(equity, initial, maintenance)
