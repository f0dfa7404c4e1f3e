"""What the gateway says about contracts, and the time."""

from collections.abc import Sequence

import msgspec

from ib_gateway.simulator.messages.contract import Contract
from ib_gateway.simulator.messages.replies.base import Reply


class CurrentTime(Reply, frozen=True):
    """Seconds since the epoch."""

    seconds: int


class ContractDetails(Reply, frozen=True):
    """All about one contract. `last_trade` is expiry and time of the last trade."""

    req_id: int
    contract: Contract
    last_trade: str
    market_name: str
    min_tick: float
    order_types: str
    valid_exchanges: str
    under_con_id: int
    long_name: str
    contract_month: str
    industry: str
    category: str
    subcategory: str
    time_zone: str
    trading_hours: str
    liquid_hours: str
    security_ids: Sequence[tuple[str, str]]
    agg_group: int
    under_symbol: str
    under_sec_type: str
    market_rule_ids: str
    real_expiry: str
    stock_type: str
    min_size: float = 1.0
    size_increment: float = 1.0
    suggested_size_increment: float = 1.0
    price_magnifier: int = 1
    ev_rule: str = ""
    ev_multiplier: float = 0.0
    market_data_size_multiplier: int = 1


class ContractDetailsEnd(Reply, frozen=True):
    """No more contracts."""

    req_id: int


class SymbolSample(msgspec.Struct, frozen=True):
    """An instrument that matches a pattern."""

    con_id: int
    symbol: str
    sec_type: str
    primary_exchange: str
    currency: str
    description: str
    issuer_id: str = ""
    derivatives: tuple[str, ...] = ()


class SymbolSamples(Reply, frozen=True):
    """Instruments that match a pattern."""

    req_id: int
    samples: Sequence[SymbolSample]


class MarketRule(Reply, frozen=True):
    """Price increments, each from a price on."""

    rule_id: int
    increments: Sequence[tuple[float, float]]


class OptionParametersEnd(Reply, frozen=True):
    """No more expiries and strikes."""

    req_id: int


class OptionParameters(Reply, frozen=True):
    """Expiries and strikes of the options of one class on one exchange; they do not all go together."""

    req_id: int
    exchange: str
    under_con_id: int
    trading_class: str
    multiplier: str
    expiries: Sequence[str]
    strikes: Sequence[float]


class BondDetails(Reply, frozen=True):
    """All about one bond. `maturity` is its date, with time and zone of the last trade if known."""

    req_id: int
    contract: Contract
    cusip: str
    coupon: float
    maturity: str
    issue_date: str
    ratings: str
    bond_type: str
    coupon_type: str
    convertible: bool
    callable: bool
    putable: bool
    description: str
    market_name: str
    min_tick: float
    order_types: str
    valid_exchanges: str
    long_name: str
    next_option_date: str = ""
    next_option_type: str = ""
    next_option_partial: bool = False
    notes: str = ""
    ev_rule: str = ""
    ev_multiplier: int = 0
    security_ids: Sequence[tuple[str, str]] = ()
    agg_group: int = 0
    market_rule_ids: str = ""
    min_size: float = 1.0
    size_increment: float = 1.0
    suggested_size_increment: float = 1.0
