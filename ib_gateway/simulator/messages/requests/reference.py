"""What a client asks about contracts and the gateway itself."""

from ib_gateway.simulator.messages.contract import Contract
from ib_gateway.simulator.messages.requests.base import Numbered, Request


class CurrentTime(Request, frozen=True):
    """The gateway's time."""


class ServerLogLevel(Request, frozen=True):
    """How much the gateway logs; taken and ignored."""

    level: int


class ContractDetails(Numbered, frozen=True):
    """Everything about the contracts that a description can mean."""

    contract: Contract
    include_expired: bool = False
    sec_id_type: str = ""
    sec_id: str = ""
    issuer_id: str = ""


class MatchingSymbols(Numbered, frozen=True):
    """Instruments whose symbol or name begins with a pattern."""

    pattern: str


class MarketRule(Request, frozen=True):
    """The price increments of a market rule."""

    rule_id: int


class OptionParameters(Numbered, frozen=True):
    """Expiries and strikes of the options on an underlying."""

    symbol: str
    exchange: str
    sec_type: str
    con_id: int
