import asyncio
import threading
import time

import pytest
from structlog.testing import capture_logs
from support.bus_peers import TOPIC, quote

from atlas.bus import Forwarder, Mailbox, MailboxSender, Publisher, Subscriber, control
from atlas.domain import Bar, MarketEvent, Unavailable

MANY = 20_000
LOCAL = "tcp://127.0.0.1:0"
ENDPOINTS = pytest.mark.parametrize("endpoint", ["inproc://robot", LOCAL], ids=["inproc", "tcp"])


@pytest.fixture
def mailbox_of(make_bus):
    def make(endpoint="inproc://robot", **options):
        bus = make_bus("robot")
        mailbox = Mailbox(bus, endpoint, MarketEvent, control.Request, **options)
        mailbox.bus = bus
        return mailbox

    return make


def receive(mailbox, count):
    received, give_up = [], time.monotonic() + 30
    while len(received) < count and time.monotonic() < give_up:
        received += mailbox.receive(1)
    return received


def frames_of(topic, numbers):
    from support.bus_peers import ENCODE

    return [topic.encode() + b"\0" + ENCODE((1, "watcher", 1, n, 0, [quote(n)])) for n in numbers]


@ENDPOINTS
def test_messages_and_published_frames_come_out_in_the_order_they_went_in(mailbox_of, endpoint):
    mailbox = mailbox_of(endpoint)
    sender = mailbox.sender()
    first, second = frames_of(TOPIC, (1, 2))
    sender.send_frame(first)
    sender.send(control.Pause())
    sender.send_frame(second)
    sender.send(control.Stop())
    quote_1, pause, quote_2, stop = receive(mailbox, 4)
    assert (pause, stop) == (control.Pause(), control.Stop())
    assert [(d.topic, d.sequence, d.missed, d.events) for d in (quote_1, quote_2)] == [
        (TOPIC, 1, 0, (quote(1),)),
        (TOPIC, 2, 0, (quote(2),)),
    ]


@ENDPOINTS
def test_many_threads_put_in_and_nothing_is_lost_or_reordered(mailbox_of, endpoint):
    mailbox = mailbox_of(endpoint, capacity=100)

    def work(thread_number):
        sender = mailbox.sender()
        for frame in frames_of(f"T{thread_number}@X|quote", range(1, 2_001)):
            sender.send_frame(frame)
        sender.close()

    threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    deliveries = receive(mailbox, 8_000)
    for thread in threads:
        thread.join()
    for number in range(4):
        mine = [d.sequence for d in deliveries if d.topic == f"T{number}@X|quote"]
        assert mine == list(range(1, 2_001))
    assert sum(d.missed for d in deliveries) == 0
    assert mailbox.fill == 0


def test_a_full_mailbox_holds_the_sender_until_there_is_room_and_raises_the_alarm_once(mailbox_of):
    alarms = []
    mailbox = mailbox_of(capacity=100, on_high_fill=lambda fill, capacity: alarms.append((fill, capacity)))
    sender = mailbox.sender()
    put = 0
    while sender.try_send(control.Ping()):
        put += 1
    assert put == 100
    assert mailbox.fill == 100
    assert not sender.try_send(control.Ping())
    assert len(alarms) == 1
    assert alarms[0][0] >= 80
    assert alarms[0][1] == 100

    waiting = threading.Thread(target=sender.send, args=(control.Stop(),))
    waiting.start()
    received = receive(mailbox, put + 1)
    waiting.join()
    assert received == [control.Ping()] * put + [control.Stop()]
    give_up = time.monotonic() + 10
    while len(alarms) < 2 and time.monotonic() < give_up:
        sender.try_send(control.Ping())
    assert len(alarms) == 2


def test_a_sender_that_waits_gives_up_when_the_mailbox_is_closed(mailbox_of):
    mailbox = mailbox_of(capacity=10)
    sender = mailbox.sender()
    while sender.try_send(control.Ping()):
        pass
    outcome = []

    def wait():
        try:
            sender.send(control.Stop())
        except Unavailable as error:
            outcome.append(str(error))

    waiting = threading.Thread(target=wait)
    waiting.start()
    sender.cancel()
    waiting.join(10)
    assert outcome == ["the mailbox inproc://robot is closed; nothing was sent"]


def test_an_empty_mailbox_returns_after_the_time_given(mailbox_of):
    mailbox = mailbox_of()
    start = time.monotonic()
    assert mailbox.receive(0.05) == []
    assert mailbox.receive(0) == []
    assert 0.05 <= time.monotonic() - start < 5


@ENDPOINTS
def test_what_cannot_be_read_is_counted_logged_once_and_passed_over(mailbox_of, endpoint):
    mailbox = mailbox_of(endpoint)
    sender = mailbox.sender()
    with capture_logs() as lines:
        for _ in range(3):
            for bad in (b"", b"\0", b"\0\xc1", b"\xff\xff", b"\0\x92\x02\xc0", b"\0\x92\x01\x91\xa4oops"):
                sender.send_frame(bad)
        sender.send(control.Stop())
        assert receive(mailbox, 1) == [control.Stop()]
    assert mailbox.bus.box.counts == {"malformed": 12, "wrong_version": 3, "unknown_message": 3}
    assert sorted(line["kind"] for line in lines) == ["malformed", "unknown_message", "wrong_version"]


def test_another_service_puts_in_over_tcp(mailbox_of, make_bus):
    mailbox = mailbox_of(LOCAL)
    sender = MailboxSender(make_bus("trader"), mailbox.endpoint, "robot")
    sender.send(control.Ping())
    assert receive(mailbox, 1) == [control.Ping()]


def test_nothing_is_taken_before_the_other_side_has_let_us_in(mailbox_of, make_bus):
    first = mailbox_of(LOCAL)
    first.bus.close()
    sender = MailboxSender(make_bus("trader"), first.endpoint, "robot")
    assert not sender.try_send(control.Ping())
    mailbox = mailbox_of(first.endpoint)
    sender.send(control.Stop())
    assert receive(mailbox, 1) == [control.Stop()]


def test_what_is_put_in_while_the_other_side_restarts_waits_for_it(mailbox_of, make_bus):
    first = mailbox_of(LOCAL)
    sender = MailboxSender(make_bus("trader"), first.endpoint, "robot", capacity=100)
    sender.send(control.Ping())
    assert receive(first, 1) == [control.Ping()]
    first.bus.close()
    give_up = time.monotonic() + 10
    while sender.connected and time.monotonic() < give_up:
        time.sleep(0.01)
    for _ in range(10):
        assert sender.try_send(control.Pause())
    assert receive(mailbox_of(first.endpoint), 10) == [control.Pause()] * 10


# From a publisher, through a forwarding thread, into a mailbox


@pytest.fixture
def desk(make_bus, mailbox_of):
    """A lossless publisher on the running loop, and a robot's mailbox that its data thread forwards to."""

    async def start(overflow, capacity, high_water_mark=100, on_high_fill=None):
        publisher = Publisher(make_bus("watcher"), LOCAL, lossless=True, high_water_mark=high_water_mark)
        mailbox = mailbox_of(capacity=capacity, on_high_fill=on_high_fill)
        loop = asyncio.get_running_loop()

        def subscribe():
            subscriber = Subscriber(
                mailbox.bus, publisher.endpoint, "watcher", ["*"], MarketEvent, high_water_mark=high_water_mark
            )
            subscriber.hello(lambda i: loop.call_soon_threadsafe(publisher.greet, i), 5)
            return subscriber

        forwarder = Forwarder(await asyncio.to_thread(subscribe), mailbox.sender(), overflow).start()
        return publisher, mailbox, forwarder

    return start


async def publish(publisher, topic, events):
    while not publisher.publish(topic, events):
        await publisher.writable()


async def test_a_slow_robot_gets_every_message_and_the_publisher_feels_it(desk):
    publisher, mailbox, forwarder = await desk("wait", capacity=200)
    held_back = asyncio.Event()

    async def produce():
        for number in range(1, MANY + 1):
            if not publisher.publish(TOPIC, [quote(number)]):
                held_back.set()
                await publish(publisher, TOPIC, [quote(number)])

    producing = asyncio.create_task(produce())
    await asyncio.wait_for(held_back.wait(), 20)
    deliveries = await asyncio.to_thread(receive, mailbox, MANY)
    await producing
    assert [d.sequence for d in deliveries] == list(range(1, MANY + 1))
    assert sum(d.missed for d in deliveries) == 0
    assert (forwarder.forwarded, forwarder.conflated) == (MANY, 0)
    forwarder.close()
    assert not forwarder.alive


async def test_of_a_slow_robots_quotes_only_the_newest_are_kept_but_every_bar_arrives(desk):
    publisher, mailbox, forwarder = await desk("conflate", capacity=50)
    bars = 300
    for number in range(1, MANY + 1):  # the robot takes nothing out meanwhile
        await publish(publisher, TOPIC, [quote(number)])
        if number % (MANY // bars) == 0 and number * bars // MANY <= bars:
            await publish(
                publisher, "EUR.USD@IDEALPRO|bar", [Bar("EUR.USD@IDEALPRO", 0, 1, 1.0, 1.0, 1.0, 1.0, 0.0, 1, number)]
            )
    published_bars = publisher.publish("EUR.USD@IDEALPRO|bar", []) and MANY // (MANY // bars)

    def take_all():
        deliveries = []
        while more := mailbox.receive(1):
            deliveries += more
        return deliveries

    deliveries = await asyncio.to_thread(take_all)
    quotes = [d for d in deliveries if d.topic == TOPIC]
    got_bars = [event for d in deliveries if d.topic.endswith("|bar") for event in d.events]
    assert len(got_bars) == published_bars
    assert quotes[-1].sequence == MANY
    assert [d.sequence for d in quotes] == sorted(d.sequence for d in quotes)
    assert sum(d.missed for d in deliveries) == 0
    assert forwarder.conflated > MANY // 2
    assert sum(d.conflated for d in quotes) == forwarder.conflated == MANY - len(quotes)


async def test_a_forwarder_ends_at_once_even_while_the_mailbox_is_full(desk):
    full = threading.Event()
    publisher, mailbox, forwarder = await desk("wait", capacity=10, high_water_mark=1_000, on_high_fill=lambda *_: full.set())
    for number in range(1, 101):
        await publish(publisher, TOPIC, [quote(number)])
    await asyncio.to_thread(full.wait, 10)
    await asyncio.wait_for(asyncio.to_thread(forwarder.close), 10)
    assert mailbox.fill == 10
    assert not forwarder.alive
