"""The server's side of faults: the port, the rate, and what it costs when nothing is wrong."""

import asyncio
import contextlib
import socket
from types import SimpleNamespace

import pytest

from atlas.domain import NS_PER_SECOND, BadInput, Unavailable
from ib_gateway.simulator import SimulatedGateway, SimulatorOptions
from ib_gateway.simulator.faults import AnswerError, Delay, Duplicate, Freeze, HalfOpen, PortReset, Restart, TwoFactor, parse
from ib_gateway.simulator.messages import replies
from ib_gateway.simulator.server.listener import Listener
from ib_gateway.simulator.server.pace import Pace

MS = NS_PER_SECOND // 1000


# The rate


def test_a_second_s_worth_may_come_at_once_and_then_as_many_as_time_allows():
    pace = Pace(50, 0)
    assert all(pace.allows(0) for _ in range(50))
    assert not pace.allows(0)
    assert pace.allows(20 * MS)
    assert not pace.allows(20 * MS)
    assert all(pace.allows(5 * NS_PER_SECOND) for _ in range(50))
    assert not pace.allows(5 * NS_PER_SECOND)
    assert pace.violations == 3


def test_a_steady_stream_within_the_limit_is_never_a_violation():
    pace = Pace(50, 0)
    assert all(pace.allows(n * 20 * MS) for n in range(1000))
    assert pace.violations == 0


def test_a_message_that_waits_as_long_as_it_has_to_is_within_the_limit():
    pace = Pace(50, 0)
    now = 0
    for _ in range(500):
        now += round(pace.seconds_until_next(now) * NS_PER_SECOND) + 1
        assert pace.allows(now)
    assert now >= 9 * NS_PER_SECOND


def test_the_violation_says_the_limit_what_came_and_which_one_it_is():
    pace = Pace(50, 0)
    allowed = [pace.allows(0) for _ in range(52)]
    assert allowed.count(False) == 2
    assert pace.text == "Max rate of messages per second has been exceeded:max=50 rec=52 (2)"


# The port


def refused(port, host="127.0.0.1"):
    with socket.socket() as client:
        return client.connect_ex((host, port)) != 0


@pytest.fixture
async def listener():
    listener = Listener("127.0.0.1", asyncio.Protocol)
    yield listener
    listener.close()


async def test_a_port_that_is_bound_refuses_until_it_listens_and_again_afterwards(listener):
    listener.bind(0)
    assert refused(listener.port)
    await listener.listen()
    port = listener.port
    assert not refused(port)
    listener.refuse()
    assert refused(port)
    with socket.socket() as other, pytest.raises(OSError, match="in use"):
        other.bind(("127.0.0.1", port))  # nobody else can take it meanwhile
    await listener.listen()
    assert listener.port == port
    assert not refused(port)


async def test_a_host_with_several_addresses_listens_on_one_port_of_all():
    listener = Listener("localhost", asyncio.Protocol)
    listener.bind(0)
    await listener.listen()
    assert not refused(listener.port, "localhost")
    listener.close()


async def test_a_port_reset_to_a_port_that_is_taken_is_refused_and_harms_nothing():
    async with SimulatedGateway(SimulatorOptions(port=0)) as gateway, SimulatedGateway(SimulatorOptions(port=0)) as other:
        with pytest.raises(Unavailable, match=f"port {other.port} is in use"):
            gateway.faults.inject(PortReset(port=other.port))
        assert not refused(gateway.port)


@pytest.mark.parametrize("down", [Restart(down_seconds=3600), TwoFactor()])
@pytest.mark.parametrize("moves", [False, True])
async def test_a_port_reset_does_not_end_a_restart_nor_a_login(down, moves, unused_tcp_port):
    async with SimulatedGateway(SimulatorOptions(port=0)) as gateway:
        number, state = gateway.faults.inject(down), {Restart: "restarting", TwoFactor: "waiting-for-two-factor"}[type(down)]
        gateway.faults.inject(PortReset(port=unused_tcp_port if moves else None))
        for _ in range(5):
            await asyncio.sleep(0)
        assert refused(gateway.port)
        assert gateway.faults.state == state
        gateway.faults.clear(number)
        await opened(gateway)
        assert gateway.port == unused_tcp_port or not moves


async def opened(gateway):
    async with asyncio.timeout(5):
        while refused(gateway.port):  # noqa: ASYNC110 - nothing tells
            await asyncio.sleep(0)


async def stands(gateway, state):
    async with asyncio.timeout(5):
        while gateway.faults.state != state:  # noqa: ASYNC110 - nothing tells
            await asyncio.sleep(0)


@contextlib.contextmanager
def in_the_hands_of_another(port):
    """A process that insists takes a port that is bound without listening."""
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        other.bind(("127.0.0.1", port))
        other.listen()
        yield


async def test_a_port_that_another_process_took_during_a_restart_is_waited_for(capsys):
    async with SimulatedGateway(SimulatorOptions(port=0)) as gateway:
        gateway._listener._retry_seconds = 0.01
        number, port = gateway.faults.inject(Restart(down_seconds=3600)), gateway.port
        with in_the_hands_of_another(port):
            gateway.faults.clear(number)
            await stands(gateway, "port-taken")
            await asyncio.sleep(0.05)  # it tries more than once
            again = gateway.faults.inject(Restart(down_seconds=3600))
            assert gateway.faults.state == "restarting"
            gateway.faults.clear(again)
            await asyncio.sleep(0.02)
            assert gateway.faults.state == "port-taken"
            gateway.faults.inject(PortReset())  # which has nothing to reset
            await asyncio.sleep(0.02)
            assert gateway.faults.state == "port-taken"
        logged = capsys.readouterr().out
        assert "gateway ready " not in logged.replace("simulated gateway ready", "")
        assert logged.count("port taken") == 3  # once for each time that it was to open
        await opened(gateway)
        await stands(gateway, "running")
        assert gateway.port == port
    assert "gateway ready" in capsys.readouterr().out


async def test_a_gateway_that_waits_for_its_port_can_be_moved_to_another_and_stopped(unused_tcp_port):
    async with SimulatedGateway(SimulatorOptions(port=0)) as gateway:
        number = gateway.faults.inject(Restart(down_seconds=3600))
        with in_the_hands_of_another(gateway.port):
            gateway.faults.clear(number)
            await stands(gateway, "port-taken")
            gateway.faults.inject(PortReset(port=unused_tcp_port))
            await opened(gateway)
            await stands(gateway, "running")
            assert gateway.port == unused_tcp_port
    async with SimulatedGateway(SimulatorOptions(port=0)) as gateway:
        number = gateway.faults.inject(Restart(down_seconds=3600))
        with in_the_hands_of_another(gateway.port):
            gateway.faults.clear(number)
            await asyncio.sleep(0.01)
            await gateway.__aexit__(None, None, None)
            assert asyncio.all_tasks() == {asyncio.current_task()}


@pytest.mark.parametrize(
    "fault",
    [
        Delay(message="any", delay_seconds=-1.0),
        Duplicate(message="any", copies=10**6),
        AnswerError(message="any", code=2**40, text="x"),
        Freeze(for_seconds="long"),
    ],
)
async def test_a_fault_made_in_python_is_looked_at_as_one_from_a_file(fault):
    async with SimulatedGateway(SimulatorOptions(port=0)) as gateway:
        with pytest.raises(BadInput, match="the fault: "):
            gateway.faults.inject(fault)
        assert not gateway.faults.active()


async def test_a_scenario_that_hangs_up_on_somebody_who_is_not_there_says_so(capsys):
    async with SimulatedGateway(SimulatorOptions(port=0)) as gateway:
        gateway.faults.play(parse('steps:\n- at: "00:00:00"\n  fault: {kind: disconnect, client_id: 77}'))
        assert gateway.counters["faults_not_possible"] == 1
    assert "client 77 is not connected; connected: nobody" in capsys.readouterr().out


async def test_a_gateway_may_begin_by_waiting_for_its_second_factor(tmp_path):
    path = tmp_path / "login.yaml"
    path.write_text('steps:\n- at: "00:00:00"\n  fault: {kind: two-factor}')
    async with SimulatedGateway(SimulatorOptions(port=0, scenario=path)) as gateway:
        assert gateway.faults.state == "waiting-for-two-factor"
        assert refused(gateway.port)
        gateway.faults.approve()
        async with asyncio.timeout(5):
            while refused(gateway.port):  # noqa: ASYNC110 - nothing tells
                await asyncio.sleep(0)
        assert gateway.faults.state == "running"


async def test_what_a_scenario_cannot_do_is_logged_and_counted_and_the_rest_goes_on(capsys):
    async with SimulatedGateway(SimulatorOptions(port=0)) as gateway:
        steps = '- at: "00:00:00"\n  fault: {kind: bust-execution}\n- at: "00:00:00"\n  fault: {kind: freeze}'
        gateway.faults.play(parse(f"steps:\n{steps}"))
        assert gateway.faults.state == "frozen"
        assert gateway.counters["faults_not_possible"] == 1
    assert "there is no execution yet" in capsys.readouterr().out


async def test_closing_does_not_wait_for_peers_that_are_frozen():
    async with asyncio.timeout(10):
        async with SimulatedGateway(SimulatorOptions(port=0)) as gateway:
            gateway.faults.inject(Freeze())
            _, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
            writer.write(b"API\0")
            await writer.drain()
        writer.close()


@pytest.mark.parametrize("options", [{"control_port": 70_000}, {"control_port": -1}])
def test_a_control_port_is_a_port(options):
    with pytest.raises(BadInput, match=r"control port .* is not a port"):
        SimulatorOptions(**options)


# The cost


async def test_without_faults_on_messages_nobody_asks_the_injector(monkeypatch):
    async with SimulatedGateway(SimulatorOptions(port=0)) as gateway:
        injector, heard = gateway.faults._injector, []
        for name in ("incoming", "outgoing"):
            monkeypatch.setattr(injector, name, lambda *_, **__: pytest.fail("asked"))
        gateway.faults.inject(HalfOpen())  # of sockets, not of messages
        monkeypatch.setattr(gateway._hall, "sessions", {1: SimpleNamespace(say=heard.append, client_id=1, flush=lambda: None)})
        gateway._hall.send(1, replies.NextValidId(5))
        assert heard == [replies.NextValidId(5)]
        monkeypatch.undo()
