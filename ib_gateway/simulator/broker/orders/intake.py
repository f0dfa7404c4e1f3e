"""From a request to an order: everything that is looked at before the exchange hears of it."""

from msgspec.structs import replace

from atlas.domain import Order, PercentChangeCondition, Side, VolumeCondition
from ib_gateway.simulator.broker.accounts.advisor import Unallocatable
from ib_gateway.simulator.broker.floor import Floor
from ib_gateway.simulator.broker.orders import checks, conditions
from ib_gateway.simulator.broker.orders.codes import Code, Objection
from ib_gateway.simulator.broker.orders.rules import OrderRules
from ib_gateway.simulator.broker.orders.terms import SIDES, Links, Turned, to_order
from ib_gateway.simulator.instruments import Listing
from ib_gateway.simulator.messages import Ticket


class Intake:
    """Reads tickets."""

    def __init__(self, floor: Floor, rules: OrderRules) -> None:
        self._floor = floor
        self._rules = rules

    def completed(self, ticket: Ticket) -> Ticket:
        """The ticket with what the gateway fills in."""
        return checks.completed(ticket, self._floor.accounts)

    def order(self, exchange_id: str, listing: Listing, ticket: Ticket, *, parent: str = "", oca_group: str = "") -> Order:
        """The order that a completed ticket means, held to every rule that can be looked at beforehand.

        Raises:
            Turned: it breaks one.
        """
        floor = self._floor
        checks.check_ticket(ticket, listing, floor.accounts, self._rules)
        instrument = listing.instrument
        try:
            shares = floor.advisor.allocate(ticket, ticket.quantity, instrument.id, instrument.size_step)
        except Unallocatable as error:
            raise Turned(Objection(error.code, error.text)) from None
        if not shares and not ticket.account:
            raise Turned(Code.NO_ACCOUNT.say())
        quote = floor.exchange.quote(instrument.id)
        touch = None
        if quote is not None:
            touch = quote.bid if SIDES[ticket.action] is Side.BUY else quote.ask
        read = conditions.read(ticket.conditions, floor.catalogue)
        links = Links(parent, oca_group or ticket.oca_group, shares)
        order = to_order(exchange_id, listing, ticket, read, links, touch if touch and touch > 0 else None)
        checks.check_order(order, ticket, listing, quote, self._rules, floor.clock.now_ns())
        self._note_days(order)
        if checks.outside_rth_is_ignored(order, listing):
            order = replace(order, outside_rth=False)
        return order

    def want_market(self, order: Order) -> None:
        """An order needs the market of its instrument, and of those that its conditions look at."""
        for name in sorted({order.instrument, *(getattr(one, "instrument", order.instrument) for one in order.conditions)}):
            self._floor.interest(name, False)
        self._note_days(order)

    def _note_days(self, order: Order) -> None:
        """Conditions look at the whole day, and at the close before it."""
        for condition in order.conditions:
            if isinstance(condition, VolumeCondition | PercentChangeCondition):
                self._floor.note_day(condition.instrument)
