"""A gateway in a thread of its own: errors reach the thread that asked, and nothing is left behind."""

import socket
import threading

import pytest

from atlas.domain import BadInput, Unavailable
from ib_gateway.simulator import SimulatorOptions, faults
from ib_gateway.simulator.threaded import GatewayThread

NOON_NS = 1_780_675_200_000_000_000


@pytest.fixture
def gateway():
    with GatewayThread(SimulatorOptions(port=0, start_ns=NOON_NS)) as gateway:
        yield gateway


def test_a_port_that_is_taken_is_said_where_the_gateway_was_to_start(gateway):
    with pytest.raises(Unavailable, match="in use"), GatewayThread(SimulatorOptions(port=gateway.port)):
        pytest.fail("two gateways cannot share a port")


def test_a_recording_that_is_none_is_said_where_the_gateway_was_to_start(tmp_path):
    (tmp_path / "empty.csv").write_text("")
    with pytest.raises(BadInput), GatewayThread(SimulatorOptions(port=0, recording=tmp_path / "empty.csv")):
        pytest.fail("there is nothing to play")


def test_a_fault_that_cannot_be_is_said_to_who_injects_it(gateway):
    with pytest.raises(BadInput, match="no execution yet"):
        gateway.control.inject(faults.BustExecution())
    with pytest.raises(BadInput, match="only forward"):
        gateway.clock.advance(-1)
    assert gateway.control.state == "running"


def test_faults_end_when_their_time_on_the_gateways_clock_is_over(gateway):
    gateway.control.inject(faults.FarmOutage(for_seconds=600))
    gateway.clock.advance(599)
    assert [type(one.fault) for one in gateway.control.active()] == [faults.FarmOutage]
    gateway.clock.advance(2)
    assert not gateway.control.active()


def test_a_second_factor_can_be_given_from_another_thread(gateway):
    gateway.control.inject(faults.TwoFactor())
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((gateway.host, gateway.port), timeout=5)
    assert gateway.control.state == "waiting-for-two-factor"
    assert gateway.control.approve()
    socket.create_connection((gateway.host, gateway.port), timeout=5).close()
    assert not gateway.control.approve()


def test_it_leaves_no_thread_and_no_port_behind():
    with GatewayThread(SimulatorOptions(port=0, start_ns=NOON_NS)) as gateway:
        port = gateway.port
    assert not [thread for thread in threading.enumerate() if thread.name == "simulated gateway"]
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), timeout=5)


def test_before_it_runs_it_has_no_port():
    with pytest.raises(Unavailable, match="does not run"):
        GatewayThread(SimulatorOptions(port=0)).port  # noqa: B018
