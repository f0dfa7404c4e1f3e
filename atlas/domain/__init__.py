"""What the desk talks about: instruments, market data, orders, executions, books. Pure; imports nothing of ours."""

from atlas.domain._struct import from_plain, plain
from atlas.domain.books import Books, Position, exact
from atlas.domain.errors import (
    AtlasError,
    BadInput,
    ConfigurationError,
    CorruptJournal,
    Refused,
    Unavailable,
    UnknownInstrument,
)
from atlas.domain.events import Commission, Execution, OrderEvent, OrderEventKind
from atlas.domain.instrument import Instrument, InstrumentKind, InstrumentSpec, parse_instrument_id
from atlas.domain.market import MARKET_KINDS, Bar, MarketEvent, Quote, Trade, topic
from atlas.domain.order import (
    Action,
    Cancel,
    Modify,
    Order,
    OrderKind,
    OrderStatus,
    Side,
    Submit,
    TimeInForce,
    action_id,
)
from atlas.domain.order_state import IllegalTransition, OrderState, fold
from atlas.domain.time import NS_PER_MS, NS_PER_SECOND, NS_PER_US, Clock, ManualClock, from_datetime, iso, to_datetime

__all__ = [
    "MARKET_KINDS",
    "NS_PER_MS",
    "NS_PER_SECOND",
    "NS_PER_US",
    "Action",
    "AtlasError",
    "BadInput",
    "Bar",
    "Books",
    "Cancel",
    "Clock",
    "Commission",
    "ConfigurationError",
    "CorruptJournal",
    "Execution",
    "IllegalTransition",
    "Instrument",
    "InstrumentKind",
    "InstrumentSpec",
    "ManualClock",
    "MarketEvent",
    "Modify",
    "Order",
    "OrderEvent",
    "OrderEventKind",
    "OrderKind",
    "OrderState",
    "OrderStatus",
    "Position",
    "Quote",
    "Refused",
    "Side",
    "Submit",
    "TimeInForce",
    "Trade",
    "Unavailable",
    "UnknownInstrument",
    "action_id",
    "exact",
    "fold",
    "from_datetime",
    "from_plain",
    "iso",
    "parse_instrument_id",
    "plain",
    "to_datetime",
    "topic",
]
