"""The rules, one module each, and the order in which they are asked. A new rule is a module and a line here."""

from atlas.trading.risk.case import Check, Rule
from atlas.trading.risk.rules.order_size import OrderSize
from atlas.trading.risk.rules.position import PositionSize
from atlas.trading.risk.rules.possible_price import PossiblePrice
from atlas.trading.risk.rules.possible_quantity import PossibleQuantity
from atlas.trading.risk.rules.tradable import Tradable
from atlas.trading.risk.rules.working_orders import WorkingOrders

CHECKS: tuple[Check, ...] = (Tradable(), PossibleQuantity(), PossiblePrice())
"""They hold for every order."""

RULES: tuple[Rule, ...] = (OrderSize(), PositionSize(), WorkingOrders())
"""They hold for orders that open."""
