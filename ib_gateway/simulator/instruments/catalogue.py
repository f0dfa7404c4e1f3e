"""What the gateway lists, and how a client's description of a contract finds it."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, time

import msgspec

from atlas.domain import BadInput, Instrument, UnknownInstrument
from atlas.exchange import CommissionRule, MarginRate
from atlas.exchange.calendar import NEVER_NS
from ib_gateway.simulator.instruments.hours import Hours
from ib_gateway.simulator.messages import Contract


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
    """An instrument as the gateway lists it: the domain's, and what else IB says of it in contract details."""

    instrument: Instrument
    sec_type: str
    market_name: str
    order_types: str
    valid_exchanges: str
    market_rule: int
    trading: Hours
    liquid: Hours
    model: MarketModel
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

    def contract(self, exchange: str | None = None) -> Contract:
        """The contract as the gateway writes it; `exchange` in place of the default one."""
        i = self.instrument
        return Contract(
            con_id=i.con_id, symbol=i.symbol, sec_type=self.sec_type, expiry=i.expiry, strike=0.0, right="",
            multiplier="" if i.multiplier == 1 else f"{i.multiplier:g}", exchange=i.exchange if exchange is None else exchange,
            primary_exchange=i.primary_exchange, currency=i.currency, local_symbol=i.local_symbol,
            trading_class=i.trading_class,
        )  # fmt: skip

    def last_moment(self) -> int:
        """When it ceases to be traded: on the last day at the time of the last trade, else at midnight; NEVER_NS if never."""
        if not self.instrument.expiry:
            return NEVER_NS
        day = datetime.strptime(self.instrument.expiry, "%Y%m%d").date()  # noqa: DTZ007 - a date, not a time
        if not self.last_trade_time:
            return self.trading.midnight_after(day)
        return self.trading.instant(datetime.combine(day, time.fromisoformat(self.last_trade_time)))

    @property
    def venue(self) -> str:
        """Where executions happen: smart-routed stocks on their primary exchange."""
        return self.instrument.primary_exchange or self.instrument.exchange

    def answers_to(self, c: Contract) -> bool:
        """Whether a client that writes `c` can mean this listing. Empty parts match anything."""
        i = self.instrument
        if c.con_id:
            return c.con_id == i.con_id and self._trades_on(c.exchange)
        named = bool(c.symbol or c.local_symbol)
        texts = (
            (c.symbol, i.symbol),
            (c.sec_type, self.sec_type),
            (c.currency, i.currency),
            (c.local_symbol, i.local_symbol),
            (c.trading_class, i.trading_class),
            (c.primary_exchange, i.primary_exchange),
            (c.expiry, self.contract_month if len(c.expiry) == 6 else i.expiry),
            (c.multiplier, f"{i.multiplier:g}"),
        )
        return named and self._trades_on(c.exchange) and all(asked in ("", is_) for asked, is_ in texts)

    def _trades_on(self, exchange: str) -> bool:
        return not exchange or exchange in self.valid_exchanges.split(",")


class Catalogue:
    """All listings. Con ids and instrument ids are unique."""

    def __init__(
        self,
        listings: Sequence[Listing],
        market_rules: Mapping[int, Sequence[tuple[float, float]]],
        reference_rates: Mapping[str, float],
    ) -> None:
        self.market_rules = market_rules
        self.reference_rates = reference_rates
        self._by_id: dict[str, Listing] = {}
        self._by_con_id: dict[int, Listing] = {}
        for listing in listings:
            instrument = listing.instrument
            if instrument.id in self._by_id:
                raise BadInput(f"{instrument.id} is listed twice; remove one")
            if instrument.con_id in self._by_con_id:
                other = self._by_con_id[instrument.con_id].instrument.id
                raise BadInput(f"con id {instrument.con_id} is given to {other} and to {instrument.id}; each needs its own")
            self._by_id[instrument.id] = listing
            self._by_con_id[instrument.con_id] = listing

    def __iter__(self) -> Iterator[Listing]:
        return iter(self._by_id.values())

    def instruments(self) -> list[Instrument]:
        """Every instrument that is listed."""
        return [listing.instrument for listing in self._by_id.values()]

    def get(self, instrument: str) -> Listing | None:
        """The listing of an instrument id."""
        return self._by_id.get(instrument)

    def listing(self, instrument: str) -> Listing:
        """The listing of an instrument id.

        Raises:
            UnknownInstrument: it is not listed.
        """
        found = self._by_id.get(instrument)
        if found is None:
            raise UnknownInstrument(f"{instrument} is not in the instruments file; list it")
        return found

    def by_con_id(self, con_id: int) -> Listing | None:
        """The listing of a con id."""
        return self._by_con_id.get(con_id)

    def find(self, contract: Contract, today: str, *, include_expired: bool = False) -> list[Listing]:
        """All that `contract` can mean on `today` (YYYYMMDD), nearest expiry first. Expired ones on request or by con id."""
        known = self._by_con_id.get(contract.con_id)
        candidates = self._by_id.values() if known is None else (known,)
        found = [listing for listing in candidates if listing.answers_to(contract)]
        if not include_expired and not contract.con_id:
            found = [listing for listing in found if not listing.instrument.expiry or listing.instrument.expiry >= today]
        return sorted(found, key=lambda listing: listing.instrument.expiry)

    def matching(self, pattern: str) -> list[Listing]:
        """Listings whose symbol begins with `pattern`, or whose name contains it; one per symbol, currency and kind."""
        wanted = pattern.upper()
        found = {
            (listing.instrument.symbol, listing.sec_type, listing.instrument.currency): listing
            for listing in self._by_id.values()
            if listing.instrument.symbol.startswith(wanted) or wanted in listing.instrument.long_name.upper()
        }
        return list(found.values())

    def front(self, today: str) -> list[Listing]:
        """What trades most: everything that does not expire, and the nearest contract of each future."""
        result = [listing for listing in self._by_id.values() if not listing.instrument.expiry]
        nearest: dict[str, Listing] = {}
        for listing in sorted(self._by_id.values(), key=lambda one: one.instrument.expiry):
            if listing.instrument.expiry >= today and listing.instrument.expiry:
                nearest.setdefault(listing.instrument.symbol, listing)
        return result + list(nearest.values())
