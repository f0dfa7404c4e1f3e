"""Before the first order: see that the broker would take one, by asking what the smallest one would do. Nothing is placed.

A gateway may be logged in, answer every question and still turn every order away: its API may be read-only, or its precautions
may want each order confirmed by a person. That is better known at the start than with the first signal.
"""

from collections.abc import Mapping
from typing import NamedTuple

from atlas.domain import Instrument, Order, Side
from atlas.trading.broker import BrokerPort, Unknown

_REMEDIES: Mapping[int, str] = {
    321: "switch off 'Read-Only API' in the gateway's API settings",
    435: "set trader.account to the account to trade",
    109: "raise the percentage in the precautionary settings, or switch on 'Bypass Order Precautions for API Orders'",
    382: "raise the limits in the precautionary settings, or switch on 'Bypass Order Precautions for API Orders'",
    383: "raise the size limit in the precautionary settings, or switch on 'Bypass Order Precautions for API Orders'",
    451: "raise the limits in the precautionary settings, or switch on 'Bypass Order Precautions for API Orders'",
    10311: "switch on 'Bypass Order Precautions for API Orders': directly routed orders have to be confirmed otherwise",
    10268: "bring the client library up to date: it sends an attribute that the broker takes no more",
    10269: "bring the client library up to date: it sends an attribute that the broker takes no more",
}
"""What a person does about a refusal that would befall every order, by the broker's code."""


class Preflight(NamedTuple):
    """What came out. `problem` is empty when orders would be taken; `code` is the broker's, where it gave one."""

    problem: str = ""
    code: int = 0

    @property
    def passed(self) -> bool:
        """Whether orders may be sent."""
        return not self.problem


async def preflight(broker: BrokerPort, account: str, instrument: Instrument) -> Preflight:
    """Ask what one order of the smallest size of `instrument` for `account` would do.

    An order may be refused for what it is, for want of margin or because the market is closed: then the broker takes orders,
    and the check has passed. It fails where every order would be refused, and where nothing was answered.
    """
    if account not in broker.accounts:
        return Preflight(f"the login has no account {account}, only {', '.join(broker.accounts) or 'none'}")
    order = Order("preflight", "preflight", instrument.id, Side.BUY, smallest(instrument), account=account)
    answer = await broker.what_if(order)
    if not isinstance(answer, Unknown):
        return Preflight()
    if answer.code in _REMEDIES:
        return Preflight(f"the broker would take no order: {answer.reason}; {_REMEDIES[answer.code]}", answer.code)
    if answer.code:
        return Preflight()
    return Preflight(f"the broker does not say whether it takes orders: {answer.reason}")


def smallest(instrument: Instrument) -> float:
    """The least quantity that can be ordered."""
    return max(instrument.min_size, instrument.size_step)
