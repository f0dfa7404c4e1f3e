"""Carries out what the fault injector decides: on sockets, on the port, and at the broker."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

import msgspec
import structlog

from atlas.domain import AtlasError, BadInput
from ib_gateway.simulator.broker import Broker
from ib_gateway.simulator.broker.orders.terms import Turned
from ib_gateway.simulator.codec import tables
from ib_gateway.simulator.faults import Active, Fault, Injector, Kinds, Scenario, fault_of, load
from ib_gateway.simulator.faults.effects import (
    Amend,
    Ask,
    Close,
    Effect,
    GoOn,
    LoseSubscriptions,
    Posture,
    ResetPort,
    Stall,
    Tell,
)
from ib_gateway.simulator.faults.model import (
    BustExecution,
    CorrectExecution,
    Direction,
    Disconnect,
    ForkOrder,
    HalfOpen,
    Notice,
)
from ib_gateway.simulator.faults.notices import port_reset
from ib_gateway.simulator.market import VirtualClock
from ib_gateway.simulator.server.hall import Hall
from ib_gateway.simulator.server.listener import Listener
from ib_gateway.simulator.server.session import FROZEN

_log = structlog.get_logger("ib_gateway.simulator")


def message_kinds() -> Kinds:
    """Every message by its name and its number on the wire."""
    numbers: list[tuple[Direction, int, type]] = [("reply", layout.message_id, layout.struct) for layout in tables.REPLIES]
    numbers += [("request", layout.message_id, layout.struct) for layout in tables.REQUESTS]
    return Kinds(numbers)


class Faults:
    """The faults of a gateway: `inject` one, `clear` it, see what is `active`, `play` a scenario.

    Injected faults take effect before the call returns; those of a scenario that cannot be carried out are logged.
    """

    def __init__(self, injector: Injector, clock: VirtualClock, hall: Hall, listener: Listener, broker: Broker) -> None:
        self._injector = injector
        self._clock = clock
        self._hall = hall
        self._listener = listener
        self._broker = broker
        self._stands = Posture()
        self._read_only = broker.read_only  # as it is without any fault
        self._alarm: asyncio.TimerHandle | None = None
        hall.act_on_pending = self._act_on_pending

    # For users.

    def inject(self, fault: Fault) -> int:
        """Let a fault happen; returns the id that clears it, if it lasts.

        Raises:
            BadInput: it is about a message, execution, order or client that there is not, or has a value that makes no sense.
            Unavailable: it moves the port to one that is taken.
        """
        fault = fault_of(msgspec.to_builtins(fault))  # made by hand, it was never looked at as a whole
        self._check_client(fault)
        number, effects = self._injector.inject(fault, self._clock.now_ns())
        self._carry_out(effects)
        _log.info("fault injected", id=number, fault=repr(fault))
        self._settle()
        return number

    def clear(self, number: int) -> bool:
        """End a fault; False if it was over already."""
        was_active = any(one.id == number for one in self._injector.active())
        self._carry_out(self._injector.clear(number, self._clock.now_ns()))
        self._settle()
        return was_active

    def clear_all(self) -> None:
        """End every fault and the scenario."""
        self._carry_out(self._injector.clear_all(self._clock.now_ns()))
        self._settle()

    def active(self) -> Sequence[Active]:
        """Faults in force, the oldest first."""
        return self._injector.active()

    def approve(self) -> bool:
        """Give the second factor; False if nothing waits for one."""
        waits = self._injector.posture.port == "waiting-for-two-factor"
        self._carry_out(self._injector.approve(self._clock.now_ns()))
        self._settle()
        return waits

    def play(self, scenario: Scenario | Path) -> Scenario:
        """Play a scenario from now, in place of the one before; a path may be the name of a shipped one.

        Raises:
            BadInput: the file cannot be read, or something in it is not known.
        """
        if isinstance(scenario, Path):
            scenario = load(scenario)
        self._injector.load(scenario, self._clock.now_ns())
        _log.info("scenario loaded", name=scenario.name, steps=len(scenario.steps))
        self.on_time()
        return scenario

    def stop(self) -> None:
        """Play no scenario any more. What it has caused stays until it is over or cleared."""
        self._injector.unload()

    @property
    def scenario(self) -> Scenario | None:
        """The scenario that is played."""
        return self._injector.script.scenario if self._injector.script else None

    @property
    def state(self) -> str:
        """running, frozen, restarting, waiting-for-two-factor, or port-taken: another process has it."""
        stands = self._injector.posture
        if stands.port != "open":
            return stands.port
        return "port-taken" if self._listener.taken else "frozen" if stands.frozen else "running"

    # For the gateway.

    def next_due_ns(self) -> int | None:
        """When something is due next."""
        return self._injector.next_due_ns

    def on_time(self) -> None:
        """Do what is due."""
        for effect in self._injector.due(self._clock.now_ns()):
            self._try(effect)
        self._settle()

    def rearm(self) -> None:
        """The clock was changed, or something may be due earlier: set the alarm anew."""
        if self._alarm:
            self._alarm.cancel()
            self._alarm = None
        due = self._injector.next_due_ns
        if due is not None and self._clock.running and not self._clock.follows_ticks:
            self._alarm = asyncio.get_running_loop().call_later(self._clock.seconds_until(due), self._on_alarm)

    def close(self) -> None:
        """Let nothing more happen."""
        if self._alarm:
            self._alarm.cancel()

    # How it is done.

    def _on_alarm(self) -> None:
        self._alarm = None
        self.on_time()

    def _carry_out(self, effects: list[Effect]) -> None:
        for effect in effects:
            self._do(effect)

    def _try(self, effect: Effect) -> None:
        try:
            self._do(effect)
        except AtlasError as error:
            self._hall.counters.add("faults_not_possible")
            _log.warning("fault not possible", effect=repr(effect), detail=str(error))

    def _act_on_pending(self) -> None:
        """What messages have set off, after the broker has finished."""
        pending, self._hall.pending = self._hall.pending, []
        for effect in pending:
            self._try(effect)
        self._take_posture()
        self.rearm()

    def _settle(self) -> None:
        self._take_posture()
        self.rearm()
        self._hall.flush()

    def _do(self, effect: Effect) -> None:
        match effect:
            case Tell():
                self._hall.tell(effect)
            case Ask():
                self._hall.act_on(effect)
            case Close(client_id=client_id, reset=reset):
                if client_id is not None:
                    self._expect(client_id)
                for session in self._hall.of(client_id):
                    session.abort() if reset or session.stalled else session.close()
            case Stall(client_id=client_id, by=number):
                for session in self._hall.of(client_id):
                    session.stall(number)
            case GoOn(by=number):
                for session in self._hall.of(None):
                    session.go_on(number)
            case LoseSubscriptions():
                self._broker.lose_subscriptions()
            case ResetPort(port=port):
                self._reset_port(port)
            case Amend(fault=fault):
                try:
                    self._amend(fault)
                except Turned as error:
                    raise BadInput(str(error)) from None

    def _reset_port(self, port: int | None) -> None:
        self._listener.refuse(port)
        self._carry_out(self._injector.say(None, port_reset(self._listener.port), self._clock.now_ns()))
        for session in self._hall.of(None):
            session.close()
        if self._injector.posture.port == "open":
            self._listener.open()

    def _amend(self, fault: CorrectExecution | BustExecution | ForkOrder) -> None:
        broker = self._broker
        match fault:
            case CorrectExecution(execution_id=execution_id, price=price, quantity=quantity):
                broker.correct_execution(execution_id or self._newest_execution(), price=price, quantity=quantity)
            case BustExecution(execution_id=execution_id):
                broker.bust_execution(execution_id or self._newest_execution())
            case ForkOrder(client_id=client_id, order_id=order_id):
                if order_id is None or client_id is None:
                    client_id, order_id = self._newest_order(client_id, order_id)
                broker.fork_order(client_id, order_id)

    def _check_client(self, fault: Fault) -> None:
        match fault:
            case Disconnect(client_id=int(client_id)) | Notice(client_id=int(client_id)):
                self._expect(client_id)
            case HalfOpen(sockets="existing", client_id=int(client_id)):
                self._expect(client_id)

    def _expect(self, client_id: int) -> None:
        if client_id not in self._hall.sessions:
            there = ", ".join(str(one) for one in sorted(self._hall.sessions)) or "nobody"
            raise BadInput(f"client {client_id} is not connected; connected: {there}")

    def _newest_execution(self) -> str:
        newest = self._broker.newest_execution()
        if newest is None:
            raise BadInput("there is no execution yet; name one, or trade first")
        return newest

    def _newest_order(self, client_id: int | None, order_id: int | None) -> tuple[int, int]:
        newest = self._broker.newest_order(client_id, order_id)
        if newest is None:
            raise BadInput("there is no such standing order; place one first")
        return newest

    def _take_posture(self) -> None:
        """Make the difference between how the gateway stood and how it is to stand."""
        stood, stands = self._stands, self._injector.posture
        if stood == stands:
            return
        self._stands = stands
        broker = self._broker
        if stands.port != stood.port and self._listener.port:
            self._listener.open() if stands.port == "open" else self._listener.refuse() if stood.port == "open" else None
            if stands.port != "open":
                _log.info(f"gateway {stands.port}", port=self._listener.port)
        if stands.frozen != stood.frozen:
            for session in self._hall.of(None):
                session.stall(FROZEN) if stands.frozen else session.go_on(FROZEN)
        if stands.read_only != stood.read_only:
            broker.read_only = stands.read_only or self._read_only
        if stands.competing != stood.competing:
            broker.compete(stands.competing)
        for farm in sorted(stands.farms_down ^ stood.farms_down):
            broker.farm(farm, farm not in stands.farms_down)
