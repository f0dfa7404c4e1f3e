"""Pieces that messages of several subjects share."""

import msgspec

from ib_gateway.simulator.codec.kinds import FLOAT, INT, PLAIN_TIME, TEXT, WHOLE, ZONED_TIME, Kind
from ib_gateway.simulator.codec.layout import Field, Fixed, Item, Many, When
from ib_gateway.simulator.messages import ComboLeg, Contract

ONE = Fixed("1")
REQ_ID = Field("req_id", INT)
CONTRACT: dict[str, type[msgspec.Struct]] = {"contract": Contract}


def fields(prefix: str, **kinds: Kind) -> tuple[Field, ...]:
    """Consecutive fields of one nested value, by name and kind."""
    return tuple(Field(f"{prefix}.{name}" if prefix else name, kind) for name, kind in kinds.items())


SENT_CONTRACT: tuple[Item, ...] = fields(
    "contract", con_id=INT, symbol=TEXT, sec_type=TEXT, expiry=TEXT, strike=FLOAT, right=TEXT, multiplier=TEXT, exchange=TEXT,
    primary_exchange=TEXT, currency=TEXT, local_symbol=TEXT, trading_class=TEXT,
)  # fmt: skip
"""A contract as clients write it."""


def written_contract(right: Kind = TEXT) -> tuple[Item, ...]:
    """A contract as the gateway writes it in most messages: without primary exchange."""
    return fields(
        "contract", con_id=INT, symbol=TEXT, sec_type=TEXT, expiry=TEXT, strike=FLOAT, right=right, multiplier=TEXT,
        exchange=TEXT, currency=TEXT, local_symbol=TEXT, trading_class=TEXT,
    )  # fmt: skip


SHORT_LEGS = When(
    "contract.sec_type",
    lambda value: value == "BAG",
    (
        Many(
            "contract.combo_legs",
            ComboLeg,
            (Field("con_id", INT), Field("ratio", INT), Field("action"), Field("exchange")),
        ),
    ),
)
"""The legs of a combination, as most requests write them."""


def size_field(name: str) -> tuple[Item, ...]:
    """A size: a whole number before 163, when sizes could not be fractions."""
    return (Field(name, WHOLE, until=162), Field(name, FLOAT, since=163))


def time_field(name: str) -> tuple[Item, ...]:
    """A time: with its zone since 174."""
    return (Field(name, PLAIN_TIME, until=173), Field(name, ZONED_TIME, since=174))
