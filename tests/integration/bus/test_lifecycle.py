import asyncio
import threading

import pytest
import zmq

from atlas.bus import (
    AsyncSubscriber,
    BlockingRequester,
    Bus,
    Forwarder,
    KeyRing,
    Mailbox,
    Publisher,
    Requester,
    RequestServer,
    Subscriber,
    control,
)
from atlas.domain import ConfigurationError, MarketEvent, Unavailable

LOCAL = "tcp://127.0.0.1:0"


async def test_closing_a_bus_ends_every_socket_and_thread_made_on_it(make_bus):
    before = set(threading.enumerate())
    server, client = make_bus("server"), make_bus("client")
    publisher = Publisher(server, LOCAL)
    requests = RequestServer(server, LOCAL, "control", control.Request, lambda *_: control.Done())
    Requester(client, requests.endpoint, "server", control.Reply)
    BlockingRequester(client, requests.endpoint, "server", control.Reply)
    AsyncSubscriber(client, publisher.endpoint, "server", ["*"], MarketEvent)
    mailbox = Mailbox(client, "inproc://mailbox", MarketEvent, control.Request)
    subscriber = Subscriber(client, publisher.endpoint, "server", ["*"], MarketEvent)
    Forwarder(subscriber, mailbox.sender()).start()
    for bus in (client, server):
        bus.close()
        bus.close()
        assert bus.context.closed
    assert set(threading.enumerate()) - before == set()


async def test_the_port_of_a_closed_bus_can_be_bound_again(make_bus):
    first = make_bus("server")
    endpoint = Publisher(first, LOCAL).endpoint
    first.close()
    assert Publisher(make_bus("server"), endpoint).endpoint == endpoint


async def test_a_port_in_use_is_named_and_leaves_the_bus_working(make_bus):
    taken = Publisher(make_bus("watcher"), LOCAL).endpoint
    bus = make_bus("trader")
    with pytest.raises(Unavailable, match=f"trader cannot listen on {taken} for market data: Address already in use; stop"):
        Publisher(bus, taken)
    assert Publisher(bus, LOCAL).endpoint != taken


@pytest.mark.parametrize("endpoint", ["", "nonsense", "tcp://", "tcp://127.0.0.1:notaport", "udp://127.0.0.1:5"])
async def test_what_is_no_endpoint_is_refused_by_name(make_bus, endpoint):
    bus = make_bus("server")
    with pytest.raises(ConfigurationError, match="is no endpoint to listen on for control"):
        RequestServer(bus, endpoint, "control", control.Request, lambda *_: control.Done())
    make_bus("peer")
    with pytest.raises(ConfigurationError, match="is no endpoint to connect to"):
        Requester(bus, endpoint, "peer", control.Reply)


async def test_the_same_classes_work_inside_one_process(make_bus):
    bus = make_bus("server")
    RequestServer(bus, "inproc://control", "control", control.Request, lambda *_: control.Done())
    requester = Requester(bus, "inproc://control", "server", control.Reply)
    assert await requester.ask(control.Pause(), 5) == control.Done()


async def test_a_server_whose_key_never_appears_is_given_up_by_name(tmp_path):
    keys = KeyRing.open("client", tmp_path / "secret", tmp_path / "public")
    with Bus("client", keys, peer_key_seconds=0.1) as bus, pytest.raises(Unavailable, match="the public key of server is not"):
        Requester(bus, "tcp://127.0.0.1:5560", "server", control.Reply)


async def test_what_was_sent_last_still_leaves_when_the_bus_is_closed(make_bus):
    server, client = make_bus("server"), make_bus("client")
    publisher = Publisher(server, LOCAL)
    subscriber = AsyncSubscriber(client, publisher.endpoint, "server", ["*"], MarketEvent)

    async def greet(greeting_id):
        publisher.greet(greeting_id)

    await subscriber.hello(greet, 5)
    publisher.heartbeat("orders", 7)
    server.close()
    [delivery] = await subscriber.receive(5)
    assert delivery.sequence == 8


async def test_an_answer_given_just_before_closing_still_arrives(make_bus):
    server, client = make_bus("server"), make_bus("client")
    loop = asyncio.get_running_loop()

    def handle(*_):
        loop.call_soon(server.close)
        return control.Done()

    requests = RequestServer(server, LOCAL, "control", control.Request, handle)
    requester = Requester(client, requests.endpoint, "server", control.Reply)
    assert await requester.ask(control.Stop(), 5) == control.Done()


def test_a_context_of_ones_own_is_not_shared():
    with Bus("one") as one, Bus("two") as two:
        assert one.context is not two.context
        assert one.context is not zmq.Context.instance()
