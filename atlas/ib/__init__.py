"""Interactive Brokers: the only place that knows ib_insync. The rest of Atlas sees instruments, quotes, orders and reports."""

from atlas.ib.broker import Broker
from atlas.ib.connection import Connection
from atlas.ib.feed import Feed

__all__ = ["Broker", "Connection", "Feed"]
