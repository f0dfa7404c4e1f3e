import msgspec
import pytest

from atlas.bus import SCHEMA_VERSION
from atlas.bus._stream import StreamReader
from atlas.domain import MarketEvent, OrderEvent, OrderEventKind, Quote

TOPIC = "EUR.USD@IDEALPRO|quote"
QUOTE = Quote("EUR.USD@IDEALPRO", 1.1, 1.2, 1e6, 1e6, 1, 2)
ENCODE = msgspec.msgpack.Encoder().encode
LIMIT = 10_000


def frame(sequence, *events, epoch=1, topic=TOPIC, durable=False, conflated=0, version=SCHEMA_VERSION):
    return topic.encode() + b"\0" + ENCODE((version, "watcher", epoch, sequence, 99, events, durable, conflated))


def order_events(first, count):
    return [OrderEvent(first + i, "o1", "r", OrderEventKind.WORKING, 5) for i in range(count)]


@pytest.fixture
def faults():
    return []


@pytest.fixture
def reader(faults):
    return StreamReader(MarketEvent | OrderEvent, LIMIT, lambda kind, _: faults.append(kind))


def test_a_delivery_carries_what_was_published(reader):
    delivery = reader.read(frame(1, QUOTE, QUOTE))
    assert (delivery.topic, delivery.source, delivery.epoch, delivery.sequence) == (TOPIC, "watcher", 1, 1)
    assert (delivery.sent_ns, delivery.missed, delivery.events) == (99, 0, (QUOTE, QUOTE))


def test_messages_in_order_miss_nothing_wherever_the_subscription_began(reader):
    assert [reader.read(frame(n, QUOTE)).missed for n in (41, 42, 43)] == [0, 0, 0]


def test_a_gap_is_told_once_with_its_size(reader):
    assert [reader.read(frame(n, QUOTE)).missed for n in (1, 2, 6, 7)] == [0, 0, 3, 0]


def test_topics_are_counted_apart(reader):
    other = "AAPL@SMART|quote"
    sequences = [(1, TOPIC), (5, other), (2, TOPIC), (7, other)]
    assert [reader.read(frame(n, QUOTE, topic=t)).missed for n, t in sequences] == [0, 0, 0, 1]


def test_what_a_restarted_publisher_sent_before_we_were_there_again_was_missed(reader):
    reader.read(frame(10, QUOTE))
    assert reader.read(frame(1, QUOTE, epoch=2)).missed == 0
    reader.read(frame(2, QUOTE, epoch=2))
    assert reader.read(frame(4, QUOTE, epoch=3)).missed == 3


def test_a_restarted_publisher_that_happens_to_be_at_our_number_is_not_taken_for_the_old_one(reader):
    reader.read(frame(10, QUOTE))
    assert reader.read(frame(11, QUOTE, epoch=2)).missed == 10


def test_what_was_dropped_on_purpose_was_not_missed(reader):
    reader.read(frame(1, QUOTE))
    assert reader.read(frame(5, QUOTE, conflated=3)).missed == 0
    assert reader.read(frame(9, QUOTE, conflated=2)).missed == 1


def test_a_message_that_comes_twice_is_delivered_once(reader, faults):
    reader.read(frame(1, QUOTE))
    reader.read(frame(2, QUOTE))
    assert reader.read(frame(2, QUOTE)) is None
    assert faults == ["duplicate"]
    assert reader.read(frame(3, QUOTE)).missed == 0


def test_numbered_events_are_counted_one_by_one_and_over_restarts(reader):
    def missed(first, count, epoch):
        return reader.read(frame(first, *order_events(first, count), epoch=epoch, topic="orders", durable=True)).missed

    assert [missed(100, 3, 1), missed(103, 1, 1), missed(106, 2, 1), missed(108, 1, 2), missed(112, 1, 2)] == [0, 0, 2, 0, 3]


def test_a_heartbeat_shows_that_the_last_events_were_lost(reader):
    reader.read(frame(1, *order_events(1, 2), topic="orders", durable=True))
    assert reader.read(frame(3, topic="orders", durable=True)).missed == 0
    beat = reader.read(frame(6, topic="orders", durable=True))
    assert (beat.missed, beat.events) == (3, ())
    assert reader.read(frame(6, *order_events(6, 1), topic="orders", durable=True)).missed == 0


def test_numbered_events_that_come_again_are_delivered_again(reader, faults):
    reader.read(frame(1, *order_events(1, 5), topic="orders", durable=True))
    again = reader.read(frame(4, *order_events(4, 2), topic="orders", durable=True))
    assert [event.sequence for event in again.events] == [4, 5]
    assert reader.read(frame(6, *order_events(6, 1), topic="orders", durable=True)).missed == 0
    assert faults == []


@pytest.mark.parametrize(
    ("bad", "kind"),
    [
        (b"", "malformed"),
        (b"\xff" * 40, "malformed"),
        (TOPIC.encode(), "malformed"),
        (TOPIC.encode() + b"\0", "malformed"),
        (TOPIC.encode() + b"\0\xc1\xc1", "malformed"),
        (frame(2, QUOTE)[:-3], "malformed"),
        (frame(2, QUOTE) + b"\x00", "malformed"),
        (b"\xff\xfe\0" + frame(2, QUOTE).partition(b"\0")[2], "malformed"),
        (frame("two", QUOTE), "malformed"),
        (frame(2, ("q", 5)), "malformed"),
        (frame(2, {"q": 5}), "malformed"),
        (frame(2, ("no such kind", 5)), "unknown_message"),
        (frame(2, ("order", 5)), "unknown_message"),
        (frame(2, QUOTE, version=2), "wrong_version"),
        (TOPIC.encode() + b"\0" + ENCODE((77, "anything", {})), "wrong_version"),
        (frame(2, *[QUOTE] * 1_000), "oversized"),
        (TOPIC.encode() + b"\0" + b"\xc1" * (LIMIT + 1), "oversized"),
    ],
)
def test_what_cannot_be_read_is_dropped_under_its_name_and_the_stream_goes_on(reader, faults, bad, kind):
    reader.read(frame(1, QUOTE))
    assert reader.read(bad) is None
    assert faults == [kind]
    assert reader.read(frame(2, QUOTE)).missed == 0


def test_greetings_are_not_delivered(reader, faults):
    assert reader.read(frame(1, topic="hello|strategy.1")) is None
    assert faults == []


def test_a_forgotten_topic_begins_anew(reader):
    reader.read(frame(1, QUOTE))
    reader.forget(TOPIC.encode())
    assert reader.read(frame(9, QUOTE)).missed == 0
