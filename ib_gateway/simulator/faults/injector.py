"""The fault injector: a state machine between broker and sessions. It is told the time and decides; others do.

While nothing passes through it that could be hit, `quiet` is true and nobody needs to ask it about messages.
"""

import heapq
from itertools import count
from typing import Literal, NamedTuple

from ib_gateway.simulator.faults import notices
from ib_gateway.simulator.faults.chain import Action, Chain
from ib_gateway.simulator.faults.effects import (
    Amend,
    Close,
    Effect,
    GoOn,
    LoseSubscriptions,
    Posture,
    ResetPort,
    Stall,
    Tell,
)
from ib_gateway.simulator.faults.filters import Filter, Message, effect_of
from ib_gateway.simulator.faults.kinds import Kinds
from ib_gateway.simulator.faults.link import Link
from ib_gateway.simulator.faults.model import (
    AnswerError,
    BustExecution,
    CompetingSession,
    ConnectivityLost,
    ConnectivityRestored,
    CorrectExecution,
    Disconnect,
    FarmOutage,
    Fault,
    ForkOrder,
    Freeze,
    HalfOpen,
    Lasting,
    LineLimit,
    Notice,
    OnMessages,
    PacingViolation,
    PortReset,
    ReadOnly,
    Restart,
    StuckClientId,
    TwoFactor,
)
from ib_gateway.simulator.faults.scenario import Daily, Scenario, Step
from ib_gateway.simulator.faults.script import Script
from ib_gateway.simulator.messages.replies import Reply, TickByTick
from ib_gateway.simulator.messages.requests import Request

_NS = 1_000_000_000
_FILTERS = (OnMessages, AnswerError, PacingViolation, LineLimit)


class Active(NamedTuple):
    """A fault in force; `until_ns` None is until it is cleared."""

    id: int
    fault: Fault
    since_ns: int
    until_ns: int | None


class Injector:
    """All faults of one gateway. `now_ns` is the gateway's own clock; what it returns is to be done at once, in order."""

    def __init__(self, kinds: Kinds, seed: int = 1) -> None:
        self.quiet = True
        self.posture = Posture()
        self.script: Script | None = None
        self.injected = 0
        self._kinds = kinds
        self._seed = seed
        self._active: dict[int, Active] = {}
        self._chain = Chain(self)
        self._link = Link()
        self._clients: set[int] = set()
        self._used_ids: dict[int, set[int]] = {}
        self._timeline: list[tuple[int, int, Action]] = []
        self._order = count()

    # Faults.

    def inject(self, fault: Fault, now_ns: int) -> tuple[int, list[Effect]]:
        """Let a fault happen. Its id clears it, if it lasts.

        Raises:
            BadInput: it is about a message that there is not.
        """
        number = self.injected + 1
        if isinstance(fault, _FILTERS):
            self._chain.add(number, Filter(fault, self._kinds, f"{self._seed}/fault {number}"))
        self.injected = number
        seconds = fault.down_seconds if isinstance(fault, Restart) else fault.for_seconds if isinstance(fault, Lasting) else 0.0
        until = None if seconds is None else now_ns + round(seconds * _NS)
        if isinstance(fault, (Lasting, Restart)):
            self._active[number] = Active(number, fault, now_ns, until)
            if until is not None:
                self.at(until, lambda at_ns: self.clear(number, at_ns))
        effects = self._begin(number, fault, now_ns)
        self._settle()
        return number, effects

    def clear(self, number: int, now_ns: int) -> list[Effect]:
        """End a fault. One that is over already stays so."""
        ended = self._active.pop(number, None)
        if ended is None:
            return []
        effects = self._chain.remove(number, now_ns)
        self._used_ids.pop(number, None)
        match ended.fault:
            case ConnectivityLost():
                effects += self._found(now_ns)
            case HalfOpen():
                effects.append(GoOn(number))
            case FarmOutage(farm="usfarm", data="lost"):
                effects.append(LoseSubscriptions())
            case Restart(two_factor=True):
                effects += self.inject(TwoFactor(), now_ns)[1]
        self._settle()
        return effects

    def clear_all(self, now_ns: int) -> list[Effect]:
        """End every fault, and the scenario."""
        self.script = None
        effects = [effect for number in list(self._active) for effect in self.clear(number, now_ns)]
        self._settle()
        return effects

    def approve(self, now_ns: int) -> list[Effect]:
        """The second factor was given."""
        waiting = [one.id for one in self._active.values() if isinstance(one.fault, TwoFactor)]
        return [effect for number in waiting for effect in self.clear(number, now_ns)]

    def active(self) -> list[Active]:
        """Faults in force, the oldest first."""
        return list(self._active.values())

    # Scenarios.

    def load(self, scenario: Scenario, now_ns: int) -> None:
        """Play a scenario from now, in place of the one before. Its faults happen when they are due.

        Raises:
            BadInput: it is about a message that there is not.
        """
        for step in scenario.steps:
            if isinstance(step.fault, _FILTERS):
                Filter(step.fault, self._kinds, "")  # so that a wrong name is told now
        self.script = script = Script(scenario, self._kinds, now_ns)
        self._seed = scenario.seed
        for due_ns, step in script.timed:
            self._schedule(script, due_ns, step)
        self._settle()

    def unload(self) -> None:
        """Play no scenario any more; faults that it has caused stay."""
        self.script = None
        self._settle()

    def _schedule(self, script: Script, due_ns: int, step: Step) -> None:
        def happen(at_ns: int) -> list[Effect]:
            if self.script is not script:
                return []
            if isinstance(step.when, Daily):
                self._schedule(script, step.when.next_ns(at_ns), step)
            return self.inject(step.fault, at_ns)[1]

        self.at(due_ns, happen)

    # Time.

    @property
    def next_due_ns(self) -> int | None:
        """When `due` has something to do."""
        return self._timeline[0][0] if self._timeline else None

    def due(self, now_ns: int) -> list[Effect]:
        """What is to be done by now."""
        effects: list[Effect] = []
        while self._timeline and self._timeline[0][0] <= now_ns:
            at_ns, _, action = heapq.heappop(self._timeline)
            effects += action(at_ns)
        return effects

    # Clients and their messages.

    def came(self, client_id: int, now_ns: int) -> list[Effect]:
        """A client has started the API and was greeted."""
        self._clients.add(client_id)
        for used in self._used_ids.values():
            used.add(client_id)
        return self.say(client_id, notices.SERVER_BROKEN, now_ns) if self._link.lost else []

    def gone(self, client_id: int) -> None:
        """A client is gone, and everything that waits for it."""
        self._clients.discard(client_id)
        self._link.forget(client_id)
        self._chain.forget(client_id)

    def is_stuck(self, client_id: int) -> bool:
        """Whether a client id counts as in use though nobody uses it."""
        stuck = (one for one in self._active.values() if isinstance(one.fault, StuckClientId))
        return any(client_id in self._used_ids[one.id] for one in stuck)

    def incoming(self, client_id: int, request: Request, now_ns: int) -> list[Effect]:
        """What becomes of a request."""
        effects = self._pass(client_id, request, now_ns) if self._link.passes_request(client_id, request) else []
        return effects + self._set_off(client_id, request, now_ns)

    def outgoing(self, client_id: int, reply: Reply, now_ns: int, *, solicited: bool) -> list[Effect]:
        """What becomes of a reply. Solicited is what the broker says while it acts on a request of that client."""
        if type(reply) is TickByTick and len(reply.events) > 1:
            singles = (TickByTick((e,), reply.bid_ask, reply.mid_point, reply.last, reply.all_last) for e in reply.events)
            return [effect for one in singles for effect in self.outgoing(client_id, one, now_ns, solicited=solicited)]
        passes = self._link.passes_reply(client_id, reply, solicited=solicited)
        effects = self._pass(client_id, reply, now_ns) if passes else []
        return effects + self._set_off(client_id, reply, now_ns)

    def say(self, client_id: int | None, reply: Reply, now_ns: int) -> list[Effect]:
        """What becomes of what the gateway says by itself, to one client or to all. It sets off no step of a scenario."""
        if not self._chain:
            return [Tell(client_id, reply)]
        clients = sorted(self._clients) if client_id is None else [client_id]
        return [effect for one in clients for effect in self._pass(one, reply, now_ns)]

    def comes_late(self, client_id: int, message: Message, after: int, now_ns: int) -> bool:  # noqa: ARG002 - as chains ask
        """Whether a message that a fault held may have its way, though IB may be gone meanwhile."""
        if isinstance(message, Reply):
            return self._link.passes_late(client_id, message)
        return self._link.passes_request(client_id, message, after)

    def _pass(self, client_id: int, message: Message, now_ns: int, after: int = 0) -> list[Effect]:
        if not self._chain:
            return [effect_of(client_id, message)]
        effects = self._chain.run(client_id, message, now_ns, after)
        for number in self._chain.spent():
            effects += self.clear(number, now_ns)
        return effects

    def _set_off(self, client_id: int, message: Message, now_ns: int) -> list[Effect]:
        if self.script is None or not self.script.triggers:
            return []
        faults = self.script.set_off(client_id, message)
        return [effect for fault in faults for effect in self.inject(fault, now_ns)[1]]

    # What faults do when they begin.

    def _begin(self, number: int, fault: Fault, now_ns: int) -> list[Effect]:
        match fault:
            case ConnectivityLost(repeat_seconds=seconds):
                if seconds:
                    self._repeat(number, seconds, now_ns)
                self._link.lose(fault)
                return self.say(None, notices.LOST, now_ns)
            case ConnectivityRestored(data=data):
                for one in self._losses():
                    del self._active[one.id]
                return self._restore(data, now_ns)
            case Notice(code=code, farm=farm, client_id=client_id):
                return self.say(client_id, notices.notice(code, farm), now_ns)
            case Restart() | TwoFactor():
                return [Close(None)]
            case PortReset(port=port):
                return [ResetPort(port)]
            case Disconnect(client_id=client_id, reset=reset):
                return [Close(client_id, reset)]
            case HalfOpen(sockets="existing" | "all", client_id=client_id):
                return [Stall(client_id, number)]
            case StuckClientId(client_id=client_id):
                self._used_ids[number] = {client_id} if client_id is not None else set(self._clients)
            case CorrectExecution() | BustExecution() | ForkOrder():
                return [Amend(fault)]
        return []

    def _found(self, now_ns: int) -> list[Effect]:
        """A loss of IB is over: it is there again, unless another loss lasts."""
        losses = self._losses()
        if not losses:
            return self._restore(self._link.data, now_ns)
        if isinstance(losses[-1].fault, ConnectivityLost):
            self._link.lose(losses[-1].fault)
        return []

    def _restore(self, data: Literal["maintained", "lost"], now_ns: int) -> list[Effect]:
        done, said, held = self._link.restore(data, self._farms_down())
        effects = done
        for told in said:
            effects += self.say(told.client_id, told.reply, now_ns)
        for asked, after in held:
            effects += self._pass(asked.client_id, asked.request, now_ns, after)
        return effects

    def _losses(self) -> list[Active]:
        return [one for one in self._active.values() if isinstance(one.fault, ConnectivityLost)]

    def _repeat(self, number: int, seconds: float, now_ns: int) -> None:
        def again(at_ns: int) -> list[Effect]:
            if number not in self._active:
                return []
            self._repeat(number, seconds, at_ns)
            return self.say(None, notices.LOST, at_ns)

        self.at(now_ns + round(seconds * _NS), again)

    # What follows from those in force.

    def _settle(self) -> None:
        port = "restarting" if self._any(Restart) else "waiting-for-two-factor" if self._any(TwoFactor) else "open"
        half_open = [
            one.id for one in self._active.values() if isinstance(one.fault, HalfOpen) and one.fault.sockets != "existing"
        ]
        self.posture = Posture(
            port=port,  # type: ignore[arg-type]
            frozen=self._any(Freeze),
            new_sockets_stall=frozenset(half_open),
            read_only=self._any(ReadOnly),
            competing=self._any(CompetingSession),
            farms_down=self._farms_down(),
        )
        self.quiet = not (self._chain or self._link.lost or (self.script and self.script.triggers))

    def _farms_down(self) -> frozenset[str]:
        return frozenset(one.fault.farm for one in self._active.values() if isinstance(one.fault, FarmOutage))

    def _any(self, kind: type[Fault]) -> bool:
        return any(isinstance(one.fault, kind) for one in self._active.values())

    def at(self, due_ns: int, action: Action) -> None:
        """Find out at a time what is to be done then."""
        heapq.heappush(self._timeline, (due_ns, next(self._order), action))
