"""Market data from the gateway: every tick that it sends, as quotes and trades, stamped twice."""

from collections.abc import Callable
from typing import Any

from atlas.domain import NS_PER_SECOND, Instrument, InstrumentKind, Quote, Trade
from atlas.ib.connection import Connection
from atlas.ib.contracts import to_contract

_BID_SIZE, _BID, _ASK, _ASK_SIZE, _LAST, _LAST_SIZE = 0, 1, 2, 3, 4, 5
_NO_QUOTE = -1.0


class Feed:
    """Subscriptions of one connection. `on_event` gets each quote and trade in the order in which the gateway sent them.

    Tick-by-tick subscriptions give every change with the exchange's time in whole seconds. Market data subscriptions
    (`tick_by_tick=False`) are sampled by the broker and carry no time of their own: theirs is the receive time.
    """

    def __init__(self, connection: Connection, on_event: Callable[[Quote | Trade], None]) -> None:
        self._connection = connection
        self._on_event = on_event
        self._by_request: dict[int, str] = {}
        self._last: dict[str, list[float]] = {}
        self._now = connection.clock.now_ns
        connection.tap("tickByTickBidAsk", self._bid_ask)
        connection.tap("tickByTickAllLast", self._all_last)
        connection.tap("priceSizeTick", self._price_size)
        connection.tap("tickSize", self._size)

    def subscribe(self, instrument: Instrument, *, tick_by_tick: bool) -> None:
        """Ask for the instrument's quotes, and for its trades where there are any. The connection must be up."""
        ib, contract = self._connection.ib, to_contract(instrument)
        self._last[instrument.id] = [0.0] * 6
        if not tick_by_tick:
            self._register(ib.reqMktData(contract), instrument, "mktData")
            return
        self._register(ib.reqTickByTickData(contract, "BidAsk"), instrument, "BidAsk")
        if instrument.kind is not InstrumentKind.CASH:  # currency pairs have no consolidated prints
            self._register(ib.reqTickByTickData(contract, "AllLast"), instrument, "AllLast")

    def forget(self) -> None:
        """Drop all subscriptions, which the gateway has dropped with the connection."""
        self._by_request.clear()
        self._last.clear()

    def pause(self) -> None:
        """Stop reading from the gateway until `resume`: the pressure goes back to it."""
        self._transport().pause_reading()

    def resume(self) -> None:
        """Read again."""
        self._transport().resume_reading()

    def _transport(self) -> Any:
        return self._connection.ib.client.conn.transport

    def _register(self, ticker: Any, instrument: Instrument, tick_type: str) -> None:
        request_id = self._connection.ib.wrapper.ticker2ReqId[tick_type][ticker]
        self._by_request[request_id] = instrument.id

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
