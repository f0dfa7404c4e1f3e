"""What a gateway is made of, by its options: the source of ticks and the exchange."""

import time

from atlas.domain import NS_PER_MS, to_datetime
from atlas.exchange import Exchange, Terms
from atlas.exchange.calendar import AlwaysRegular, Calendar
from ib_gateway.simulator.broker import HistoryTerms, MarketTerms, is_advisor
from ib_gateway.simulator.instruments import Catalogue, ListedHours
from ib_gateway.simulator.instruments.days import TradingDays
from ib_gateway.simulator.market import Recording, SeededPast, Source, SyntheticMarket
from ib_gateway.simulator.options import SimulatorOptions

_FIRST_PERM_ID = 1_000_000_000
_PERM_IDS = 1_000_000_000  # below 2**31


def open_source(options: SimulatorOptions, catalogue: Catalogue, own: Source | None = None) -> tuple[Source, int]:
    """Where ticks come from, and when they begin. `own` is a source that the caller has made.

    Raises:
        BadInput: the recording cannot be used.
    """
    if options.recording is not None:
        recording = Recording(options.recording, catalogue.instruments())
        return recording, recording.first_ns
    start_ns = time.time_ns() if options.start_ns is None else options.start_ns
    if own is not None:
        return own, start_ns
    listings = {listing.instrument.id: listing for listing in catalogue}
    active = [listing.instrument.id for listing in catalogue.front(to_datetime(start_ns).strftime("%Y%m%d"))]
    calendar = open_calendar(options, catalogue)
    return SyntheticMarket(listings, active, options.seed, start_ns, options.quotes_per_second, calendar), start_ns


def open_calendar(options: SimulatorOptions, catalogue: Catalogue) -> Calendar:
    """When what is listed trades."""
    return ListedHours(catalogue) if options.hours == "real" else AlwaysRegular()


def open_exchange(options: SimulatorOptions, catalogue: Catalogue, start_ns: int) -> Exchange:
    """The exchange. Ids count from the time of the start, so that two gateways that begin afresh do not give the same ones."""
    ms = start_ns // NS_PER_MS
    terms = Terms(
        reference_rates=dict(catalogue.reference_rates),
        instrument_margins={li.instrument.id: li.margin for li in catalogue if li.margin},
        instrument_commissions={li.instrument.id: li.commission for li in catalogue if li.commission},
        first_perm_id=_FIRST_PERM_ID + ms // 10 % _PERM_IDS,
        execution_prefix=f"{ms + options.seed * 7919 & 0xFFFFFFFF:08x}",
        first_execution=ms // 1000,
    )
    cash = {account: {terms.base_currency: 0.0 if is_advisor(account) else options.cash} for account in options.accounts}
    return Exchange(catalogue.instruments(), cash, terms, open_calendar(options, catalogue))


def market_terms(options: SimulatorOptions) -> MarketTerms:
    """What the market data desk may serve, and the seed of its books."""
    return MarketTerms(options.rules, options.entitlements, options.seed)


def history_terms(options: SimulatorOptions, catalogue: Catalogue, source: Source) -> HistoryTerms:
    """What history there is: of a recording what it holds, of the seeded market years before it began."""
    days = TradingDays(always=options.hours == "always")
    if options.recording is not None:
        return HistoryTerms(None, days, options.rules, source.next_ns)
    past = SeededPast({listing.instrument.id: listing for listing in catalogue}, days, options.seed)
    return HistoryTerms(past, days, options.rules, source.next_ns)
