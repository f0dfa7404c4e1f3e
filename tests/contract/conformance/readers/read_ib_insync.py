"""Feeds frames to the decoder of ib_insync or ib_async and prints what its wrapper was given. Argument: the library.

In and out as in read_ibapi. Both libraries log what they cannot decode and go on: what they log is the error.
"""

import importlib
import json
import logging
import sys
from datetime import UTC

from rendering import plain

library = sys.argv[1]
decoder_module = importlib.import_module(f"{library}.decoder")
calls, logged = [], []


class Logged(logging.Handler):
    """Keeps what was logged, with the exception."""

    def emit(self, record):
        logged.append(f"{record.getMessage()} {record.exc_info[1]!r}" if record.exc_info else record.getMessage())


class Session:
    """What decoders ask of the session: its time zone."""

    TimezoneTWS = UTC


class Recorder:
    """A wrapper with every method."""

    ib = Session()
    defaultTimezone = UTC  # noqa: N815 - so ib_async calls it

    def __getattr__(self, name):
        if name.startswith("_"):
            raise AttributeError(name)
        return lambda *args: calls.append([name, [plain(one) for one in args]])


def read(decoder, payload):
    calls.clear()
    logged.clear()
    fields = payload.decode(errors="backslashreplace").split("\0")
    fields.pop()
    decoder.interpret(fields)
    return {"calls": list(calls), "error": "; ".join(logged) or None, "left": 0}


root = logging.getLogger()
root.addHandler(Logged())
asked = json.load(sys.stdin)
decoder = decoder_module.Decoder(Recorder(), asked["version"])
json.dump([read(decoder, bytes.fromhex(payload)) for payload in asked["payloads"]], sys.stdout)
