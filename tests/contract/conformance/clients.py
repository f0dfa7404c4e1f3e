"""The clients whose decoders judge us, and in what they differ from the calls that IB's own clients make."""

import dataclasses
import json
import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ib_gateway.simulator.messages import replies as say
from tests.contract.conformance.calls import CALLS, Call, size
from tests.contract.environments import python_of

VERSIONS = (157, 163, 166, 170, 176, 177, 178)
READERS = Path(__file__).parent / "readers"

Reshape = Callable[[list[Call], Any, int], list[Call]]

SINCE: Mapping[type[say.Reply], int] = {
    say.HistoricalSchedule: 165,
    say.UserInfo: 167,
    say.WshEventData: 161,
    say.WshMetaData: 161,
}
"""Replies to requests that clients cannot send in older versions."""


@dataclasses.dataclass(frozen=True)
class Client:
    """A client: its environment, its scripts, the newest version that it announces, and how its calls differ.

    `names` are attributes and callbacks that it calls otherwise, `lacks` attributes that it does not have at all;
    `arguments` are those of its methods that take others than the rest.
    """

    name: str
    script: tuple[str, ...]
    newest: int
    names: Mapping[str, str] = dataclasses.field(default_factory=dict)
    lacks: frozenset[str] = frozenset()
    reshape: Reshape = lambda calls, _reply, _version: calls
    arguments: Mapping[str, Callable[[list[Any]], list[Any] | None]] = dataclasses.field(default_factory=dict)

    def versions(self) -> list[int]:
        """The versions that are spoken with it."""
        return [version for version in VERSIONS if version <= self.newest]

    def read(self, version: int, payloads: Sequence[bytes]) -> list[dict[str, Any]]:
        """What its decoder makes of each payload: calls, error, fields left unread."""
        return self._run("read", {"version": version, "payloads": [payload.hex() for payload in payloads]})

    def send(self, version: int, calls: Sequence[tuple[str, list[Any]]]) -> list[dict[str, Any]]:
        """The payload that it sends for each call, or the error."""
        return self._run("send", {"version": version, "calls": calls})

    def _run(self, task: str, asked: dict[str, Any]) -> list[dict[str, Any]]:
        python = python_of(self.name)
        command = [python, READERS / f"{task}_{self.script[0]}.py", *self.script[1:]]
        done = subprocess.run(command, input=json.dumps(asked), capture_output=True, text=True, check=False, timeout=60)
        assert done.returncode == 0, done.stderr[-3000:]
        return json.loads(done.stdout)

    def calls(self, reply: say.Reply, version: int) -> list[Call]:
        """The calls that it should make of a reply."""
        calls = self.reshape(CALLS[type(reply)](reply, version), reply, version)
        return [(self.names.get(name, name), self._renamed(values)) for name, values in calls]

    def _renamed(self, value: Any) -> Any:
        if isinstance(value, dict):
            return {self.names.get(key, key): self._renamed(one) for key, one in value.items() if key not in self.lacks}
        return [self._renamed(one) for one in value] if isinstance(value, list) else value


def _in_python(calls: list[Call], reply: Any, version: int) -> list[Call]:
    """ib_insync and ib_async: price and size together, -1 and -2 where nothing is computed, conditions by other names."""
    if isinstance(reply, say.TickPrice):
        return [("priceSizeTick", [reply.req_id, reply.kind, reply.price, size(reply.size, version)])]
    if isinstance(reply, say.Histogram):
        return _counted(calls)
    if isinstance(reply, say.OptionComputation):
        nothing = (-1, -2, -1, -1, -2, -2, -2, -1)
        [(name, values)] = calls
        computed = [none if value is None else value for value, none in zip(values[3:], nothing, strict=True)]
        return [(name, values[:3] + computed)]
    if isinstance(reply, (say.OpenOrder, say.CompletedOrder)):
        order = calls[0][1][-2]
        order["conditions"] = [_condition(one) for one in order["conditions"]]
    return calls


def _condition(value: dict[str, Any]) -> dict[str, Any]:
    other = {name: one for name, one in value.items() if name not in ("isConjunctionConnection", "exchange")}
    exchange = {"exch": value["exchange"]} if "exchange" in value else {}
    return {**other, **exchange, "conjunction": "a" if value["isConjunctionConnection"] else "o"}


def _counted(calls: list[Call]) -> list[Call]:
    """Sizes of a histogram are counts."""
    [(name, [req_id, points])] = calls
    return [(name, [req_id, [{"price": point["price"], "count": point["size"]} for point in points]])]


def _first(calls: list[Call], reply: Any, _version: int) -> list[Call]:
    """The oldest client of IB: errors without the reason as JSON."""
    if isinstance(reply, say.Histogram):
        return _counted(calls)
    return [(name, values[:3]) for name, values in calls] if isinstance(reply, say.Error) else calls


def _late(calls: list[Call], reply: Any, _version: int) -> list[Call]:
    """The newest clients of IB: errors with a time, which no text message of these versions has."""
    return [(name, [values[0], 0, *values[1:]]) for name, values in calls] if isinstance(reply, say.Error) else calls


_PYTHON = {"wap": "average", "sizeMinTick": "suggestedSizeIncrement"}
_FEES = {
    "commissionReport": "commissionAndFeesReport", "commission": "commissionAndFees", "minCommission": "minCommissionAndFees",
    "maxCommission": "maxCommissionAndFees", "commissionCurrency": "commissionAndFeesCurrency",
}  # fmt: skip
_GONE = frozenset({"eTradeOnly", "firmQuoteOnly", "nbboPriceCap", "sizeMinTick"})
_GONE_BY_NOW = _GONE | {"faProfile"}
_OBJECT = {
    "exerciseOptions": lambda arguments: [*arguments, "", "", False],
    "cancelOrder": lambda arguments: [
        arguments[0],
        {"object": "OrderCancel", "fields": {"manualOrderCancelTime": arguments[1]}},
    ],
}
_DATED = {**_OBJECT, "reqWshEventData": lambda arguments: [*arguments, 173]}  # a name of the module became a parameter
_CANCEL = {
    **_OBJECT,
    "reqGlobalCancel": lambda _: [{"object": "OrderCancel", "fields": {}}],
}
_IBAPI, _INSYNC = ("ibapi",), ("ib_insync", "ib_insync")

CLIENTS = (
    Client("ib_insync", _INSYNC, 176, _PYTHON, reshape=_in_python),
    Client("ib_async", ("ib_insync", "ib_async"), 178, _PYTHON, reshape=_in_python),
    Client(
        "ibapi", _IBAPI, 157, {"wap": "average"}, reshape=_first, arguments={"cancelOrder": lambda arguments: arguments[:1]}
    ),
    Client("ibapi-10.19.4", _IBAPI, 176, lacks=_GONE),
    Client("ibapi-10.30.1", _IBAPI, 178, lacks=_GONE_BY_NOW, arguments=_DATED),
    Client("ibapi-10.37.2", _IBAPI, 178, _FEES, lacks=_GONE_BY_NOW, reshape=_late, arguments=_CANCEL),
    Client("ibapi-10.46.1", _IBAPI, 178, _FEES, lacks=_GONE_BY_NOW, reshape=_late, arguments=_CANCEL),
)
