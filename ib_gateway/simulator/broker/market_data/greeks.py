"""Option computations: what follows from the prices of an option and of its underlying.

Tick 10 is computed from the bid, 11 from the ask, 12 from the last trade, 13 from the model: its volatility is that of the
smile by which the seeded market values options.
"""

from collections.abc import Callable

from atlas.domain import InstrumentKind
from ib_gateway.simulator.instruments import Catalogue, Listing
from ib_gateway.simulator.instruments.option_model import Option, Smile, implied_volatility, seeded_smile, value
from ib_gateway.simulator.messages.replies import OptionComputation

_PRICE_BASED = 1
_DIGITS = 10


class Greeks:
    """Valuations of listed options. `price_of` is the price of an instrument now, None if it has none."""

    def __init__(self, catalogue: Catalogue, price_of: Callable[[str], float | None], seed: int) -> None:
        self._catalogue = catalogue
        self._price_of = price_of
        self._seed = seed
        self._options: dict[str, tuple[Option, Listing] | None] = {}
        self._smiles: dict[str, Smile] = {}
        self._optioned = {listing.instrument.underlying for listing in catalogue} - {""}

    def written_on(self, listing: Listing) -> bool:
        """Whether there are options on a listing."""
        return listing.instrument.id in self._optioned

    def from_price(self, listing: Listing, req_id: int, kind: int, price: float, at_ns: int) -> OptionComputation | None:
        """What a price of the option says; None if it cannot be said."""
        known = self._terms(listing)
        under = self._price_of(known[1].instrument.id) if known else None
        if known is None or under is None or price <= 0:
            return None
        volatility = implied_volatility(known[0], price, under, at_ns)
        if volatility is None:
            return OptionComputation(req_id, kind, _PRICE_BASED, None, None, price, 0.0, None, None, None, under)
        return self._computation(known[0], req_id, kind, under, volatility, at_ns, price)

    def from_model(self, listing: Listing, req_id: int, kind: int, at_ns: int) -> OptionComputation | None:
        """What the model says; None while the underlying has no price."""
        known = self._terms(listing)
        under = self._price_of(known[1].instrument.id) if known else None
        if known is None or under is None:
            return None
        volatility = self.smile(known[1]).volatility(known[0], under, at_ns)
        return self._computation(known[0], req_id, kind, under, volatility, at_ns, None)

    def smile(self, under: Listing) -> Smile:
        """The volatilities of the options on an underlying."""
        name = under.instrument.id
        if name not in self._smiles:
            self._smiles[name] = seeded_smile(name, under.model.volatility, self._seed)
        return self._smiles[name]

    def _computation(
        self, option: Option, req_id: int, kind: int, under: float, volatility: float, at_ns: int, price: float | None
    ) -> OptionComputation:
        worth = value(option, under, volatility, at_ns)
        return OptionComputation(
            req_id, kind, _PRICE_BASED, round(volatility, _DIGITS), round(worth.delta, _DIGITS),
            round(worth.price, _DIGITS) if price is None else price, 0.0, round(worth.gamma, _DIGITS),
            round(worth.vega, _DIGITS), round(worth.theta, _DIGITS), under,
        )  # fmt: skip

    def _terms(self, listing: Listing) -> tuple[Option, Listing] | None:
        name = listing.instrument.id
        if name not in self._options:
            self._options[name] = self._find(listing)
        return self._options[name]

    def _find(self, listing: Listing) -> tuple[Option, Listing] | None:
        instrument = listing.instrument
        under = self._catalogue.get(instrument.underlying)
        if under is None or instrument.right is None:
            return None
        on_future = under.instrument.kind is InstrumentKind.FUTURE
        return Option(instrument.strike, instrument.right, listing.last_moment(), on_future), under
