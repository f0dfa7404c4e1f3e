"""A listing: an instrument as the gateway lists it."""

from datetime import datetime, time
from decimal import Decimal

import msgspec

from atlas.domain import Instrument
from atlas.exchange import CommissionRule, MarginRate
from atlas.exchange.calendar import NEVER_NS
from ib_gateway.simulator.instruments.hours import Hours
from ib_gateway.simulator.instruments.option_model import Option
from ib_gateway.simulator.instruments.order_types import ACCEPTED, LISTED
from ib_gateway.simulator.messages import Contract

_RIGHTS = {"CALL": "C", "PUT": "P", "?": "", "0": ""}


class MarketModel(msgspec.Struct, frozen=True):
    """How the seeded generator lets a price behave.

    `volatility` is per year (0.2 is 20 %), `spread_ticks` the usual spread, `lot` the unit of displayed sizes, `trade_share`
    the part of quotes that come with a trade.
    """

    price: float
    volatility: float = 0.2
    spread_ticks: int = 1
    lot: float = 1.0
    trade_share: float = 0.0


class Listing(msgspec.Struct, frozen=True):
    """An instrument as the gateway lists it: the domain's, and what else IB says of it in contract details.

    `market_rule` holds on the first exchange that trades it, `venue_rule` (0: the same) on the others. The `model` of an option
    is its underlying's, but for spread, sizes and trades. `increments` are the steps of prices, each from a price on.
    """

    instrument: Instrument
    sec_type: str
    market_name: str
    valid_exchanges: str
    market_rule: int
    trading: Hours
    liquid: Hours
    model: MarketModel
    venue_rule: int = 0
    increments: tuple[tuple[float, float], ...] = ()
    agg_group: int = 2147483647
    suggested_size: float = 1.0
    stock_type: str = ""
    industry: str = ""
    category: str = ""
    subcategory: str = ""
    under_con_id: int = 0
    under_symbol: str = ""
    under_sec_type: str = ""
    contract_month: str = ""
    last_trade_time: str = ""
    security_ids: tuple[tuple[str, str], ...] = ()
    margin: MarginRate | None = None
    commission: CommissionRule | None = None

    def contract(self, exchange: str | None = None, sec_type: str | None = None) -> Contract:
        """The contract as the gateway writes it; `exchange` and `sec_type` in place of the usual ones."""
        i = self.instrument
        return Contract(
            con_id=i.con_id, symbol=i.symbol, sec_type=sec_type or self.sec_type, expiry=i.expiry, strike=i.strike,
            right=i.right.value if i.right else "",
            multiplier="" if i.multiplier == 1 else f"{i.multiplier:g}", exchange=i.exchange if exchange is None else exchange,
            primary_exchange=i.primary_exchange, currency=i.currency, local_symbol=i.local_symbol,
            trading_class=i.trading_class,
        )  # fmt: skip

    def increment(self, price: float) -> float:
        """The step of prices at `price`."""
        steps = [step for low_edge, step in self.increments if price >= low_edge]
        return steps[-1] if steps else self.instrument.tick_size

    def on_grid(self, price: float) -> bool:
        """Whether `price` is a whole number of steps."""
        return Decimal(repr(price)) % Decimal(repr(self.increment(price))) == 0

    def last_moment(self) -> int:
        """When it ceases to be traded: on the last day at the time of the last trade, else at midnight; NEVER_NS if never."""
        if not self.instrument.expiry:
            return NEVER_NS
        day = datetime.strptime(self.instrument.expiry, "%Y%m%d").date()  # noqa: DTZ007 - a date, not a time
        if not self.last_trade_time:
            return self.trading.midnight_after(day)
        return self.trading.instant(datetime.combine(day, time.fromisoformat(self.last_trade_time)))

    def option(self) -> Option | None:
        """The terms of an option; None of anything else."""
        i = self.instrument
        if i.right is None:
            return None
        return Option(i.strike, i.right, self.last_moment(), on_future=self.under_sec_type == "FUT")

    @property
    def order_types(self) -> str:
        """Order types, times in force and attributes that its orders may have, as contract details list them."""
        return LISTED[self.sec_type]

    def takes(self, name: str) -> bool:
        """Whether its orders may have what contract details call `name`."""
        return name in ACCEPTED[self.sec_type]

    @property
    def venue(self) -> str:
        """Where executions happen: smart-routed stocks on their primary exchange."""
        return self.instrument.primary_exchange or self.instrument.exchange

    def answers_to(self, c: Contract) -> bool:
        """Whether a client that writes `c` can mean this listing. Empty parts match anything."""
        i = self.instrument
        if c.con_id:
            return c.con_id == i.con_id and self._trades_on(c.exchange)
        texts = (
            (c.symbol, i.symbol),
            (c.sec_type, self.sec_type),
            (c.currency, i.currency),
            (c.local_symbol, i.local_symbol),
            (c.trading_class, i.trading_class),
            (c.primary_exchange, i.primary_exchange),
            (c.expiry, self.contract_month if len(c.expiry) == 6 else i.expiry),
            (c.multiplier, f"{i.multiplier:g}"),
            (_RIGHTS.get(c.right, c.right), i.right.value if i.right else ""),
        )
        return (
            self._trades_on(c.exchange)
            and all(asked in ("", is_) for asked, is_ in texts)
            and (not c.strike or c.strike == i.strike)
        )

    @property
    def venues(self) -> list[str]:
        """Exchanges that trade it; the usual one first."""
        return self.valid_exchanges.split(",")

    @property
    def market_rules(self) -> list[int]:
        """The market rule of each exchange in `venues`."""
        return [self.market_rule] + [self.venue_rule or self.market_rule] * (len(self.venues) - 1)

    def _trades_on(self, exchange: str) -> bool:
        return not exchange or exchange in self.venues
