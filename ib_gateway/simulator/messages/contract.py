"""A contract as it travels: what a client asks for, or what the gateway means."""

import msgspec


class TagValue(msgspec.Struct, frozen=True):
    """A named parameter of an order."""

    tag: str
    value: str


class ComboLeg(msgspec.Struct, frozen=True):
    """One leg of a combination."""

    con_id: int
    ratio: int
    action: str
    exchange: str
    open_close: int = 0
    short_sale_slot: int = 0
    designated_location: str = ""
    exempt_code: int = -1


class Contract(msgspec.Struct, frozen=True, gc=False):
    """A contract. Empty texts and a zero con id say nothing."""

    con_id: int = 0
    symbol: str = ""
    sec_type: str = ""
    expiry: str = ""
    strike: float = 0.0
    right: str = ""
    multiplier: str = ""
    exchange: str = ""
    primary_exchange: str = ""
    currency: str = ""
    local_symbol: str = ""
    trading_class: str = ""
    combo_legs: tuple[ComboLeg, ...] = ()
    combo_legs_description: str = ""
