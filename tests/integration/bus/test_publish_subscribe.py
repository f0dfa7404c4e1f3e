import asyncio
import queue
import threading
import time

import msgspec
import pytest
import zmq
from support.bus_peers import ENCODE, TOPIC, quote

from atlas.bus import AsyncSubscriber, Publisher, Subscriber
from atlas.domain import BadInput, Bar, MarketEvent, OrderEvent, OrderEventKind, Unavailable

MANY = 20_000
LOCAL = "tcp://127.0.0.1:0"

with_curve = pytest.mark.parametrize("keys", [True], indirect=True, ids=["CURVE"])


def greeter(publisher):
    async def greet(greeting_id):
        publisher.greet(greeting_id)

    return greet


async def publish(publisher, topic, events):
    while not publisher.publish(topic, events):
        await publisher.writable()


async def subscriber_of(publisher, bus, *topics, event_type=MarketEvent, **options):
    subscriber = AsyncSubscriber(bus, publisher.endpoint, "watcher", topics, event_type, **options)
    await subscriber.hello(greeter(publisher), 5)
    return subscriber


async def receive(subscriber, count):
    deliveries = []
    async with asyncio.timeout(30):
        while len(deliveries) < count:
            deliveries += await subscriber.receive(1)
    return deliveries


async def test_after_the_greeting_the_very_first_message_arrives(make_bus):
    publisher = Publisher(make_bus("watcher"), LOCAL)
    subscriber = await subscriber_of(publisher, make_bus("strategy"), TOPIC)
    assert publisher.publish(TOPIC, [quote(1), quote(2)])
    [delivery] = await receive(subscriber, 1)
    assert (delivery.topic, delivery.source, delivery.sequence, delivery.missed) == (TOPIC, "watcher", 1, 0)
    assert delivery.epoch == publisher.epoch
    assert delivery.events == (quote(1), quote(2))


async def test_what_comes_while_the_greeting_is_awaited_is_kept_in_order(make_bus):
    publisher = Publisher(make_bus("watcher"), LOCAL)
    subscriber = await subscriber_of(publisher, make_bus("strategy"), TOPIC)

    async def publish_first(greeting_id):
        for number in (1, 2, 3):
            publisher.publish(TOPIC, [quote(number)])
        publisher.greet(greeting_id)

    await subscriber.hello(publish_first, 5)
    publisher.publish(TOPIC, [quote(4)])
    sequences = [d.sequence for d in await receive(subscriber, 4)]
    assert sequences == sorted(sequences)
    assert sequences[-4:] == list(range(sequences[-1] - 3, sequences[-1] + 1))


async def test_a_publisher_that_does_not_greet_is_given_up(make_bus):
    publisher = Publisher(make_bus("watcher"), LOCAL)
    subscriber = AsyncSubscriber(make_bus("strategy"), publisher.endpoint, "watcher", [TOPIC], MarketEvent)

    async def deaf(_):
        pass

    with pytest.raises(Unavailable, match=r"did not greet within 0\.5 s"):
        await subscriber.hello(deaf, 0.5)


async def test_only_the_topics_subscribed_to_arrive_and_a_star_takes_all_that_begin_alike(make_bus):
    publisher = Publisher(make_bus("watcher"), LOCAL)
    bus = make_bus("strategy")
    one = await subscriber_of(publisher, bus, "A@X|quote")
    some = await subscriber_of(publisher, bus, "A@X|*")
    everything = await subscriber_of(publisher, bus, "*")
    for topic in ("A@X|quote", "A@X|quotes", "A@X|bar", "B@X|quote"):
        publisher.publish(topic, [quote(1)])
    publisher.publish("A@X|quote", [quote(2)])
    assert [d.topic for d in await receive(one, 2)] == ["A@X|quote"] * 2
    assert [d.topic for d in await receive(some, 4)] == ["A@X|quote", "A@X|quotes", "A@X|bar", "A@X|quote"]
    assert len(await receive(everything, 5)) == 5
    one.unsubscribe("A@X|quote")
    one.subscribe("B@X|quote")
    await one.hello(greeter(publisher), 5)
    publisher.publish("A@X|quote", [quote(3)])
    publisher.publish("B@X|quote", [quote(2)])
    assert [d.topic for d in await receive(one, 1)] == ["B@X|quote"]


async def test_a_slow_subscriber_of_a_lossless_publisher_gets_every_message(make_bus):
    publisher = Publisher(make_bus("watcher"), LOCAL, lossless=True, high_water_mark=200)
    subscriber = await subscriber_of(publisher, make_bus("strategy"), TOPIC, high_water_mark=200)
    held_back = asyncio.Event()

    async def produce():
        for number in range(1, MANY + 1):
            if not publisher.publish(TOPIC, [quote(number)]):
                held_back.set()
                await publish(publisher, TOPIC, [quote(number)])

    producing = asyncio.create_task(produce())
    await asyncio.wait_for(held_back.wait(), 20)  # nobody reads yet: the publisher was told to wait
    assert not producing.done()
    deliveries = await receive(subscriber, MANY)
    await producing
    assert [d.events[0].exchange_ns for d in deliveries] == list(range(1, MANY + 1))
    assert sum(d.missed for d in deliveries) == 0


async def test_a_stuck_subscriber_of_a_lossy_publisher_misses_messages_and_knows_how_many(make_bus):
    publisher = Publisher(make_bus("watcher"), LOCAL, high_water_mark=100)
    bus = make_bus("strategy")
    stuck = await subscriber_of(publisher, bus, TOPIC, high_water_mark=100)
    for number in range(1, MANY + 1):
        assert publisher.publish(TOPIC, [quote(number)])
    received = await stuck.receive(5)
    while received[-1].sequence < MANY:
        more = await stuck.receive(0.2)
        if not more:  # all that was queued has come: the next message shows what was lost behind it
            publisher.publish(TOPIC, [quote(MANY + 1)])
        received += more
        if received[-1].sequence > MANY:
            break
    missed = sum(d.missed for d in received)
    assert missed > 0
    assert len(received) + missed == received[-1].sequence


async def test_one_stuck_subscriber_does_not_keep_a_lossy_publisher_from_serving_another(make_bus):
    publisher = Publisher(make_bus("watcher"), LOCAL, high_water_mark=1_000)
    await subscriber_of(publisher, make_bus("stuck"), TOPIC, high_water_mark=1_000)
    good = await subscriber_of(publisher, make_bus("strategy"), TOPIC)
    received = []
    for number in range(1, MANY + 1):
        publisher.publish(TOPIC, [quote(number)])
        if number % 100 == 0:
            received += await receive(good, 100)
    assert [d.sequence for d in received] == list(range(1, MANY + 1))


async def test_order_events_lost_in_a_gap_or_at_the_end_are_seen_to_be_lost(make_bus):
    publisher = Publisher(make_bus("trader"), LOCAL)
    subscriber = AsyncSubscriber(make_bus("strategy"), publisher.endpoint, "trader", ["orders"], OrderEvent)
    await subscriber.hello(greeter(publisher), 5)

    def events(first, count):
        return [OrderEvent(first + i, "o", "r", OrderEventKind.WORKING, 1) for i in range(count)]

    publisher.publish_numbered("orders", 41, events(41, 2))
    publisher.publish_numbered("orders", 46, events(46, 1))
    publisher.heartbeat("orders", 46)
    publisher.heartbeat("orders", 48)
    deliveries = await receive(subscriber, 4)
    assert [(d.sequence, len(d.events), d.missed) for d in deliveries] == [(41, 2, 0), (46, 1, 3), (47, 0, 0), (49, 0, 2)]


async def test_a_subscriber_finds_a_restarted_publisher_again_and_knows_that_it_was_restarted(make_bus):
    first = make_bus("watcher")
    publisher = Publisher(first, LOCAL)
    subscriber = await subscriber_of(publisher, make_bus("strategy"), TOPIC)
    for number in (1, 2):
        publisher.publish(TOPIC, [quote(number)])
    before = await receive(subscriber, 2)
    first.close()
    again = Publisher(make_bus("watcher"), publisher.endpoint)
    await subscriber.hello(greeter(again), 10)
    again.publish(TOPIC, [quote(3)])
    [after] = await receive(subscriber, 1)
    assert after.epoch > before[-1].epoch
    assert (after.sequence, after.missed, after.events) == (1, 0, (quote(3),))


async def test_a_message_over_the_limit_is_not_sent(make_bus):
    publisher = Publisher(make_bus("watcher", max_message_bytes=1_000), LOCAL)
    with pytest.raises(BadInput, match=r"message on EUR.USD@IDEALPRO\|quote has \d+ bytes, over the limit of 1000"):
        publisher.publish(TOPIC, [quote(1)] * 100)
    assert publisher.publish(TOPIC, [quote(1)])


@pytest.mark.parametrize("topic", ["", "a\0b"])
async def test_a_topic_that_subscribers_could_not_tell_is_refused(make_bus, topic):
    with pytest.raises(BadInput, match="cannot be a topic"):
        Publisher(make_bus("watcher"), LOCAL).publish(topic, [quote(1)])


async def test_subscriber_in_a_thread_and_publisher_in_a_loop(make_bus):
    publisher = Publisher(make_bus("watcher"), LOCAL, lossless=True)
    bus, loop = make_bus("strategy"), asyncio.get_running_loop()

    def work():
        subscriber = Subscriber(bus, publisher.endpoint, "watcher", [TOPIC], MarketEvent)
        subscriber.hello(lambda i: loop.call_soon_threadsafe(publisher.greet, i), 5)
        loop.call_soon_threadsafe(publisher.publish, TOPIC, [quote(1)])
        deliveries = subscriber.receive(5)
        assert subscriber.receive(0.01) == []
        assert subscriber.connected
        subscriber.close()
        return deliveries

    [delivery] = await asyncio.to_thread(work)
    assert delivery.events == (quote(1),)


async def test_a_publisher_in_a_plain_thread_serves_as_well(make_bus):
    def produce(bus, ready, over):
        publisher = Publisher(bus, LOCAL, lossless=True)
        ready.put(publisher.endpoint)
        number = 0
        while not over.is_set():
            number += 1
            while not publisher.publish(TOPIC, [quote(number)]) and not over.is_set():
                time.sleep(0.001)
        publisher.close()

    ready, over = queue.SimpleQueue(), threading.Event()
    producing = asyncio.create_task(asyncio.to_thread(produce, make_bus("watcher"), ready, over))
    endpoint = await asyncio.to_thread(ready.get)
    subscriber = AsyncSubscriber(make_bus("strategy"), endpoint, "watcher", [TOPIC], MarketEvent)
    deliveries = await receive(subscriber, MANY)
    assert sum(d.missed for d in deliveries) == 0
    assert deliveries[-1].sequence - deliveries[0].sequence == len(deliveries) - 1
    over.set()
    await producing


@with_curve
async def test_a_subscriber_whose_key_is_let_in_later_gets_in_by_itself(make_bus, tmp_path):
    publisher = Publisher(make_bus("watcher"), LOCAL)
    bus = make_bus("strategy")
    public = tmp_path / "public" / "strategy.key"
    kept = public.read_text()
    public.unlink()
    subscriber = AsyncSubscriber(bus, publisher.endpoint, "watcher", [TOPIC], MarketEvent)
    with pytest.raises(Unavailable, match="refuses the key of strategy"):
        await subscriber.hello(greeter(publisher), 0.5)
    public.write_text(kept)
    await subscriber.hello(greeter(publisher), 10)


async def test_a_publisher_gone_wrong_is_counted_and_the_good_in_between_arrives(make_bus):
    rogue, bus = make_bus("watcher"), make_bus("strategy", max_message_bytes=10_000)
    socket = rogue.socket(zmq.XPUB, 100)
    endpoint = rogue.bind(socket, LOCAL, "market data")
    subscriber = AsyncSubscriber(bus, endpoint, "watcher", ["*"], MarketEvent)
    assert await asyncio.to_thread(socket.poll, 5_000)

    def frame(sequence, event, version=1):
        return TOPIC.encode() + b"\0" + ENCODE((version, "watcher", 1, sequence, 0, [event]))

    for bad in (
        b"",
        b"\xff" * 100,
        frame(1, quote(1))[:-1],
        frame(1, quote(1), version=9),
        frame(1, ("rm", "-rf")),
        frame(1, "x" * 20_000),
    ):
        socket.send(bad)
    socket.send(frame(1, quote(1)))
    socket.send(frame(1, quote(1)))
    socket.send(frame(2, quote(2)))
    assert [d.events for d in await receive(subscriber, 2)] == [(quote(1),), (quote(2),)]
    assert bus.box.counts == {"malformed": 3, "wrong_version": 1, "unknown_message": 1, "oversized": 1, "duplicate": 1}
    socket.disable_monitor()
    socket.close()


async def test_bars_and_quotes_come_back_as_what_they_were(make_bus):
    publisher = Publisher(make_bus("watcher"), LOCAL)
    subscriber = await subscriber_of(publisher, make_bus("strategy"), "*")
    bar = Bar("A@X", 0, 60, 1.0, 2.0, 0.5, 1.5, 7.0, 3, 61)
    publisher.publish("A@X|bar", [bar])
    [delivery] = await receive(subscriber, 1)
    assert delivery.events == (bar,)
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(bar))[0] == "b"
