"""What the broker says when it turns an order down, or has something to say about it: one table of IB's codes and words.

Source: TWS API, "Message codes", and what practitioners quote of the newer codes (10xxx).
"""

import enum
from collections.abc import Mapping
from typing import NamedTuple

from atlas.exchange import Reason, Refused, Rejected


class Objection(NamedTuple):
    """A code and its words."""

    code: int
    text: str


class Code(enum.Enum):
    """A code of IB and its words, with gaps where they depend on the order."""

    DUPLICATE_ID = 103, "Duplicate order id"
    MODIFY_FILLED = 104, "Cannot modify a filled order."
    MISMATCH = 105, "Order being modified does not match original order: {what}."
    CANNOT_TRANSMIT = 106, "Can't transmit order ID: {order_id}"
    INCOMPLETE = 107, "Cannot transmit incomplete order: {what}."
    OUT_OF_RANGE = (
        109,
        (
            "Price is out of the range defined by the Percentage setting at order defaults frame. "
            "The order will not be transmitted."
        ),
    )
    OFF_TICK = 110, "The price does not conform to the minimum price variation for this contract."
    TIF_AND_TYPE = 111, "The TIF ({tif}) and the order type ({kind}) are incompatible."
    CLOSE_TIF = 113, "The Tif option should be set to DAY for MOC and LOC."
    CHANGE_FAILED = 134, "Modify order failed. {reason}"
    NO_SUCH_ORDER = 135, "Can't find order with id ={order_id}"
    TRIGGER_METHOD = 146, "Invalid trigger method."
    CONDITION_CONTRACT = 147, "The conditional contract info is incomplete. {where}"
    NO_OFFSET = 158, "You must specify an offset amount or a percent offset value."
    PERCENT_OFFSET = 159, "The percent offset value must be between 0% and 100%."
    NOT_CANCELLABLE = 161, "Cancel attempted when order is not in a cancellable state.  Order permId ={perm_id}"
    REJECTED = 201, "Order rejected - reason:{reason}"
    CANCELLED = 202, "Order Canceled - reason:{reason}"
    INVALID = 321, "Error validating request.-'bW' : cause - {cause}"
    READ_ONLY = 321, "Error validating request.-'bF' : cause - The API interface is currently in Read-Only mode."
    AUTO_BIND = 327, "Only the default client (i.e. 0) can auto bind orders."
    KIND_CHANGE = 329, "Order modify failed. Cannot change to the new order type."
    BAD_GTD = 334, "Invalid Good Till Date order."
    BAD_TIME = 337, "The date, time, or time-zone entered is invalid. The correct format is yyyymmdd hh:mm:ss xxx: {cause}"
    SLOT = 347, "Short sale slot value must be 1 (broker holds shares) or 2 (delivered from elsewhere)."
    NOT_A_SHORT_SALE = 348, "Order not a short sale -- type must be SSHORT to specify short sale slot."
    SLOT_NEEDS_LOCATION = 352, "Short sale slot value of 2 (delivered from elsewhere) requires location."
    UNSUPPORTED_KIND = 387, "Unsupported order type for this exchange and security type: {kind}."
    ORDER_MESSAGE = 399, "Order Message:\n{what}\nWarning: {warning}"
    LOCATING = 404, "Order held while securities are located."
    NO_SIZE = 434, "The order size cannot be zero."
    NO_ACCOUNT = 435, "You must specify an account."
    BAD_SIZE = 461, "The size value must be at least {least:g} in steps of {step:g}."
    NO_PRICE = 463, "You must enter a valid price."
    RTH_IGNORED = (
        2109,
        (
            "Order Event Warning:Attribute 'Outside Regular Trading Hours' is ignored based on the order type and destination. "
            "PlaceOrder is now being processed."
        ),
    )
    BAD_TIF = 10052, "Invalid time in force:{tif}."
    CANCEL_UNKNOWN = 10147, "OrderId {order_id} that needs to be cancelled is not found."
    CANCEL_DONE = 10148, "OrderId {order_id} that needs to be cancelled can not be cancelled, state: {state}."
    E_TRADE_ONLY = 10268, "The 'EtradeOnly' order attribute is not supported."
    FIRM_QUOTE_ONLY = 10269, "The 'FirmQuoteOnly' order attribute is not supported."
    OCA_REVISION = 10326, "OCA group revision is not allowed."

    def say(self, **gaps: object) -> Objection:
        """The code with its gaps filled."""
        number, words = self.value
        return Objection(number, words.format(**gaps))


BEFORE_THE_BOOK: Mapping[Reason, Code] = {
    Reason.OFF_TICK: Code.OFF_TICK,
    Reason.NO_LIMIT_PRICE: Code.NO_PRICE,
    Reason.NO_STOP_PRICE: Code.NO_PRICE,
}
"""Reasons for which an order never comes to exist, so that its number stays free, and how IB says them."""


def rejection(event: Rejected | Refused) -> Objection:
    """Code and words for an order, or a change of one, that the exchange turned down.

    A refused change never says 201, "Order rejected": the order lives. Which code IB gives for each is not public; 134 is the
    one that it lists for a change that failed.
    """
    code = BEFORE_THE_BOOK.get(event.reason)
    if code:
        return code.say()
    if isinstance(event, Rejected):
        return Code.REJECTED.say(reason=event.text)
    if event.reason is Reason.BAD_CHANGE:
        return Objection(Code.MISMATCH.value[0], event.text)
    return Code.CHANGE_FAILED.say(reason=event.text)
