"""The past of all that is listed: each instrument its own, made up once when it is first asked for."""

import math
from collections.abc import Mapping

from atlas.domain import UnknownInstrument
from ib_gateway.simulator.instruments import Listing
from ib_gateway.simulator.instruments.days import TradingDays
from ib_gateway.simulator.instruments.option_model import seeded_smile
from ib_gateway.simulator.market.option_past import OptionPast
from ib_gateway.simulator.market.past import InstrumentPast


class SeededPast:
    """The past of every listing. It ends where the market that is played begins; `join` says where that is."""

    def __init__(self, listings: Mapping[str, Listing], days: TradingDays, seed: int) -> None:
        self._listings = listings
        self._days = days
        self._seed = seed
        self._pasts: dict[str, InstrumentPast] = {}
        self._options: dict[str, OptionPast] = {}

    def join(self, instrument: str, at_ns: int, bid: float | None) -> InstrumentPast:
        """The past of an instrument that is played from `at_ns` on, first at `bid` (None: at its model's price).

        Whoever asks first says where it ends; that does not change any more.
        """
        past = self._pasts.get(instrument)
        if past is None:
            listing = self._listings[instrument]
            tick, spread = listing.instrument.tick_size, listing.model.spread_ticks
            ticks = listing.model.price / tick - spread / 2 if bid is None else bid / tick
            past = InstrumentPast(listing, self._days, self._seed, at_ns, max(1, math.floor(ticks + 0.5)))
            self._pasts[instrument] = past
        return past

    def option(self, instrument: str, under: InstrumentPast) -> OptionPast:
        """The past of an option, by that of its underlying.

        Raises:
            UnknownInstrument: it is none.
        """
        past = self._options.get(instrument)
        if past is None:
            listing = self._listings[instrument]
            option = listing.option()
            if option is None:
                raise UnknownInstrument(f"{instrument} is no option")
            smile = seeded_smile(under.listing.instrument.id, under.listing.model.volatility, self._seed)
            past = self._options[instrument] = OptionPast(listing, option, under, smile)
        return past
