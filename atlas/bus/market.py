"""What the watcher answers on its market request socket."""

from atlas.bus.control import Done, Greet
from atlas.bus.envelope import Message
from atlas.domain import Bar, Instrument, Quote

__all__ = [
    "Done",
    "Greet",
    "Instruments",
    "InstrumentsRequest",
    "Reply",
    "Request",
    "Snapshot",
    "SnapshotRequest",
    "Subscribe",
]


class Subscribe(Message, frozen=True, tag="subscribe"):
    """See to it that `kinds` ("quote", "trade", "bar") of `instruments` are published."""

    instruments: list[str]
    kinds: list[str]


class SnapshotRequest(Message, frozen=True, tag="snapshot_request"):
    """The newest quotes and bars of `instruments`; empty means all."""

    instruments: list[str]


class Snapshot(Message, frozen=True, tag="snapshot"):
    """The newest quotes and closed bars known, none for an instrument that has not been quoted yet."""

    quotes: list[Quote]
    bars: list[Bar]


class InstrumentsRequest(Message, frozen=True, tag="instruments_request"):
    """What the broker says these instruments are; empty means all that are known."""

    ids: list[str]


class Instruments(Message, frozen=True, tag="instruments"):
    """The instruments asked for."""

    instruments: list[Instrument]


Request = Subscribe | SnapshotRequest | InstrumentsRequest | Greet
"""What the market request socket takes."""

Reply = Done | Snapshot | Instruments
"""What it replies."""
