"""What the gateway lists, and how a client's description of a contract finds it."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from atlas.domain import BadInput, Instrument, InstrumentKind, UnknownInstrument
from ib_gateway.simulator.instruments.listing import Listing, MarketModel
from ib_gateway.simulator.messages import Contract

__all__ = ["Catalogue", "Listing", "MarketModel", "OptionClass", "Symbol"]

_LARGEST_CON_ID = 2**31 - 1
_CONTINUOUS = "CONTFUT"


class Symbol(NamedTuple):
    """What a search finds: a stock, pair or index, and the kinds of contracts that there are on it."""

    con_id: int
    symbol: str
    sec_type: str
    primary_exchange: str
    currency: str
    name: str
    derivatives: tuple[str, ...]


class OptionClass(NamedTuple):
    """The options of one trading class on an underlying: their exchanges, days and strikes."""

    exchanges: Sequence[str]
    under_con_id: int
    trading_class: str
    multiplier: float
    expiries: Sequence[str]
    strikes: Sequence[float]


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
        self._by_symbol: dict[str, list[Listing]] = defaultdict(list)
        self._by_local_symbol: dict[str, list[Listing]] = defaultdict(list)
        self._by_security_id: dict[tuple[str, str], list[Listing]] = defaultdict(list)
        for listing in listings:
            self._add(listing)

    def _add(self, listing: Listing) -> None:
        instrument = listing.instrument
        if instrument.id in self._by_id:
            raise BadInput(f"{instrument.id} is listed twice; remove one")
        if instrument.con_id in self._by_con_id:
            other = self._by_con_id[instrument.con_id].instrument.id
            raise BadInput(f"con id {instrument.con_id} is given to {other} and to {instrument.id}; each needs its own")
        if not 0 < instrument.con_id <= _LARGEST_CON_ID:
            raise BadInput(f"con id {instrument.con_id} of {instrument.id} is not between 1 and {_LARGEST_CON_ID}")
        try:
            listing.last_moment()
        except ValueError:
            raise BadInput(f"{instrument.expiry} of {instrument.id} is not a day") from None
        self._by_id[instrument.id] = listing
        self._by_con_id[instrument.con_id] = listing
        self._by_symbol[instrument.symbol].append(listing)
        self._by_local_symbol[instrument.local_symbol].append(listing)
        for security_id in listing.security_ids:
            self._by_security_id[security_id].append(listing)

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

    # What a client can mean.

    def find(
        self,
        contract: Contract,
        today: str,
        *,
        include_expired: bool = False,
        security_id: tuple[str, str] | None = None,
    ) -> list[Listing]:
        """All that `contract` can mean on `today` (YYYYMMDD), nearest expiry first. Expired ones on request or by con id.

        CONTFUT means the nearest future of each kind. `security_id` is (type, id), as ("ISIN", "US0378331005").
        """
        if contract.sec_type == _CONTINUOUS:
            return self._continuous(contract, today)
        candidates = self._candidates(contract)
        if security_id is not None:
            candidates = self._by_security_id.get(security_id, ())
        found = [listing for listing in candidates if listing.answers_to(contract)]
        if not include_expired and not contract.con_id:
            found = [listing for listing in found if not listing.instrument.expiry or listing.instrument.expiry >= today]
        return sorted(found, key=lambda listing: listing.instrument.expiry)

    def _candidates(self, contract: Contract) -> Sequence[Listing]:
        if contract.con_id:
            known = self._by_con_id.get(contract.con_id)
            return (known,) if known else ()
        if contract.symbol:
            return self._by_symbol.get(contract.symbol, ())
        return self._by_local_symbol.get(contract.local_symbol, ()) if contract.local_symbol else ()

    def _continuous(self, contract: Contract, today: str) -> list[Listing]:
        nearest: dict[str, Listing] = {}
        for listing in self._candidates(contract):
            instrument = listing.instrument
            exchanges = ("", *listing.venues)
            if instrument.kind is InstrumentKind.FUTURE and instrument.expiry >= today and contract.exchange in exchanges:
                kept = nearest.get(instrument.trading_class)
                if kept is None or instrument.expiry < kept.instrument.expiry:
                    nearest[instrument.trading_class] = listing
        return list(nearest.values())

    def matching(self, pattern: str) -> list[Symbol]:
        """Symbols that begin with `pattern`, those that are it first; then those in whose name a word begins so.

        Futures are found under the index that they are on.
        """
        wanted = pattern.upper()
        found: dict[tuple[str, str, str], Symbol] = {}
        for listing in self._by_id.values():
            one = listing.instrument
            words = f" {one.long_name.upper()}"
            if one.kind is not InstrumentKind.OPTION and (one.symbol.startswith(wanted) or f" {wanted}" in words):
                symbol = self._symbol(listing)
                found.setdefault((symbol.symbol, symbol.sec_type, symbol.currency), symbol)
        return sorted(found.values(), key=lambda s: (s.symbol != wanted, not s.symbol.startswith(wanted)))

    def _symbol(self, listing: Listing) -> Symbol:
        one = listing.instrument
        kinds = {other.sec_type for other in self._by_symbol[one.symbol] if other.instrument.expiry}
        derivatives = tuple(sorted(kinds)) + (("BAG",) if kinds else ())
        con_id, sec_type = one.con_id, listing.sec_type
        if one.kind is InstrumentKind.FUTURE:
            con_id, sec_type = listing.under_con_id, listing.under_sec_type
        return Symbol(con_id, one.symbol, sec_type, listing.venue, one.currency, one.long_name, derivatives)

    def option_classes(self, under_con_id: int, today: str) -> list[OptionClass]:
        """What options there are on an underlying that have not expired by `today`."""
        under = self._by_con_id.get(under_con_id)
        classes: dict[str, list[Listing]] = defaultdict(list)
        for listing in self._by_symbol.get(under.instrument.symbol, ()) if under else ():
            option = listing.instrument
            if option.kind is InstrumentKind.OPTION and listing.under_con_id == under_con_id and option.expiry >= today:
                classes[option.trading_class].append(listing)
        return [
            OptionClass(
                members[0].venues,
                under_con_id,
                trading_class,
                members[0].instrument.multiplier,
                sorted({one.instrument.expiry for one in members}),
                sorted({one.instrument.strike for one in members}),
            )
            for trading_class, members in classes.items()
        ]

    def front(self, today: str) -> list[Listing]:
        """What trades most: everything that does not expire, and the nearest contract of each kind of future."""
        result = [listing for listing in self._by_id.values() if not listing.instrument.expiry]
        nearest: dict[tuple[str, str], Listing] = {}
        for listing in sorted(self._by_id.values(), key=lambda one: one.instrument.expiry):
            instrument = listing.instrument
            if instrument.kind is InstrumentKind.FUTURE and instrument.expiry >= today:
                nearest.setdefault((instrument.trading_class, instrument.exchange), listing)
        return result + list(nearest.values())
