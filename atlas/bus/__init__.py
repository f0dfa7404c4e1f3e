"""ZeroMQ between the services of Atlas: authenticated, numbered, counted. Messages are msgspec structs, never pickles."""

from atlas.bus.bus import Bus
from atlas.bus.envelope import SCHEMA_VERSION, Delivery, Message
from atlas.bus.faults import Fault, FaultKind
from atlas.bus.forwarder import Forwarder
from atlas.bus.keys import KeyRing
from atlas.bus.mailbox import Mailbox, MailboxSender
from atlas.bus.publisher import Publisher
from atlas.bus.requester import BlockingRequester, Requester
from atlas.bus.server import RequestServer
from atlas.bus.subscriber import AsyncSubscriber, Subscriber

__all__ = [
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
