"""Feeds frames to IB's own decoder and prints what its callbacks were given. Runs in an environment that has ibapi.

In: JSON with the negotiated version and the payloads in hex. Out: for each payload its calls, the error if there was one,
and how many fields the decoder left unread.
"""

import inspect
import json
import logging
import sys

from ibapi.comm import read_fields
from ibapi.decoder import Decoder
from ibapi.wrapper import EWrapper
from rendering import plain


class Fields(tuple):  # noqa: SLOT001 - it counts
    """Fields that know how many of them were read."""

    def __iter__(self):
        self.left = len(self)
        for field in super().__iter__():
            self.left -= 1
            yield field


calls, logged = [], []
takes_id = "msgId" in inspect.signature(Decoder.interpret).parameters  # newer clients take the id off a message first


class Logged(logging.Handler):
    """Keeps what decoders complain about without raising it."""

    def emit(self, record):
        logged.append(record.getMessage())


def recorder(name):
    def record(_self, *args, **kwargs):
        calls.append([name, [plain(one) for one in (*args, *kwargs.values())]])

    return record


def is_callback(name):
    return not name.startswith("_") and name != "logAnswer" and callable(getattr(EWrapper, name))


Recorder = type("Recorder", (EWrapper,), {name: recorder(name) for name in dir(EWrapper) if is_callback(name)})


def read(decoder, payload):
    calls.clear()
    logged.clear()
    message_id, rest = int(payload.split(b"\0", 1)[0]), payload.split(b"\0", 1)[1]
    fields = Fields(read_fields(rest if takes_id else payload))
    fields.left = 0
    error = None
    try:
        if takes_id:
            decoder.interpret(fields, message_id)
        else:
            decoder.interpret(fields)
    except Exception as caught:  # noqa: BLE001 - whatever it is, the judge wants to hear of it
        error = repr(caught)
    return {"calls": list(calls), "error": error or "; ".join(logged) or None, "left": fields.left}


logging.getLogger().addHandler(Logged(level=logging.ERROR))
asked = json.load(sys.stdin)
decoder = Decoder(Recorder(), asked["version"])
json.dump([read(decoder, bytes.fromhex(payload)) for payload in asked["payloads"]], sys.stdout)
