r"""What travels on the bus: msgspec structs as arrays in msgpack, one schema version, nothing that runs code.

A published message is one frame: `topic + b"\0" + msgpack(Envelope)`. A request or a reply is one frame: msgpack.
The version comes first in each, and in requests and replies the id second: that holds for all versions to come.
"""

from typing import Final, Generic, Literal, TypeVar

import msgspec

SCHEMA_VERSION: Final = 1
"""Raised by one, here and in the messages below, whenever a reader of the former version would misread a message."""

SEPARATOR = b"\0"
"""Between topic and envelope. No topic contains it."""

HELLO = "hello|"
"""Head of the private topics on which a subscriber is greeted."""

T = TypeVar("T")


class Message(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A message of the vocabulary. On the wire it is an array in the order of its fields: append fields, never reorder them."""


class Envelope(msgspec.Struct, Generic[T], array_like=True, gc=False):
    """Around the events that are published together on one topic.

    `sequence` counts the messages of a topic from 1 in each `epoch`, an epoch being one start of the publisher. Where the
    events are numbered for good (`durable`), it is the number of the first event, and goes on over epochs.
    `conflated` is how many messages just before this one were dropped on purpose, because the reader was slow.
    """

    version: Literal[1]
    source: str
    epoch: int
    sequence: int
    sent_ns: int
    events: tuple[T, ...]
    durable: bool = False
    conflated: int = 0


class Delivery(Envelope[T], Generic[T], array_like=True, gc=False):
    """A published message as it reaches a subscriber.

    `missed` is how many messages (of a durable topic: events) were lost just before it, those conflated not counted. A
    durable delivery without events is a heartbeat: all events before number `sequence` have been published.
    """

    topic: str = ""
    missed: int = 0


class Request(msgspec.Struct, Generic[T], array_like=True, gc=False):
    """A request. After `deadline_ns` nobody waits for it any more; `key` is the same when the same thing is asked again."""

    version: Literal[1]
    id: int
    deadline_ns: int
    key: str
    body: T


class Reply(msgspec.Struct, Generic[T], array_like=True, gc=False):
    """The reply to request `id`: a body, or the name of an error and its text."""

    version: Literal[1]
    id: int
    error: str
    text: str
    body: T | None


class VersionedHead(msgspec.Struct, array_like=True, gc=False):
    """The first field of every message, for saying what is wrong with one that could not be read."""

    version: int


class RequestHead(msgspec.Struct, array_like=True, gc=False):
    """What can be read of a request in every version."""

    version: int
    id: int
