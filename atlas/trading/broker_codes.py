"""What the error codes of the TWS API mean for the order that they name: one table.

The numbers are Interactive Brokers' ("Message codes" of the TWS API, and what practitioners quote of the newer ones, 10xxx).
Codes that are not listed are notices: the status that the broker reports for the order decides what they did. So are those of
which practice shows that the order may live on: 399 and 404 (it is held), 2109 and 2137 (it is taken all the same).
"""

import enum
from typing import NamedTuple


class Meaning(enum.Enum):
    """What becomes of the order that an error names."""

    REJECTED = "rejected"
    """A new order was turned down. While the order works, it is a change that was turned down."""
    CANCELLED = "cancelled"
    """The order is off."""
    REFUSED = "refused"
    """A modify or cancel was turned down; the order stands as it was, or was final already."""
    GONE = "gone"
    """A modify or cancel was turned down, and the order is not what we took it for: the broker has to be asked about it."""
    NOTICE = "notice"
    """Words for people; nothing changes."""


class Code(NamedTuple):
    """A code, what it means, and whether the same request may pass later (`temporary`) or never will as it is."""

    number: int
    meaning: Meaning
    words: str
    temporary: bool = False


_M = Meaning
CODES = (
    Code(103, _M.REJECTED, "the order id was used before"),
    Code(104, _M.GONE, "a filled order cannot be modified"),
    Code(105, _M.GONE, "the order that works under this id is another one"),
    Code(106, _M.REJECTED, "it cannot be transmitted"),
    Code(107, _M.REJECTED, "it is incomplete"),
    Code(109, _M.REJECTED, "the price is outside the range of the terminal's settings"),
    Code(110, _M.REJECTED, "the price is no multiple of the tick"),
    Code(111, _M.REJECTED, "time in force and order type do not go together"),
    Code(113, _M.REJECTED, "an order on close is for the day"),
    Code(114, _M.REJECTED, "relative orders are for stocks"),
    Code(116, _M.REJECTED, "the exchange is dead"),
    Code(133, _M.REJECTED, "it could not be submitted"),
    Code(134, _M.REFUSED, "it could not be modified"),
    Code(135, _M.GONE, "there is no order, or no parent, with this id"),
    Code(136, _M.REFUSED, "it cannot be cancelled"),
    Code(146, _M.REJECTED, "there is no such trigger method"),
    Code(147, _M.REJECTED, "a condition's contract is incomplete"),
    Code(154, _M.REJECTED, "trading in the security is halted", temporary=True),
    Code(158, _M.REJECTED, "an offset is missing"),
    Code(159, _M.REJECTED, "the percentage is none"),
    Code(161, _M.REFUSED, "it is in no state in which it can be cancelled"),
    Code(163, _M.REJECTED, "the price is too far from the market for the terminal's settings"),
    Code(164, _M.REJECTED, "there is no market price to hold the order's price against", temporary=True),
    Code(200, _M.REJECTED, "there is no such contract, or more than one"),
    Code(201, _M.REJECTED, "rejected; the words say why"),
    Code(202, _M.CANCELLED, "cancelled"),
    Code(203, _M.REJECTED, "the account may not trade the security"),
    Code(320, _M.REJECTED, "the request could not be read"),
    Code(321, _M.REJECTED, "the request is not valid; a read-only API says this, too"),
    Code(322, _M.REJECTED, "the request could not be processed"),
    Code(323, _M.REJECTED, "the request could not be processed, and the words say why"),
    Code(328, _M.REJECTED, "a trailing stop can be attached to limit and stop-limit orders only"),
    Code(329, _M.REFUSED, "the order type cannot be changed"),
    Code(334, _M.REJECTED, "good till a time that is over"),
    Code(337, _M.REJECTED, "a time cannot be read"),
    Code(355, _M.REJECTED, "the size does not conform to the market rule"),
    Code(382, _M.REJECTED, "the price violates the ticks constraint of the terminal's settings"),
    Code(383, _M.REJECTED, "the size violates the size constraint of the terminal's settings"),
    Code(387, _M.REJECTED, "the exchange does not take this order type for the security"),
    Code(388, _M.REJECTED, "the size is below the minimum"),
    Code(400, _M.REJECTED, "the algorithm's parameters are wrong"),
    Code(402, _M.REJECTED, "conditions are not possible for this contract"),
    Code(403, _M.REJECTED, "the stop price is not valid"),
    Code(412, _M.REJECTED, "the contract cannot be traded"),
    Code(434, _M.REJECTED, "the size is zero"),
    Code(435, _M.REJECTED, "the account is missing"),
    Code(436, _M.REJECTED, "the allocation among accounts is missing"),
    Code(461, _M.REJECTED, "the size is below the minimum, or no multiple of the step"),
    Code(463, _M.REJECTED, "a price is missing"),
    Code(507, _M.NOTICE, "the connection broke; whether the request arrived is not said"),
    Code(10006, _M.REJECTED, "the parent order is missing", temporary=True),
    Code(10052, _M.REJECTED, "there is no such time in force"),
    Code(10147, _M.GONE, "the order that is to be cancelled is not found"),
    Code(10148, _M.REFUSED, "the order that is to be cancelled cannot be, by its state"),
    Code(10268, _M.REJECTED, "an order attribute is not supported any more"),
    Code(10269, _M.REJECTED, "an order attribute is not supported any more"),
    Code(10270, _M.REJECTED, "an order attribute is not supported any more"),
    Code(10326, _M.REFUSED, "the OCA group of an order cannot be changed"),
)
_BY_NUMBER = {code.number: code for code in CODES}


def meaning_of(code: int) -> Meaning:
    """What `code` means for the order it names. Unlisted codes are notices: the order's status tells what they did."""
    found = _BY_NUMBER.get(code)
    return found.meaning if found is not None else Meaning.NOTICE


def is_temporary(code: int) -> bool:
    """Whether the same request may pass later. What is not listed is taken for permanent: nobody repeats it blindly."""
    found = _BY_NUMBER.get(code)
    return found is not None and found.temporary
