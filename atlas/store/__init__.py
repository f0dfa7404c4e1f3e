"""MongoDB: one repository class per collection. Writes are acknowledged once they are in the server's journal (`j: true`)."""

from atlas.store.changes import Changes
from atlas.store.database import Database, DatabaseAway
from atlas.store.instruments import InstrumentRepository
from atlas.store.order_events import OrderEventRepository
from atlas.store.orders import OrderRepository
from atlas.store.requests import Requested, RequestRepository
from atlas.store.traders import TraderRepository
from atlas.store.trades import TradeRepository

__all__ = [
    "Changes",
    "Database",
    "DatabaseAway",
    "InstrumentRepository",
    "OrderEventRepository",
    "OrderRepository",
    "RequestRepository",
    "Requested",
    "TradeRepository",
    "TraderRepository",
]
