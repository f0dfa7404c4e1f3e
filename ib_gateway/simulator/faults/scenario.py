"""Scenarios: faults in a file, with when each happens.

    name: a bad night
    seed: 7
    steps:
      - at: "00:10:00"                                      # so long after the start of the gateway's clock
        fault: {kind: farm-outage, farm: usfarm, for_seconds: 30}
      - at: "23:45 America/New_York"                        # every day at that time; on some: days: [mon, tue]
        fault: {kind: restart, down_seconds: 90}
      - after: {message: PlaceOrder, direction: request, number: 3, client_id: 1}
        fault: {kind: drop, message: OrderStatus, count: 1}
      - each: {message: Execution, probability: 0.1}        # after each such message, with that probability
        fault: {kind: duplicate, message: CommissionReport, count: 1}

Every step has one of `at`, `after` and `each`, and one fault. Times are those of the gateway's clock.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Annotated, Any, TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec
from msgspec import Meta

from atlas.domain import NS_PER_SECOND, BadInput, from_datetime, to_datetime
from ib_gateway.simulator import yaml_file
from ib_gateway.simulator.faults.model import KINDS, Direction, Fault, Probability
from ib_gateway.simulator.yaml_file import brief

_T = TypeVar("_T")

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_SHIPPED = Path(__file__).parent.parent / "scenarios"
_TIME = re.compile(r"(\d{1,3}):([0-5]\d)(?::([0-5]\d))?(?:\s+([A-Za-z][\w+\-/]*))?")


class Offset(msgspec.Struct, frozen=True):
    """So long after the start of the clock."""

    ns: int


class Daily(msgspec.Struct, frozen=True):
    """At a time of day in a zone, on some days of the week (0 is Monday)."""

    time: time
    zone: str
    days: frozenset[int]

    def next_ns(self, after_ns: int) -> int:
        """The first such moment later than `after_ns`. A time that a change of clocks skips is an hour later that day."""
        zone = ZoneInfo(self.zone)
        day: date = to_datetime(after_ns).astimezone(zone).date()
        for ahead in range(9):
            on = day + timedelta(days=ahead)
            moment = from_datetime(datetime.combine(on, self.time, zone).astimezone(UTC))
            if on.weekday() in self.days and moment > after_ns:
                return moment
        raise AssertionError(self)


class OnMessage(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """After messages of a kind: the n-th (`number`), or each with a `probability`."""

    message: str
    direction: Direction = "reply"
    client_id: int | None = None
    number: Annotated[int, Meta(ge=1)] | None = None
    probability: Probability | None = None


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """A fault, and when it happens."""

    when: Offset | Daily | OnMessage
    fault: Fault


class Scenario(msgspec.Struct, frozen=True, kw_only=True):
    """Steps, and the seed of what they leave to chance."""

    name: str
    seed: int
    steps: tuple[Step, ...]


def shipped() -> dict[str, Path]:
    """The scenarios that come with the gateway, by name."""
    return {path.stem: path for path in sorted(_SHIPPED.glob("*.yaml"))}


def load(path: Path) -> Scenario:
    """The scenario of a file; the name of a shipped one will do.

    Raises:
        BadInput: there is no such file, or something in it is not known. One line says where, and what is possible.
    """
    known = shipped()
    try:
        text = yaml_file.text_of(path, "the scenario")
    except BadInput as error:
        if str(path) not in known:
            raise BadInput(f"{error}; name a file, or one of {', '.join(known)}") from None
        path = known[str(path)]
        text = yaml_file.text_of(path, "the scenario")
    return parse(text, str(path), path.stem)


def parse(text: str, source: str = "", name: str = "scenario") -> Scenario:
    """The scenario of a YAML text.

    Raises:
        BadInput: something in it is not known. One line says where, and what is possible.
    """
    return _scenario(yaml_file.parse(text, f"the scenario {source}" if source else "the scenario"), name)


def _scenario(document: yaml_file.Document, name: str) -> Scenario:
    content, where = document.value, document.where
    _only(content, ("name", "seed", "steps"), where)
    steps = content.get("steps")
    if not isinstance(steps, list) or not steps:
        raise BadInput(f"{where} has no steps; it needs `steps`, a list of at least one")
    places = [f"{where} line {document.line('steps', at)}, step {at + 1}" for at in range(len(steps))]
    return Scenario(
        name=_converted(content.get("name", name), str, f"{where}, name"),
        seed=_converted(content.get("seed", 1), int, f"{where}, seed"),
        steps=tuple(_step(step, place) for step, place in zip(steps, places, strict=True)),
    )


def fault_of(content: Any, where: str = "the fault") -> Fault:
    """A fault of its plain values, as JSON or YAML has them.

    Raises:
        BadInput: there is no such fault, or it has no such field or value.
    """
    if not isinstance(content, Mapping) or "kind" not in content:
        raise BadInput(f"{where}: a fault is a mapping with its `kind`, one of {', '.join(KINDS)}")
    kind = KINDS.get(content["kind"]) if isinstance(content["kind"], str) else None
    if kind is None:
        raise BadInput(f"{where}: there is no fault {brief(content['kind'])}; there are {', '.join(KINDS)}")
    fields = [field.name for field in msgspec.structs.fields(kind)]
    unknown = [str(name) for name in content if name not in ("kind", *fields)]
    if unknown:
        has = f"it has {', '.join(fields)}" if fields else "it has none"
        raise BadInput(f"{where}: {content['kind']} has no field {brief(unknown[0])}; {has}")
    return _converted(content, kind, f"{where}: {content['kind']}")


def _step(content: Any, where: str) -> Step:
    _only(content, ("at", "days", "after", "each", "fault"), where)
    whens = [name for name in ("at", "after", "each") if name in content]
    if len(whens) != 1:
        raise BadInput(f"{where}: a step needs exactly one of at, after and each; it has {' and '.join(whens) or 'none'}")
    if "days" in content and whens != ["at"]:
        raise BadInput(f"{where}: days go with at")
    if "fault" not in content:
        raise BadInput(f"{where}: a step needs a fault, one of {', '.join(KINDS)}")
    when: Offset | Daily | OnMessage
    when = _time(content, where) if whens == ["at"] else _message(content[whens[0]], whens[0], where)
    return Step(when=when, fault=fault_of(content["fault"], where))


def _time(content: Mapping[str, Any], where: str) -> Offset | Daily:
    text = content["at"]
    match = _TIME.fullmatch(text.strip()) if isinstance(text, str) else None
    if match is None:
        raise BadInput(
            f'{where}: at is {brief(text)}; write "HH:MM:SS" from the start, or "HH:MM America/New_York" of each day'
        )
    hours, minutes, seconds = int(match[1]), int(match[2]), int(match[3] or 0)
    if match[4] is None:
        if "days" in content:
            raise BadInput(f'{where}: days need a time of day with its zone, as "23:45 America/New_York"')
        return Offset((hours * 3600 + minutes * 60 + seconds) * NS_PER_SECOND)
    try:
        ZoneInfo(match[4])
        of_day = time(hours, minutes, seconds)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise BadInput(f"{where}: {text!r} is no time of day with a zone as America/New_York or UTC") from None
    return Daily(of_day, match[4], _days(content.get("days", list(DAYS)), where))


def _days(days: Any, where: str) -> frozenset[int]:
    if not isinstance(days, list) or not days or any(day not in DAYS for day in days):
        raise BadInput(f"{where}: days is {brief(days)}; write a list of {', '.join(DAYS)}")
    return frozenset(DAYS.index(day) for day in days)


def _message(content: Any, name: str, where: str) -> OnMessage:
    other = {"after": "number", "each": "probability"}[name]
    _only(content, ("message", "direction", "client_id", other), f"{where}: {name}")
    if "message" not in content or other not in content:
        raise BadInput(f"{where}: {name} needs message and {other}")
    return _converted(content, OnMessage, f"{where}: {name}")


def _only(content: Any, names: Sequence[str], where: str) -> None:
    if not isinstance(content, Mapping):
        raise BadInput(f"{where}: expected a mapping with {', '.join(names)}")
    unknown = [str(name) for name in content if name not in names]
    if unknown:
        raise BadInput(f"{where}: there is no {brief(unknown[0])}; there are {', '.join(names)}")


def _converted(value: Any, kind: type[_T], where: str) -> _T:
    try:
        return msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        raise BadInput(f"{where}: {error}") from None
