"""What the error codes of the TWS API mean for an order. The numbers are Interactive Brokers' (API message codes)."""

import enum


class Meaning(enum.Enum):
    """What becomes of the order that an error names."""

    REJECTED = "rejected"
    """A new order was turned down. While the order works, it is a change that was turned down."""
    CANCELLED = "cancelled"
    """The order is off."""
    REFUSED = "refused"
    """A modify or cancel was turned down; the order stands as it was, or was final already."""
    GONE = "gone"
    """A modify or cancel was turned down, for the broker knows no such order: it has to be asked what became of it."""
    NOTICE = "notice"
    """Words for people; nothing changes."""


_CODES: dict[Meaning, frozenset[int]] = {
    Meaning.REJECTED: frozenset(
        {
            103,  # duplicate order id
            104,  # cannot modify a filled order
            105,  # the order differs from the one it would modify
            106,  # cannot transmit
            107,  # cannot transmit an incomplete order
            109,  # price out of range
            110,  # price does not conform to the minimum price variation
            200,  # no security definition
            201,  # order rejected
            203,  # the security is not available to this account
            320,  # error reading the request
            321,  # error validating the request, the read-only API among them
            387,  # unsupported order type for this exchange and security
            388,  # order size smaller than the minimum requirement
            434,  # the order size cannot be zero
            10268,  # an order attribute is not supported
            10269,
        }
    ),
    Meaning.CANCELLED: frozenset({202}),
    Meaning.REFUSED: frozenset(
        {
            136,  # this order cannot be cancelled
            161,  # the order is not in a cancellable state
            10148,  # the order to be cancelled cannot be, by its state
        }
    ),
    Meaning.GONE: frozenset(
        {
            135,  # cannot find an order with this id
            10147,  # the order to be cancelled is not found
        }
    ),
}
_MEANING = {code: meaning for meaning, codes in _CODES.items() for code in codes}


def meaning_of(code: int) -> Meaning:
    """What `code` means for the order it names. Unlisted codes are notices: the order's status tells what they did."""
    return _MEANING.get(code, Meaning.NOTICE)
