"""The simulated exchange, pure: orders and accounts against quotes. Three fronts use it: backtest, paper, simulated gateway."""

from atlas.exchange.calendar import NEVER_NS, AlwaysRegular, Calendar, Phase
from atlas.exchange.commission import FIXED_PRICING, CommissionRule
from atlas.exchange.contingency import attached
from atlas.exchange.events import (
    Accepted,
    Cancelled,
    ExchangeEvent,
    Executed,
    Expired,
    Modified,
    Reason,
    Refused,
    Rejected,
    Settled,
    Stage,
    Staged,
    Trailed,
)
from atlas.exchange.exchange import Exchange, ExchangeState
from atlas.exchange.ledger import Ledger
from atlas.exchange.margin import MARGIN_RATES, MarginRate, MarginState, WhatIf
from atlas.exchange.matching import fill_price
from atlas.exchange.rates import Rates
from atlas.exchange.standing import Standing
from atlas.exchange.terms import Terms
from atlas.exchange.wire import Wire

__all__ = [
    "FIXED_PRICING",
    "MARGIN_RATES",
    "NEVER_NS",
    "Accepted",
    "AlwaysRegular",
    "Calendar",
    "Cancelled",
    "CommissionRule",
    "Exchange",
    "ExchangeEvent",
    "ExchangeState",
    "Executed",
    "Expired",
    "Ledger",
    "MarginRate",
    "MarginState",
    "Modified",
    "Phase",
    "Rates",
    "Reason",
    "Refused",
    "Rejected",
    "Settled",
    "Stage",
    "Staged",
    "Standing",
    "Terms",
    "Trailed",
    "WhatIf",
    "Wire",
    "attached",
    "fill_price",
]
