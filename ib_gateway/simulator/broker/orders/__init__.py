"""Orders: from tickets to the exchange, and from what it says to what clients hear."""

from ib_gateway.simulator.broker.orders.desk import OrderDesk
from ib_gateway.simulator.broker.orders.exercise import ExerciseDesk
from ib_gateway.simulator.broker.orders.rules import OrderRules
from ib_gateway.simulator.broker.orders.terminal import Terminal
from ib_gateway.simulator.broker.orders.terms import Turned

__all__ = ["ExerciseDesk", "OrderDesk", "OrderRules", "Terminal", "Turned"]
