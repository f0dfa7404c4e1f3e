"""One API connection to the gateway: made, watched, lost, made again. Owns the client library's `IB` object.

What the gateway says is tapped where the library decodes it, before the library interprets it: the library drops executions and
commissions of orders it does not know, and calls an order cancelled on any error. We do not.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import Any, TypeVar

import stamina
import structlog

from atlas.domain import (
    AtlasError,
    Clock,
    Instrument,
    Refused,
    Unavailable,
    UnknownInstrument,
    from_datetime,
    parse_instrument_id,
)
from atlas.ib.contracts import to_instrument, to_query
from atlas.ib.library import IB
from atlas.ib.market_rules import on_its_grid

T = TypeVar("T")
log = structlog.get_logger("atlas.ib")

# What the gateway sends by itself and we only note. 2104, 2106, 2158: data farms are well.
_ALL_IS_WELL = frozenset({2104, 2106, 2107, 2108, 2119, 2158})
_CLIENT_ID_IN_USE = 326


class Connection:
    """A connection under one client id.

    Args:
        on_lost: called once when an established connection ends without `close`.
    """

    def __init__(
        self,
        host: str,
        port: int,
        client_id: int,
        clock: Clock,
        *,
        request_timeout_seconds: float = 10.0,
        on_lost: Callable[[], None] | None = None,
    ) -> None:
        self.host, self.port, self.client_id = host, port, client_id
        self.clock = clock
        self.request_timeout_seconds = request_timeout_seconds
        self.last_heard_ns = 0
        self.ib = IB()
        self._on_lost = on_lost
        self._closing = False
        self._lost = asyncio.Event()
        self._last_error = ""
        self._instruments: dict[str, Instrument] = {}
        self._market_rules: dict[int, Sequence[Any]] = {}
        self._one_at_a_time = asyncio.Lock()
        self.ib.disconnectedEvent += self._disconnected
        self.tap("error", self._hear_error)

    @property
    def is_up(self) -> bool:
        """Whether the API session stands (the socket; `round_trip` proves the gateway behind it)."""
        return bool(self.ib.isConnected())

    @property
    def accounts(self) -> list[str]:
        """The accounts of the login, in the broker's order."""
        return list(self.ib.client.getAccounts())

    def next_order_id(self) -> int:
        """The next order id that the gateway will take from this client."""
        return int(self.ib.client.getReqId())

    def tap(self, name: str, sink: Callable[..., None]) -> None:
        """Have `sink` called with the arguments of the library's callback `name`, before the library sees them."""
        wrapper = self.ib.wrapper
        inner = getattr(wrapper, name)

        def tapped(*args: Any, **kwargs: Any) -> None:
            self.last_heard_ns = self.clock.now_ns()
            sink(*args, **kwargs)
            inner(*args, **kwargs)

        setattr(wrapper, name, tapped)

    async def open(self, *, orders: bool) -> None:
        """Connect and let the library take stock; with `orders`, of orders and executions too.

        Raises:
            Refused: the gateway is there and turns us away (client id in use, two-factor login pending).
            Unavailable: nobody answers at the address, or not in time.
        """
        self._closing, self._last_error = False, ""
        try:
            await self.ib.connectAsync(
                self.host, self.port, clientId=self.client_id, timeout=self.request_timeout_seconds, readonly=not orders
            )
        except (OSError, TimeoutError) as error:
            where = f"the gateway at {self.host}:{self.port}"
            if self._last_error:
                raise Refused(f"{where} turned client id {self.client_id} away: {self._last_error}") from error
            if isinstance(error, ConnectionRefusedError):
                raise Unavailable(
                    f"nothing listens at {self.host}:{self.port}; start the gateway or set gateway.port"
                ) from error
            raise Unavailable(f"{where} gave no API session ({error or type(error).__name__}); is it logged in?") from error
        self.last_heard_ns = self.clock.now_ns()

    async def open_within(self, seconds: float, *, orders: bool) -> None:
        """Open the session, trying again for so long while the gateway starts or a person approves the login.

        Raises:
            AtlasError: why the last attempt failed.
        """
        async for attempt in _attempts(timeout_seconds=seconds):
            with attempt:
                await self.open(orders=orders)

    async def stay_open(
        self, *, orders: bool, on_problem: Callable[[str], None], on_open: Callable[[], Awaitable[None]]
    ) -> None:
        """Open the session again whenever it is lost, with growing pauses, for good.

        Args:
            orders: as for `open`.
            on_problem: told why an attempt failed.
            on_open: what there is to do once a session stands again.
        """
        while True:
            await self._lost.wait()
            async for attempt in _attempts(timeout_seconds=None):
                with attempt:
                    try:
                        await self.open(orders=orders)
                    except AtlasError as error:
                        on_problem(str(error))
                        raise
            self._lost.clear()
            await on_open()

    def close(self) -> None:
        """End the session."""
        self._closing = True
        self.ib.disconnect()

    async def ask(self, request: Callable[[], Awaitable[T]], what: str) -> T:
        """The answer to one request; one is under way at a time.

        Raises:
            Unavailable: no answer in time, or the connection broke. The result is unknown, not empty.
        """
        async with self._one_at_a_time:
            if not self.is_up:
                raise Unavailable(f"{what}: the gateway at {self.host}:{self.port} is not connected")
            try:
                answer = await asyncio.wait_for(request(), self.request_timeout_seconds)
            except (TimeoutError, ConnectionError) as error:
                raise Unavailable(f"{what}: the gateway did not answer ({error or 'timed out'})") from error
            self.last_heard_ns = self.clock.now_ns()
            return answer

    async def round_trip(self) -> int:
        """Prove the gateway with a request for its time; returns that time.

        Raises:
            Unavailable: no answer in time.
        """
        moment: datetime = await self.ask(self.ib.reqCurrentTimeAsync, "server time")
        return from_datetime(moment)

    async def instrument(self, instrument_id: str) -> Instrument:
        """The instrument's definition by the broker, asked once per connection object.

        Raises:
            UnknownInstrument: the broker has no such contract.
            BadInput: the id is malformed or ambiguous.
            Unavailable: no answer in time.
        """
        if instrument_id not in self._instruments:
            spec = parse_instrument_id(instrument_id)
            details = await self.ask(lambda: self.ib.reqContractDetailsAsync(to_query(spec)), f"contract details of {spec.id}")
            if not details:
                raise UnknownInstrument(f"the broker knows no instrument {spec.id}; check its symbol, exchange and expiry")
            found = to_instrument(spec, details)
            self._instruments[instrument_id] = await on_its_grid(found, details[0], self._market_rule)
        return self._instruments[instrument_id]

    async def _market_rule(self, number: int) -> Sequence[Any]:
        if number not in self._market_rules:
            answer = await self.ask(lambda: self.ib.reqMarketRuleAsync(number), f"market rule {number}")
            if answer is None:
                raise Unavailable(f"the gateway gave no market rule {number}")
            self._market_rules[number] = answer
        return self._market_rules[number]

    def _disconnected(self) -> None:
        if self._closing:
            return
        log.warning("gateway connection lost", host=self.host, port=self.port, client_id=self.client_id)
        self._lost.set()
        if self._on_lost is not None:
            self._on_lost()

    def _hear_error(self, request_id: int, code: int, text: str, *_: Any) -> None:
        if code == _CLIENT_ID_IN_USE:
            self._last_error = f"{text} ({code})"
        if request_id == -1 and code not in _ALL_IS_WELL:
            log.warning("gateway notice", code=code, text=text)


def _attempts(timeout_seconds: float | None) -> Any:
    """Attempts with growing pauses, and a little chance in them, so that not all clients come back in the same moment."""
    return stamina.retry_context(
        on=AtlasError, attempts=None, timeout=timeout_seconds, wait_initial=0.2, wait_max=15.0, wait_jitter=0.3
    )
