"""The broker: orders, accounts, subscriptions, reference data. Takes requests and gives replies as values; knows no wire."""

from ib_gateway.simulator.broker.accounts.advisor import is_advisor
from ib_gateway.simulator.broker.broker import Broker
from ib_gateway.simulator.broker.history.hmds import HistoryTerms
from ib_gateway.simulator.broker.market_data.terms import MarketTerms
from ib_gateway.simulator.broker.orders import OrderRules, Turned
from ib_gateway.simulator.broker.records import Record, Snapshot

__all__ = ["Broker", "HistoryTerms", "MarketTerms", "OrderRules", "Record", "Snapshot", "Turned", "is_advisor"]
