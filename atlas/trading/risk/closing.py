"""What is cancelled and closed when a limit of the session day is reached, or on a person's command. Pure.

The shell carries it out: it cancels first, and sends what closes when the cancellations are final, for an order that closes
beside one that still works could turn the position round.
"""

from collections.abc import Callable, Iterable

from atlas.domain import OrderState, Position, Side
from atlas.domain._struct import Value
from atlas.trading.risk.exits import is_exit
from atlas.trading.risk.limits import AtLimit
from atlas.trading.risk.prices import Prices
from atlas.trading.risk.view import OrdersView, Without


class Closing(Value, frozen=True):
    """A position that is to be closed at the market, by an order of `quantity` units."""

    instrument: str
    side: Side
    quantity: float


class LimitReached(Value, frozen=True, tag="limit_reached"):
    """A limit of the session day was reached: once for each scope and name, until the day ends at `until_ns`.

    `cancel` are the ids of orders to cancel, `close` what to close when they are gone.
    """

    scope: str
    name: str
    found: float
    limit: float
    until_ns: int
    cancel: tuple[str, ...] = ()
    close: tuple[Closing, ...] = ()


def closings(held: Iterable[tuple[str, Position]]) -> tuple[Closing, ...]:
    """What closes the positions."""
    return tuple(
        Closing(name, Side.SELL if one.quantity > 0 else Side.BUY, abs(one.quantity)) for name, one in held if one.quantity
    )


def actions(at_limit: Iterable[AtLimit], view: OrdersView, prices: Prices) -> tuple[tuple[str, ...], tuple[Closing, ...]]:
    """Which orders of `view` are to be cancelled, and what is to be closed.

    Pending are the orders that could open something; those that protect a position stay, unless it is closed. A position
    without a quote passes for a loser.
    """
    wanted = set(at_limit)
    held = sorted(view.held().items())
    close = closings(
        (name, one) for name, one in held if any(tell(prices.mid(name), one) for act, tell in _TELLS.items() if act in wanted)
    )
    in_the_way = {(one.instrument, one.side) for one in close}

    def ends(state: OrderState) -> bool:
        order = state.order
        opens = not is_exit(order, Without(view, order.id), state.exposed)
        return (order.instrument, order.side) in in_the_way or (AtLimit.CANCEL_PENDING in wanted and opens)

    return tuple(state.order.id for state in view.working() if ends(state)), close


def _is_loser(price: float | None, one: Position) -> bool:
    return price is None or (price - one.average_price) * one.quantity < 0


def _is_winner(price: float | None, one: Position) -> bool:
    return price is not None and (price - one.average_price) * one.quantity >= 0


_TELLS: dict[AtLimit, Callable[[float | None, Position], bool]] = {
    AtLimit.CLOSE_LOSERS: _is_loser,
    AtLimit.CLOSE_WINNERS: _is_winner,
}
