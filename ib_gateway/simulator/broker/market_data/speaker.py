"""What a stream says: the difference between what its client was told and what the instrument shows."""

from collections.abc import Callable, Iterable
from itertools import chain

from atlas.domain import NS_PER_MS, NS_PER_SECOND, Quote, Trade
from ib_gateway.simulator.broker.market_data import kinds as k
from ib_gateway.simulator.broker.market_data.days import Day, Days
from ib_gateway.simulator.broker.market_data.facts import Facts
from ib_gateway.simulator.broker.market_data.greeks import Greeks
from ib_gateway.simulator.broker.market_data.letters import letter_of_trade, letters
from ib_gateway.simulator.broker.market_data.subscriptions import Face, Stream
from ib_gateway.simulator.messages.replies import Reply, TickGeneric, TickPrice, TickSize, TickString

_AUTO = 1  # attribute of a price: an order at it can be executed automatically
_SHORTABLE_FREELY = 3.0
_SHORTABLE_LOTS = 100_000


class Speaker:
    """Says ticks. `send` takes a client's id and a reply."""

    def __init__(
        self, send: Callable[[int, Reply], None], now_ns: Callable[[], int], days: Days, greeks: Greeks, facts: Facts
    ) -> None:
        self._send = send
        self._now_ns = now_ns
        self._days = days
        self._greeks = greeks
        self._facts = facts

    # All of it.

    def face(self, client: int, stream: Stream, face: Face) -> None:
        """Everything that differs from what was told."""
        types, told, req_id, send = stream.types, stream.told, stream.req_id, self._send
        self._side(client, stream, "bid", face.bid, face.bid_size)
        self._side(client, stream, "ask", face.ask, face.ask_size)
        if face.last_ns != told.last_ns:
            send(client, TickString(req_id, types.last_time, str(face.last_ns // NS_PER_SECOND)))
        if face.last and (face.last != told.last or face.last_ns != told.last_ns):
            send(client, TickPrice(req_id, types.last, face.last, face.last_size))
            if face.last_size:
                send(client, TickSize(req_id, types.last_size, face.last_size))
        if face.volume != told.volume:
            send(client, TickSize(req_id, types.volume, face.volume))
        for kind, value, before in (
            (types.high, face.high, told.high),
            (types.low, face.low, told.low),
            (types.close, face.close, told.close),
            (types.open, face.open, told.open),
        ):
            if value and value != before:
                send(client, TickPrice(req_id, kind, value, 0.0))
        stream.told = face
        if k.HALTED not in stream.others:
            stream.others[k.HALTED] = 0.0
            send(client, TickGeneric(req_id, k.HALTED, 0.0))
        self._compute(client, stream)

    def _side(self, client: int, stream: Stream, side: str, price: float, size: float) -> None:
        """One side, as a whole."""
        bid = side == "bid"
        types, told = stream.types, stream.told
        old_price, old_size = (told.bid, told.bid_size) if bid else (told.ask, told.ask_size)
        if price and price != old_price:
            kind = types.bid if bid else types.ask
            self._send(client, TickPrice(stream.req_id, kind, price, size, _AUTO if price > 0 else 0))
            self._exchanges(client, stream, side, price)
        if price and (price != old_price or size != old_size):
            self._send(client, TickSize(stream.req_id, types.bid_size if bid else types.ask_size, size))

    # As it happens.

    def quote(self, client: int, stream: Stream, quote: Quote) -> None:
        """A quote of a live stream."""
        told, send, req_id = stream.told, self._send, stream.req_id
        bid, ask = quote.bid, quote.ask
        if stream.listing.sec_type == "IND":
            self._level(client, stream, quote)
            return
        smart = stream.listing.sec_type == "STK"
        moved = False
        if bid != told.bid:
            send(client, TickPrice(req_id, 1, bid, quote.bid_size, _AUTO))
            send(client, TickSize(req_id, 0, quote.bid_size))
            told.bid, told.bid_size, moved = bid, quote.bid_size, True
            if smart:
                self._exchanges(client, stream, "bid", bid)
        elif quote.bid_size != told.bid_size:
            send(client, TickSize(req_id, 0, quote.bid_size))
            told.bid_size = quote.bid_size
        if ask != told.ask:
            send(client, TickPrice(req_id, 2, ask, quote.ask_size, _AUTO))
            send(client, TickSize(req_id, 3, quote.ask_size))
            told.ask, told.ask_size, moved = ask, quote.ask_size, True
            if smart:
                self._exchanges(client, stream, "ask", ask)
        elif quote.ask_size != told.ask_size:
            send(client, TickSize(req_id, 3, quote.ask_size))
            told.ask_size = quote.ask_size
        if moved and stream.listing.sec_type == "CASH":
            self._span(client, stream, self._days.day(quote.instrument, quote.exchange_ns))
        elif moved and stream.listing.instrument.right:
            self._compute(client, stream)

    def _level(self, client: int, stream: Stream, quote: Quote) -> None:
        """The level of an index: a last price without a size."""
        told, req_id = stream.told, stream.req_id
        if quote.bid != told.last:
            self._send(client, TickString(req_id, k.LIVE_TYPES.last_time, str(quote.exchange_ns // NS_PER_SECOND)))
            self._send(client, TickPrice(req_id, k.LIVE_TYPES.last, quote.bid, 0.0))
            told.last, told.last_ns = quote.bid, quote.exchange_ns
            self._span(client, stream, self._days.day(quote.instrument, quote.exchange_ns))

    def trade(self, client: int, stream: Stream, trade: Trade) -> None:
        """A trade of a live stream. The day has it already."""
        day, told, req_id, send = self._days.day(trade.instrument, trade.exchange_ns), stream.told, stream.req_id, self._send
        send(client, TickString(req_id, k.LIVE_TYPES.last_time, str(trade.exchange_ns // NS_PER_SECOND)))
        send(client, TickPrice(req_id, k.LIVE_TYPES.last, trade.price, trade.size))
        send(client, TickSize(req_id, k.LIVE_TYPES.last_size, trade.size))
        told.last, told.last_size, told.last_ns = trade.price, trade.size, trade.exchange_ns
        if day.volume != told.volume:
            send(client, TickSize(req_id, k.LIVE_TYPES.volume, day.volume))
            told.volume = day.volume
        self._span(client, stream, day)
        if stream.listing.sec_type == "STK":
            letter = letter_of_trade(trade.instrument, trade.exchange_ns)
            self._tell(client, stream, TickString(req_id, k.LAST_EXCHANGE, letter))
        for wanted, kind in ((k.VOLUME, k.RT_VOLUME), (k.TRADE_VOLUME, k.RT_TRADE_VOLUME)):
            if wanted in stream.generic:
                send(client, TickString(req_id, kind, _volume_text(trade, day)))
        if stream.listing.instrument.right:
            self._compute(client, stream)

    def _span(self, client: int, stream: Stream, day: Day) -> None:
        """High, low and open of a live stream, where they are new."""
        told = stream.told
        if day.high != told.high:
            self._send(client, TickPrice(stream.req_id, k.LIVE_TYPES.high, day.high, 0.0))
            told.high = day.high
        if day.low != told.low:
            self._send(client, TickPrice(stream.req_id, k.LIVE_TYPES.low, day.low, 0.0))
            told.low = day.low
        if day.open != told.open:
            self._send(client, TickPrice(stream.req_id, k.LIVE_TYPES.open, day.open, 0.0))
            told.open = day.open
        if day.close != told.close and day.close:
            self._send(client, TickPrice(stream.req_id, k.LIVE_TYPES.close, day.close, 0.0))
            told.close = day.close

    def _exchanges(self, client: int, stream: Stream, side: str, price: float) -> None:
        """The letters of the exchanges that are best."""
        if stream.listing.sec_type == "STK" and price > 0:
            kind = k.BID_EXCHANGES if side == "bid" else k.ASK_EXCHANGES
            text = letters(stream.listing.instrument.id, side, price)
            self._tell(client, stream, TickString(stream.req_id, kind, text))

    def _compute(self, client: int, stream: Stream) -> None:
        """Greeks of an option, from each of its prices that is new, and from the model."""
        if not stream.listing.instrument.right:
            return
        types, told, listing = stream.types, stream.told, stream.listing
        now = self._now_ns()
        for kind, price in ((types.bid_option, told.bid), (types.ask_option, told.ask), (types.last_option, told.last)):
            if price > 0 and stream.others.get(kind) != price:
                computation = self._greeks.from_price(listing, stream.req_id, kind, price, now)
                if computation:
                    stream.others[kind] = price
                    self._send(client, computation)
        model = self._greeks.from_model(listing, stream.req_id, types.model_option, now)
        if model and stream.others.get(types.model_option) != model.under_price:
            stream.others[types.model_option] = model.under_price
            self._send(client, model)

    # Slowly.

    def slow(self, client: int, stream: Stream, now_ns: int) -> None:
        """What generic ticks say, once a second and where it is new."""
        for reply in self._generic(stream, now_ns) if stream.generic else ():
            self._tell(client, stream, reply)

    def _tell(self, client: int, stream: Stream, reply: TickPrice | TickSize | TickString | TickGeneric) -> None:
        value = reply.price if isinstance(reply, TickPrice) else reply.size if isinstance(reply, TickSize) else reply.value
        if stream.others.get(reply.kind) != value:
            stream.others[reply.kind] = value
            self._send(client, reply)

    def _generic(self, stream: Stream, now_ns: int) -> Iterable[TickPrice | TickSize | TickString | TickGeneric]:
        req_id, listing, wanted, told = stream.req_id, stream.listing, stream.generic, stream.told
        name = listing.instrument.id
        day = self._days.day(name, now_ns)
        if wanted & {k.CREDITMAN_MARK, k.PL_PRICE} and (mark := _mark(told, day)):
            yield TickPrice(req_id, k.MARK_PRICE, mark, 0.0)
        if k.INVENTORY in wanted and listing.sec_type == "STK":
            yield TickGeneric(req_id, k.SHORTABLE, _SHORTABLE_FREELY)
            yield TickSize(req_id, k.SHORTABLE_SHARES, listing.model.lot * _SHORTABLE_LOTS)
        if k.COUNT in wanted:
            yield TickGeneric(req_id, k.TRADE_COUNT, day.count)
        trades, volume = day.rates(now_ns) if wanted & {k.RATE, k.RATE_OF_VOLUME} else (0, 0.0)
        if k.RATE in wanted:
            yield TickGeneric(req_id, k.TRADE_RATE, trades)
        if k.RATE_OF_VOLUME in wanted:
            yield TickGeneric(req_id, k.VOLUME_RATE, volume)
        if k.LAST_RTH in wanted and day.rth_last:
            yield TickPrice(req_id, k.LAST_RTH_TRADE, day.rth_last, 0.0)
        if k.IB_DIVIDENDS in wanted:
            yield TickString(req_id, k.DIVIDENDS, ",,,")
        yield from self._yearly(stream, now_ns)

    def _yearly(self, stream: Stream, now_ns: int) -> Iterable[TickPrice | TickSize | TickGeneric]:
        """What the last year and the options' smile say; said once, since neither changes within a day."""
        req_id, listing, wanted = stream.req_id, stream.listing, stream.generic
        if k.IMPLIED_OPTIONS in wanted and self._greeks.written_on(listing):
            yield TickGeneric(req_id, k.OPTION_IMPLIED_VOLATILITY, self._greeks.smile(listing).level)
        needed = wanted & k.YEARLY
        if not needed or stream.year_told:
            return
        stream.year_told = True
        year = self._facts.year(listing.instrument.id, now_ns)
        if year is None:
            return
        if k.MISC_STATS in needed:
            for kind, price in zip(range(k.LOW_13, k.HIGH_52 + 1), chain(*year[:3]), strict=True):
                yield TickPrice(req_id, kind, price, 0.0)
            yield TickSize(req_id, k.AVERAGE_VOLUME, year.average_volume)
        if k.HISTORICAL_OPTIONS in needed:
            yield TickGeneric(req_id, k.OPTION_HISTORICAL_VOLATILITY, year.volatility)
        if k.RT_VOLATILITY in needed:
            yield TickGeneric(req_id, k.HISTORICAL_VOLATILITY, year.volatility)


def _volume_text(trade: Trade, day: Day) -> str:
    """price;size;milliseconds;volume;average;whether it was one trade."""
    average = day.average or trade.price
    return f"{trade.price!r};{trade.size!r};{trade.exchange_ns // NS_PER_MS};{day.volume!r};{average!r};true"


def _mark(told: Face, day: Day) -> float:
    """The mark price: the last trade where it lies between bid and ask, else the nearer of them."""
    if told.bid <= 0 or told.ask <= 0:
        return day.last
    return min(max(day.last, told.bid), told.ask) if day.last else round((told.bid + told.ask) / 2, 10)
