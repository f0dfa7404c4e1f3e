"""The limits of the desk: what each is, and for which part of the desk it holds. Frozen: a change makes a new tree.

A limit stands at a scope: the desk "", "account:DU1", "robot:sma" or "instrument:ES-202612@CME". An order is held against the
limits of every scope that it falls into, each with what that scope has: a desk's `max_working_orders` counts the orders of all
robots, a robot's its own. So the strictest wins, and no scope can loosen another.
"""

import enum
import json
import re
from collections.abc import Iterator, Mapping
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from atlas.domain import BadInput, Order, parse_instrument_id
from atlas.domain.order_form import ORDER_ID


def _no_truth(value: object) -> object:
    if isinstance(value, bool):
        raise ValueError("must be a number, not true or false")  # noqa: TRY004 # pydantic hears value errors only
    return value


MOST = 10**12
"""No limit is above that: every number up to it is exact as a float, and any database takes it. Who wants more wants none."""

Amount = Annotated[float, Field(gt=0, le=MOST, allow_inf_nan=False), BeforeValidator(_no_truth)]
Count = Annotated[int, Field(ge=1, le=MOST), BeforeValidator(_no_truth)]
DESK = ""
"""The scope that every order falls into."""


class AtLimit(enum.Enum):
    """What is done, besides refusing to open, when a day's loss or profit reaches its limit."""

    CANCEL_PENDING = "cancel_pending"
    CLOSE_LOSERS = "close_losers"
    CLOSE_WINNERS = "close_winners"


class Limits(BaseModel):
    """The limits of one scope. One that is None, empty or false is off.

    Money is in the account's base currency; quantities are in units of the instrument.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True)

    max_order_quantity: Amount | None = Field(None, description="units of one order")
    max_position: Amount | None = Field(None, description="absolute units that may come to be held of one instrument")
    max_working_orders: Count | None = Field(None, description="orders that are not final yet")
    max_order_notional: Amount | None = Field(None, description="value of one order, in the account's base currency")
    price_collar_percent: Amount | None = Field(None, description="how far beyond the market a price may be, in percent of it")
    price_collar_ticks: Count | None = Field(None, description="how far beyond the market a price may be, in ticks")
    max_exposure: Amount | None = Field(None, description="value of all positions, long and short added up, in base currency")
    max_leverage: Amount | None = Field(None, description="exposure, as a multiple of the account's net liquidation value")
    max_orders_per_second: Count | None = Field(None, description="orders in any second")
    max_orders_per_hour: Count | None = Field(None, description="orders in any hour")
    max_daily_loss: Amount | None = Field(
        None, description="loss since the session day began; then nothing is opened until the next"
    )
    daily_profit_lock: Amount | None = Field(None, description="profit since then; then nothing is opened until the next")
    at_daily_limit: tuple[AtLimit, ...] = Field(
        (), description="done at the daily loss or profit: cancel_pending, close_losers, close_winners"
    )
    duplicate_seconds: Annotated[Amount, Field(le=3600)] | None = Field(
        None, description="for so long the same robot may not send the same order again"
    )
    max_quote_age_seconds: Amount | None = Field(None, description="silence of the market after which nothing is opened there")
    trading_hours: bool = Field(False, description="open only while the instrument's market is open")
    restricted: tuple[str, ...] = Field((), description="instruments that are not opened; * stands for anything")


class LimitTree:
    """Limits by scope. Immutable.

    Args:
        limits: by scope; scopes without any limit may be left out.

    Raises:
        BadInput: a scope that is none.
    """

    def __init__(self, limits: Mapping[str, Limits] | None = None) -> None:
        checked = {_checked_scope(scope): one for scope, one in (limits or {}).items()}
        self._limits = {scope: one for scope, one in checked.items() if one != _NO_LIMITS}

    def __getitem__(self, scope: str) -> Limits:
        return self._limits.get(scope, _NO_LIMITS)

    def __iter__(self) -> Iterator[str]:
        """The scopes that have limits."""
        return iter(sorted(self._limits))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, LimitTree) and self._limits == other._limits

    def __hash__(self) -> int:
        return hash(tuple(sorted(self._limits)))

    def scopes_of(self, order: Order) -> list[str]:
        """The scopes with limits that `order`, whose account is filled in, falls into, the widest first."""
        return [scope for scope in scopes_of(order) if scope in self._limits]

    def with_limit(self, scope: str, name: str, value: Any) -> "LimitTree":
        """The tree with one limit set, or ended by None.

        Raises:
            BadInput: there is no such scope or limit, or `value` is not of its type; the text names it.
        """
        _checked_scope(scope)
        if name not in Limits.model_fields:
            raise BadInput(f"there is no limit {name!r}; the limits are {', '.join(Limits.model_fields)}")
        values = self[scope].model_dump(mode="json", exclude_defaults=True)
        values.pop(name, None)
        if value is not None:
            values[name] = value
        return LimitTree({**self._limits, scope: _limits_from(scope, values)})

    def plain(self) -> dict[str, dict[str, Any]]:
        """Every limit that is set, by scope and name, as plain data."""
        return {scope: self._limits[scope].model_dump(mode="json", exclude_defaults=True) for scope in self}

    @classmethod
    def from_plain(cls, values: Mapping[str, Mapping[str, Any]]) -> "LimitTree":
        """The tree that `plain` told.

        Raises:
            BadInput: a scope, a name or a value is not what it should be; the text names it.
        """
        return cls({_checked_scope(scope): _limits_from(scope, limits) for scope, limits in values.items()})


def scopes_of(order: Order) -> tuple[str, str, str, str]:
    """Every scope that `order`, whose account is filled in, falls into, the widest first."""
    return DESK, f"account:{order.account}", f"robot:{order.robot}", f"instrument:{order.instrument}"


def described(scope: str) -> str:
    """The scope as people say it.

    >>> described("robot:sma")
    'the robot sma'
    """
    kind, _, name = scope.partition(":")
    return f"the {kind} {name}" if scope else "the desk"


_NO_LIMITS = Limits()
_SHOWN = 80  # characters of a value that cannot be used
_KINDS = {"account": re.compile(r"[A-Za-z0-9]{1,32}"), "robot": ORDER_ID, "instrument": re.compile(r"[!-~]{1,64}")}


def _checked_scope(scope: str) -> str:
    kind, colon, name = scope.partition(":")
    if scope != DESK and (kind not in _KINDS or not colon or not _KINDS[kind].fullmatch(name)):
        raise BadInput(f'{scope!r} is not a scope of limits; write "" for the desk, or one as robot:sma, account:DU1')
    if kind == "instrument":
        parse_instrument_id(name)
    return scope


def _limits_from(scope: str, values: Mapping[str, Any]) -> Limits:
    """Limits from plain data: by way of JSON, so that neither "5" nor true passes for a number."""
    try:
        return Limits.model_validate_json(json.dumps(dict(values)), strict=True)
    except ValidationError as error:
        first = error.errors()[0]
        if not first["loc"]:
            raise BadInput(f"limits of {described(scope)} cannot hold that: {first['msg']}") from None
        name = str(first["loc"][0])
        if first["type"] == "extra_forbidden":
            raise BadInput(f"there is no limit {name!r}; the limits are {', '.join(Limits.model_fields)}") from None
        what = first["msg"].removeprefix("Value error, ").removeprefix("Input ")
        raise BadInput(f"{name} of {described(scope)} cannot be {repr(values.get(name))[:_SHOWN]}: it {what}") from None
    except TypeError as error:
        raise BadInput(f"limits of {described(scope)} must be plain data: {error}") from None
