"""The rules, one module each, and the order in which they are asked. A new rule is a module and a line here."""

from atlas.trading.risk.case import Check, Rule
from atlas.trading.risk.rules.daily import Daily
from atlas.trading.risk.rules.duplicate import Duplicate
from atlas.trading.risk.rules.exposure import Exposure
from atlas.trading.risk.rules.leverage import Leverage
from atlas.trading.risk.rules.notional import Notional
from atlas.trading.risk.rules.order_rate import OrderRate
from atlas.trading.risk.rules.order_size import OrderSize
from atlas.trading.risk.rules.position import PositionSize
from atlas.trading.risk.rules.possible_price import PossiblePrice
from atlas.trading.risk.rules.possible_quantity import PossibleQuantity
from atlas.trading.risk.rules.price_collar import PriceCollar
from atlas.trading.risk.rules.restricted import Restricted
from atlas.trading.risk.rules.stale_quote import StaleQuote
from atlas.trading.risk.rules.tradable import Tradable
from atlas.trading.risk.rules.trading_hours import TradingHours
from atlas.trading.risk.rules.working_orders import WorkingOrders

CHECKS: tuple[Check, ...] = (Tradable(), PossibleQuantity(), PossiblePrice())
"""They hold for every order."""

RULES: tuple[Rule, ...] = (
    Restricted(),
    Daily(),
    TradingHours(),
    OrderSize(),
    PositionSize(),
    WorkingOrders(),
    OrderRate(),
    Duplicate(),
    StaleQuote(),
    PriceCollar(),
    Notional(),
    Exposure(),
    Leverage(),
)
"""They hold for orders that open. Cheap ones and lasting reasons come first."""
