"""Interactive Brokers: the only place that knows ib_insync. The rest of Atlas sees instruments, quotes, orders and reports."""

from atlas.ib.broker import Broker
from atlas.ib.connection import Backoff, Connection, keep_open
from atlas.ib.feed import Feed

__all__ = ["Backoff", "Broker", "Connection", "Feed", "keep_open"]
