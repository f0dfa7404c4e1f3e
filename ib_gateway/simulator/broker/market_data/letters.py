"""Who quotes a smart-routed stock: the exchanges behind the best bid and ask, as letters.

The letters are those of the consolidated tape (CTA and UTP participants). Which exchanges are at a price is a hash of it.
"""

from typing import NamedTuple
from zlib import crc32

BBO = "9c0001"
"""The name of the map from letters to exchanges."""


class Component(NamedTuple):
    """One exchange of the smart quote."""

    bit: int
    exchange: str
    letter: str


_LETTERS = (
    ("AMEX", "A"), ("BEX", "B"), ("NYSENAT", "C"), ("PEARL", "H"), ("EDGEA", "J"), ("DRCTEDGE", "K"), ("LTSE", "L"),
    ("CHX", "M"), ("NYSE", "N"), ("ARCA", "P"), ("ISLAND", "Q"), ("MEMX", "U"), ("IEX", "V"), ("PSX", "X"), ("BYX", "Y"),
    ("BATS", "Z"),
)  # fmt: skip
COMPONENTS = tuple(Component(bit, exchange, letter) for bit, (exchange, letter) in enumerate(_LETTERS))
MAKERS = tuple(component.exchange for component in COMPONENTS)
_LIKELY = "QPKZQPZNVUKQ"


def letters(instrument: str, side: str, price: float) -> str:
    """The exchanges that show a price on a side, in alphabetical order."""
    mark = crc32(f"{instrument}/{side}/{price!r}".encode())
    chosen = {_LIKELY[(mark >> shift) % len(_LIKELY)] for shift in range(0, 4 * (1 + mark % 4), 4)}
    return "".join(sorted(chosen))


def letter_of_trade(instrument: str, exchange_ns: int) -> str:
    """The exchange of a trade."""
    return _LIKELY[crc32(f"{instrument}/{exchange_ns}".encode()) % len(_LIKELY)]
