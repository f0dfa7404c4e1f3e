import msgspec
import pytest

import atlas.bus
from atlas.bus import control, market, orders
from atlas.bus._errors import revive
from atlas.domain import (
    AtlasError,
    Cancel,
    Modify,
    Order,
    OrderEvent,
    OrderEventKind,
    OrderStatus,
    Quote,
    Refused,
    Side,
    Submit,
    UnknownInstrument,
)

QUOTE = Quote("EUR.USD@IDEALPRO", 1.1, 1.2, 1e6, 1e6, 1, 2)
ORDER = Order("r-1-0", "r", "EUR.USD@IDEALPRO", Side.BUY, 20_000.0)
EVENT = OrderEvent(1, "r-1-0", "r", OrderEventKind.PENDING, 5, order=ORDER)

REQUESTS = [
    (control.Request, control.Ping()),
    (control.Request, control.StatusRequest()),
    (control.Request, control.Stop()),
    (control.Request, control.Pause()),
    (control.Request, control.Resume()),
    (control.Reply, control.Pong("trader", "running", True, "", 5)),
    (control.Reply, control.Status("trader", "running", True, 5, {"orders": 3, "lag_seconds": 0.5, "mode": "paper"}, ["none"])),
    (control.Reply, control.Done()),
    (market.Request, market.Subscribe(["EUR.USD@IDEALPRO"], ["quote", "bar"])),
    (market.Request, market.SnapshotRequest([])),
    (market.Request, market.InstrumentsRequest(["AAPL@SMART"])),
    (market.Request, market.Greet("strategy.1")),
    (market.Reply, market.Snapshot([QUOTE], [])),
    (market.Reply, market.Instruments([])),
    (market.Reply, market.Done()),
    (orders.Request, orders.Command(Submit(ORDER))),
    (orders.Request, orders.Command(Modify("m1", "r-1-0", limit_price=1.1))),
    (orders.Request, orders.Command(Cancel("c1", "r-1-0"))),
    (orders.Request, orders.EventsSince(7, "r")),
    (orders.Request, orders.OrderQuery("r-1-0")),
    (orders.Request, orders.Greet("strategy.2")),
    (orders.Reply, orders.Receipt("r-1-0", OrderStatus.PENDING)),
    (orders.Reply, orders.Events([EVENT], 1)),
    (orders.Reply, orders.OrderAnswer(True, [EVENT])),
]


@pytest.mark.parametrize(("kind", "message"), REQUESTS, ids=lambda value: type(value).__name__)
def test_every_message_comes_back_as_it_was_sent_as_an_array_led_by_its_tag(kind, message):
    wire = msgspec.msgpack.encode(message)
    assert msgspec.msgpack.decode(wire, type=kind) == message
    assert msgspec.msgpack.decode(wire)[0] == type(message).__struct_config__.tag


def test_a_message_of_another_vocabulary_is_no_request_here():
    with pytest.raises(msgspec.ValidationError):
        msgspec.msgpack.decode(msgspec.msgpack.encode(control.Stop()), type=orders.Request)


@pytest.mark.parametrize("error", [UnknownInstrument("no X; see the list"), Refused("wrong mode"), AtlasError("anything")])
def test_an_error_crosses_the_bus_as_itself(error):
    revived = revive(type(error).__name__, str(error))
    assert type(revived) is type(error)
    assert str(revived) == str(error)


@pytest.mark.parametrize("name", ["SystemExit", "OSError", "NoSuchError", "", "__class__"])
def test_a_name_that_is_no_error_of_ours_becomes_a_plain_one(name):
    assert type(revive(name, "text")) is AtlasError


def test_the_public_surface_is_what_it_says():
    assert atlas.bus.__all__ == [
        "SCHEMA_VERSION",
        "AsyncSubscriber",
        "BlockingRequester",
        "Bus",
        "Delivery",
        "Fault",
        "FaultKind",
        "Forwarder",
        "KeyRing",
        "Mailbox",
        "MailboxSender",
        "Message",
        "Publisher",
        "RequestServer",
        "Requester",
        "Subscriber",
    ]
    assert all(hasattr(atlas.bus, name) for name in atlas.bus.__all__)
