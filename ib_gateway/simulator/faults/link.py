"""The gateway's connection to IB, while it is lost: what still goes through, what waits, and what nobody hears."""

from typing import Literal, NamedTuple

from ib_gateway.simulator.faults import notices
from ib_gateway.simulator.faults.conflation import Newest
from ib_gateway.simulator.faults.effects import Ask, Effect, LoseSubscriptions, Tell
from ib_gateway.simulator.faults.model import ConnectivityLost
from ib_gateway.simulator.messages import replies as say
from ib_gateway.simulator.messages import requests as ask

_LOCAL = frozenset({
    ask.StartApi, ask.CurrentTime, ask.Ids, ask.ManagedAccounts, ask.AutoOpenOrders, ask.ServerLogLevel, ask.MarketDataType,
})  # fmt: skip
"""Requests that a gateway answers by itself; so it does all cancels but those of orders."""

_OWN = frozenset({say.CurrentTime, say.NextValidId, say.ManagedAccounts, say.MarketDataType})
"""Replies to them."""

_ORDER_MESSAGES = frozenset({say.OpenOrder, say.OrderStatus, say.Execution, say.CommissionReport})
_FARMS_OK = frozenset({2104, 2106, 2158})


def is_local(kind: type[ask.Request]) -> bool:
    """Whether a gateway answers such requests without IB."""
    return kind in _LOCAL or (kind.__name__.startswith("Cancel") and kind is not ask.CancelOrder)


class Held(NamedTuple):
    """A request that waits for the link, and which faults on messages it has passed: those up to a number."""

    asked: Ask
    after: int


class Restored(NamedTuple):
    """What is to be done, said, and acted on when IB is there again, in this order."""

    done: list[Effect]
    said: list[Tell]
    held: list[Held]


class Link:
    """Passes everything until it is lost. A market data stream keeps its newest ticks for when it is restored."""

    def __init__(self) -> None:
        self.lost: ConnectivityLost | None = None
        self._data_lost = False
        self._held: list[Held] = []
        self._newest: dict[int, Newest] = {}
        self._missed: list[Tell] = []

    def lose(self, fault: ConnectivityLost) -> None:
        """IB is gone; what is in force of several losses is the latest."""
        self.lost = fault
        self._data_lost |= fault.data == "lost"

    @property
    def data(self) -> Literal["maintained", "lost"]:
        """What has become of subscriptions: of several losses one is enough."""
        return "lost" if self._data_lost else "maintained"

    def restore(self, data: Literal["maintained", "lost"], farms_down: frozenset[str]) -> Restored:
        """IB is there again."""
        said = [Tell(None, notices.restored(data, farms_down))]
        if data == "maintained":
            said += [Tell(client_id, tick) for client_id, newest in self._newest.items() for tick in newest.take()]
        restored = Restored([LoseSubscriptions()] if data == "lost" else [], said + self._missed, self._held)
        self.lost, self._data_lost, self._held, self._newest, self._missed = None, False, [], {}, []
        return restored

    def passes_request(self, client_id: int, request: ask.Request, after: int = 0) -> bool:
        """Whether the broker may hear a request now, which has passed faults on messages up to `after`."""
        if self.lost is None or is_local(type(request)):
            return True
        if self.lost.requests == "held":
            self._held.append(Held(Ask(client_id, request), after))
        return False

    def passes_reply(self, client_id: int, reply: say.Reply, *, solicited: bool) -> bool:
        """Whether a client may hear a reply now. Solicited is what answers a request that has passed."""
        if self.lost is None:
            return True
        if isinstance(reply, say.Error) and reply.code in _FARMS_OK:
            return False
        if solicited:
            return True
        if not self._newest.setdefault(client_id, Newest()).keep(reply) and self.lost.tell_missed:
            about_an_order = isinstance(reply, say.Error) and reply.req_id > 0
            if type(reply) in _ORDER_MESSAGES or about_an_order:
                self._missed.append(Tell(client_id, reply))
        return False

    def passes_late(self, client_id: int, reply: say.Reply) -> bool:
        """Whether a client may hear a reply now that was said before: what the gateway says of itself, it may."""
        own = type(reply) in _OWN or (isinstance(reply, say.Error) and reply.req_id == -1)
        return self.passes_reply(client_id, reply, solicited=own)

    def forget(self, client_id: int) -> None:
        """A client is gone, and what waits for it."""
        self._newest.pop(client_id, None)
        self._held = [one for one in self._held if one.asked.client_id != client_id]
        self._missed = [one for one in self._missed if one.client_id != client_id]
