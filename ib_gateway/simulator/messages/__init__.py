"""What a client and the gateway say to each other, as values: where codec and broker meet. No bytes, no decisions."""

from ib_gateway.simulator.messages import replies, requests
from ib_gateway.simulator.messages.contract import ComboLeg, Contract, TagValue
from ib_gateway.simulator.messages.ticket import Condition, Ticket

__all__ = ["ComboLeg", "Condition", "Contract", "TagValue", "Ticket", "replies", "requests"]
