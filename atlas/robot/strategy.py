"""What users write: a `Strategy` with its `Parameters`.

A strategy decides from what it was told and from nothing else: no clock but `ctx.now_ns`, no file, no network, no
randomness, nothing that hangs on the iteration order of a set. Then the same events give the same orders, today live and
next year in a replay.
"""

from collections.abc import Mapping
from typing import Any, get_type_hints

import msgspec

from atlas.domain import Bar, ConfigurationError, OrderEvent, Quote, Trade
from atlas.robot.context import Context


class Parameters(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Base of a strategy's parameters: typed, with defaults, frozen. Check values in `__post_init__` with a `ValueError`.

    class SpreadParameters(Parameters, frozen=True):
        ticks: int = 2
    """


class Strategy:
    """Base of all robots. Override what you need; every method is called by one thread, one event at a time.

    Annotate `parameters` with your own class of parameters. What a strategy keeps from one event to the next goes into its
    attributes, best made in `__init__(self, parameters)` or in `on_start`.

    A method that raises stops the robot: it goes to ERROR, its orders of that event are dropped, and it is told nothing more
    until it is started anew. Its positions and orders stay known.
    """

    parameters: Parameters

    def __init__(self, parameters: Any) -> None:
        self.parameters = parameters

    def on_start(self, ctx: Context) -> None:
        """The robot starts, or starts anew. Positions and orders of an earlier start are known already."""

    def on_quote(self, ctx: Context, quote: Quote) -> None:
        """The best bid or ask has changed."""

    def on_trade(self, ctx: Context, trade: Trade) -> None:
        """The market has printed a trade."""

    def on_bar(self, ctx: Context, bar: Bar) -> None:
        """A bar has closed. Bars of several lengths may come; tell them apart by `end_ns - start_ns`."""

    def on_order(self, ctx: Context, event: OrderEvent) -> None:
        """Something has happened to one of the robot's orders; `ctx.order(event.order_id)` and positions know it already."""

    def on_timer(self, ctx: Context, name: str) -> None:
        """A timer set by `ctx.timer` is due. It was due at the earliest now, and may be late."""

    def on_control(self, ctx: Context, command: str, arguments: dict[str, Any]) -> None:
        """Someone sent the robot a command of its own."""

    def on_stop(self, ctx: Context) -> None:
        """The robot is being stopped. Orders and cancels given here still go out; resting orders stay unless cancelled."""


def parameters_type(strategy: type[Strategy]) -> type[Parameters]:
    """The class with which `strategy` annotates its `parameters`.

    Raises:
        ConfigurationError: it is annotated with something else than a class of parameters.
    """
    try:
        annotated = get_type_hints(strategy)["parameters"]
    except NameError as error:
        raise ConfigurationError(f"strategy {strategy.__name__}: the annotation of `parameters` is unknown: {error}") from None
    if not (isinstance(annotated, type) and issubclass(annotated, Parameters)):
        raise ConfigurationError(
            f"strategy {strategy.__name__}: annotate `parameters` with a class that inherits from atlas.Parameters, "
            f"not with {annotated!r}"
        )
    return annotated


def make_parameters(strategy: type[Strategy], values: Mapping[str, Any], *, from_text: bool = False) -> Parameters:
    """The parameters of `strategy` from plain values; defaults fill the rest. `from_text` reads "10" as the number 10.

    Raises:
        ConfigurationError: an unknown, missing or ill-typed parameter, or a value that the parameters refuse.
    """
    kind = parameters_type(strategy)
    try:
        return msgspec.convert(dict(values), kind, strict=not from_text)
    except msgspec.ValidationError as error:
        known = ", ".join(kind.__struct_fields__) or "none"
        raise ConfigurationError(f"parameters of {strategy.__name__}: {error}; its parameters are: {known}") from None


def plain_parameters(parameters: Parameters) -> dict[str, Any]:
    """`parameters` as plain values, defaults included, as a journal keeps them."""
    values: dict[str, Any] = msgspec.msgpack.decode(msgspec.msgpack.encode(parameters))
    return values


def wants(strategy: type[Strategy]) -> frozenset[str]:
    """Which kinds of market data ("quote", "trade", "bar") `strategy` listens to: those whose method it overrides."""
    methods = {"quote": "on_quote", "trade": "on_trade", "bar": "on_bar"}
    return frozenset(kind for kind, name in methods.items() if getattr(strategy, name) is not getattr(Strategy, name))
