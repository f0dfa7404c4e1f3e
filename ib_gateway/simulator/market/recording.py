"""Recorded quotes and trades, read whole and checked before anything is played.

Two formats:

Lean tick zip   QuantConnect Lean's forex ticks: .../eurusd/20140505_quote.zip with one CSV of `ms,bid,ask` in it; ms counts
                from 00:00 UTC of the date in the file name. There are no sizes: they are 0.
CSV             a header `time,instrument,bid,ask,bid_size,ask_size`, then one quote per line in order of time; time is UTC
                nanoseconds since the epoch or ISO 8601 with its zone, instrument an id as EUR.USD@IDEALPRO. Sizes may be
                empty: they are 0. The header may go on with `,price,size`: a line with a price and a size there is a trade,
                or a quote and then a trade if it has a bid and an ask as well.

Prices are played as they were recorded, on the tick grid or off it.
"""

import csv
import math
import re
import zipfile
import zlib
from array import array
from collections.abc import Collection, Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from atlas.domain import NS_PER_MS, BadInput, Instrument, InstrumentKind, Quote, Trade, from_datetime

_END_NS = from_datetime(datetime(2100, 1, 1, tzinfo=UTC))
_LEAN_NAME = re.compile(r"(\d{8})_quote\.zip")
_HEADER = ["time", "instrument", "bid", "ask", "bid_size", "ask_size"]
_HEADER_WITH_TRADES = [*_HEADER, "price", "size"]


class Recording:
    """Quotes and trades in columns, played from the first to the last."""

    def __init__(self, path: Path, instruments: Iterable[Instrument]) -> None:
        """Read the recording.

        Raises:
            BadInput: the file is missing, damaged, empty, malformed or of an instrument that is not listed.
        """
        self.path = path
        self._names: list[str] = []
        self._which = array("H")
        self._times = array("q")
        self._values = array("d")  # bid, ask, bid size, ask size; or price, size, 0, 0
        self._trades = bytearray()  # 1 where it is a trade
        self._next = 0
        listed = list(instruments)
        try:
            path.stat()  # a file that is not there is told as such, whatever its name
            if zipfile.is_zipfile(path) or path.suffix == ".zip":
                self._read_lean(path, listed)
            else:
                self._read_csv(path, {instrument.id for instrument in listed})
        except OSError as error:
            raise BadInput(f"the recording {path} cannot be read: {error.strerror or error}") from error
        except (zipfile.BadZipFile, zlib.error, EOFError) as error:
            raise BadInput(f"the recording {path} is damaged: {error}; fetch it again") from error
        except (ValueError, csv.Error) as error:  # no UTF-8, a NUL in the name
            raise BadInput(f"the recording {path} is no text of quotes: {error}") from error
        if not self._times:
            raise BadInput(f"the recording {path} is empty; it needs at least one quote")
        self._only_quotes = not any(self._trades)

    @property
    def instruments(self) -> Collection[str]:
        """Ids of the instruments in it."""
        return self._names

    @property
    def first_ns(self) -> int:
        """When it begins."""
        return self._times[0]

    def __len__(self) -> int:
        """How many quotes and trades there are."""
        return len(self._times)

    def next_ns(self) -> int | None:
        """When the next quote or trade is due; None at the end."""
        return self._times[self._next] if self._next < len(self._times) else None

    def take(self, until_ns: int | None, limit: int) -> Sequence[Quote | Trade]:
        """The next quotes and trades, at most `limit`, none later than `until_ns`."""
        start, names, which, times, values = self._next, self._names, self._which, self._times, self._values
        stop = min(start + limit, len(times))
        if until_ns is not None:
            while stop > start and times[stop - 1] > until_ns:
                stop -= 1
        self._next = stop
        if self._only_quotes:
            four = values[4 * start : 4 * stop]
            parts = zip(which[start:stop], four[::4], four[1::4], four[2::4], four[3::4], times[start:stop], strict=True)
            return [Quote(names[k], bid, ask, bid_size, ask_size, ns, ns) for k, bid, ask, bid_size, ask_size, ns in parts]
        return [self._event(i) for i in range(start, stop)]

    def _event(self, i: int) -> Quote | Trade:
        name, at_ns = self._names[self._which[i]], self._times[i]
        first, second, third, fourth = self._values[4 * i : 4 * i + 4]
        if self._trades[i]:
            return Trade(name, first, second, at_ns, at_ns)
        return Quote(name, first, second, third, fourth, at_ns, at_ns)

    def activate(self, instrument: str, now_ns: int) -> None:
        """A recording has what it has."""

    def _add(self, line: int, name: str, ns: int, values: tuple[float, float, float, float], *, trade: bool = False) -> None:
        sizes = values[1:2] if trade else values[2:]
        if not all(math.isfinite(value) for value in values) or min(sizes) < 0 or (trade and not values[1]):
            raise BadInput(f"the recording {self.path} line {line}: {values} is no {'trade' if trade else 'quote'}")
        if self._times and ns < self._times[-1]:
            raise BadInput(f"the recording {self.path} line {line}: the time goes back; sort it by time")
        if name not in self._names:
            self._names.append(name)
        self._which.append(self._names.index(name))
        self._times.append(ns)
        self._trades.append(trade)
        self._values.extend(values)

    def _read_lean(self, path: Path, listed: list[Instrument]) -> None:
        match = _LEAN_NAME.fullmatch(path.name)
        if match is None:
            raise BadInput(f"the recording {path} is not named as a Lean recording; expected a name as 20140505_quote.zip")
        with zipfile.ZipFile(path) as archive:
            members = archive.namelist()
            if len(members) != 1:
                raise BadInput(f"the recording {path} holds {len(members)} files; expected one CSV of ticks")
            text = archive.read(members[0]).decode("ascii")
        # The file in the archive is named as 20140505_eurusd_tick_quote.csv; where it is not, the folder tells the pair.
        parts = Path(members[0]).name.upper().split("_")
        pair = parts[1] if len(parts) > 1 else path.absolute().parent.name.upper()
        cash = (i for i in listed if i.kind is InstrumentKind.CASH)
        name = next((i.id for i in cash if i.symbol + i.currency == pair), None)
        if name is None:
            raise BadInput(f"the recording {path} is of {pair.lower()}, which the instruments file does not list")
        try:
            midnight = from_datetime(datetime.strptime(match[1], "%Y%m%d").replace(tzinfo=UTC))
        except ValueError as error:
            raise BadInput(f"the recording {path}: {match[1]} is no date") from error
        for number, line in enumerate(text.splitlines(), 1):
            try:
                ms, bid, ask = line.split(",")
                self._add(number, name, midnight + int(ms) * NS_PER_MS, (float(bid), float(ask), 0.0, 0.0))
            except ValueError:
                raise BadInput(f"the recording {path} line {number}: {line[:60]!r} is not `ms,bid,ask`") from None

    def _read_csv(self, path: Path, listed: set[str]) -> None:
        with path.open(newline="", encoding="utf-8") as stream:
            rows = csv.reader(stream)
            header = next(rows, None)
            if header is None:
                return
            if header not in (_HEADER, _HEADER_WITH_TRADES):
                raise BadInput(f"the recording {path} begins with {','.join(header)[:80]!r} instead of {','.join(_HEADER)!r}")
            for number, row in enumerate(rows, 2):
                try:
                    self._read_row(number, row, len(header), listed)
                except ValueError as error:
                    raise BadInput(f"the recording {path} line {number}: {','.join(row)[:60]!r} is no quote: {error}") from None

    def _read_row(self, number: int, row: list[str], width: int, listed: set[str]) -> None:
        if len(row) != width:
            raise ValueError(f"it has {len(row)} fields instead of {width}")
        time, name, bid, ask, bid_size, ask_size, price, size = (*row, "", "")[:8]
        ns = _moment(time)
        if name not in listed:
            raise BadInput(f"the recording {self.path} line {number}: {name!r} is not in the instruments file")
        if bid or ask or not price:
            self._add(number, name, ns, (float(bid), float(ask), float(bid_size or 0), float(ask_size or 0)))
        if price or size:
            self._add(number, name, ns, (float(price), float(size), 0.0, 0.0), trade=True)


def _moment(text: str) -> int:
    """A time as a recording has it, UTC nanoseconds.

    Raises:
        ValueError: it is none, or not between 1970 and 2100.
    """
    try:
        ns = int(text) if text.isascii() and text.isdigit() else from_datetime(datetime.fromisoformat(text))
    except OverflowError:
        ns = -1
    if not 0 <= ns < _END_NS:
        raise ValueError("the time is not between 1970 and 2100")
    return ns
