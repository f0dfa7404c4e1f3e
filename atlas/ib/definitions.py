"""What the broker says an instrument is, asked once per connection."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Protocol

from atlas.domain import BadInput, Instrument, Unavailable, UnknownInstrument, parse_instrument_id
from atlas.ib.contracts import id_of, to_instrument, to_query
from atlas.ib.library import Contract
from atlas.ib.market_rules import on_its_grid
from atlas.ib.session import RequestFailed

_NO_SUCH_CONTRACT = 200


class Ask(Protocol):
    """The connection's way of asking."""

    async def __call__(self, request: Callable[[], Awaitable[Any]], what: str) -> Any:
        """The answer, or `Unavailable`."""


class Definitions:
    """Instruments and their market rules, by what the broker calls them."""

    def __init__(self, ib: Any, ask: Ask) -> None:
        self._ib = ib
        self._ask = ask
        self._instruments: dict[str, Instrument] = {}
        self._market_rules: dict[int, Sequence[Any]] = {}

    async def instrument(self, instrument_id: str) -> Instrument:
        """The instrument's definition.

        Raises:
            UnknownInstrument: the broker has no such contract.
            BadInput: the id is malformed or ambiguous.
            Unavailable: no answer in time.
        """
        if instrument_id not in self._instruments:
            self._instruments[instrument_id] = await self._ask_for(instrument_id)
        return self._instruments[instrument_id]

    async def by_number(self, con_id: int) -> Instrument | None:
        """The instrument of a contract's number, under our id for it; None if no id of ours means exactly this contract.

        Raises:
            Unavailable: no answer in time.
        """
        try:
            details = await self._ask(
                lambda: self._ib.reqContractDetailsAsync(Contract(conId=con_id)), f"contract details of number {con_id}"
            )
            found = await self.instrument(id_of(details[0].contract)) if len(details) == 1 else None
        except (RequestFailed, UnknownInstrument, BadInput):  # it was answered, and the answer defines nothing
            return None
        return found if found is not None and found.con_id == con_id else None

    async def _ask_for(self, instrument_id: str) -> Instrument:
        spec = parse_instrument_id(instrument_id)
        try:
            details = await self._ask(
                lambda: self._ib.reqContractDetailsAsync(to_query(spec)), f"contract details of {spec.id}"
            )
        except RequestFailed as error:
            if error.code != _NO_SUCH_CONTRACT:
                raise
            details = []
        if not details:
            raise UnknownInstrument(f"the broker knows no instrument {spec.id}; check its symbol, exchange and expiry")
        return await on_its_grid(to_instrument(spec, details), details[0], self._market_rule)

    async def _market_rule(self, number: int) -> Sequence[Any]:
        if number not in self._market_rules:
            answer = await self._ask(lambda: self._ib.reqMarketRuleAsync(number), f"market rule {number}")
            if answer is None:
                raise Unavailable(f"the gateway gave no market rule {number}")
            self._market_rules[number] = answer
        return self._market_rules[number]
