"""The probe says yes only to a gateway that answers a request, and says in one line what is wrong with any other."""

import socket
import struct
import threading
from collections.abc import Callable, Iterator

import pytest

from ib_gateway import probe

Session = Callable[[socket.socket], None]
Gateway = Callable[[Session], int]

NOW = 1_400_000_000


@pytest.fixture
def gateway() -> Iterator[Gateway]:
    """Starts a server for one connection that behaves as the given function does; returns its port."""
    threads: list[threading.Thread] = []

    def start(session: Session) -> int:
        listener = socket.create_server(("127.0.0.1", 0))

        def serve() -> None:
            with listener:
                connection, _ = listener.accept()
                with connection:
                    session(connection)

        threads.append(threading.Thread(target=serve, daemon=True))
        threads[-1].start()
        port: int = listener.getsockname()[1]
        return port

    yield start
    for thread in threads:
        thread.join(timeout=10)
        assert not thread.is_alive()


def read_exactly(connection: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size:
        more = connection.recv(size - len(data))
        if not more:
            raise ConnectionError
        data += more
    return data


def read_frame(connection: socket.socket) -> list[str]:
    (length,) = struct.unpack(">I", read_exactly(connection, 4))
    return read_exactly(connection, length).decode().split("\0")


def shake_hands(connection: socket.socket) -> None:
    assert read_exactly(connection, 4) == b"API\0"
    assert read_frame(connection) == ["v100..176"]
    connection.sendall(probe.frame("176", "20240102 10:00:00 UTC"))


def log_in(connection: socket.socket) -> str:
    """The client id of the session that was opened, after the messages that a gateway sends unasked."""
    shake_hands(connection)
    kind, version, client_id, *_ = read_frame(connection)
    assert (kind, version) == ("71", "2")
    connection.sendall(probe.frame("15", "1", "DU1000001") + probe.frame("9", "1", "1"))
    connection.sendall(probe.frame("4", "2", "-1", "2104", "Market data farm connection is OK:usfarm", ""))
    return client_id


def test_a_gateway_that_tells_the_time_is_well(gateway: Gateway, capsys: pytest.CaptureFixture[str]) -> None:
    def session(connection: socket.socket) -> None:
        assert log_in(connection) == str(probe.CLIENT_ID)
        assert read_frame(connection)[:2] == ["49", "1"]
        connection.sendall(probe.frame("49", "1", str(NOW)))

    assert probe.main(["--port", str(gateway(session))]) == 0
    assert str(NOW) in capsys.readouterr().out


def test_a_gateway_that_waits_for_its_login_hangs_up_and_is_not_well(
    gateway: Gateway, capsys: pytest.CaptureFixture[str]
) -> None:
    def session(connection: socket.socket) -> None:
        read_exactly(connection, 4)
        read_frame(connection)

    assert probe.main(["--port", str(gateway(session))]) == 1
    assert "waits for its login" in capsys.readouterr().out


def test_a_gateway_that_accepts_and_stays_silent_is_not_well(gateway: Gateway, capsys: pytest.CaptureFixture[str]) -> None:
    given_up = threading.Event()

    def session(connection: socket.socket) -> None:
        log_in(connection)
        read_frame(connection)
        given_up.wait(10)

    assert probe.main(["--port", str(gateway(session)), "--timeout-seconds", "0.2"]) == 1
    given_up.set()
    assert "timed out" in capsys.readouterr().out


def test_a_gateway_that_has_our_client_id_in_use_says_so(gateway: Gateway, capsys: pytest.CaptureFixture[str]) -> None:
    def session(connection: socket.socket) -> None:
        shake_hands(connection)
        read_frame(connection)
        connection.sendall(probe.frame("4", "2", "-1", "326", "Unable to connect as the client id is already in use", ""))

    assert probe.main(["--port", str(gateway(session)), "--client-id", "7"]) == 1
    assert "client id 7 is in use" in capsys.readouterr().out


def test_a_message_that_breaks_off_is_no_answer(gateway: Gateway, capsys: pytest.CaptureFixture[str]) -> None:
    def session(connection: socket.socket) -> None:
        log_in(connection)
        read_frame(connection)
        connection.sendall(probe.frame("49", "1", str(NOW))[:-3])

    assert probe.main(["--port", str(gateway(session))]) == 1
    assert "before it has told the time" in capsys.readouterr().out


def test_where_nothing_listens_the_probe_says_where_it_looked(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    assert probe.main(["--port", str(port)]) == 1
    assert f"127.0.0.1:{port}" in capsys.readouterr().out


def test_the_probe_needs_no_package_and_no_part_of_ours() -> None:
    imported = {name for name, value in vars(probe).items() if getattr(value, "__spec__", None) is not None}
    assert imported == {"argparse", "socket", "struct", "sys"}
