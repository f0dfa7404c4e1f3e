"""Market data from the gateway: every tick that it sends, as quotes and trades, stamped twice."""

from collections.abc import Callable
from typing import Any

from atlas.domain import NS_PER_SECOND, Instrument, InstrumentKind, Quote, Trade, Unavailable
from atlas.ib.connection import Connection
from atlas.ib.contracts import to_contract
from atlas.ib.limiter import Priority

_BID_SIZE, _BID, _ASK, _ASK_SIZE, _LAST, _LAST_SIZE = 0, 1, 2, 3, 4, 5
_NO_QUOTE = -1.0


class Feed:
    """Subscriptions of one connection. `on_event` gets each quote and trade in the order in which the gateway sent them.

    Tick-by-tick subscriptions give every change with the exchange's time in whole seconds. Market data subscriptions
    (`tick_by_tick=False`) are sampled by the broker and carry no time of their own: theirs is the receive time.

    Args:
        on_trouble: told of each error that the gateway gives to a subscription: instrument, code and text.
    """

    def __init__(
        self,
        connection: Connection,
        on_event: Callable[[Quote | Trade], None],
        on_trouble: Callable[[str, int, str], None] = lambda *_: None,
    ) -> None:
        self._connection = connection
        self._on_event = on_event
        self._on_trouble = on_trouble
        self._by_request: dict[int, str] = {}
        self._asked: dict[str, list[str]] = {}  # by instrument, the library's names of the kinds
        self._contracts: dict[str, Any] = {}
        self._last: dict[str, list[float]] = {}
        self._now = connection.clock.now_ns
        connection.tap("tickByTickBidAsk", self._bid_ask)
        connection.tap("tickByTickAllLast", self._all_last)
        connection.tap("priceSizeTick", self._price_size)
        connection.tap("tickSize", self._size)
        connection.tap("error", self._error)

    async def subscribe(self, instrument: Instrument, *, tick_by_tick: bool) -> None:
        """Ask for the instrument's quotes, and for its trades where there are any; what was asked for before is ended.

        Raises:
            Unavailable: the link is not up, or not for long enough to ask for all.
        """
        await self.cancel(instrument.id)
        self._last[instrument.id] = [0.0] * 6
        if not tick_by_tick:
            await self._ask(instrument, "mktData")
            return
        await self._ask(instrument, "BidAsk")
        if instrument.kind is not InstrumentKind.CASH:  # currency pairs have no consolidated prints
            await self._ask(instrument, "AllLast")

    async def cancel(self, instrument: str) -> None:
        """End what was asked for, if anything was. Ticks that are on their way are not told any more.

        Raises:
            Unavailable: the link is not up.
        """
        self._by_request = {number: name for number, name in self._by_request.items() if name != instrument}
        for tick_type in self._asked.pop(instrument, ()):
            await self._turn()
            ib, contract = self._connection.ib, self._contracts[instrument]
            ib.cancelMktData(contract) if tick_type == "mktData" else ib.cancelTickByTickData(contract, tick_type)

    def forget(self) -> None:
        """Drop all subscriptions, which the gateway has dropped with the connection."""
        self._by_request.clear()
        self._asked.clear()
        self._last.clear()

    def pause(self) -> None:
        """Stop reading from the gateway until `resume`: the pressure goes back to it."""
        self._connection.reading = False
        self._transport().pause_reading()

    def resume(self) -> None:
        """Read again."""
        self._connection.reading = True
        if self._connection.link.has_session:
            self._transport().resume_reading()

    def _transport(self) -> Any:
        return self._connection.ib.client.conn.transport

    async def _ask(self, instrument: Instrument, tick_type: str) -> None:
        await self._turn()
        ib, contract = self._connection.ib, self._contracts.setdefault(instrument.id, to_contract(instrument))
        ticker = ib.reqMktData(contract) if tick_type == "mktData" else ib.reqTickByTickData(contract, tick_type)
        self._by_request[ib.wrapper.ticker2ReqId[tick_type][ticker]] = instrument.id
        self._asked.setdefault(instrument.id, []).append(tick_type)

    async def _turn(self) -> None:
        await self._connection.limiter.turn(Priority.DATA)
        if not self._connection.is_up:
            raise Unavailable(self._connection.problem)

    def _error(self, request_id: int, code: int, text: str, *_: Any) -> None:
        instrument = self._by_request.get(request_id)
        if instrument is not None:
            self._on_trouble(instrument, code, text)

    def _bid_ask(self, request_id: int, time: int, bid: float, ask: float, bid_size: float, ask_size: float, _: Any) -> None:
        instrument = self._by_request.get(request_id)
        if instrument is not None:
            self._on_event(Quote(instrument, bid, ask, bid_size, ask_size, time * NS_PER_SECOND, self._now()))

    def _all_last(self, request_id: int, _kind: int, time: int, price: float, size: float, *_: Any) -> None:
        instrument = self._by_request.get(request_id)
        if instrument is not None:
            self._on_event(Trade(instrument, price, size, time * NS_PER_SECOND, self._now()))

    def _price_size(self, request_id: int, tick_type: int, price: float, size: float) -> None:
        instrument = self._by_request.get(request_id)
        if instrument is None or price in (0.0, _NO_QUOTE):
            return
        last = self._last[instrument]
        if tick_type == _BID:
            last[_BID], last[_BID_SIZE] = price, size
        elif tick_type == _ASK:
            last[_ASK], last[_ASK_SIZE] = price, size
        elif tick_type == _LAST:
            last[_LAST], last[_LAST_SIZE] = price, size
            self._emit_trade(instrument)
            return
        else:
            return
        self._emit_quote(instrument)

    def _size(self, request_id: int, tick_type: int, size: float) -> None:
        instrument = self._by_request.get(request_id)
        if instrument is None or tick_type not in (_BID_SIZE, _ASK_SIZE):
            return
        last = self._last[instrument]
        if last[tick_type] != size:  # the gateway repeats behind each price the size that came with it
            last[tick_type] = size
            self._emit_quote(instrument)

    def _emit_quote(self, instrument: str) -> None:
        last, now = self._last[instrument], self._now()
        if last[_BID] and last[_ASK]:
            self._on_event(Quote(instrument, last[_BID], last[_ASK], last[_BID_SIZE], last[_ASK_SIZE], now, now))

    def _emit_trade(self, instrument: str) -> None:
        last, now = self._last[instrument], self._now()
        self._on_event(Trade(instrument, last[_LAST], last[_LAST_SIZE], now, now))
