"""A scenario being played: which steps wait for messages, and when those with a time are due."""

from random import Random
from typing import Any

from msgspec.structs import replace

from ib_gateway.simulator.faults.filters import Message
from ib_gateway.simulator.faults.kinds import Kinds
from ib_gateway.simulator.faults.model import BustExecution, CorrectExecution, Fault, ForkOrder
from ib_gateway.simulator.faults.scenario import Daily, Offset, OnMessage, Scenario, Step
from ib_gateway.simulator.messages.replies import Reply


class Trigger:
    """A step that waits for messages."""

    def __init__(self, step: Step, when: OnMessage, kinds: Kinds, seed: str) -> None:
        self.step = step
        self._when = when
        self._is_reply = when.direction == "reply"
        self._kind = kinds.find(when.direction, when.message)
        self._seen = 0
        self._seed = seed
        self._randoms: dict[int, Random] = {}

    @property
    def spent(self) -> bool:
        """Whether it can never happen again."""
        return self._when.number is not None and self._seen >= self._when.number

    def hears(self, client_id: int, message: Message) -> bool:
        """Whether a message sets the step off."""
        if isinstance(message, Reply) is not self._is_reply or (self._kind is not None and type(message) is not self._kind):
            return False
        if self._when.client_id not in (None, client_id):
            return False
        self._seen += 1
        if self._when.number is not None:
            return self._seen == self._when.number
        if client_id not in self._randoms:
            self._randoms[client_id] = Random(f"{self._seed}/{client_id}")
        return self._randoms[client_id].random() < (self._when.probability or 0.0)


class Script:
    """The steps of one scenario, from when it was loaded.

    Raises:
        BadInput: a step waits for a message that there is not.
    """

    def __init__(self, scenario: Scenario, kinds: Kinds, start_ns: int) -> None:
        self.scenario = scenario
        self.triggers: list[Trigger] = []
        self.timed: list[tuple[int, Step]] = []
        for number, step in enumerate(scenario.steps, 1):
            match step.when:
                case Offset(ns=ns):
                    self.timed.append((start_ns + ns, step))
                case Daily() as daily:
                    self.timed.append((daily.next_ns(start_ns), step))
                case OnMessage() as when:
                    self.triggers.append(Trigger(step, when, kinds, f"{scenario.seed}/step {number}"))

    def set_off(self, client_id: int, message: Message) -> list[Fault]:
        """Faults that a message sets off."""
        faults = [about(t.step.fault, client_id, message) for t in self.triggers if t.hears(client_id, message)]
        if faults:
            self.triggers = [trigger for trigger in self.triggers if not trigger.spent]
        return faults


def about(fault: Fault, client_id: int, message: Message) -> Fault:
    """The fault, with the execution or order named that the message is about, where the fault names none."""
    match fault:
        case CorrectExecution(execution_id=None) | BustExecution(execution_id=None):
            return _completed(fault, execution_id=getattr(message, "execution_id", None))
        case ForkOrder(order_id=None):
            return _completed(fault, client_id=client_id, order_id=getattr(message, "order_id", None))
    return fault


def _completed(fault: Fault, **names: Any) -> Fault:
    return replace(fault, **names)
