"""Makes calls of IB's own client and prints the payloads that it sends. Runs in an environment that has ibapi.

In: JSON with the negotiated version and the calls, each a method and its arguments; an argument may be an object:
{"object": its class, "fields": its attributes}. Out: for each call its payload in hex, or what went wrong.
"""

import json
import sys

from ibapi import client, common, contract, execution, order, order_condition, scanner, tag_value, wrapper

try:
    from ibapi import order_cancel
except ImportError:  # older clients cancel with a plain time
    order_cancel = None

MODULES = [module for module in (common, contract, execution, order, scanner, tag_value, order_cancel) if module]


class Recorder(wrapper.EWrapper):
    """Hears what the client refuses to send."""

    def error(self, *args):
        errors.append(repr(args))


class Connection:
    """Takes what would go to a socket."""

    def isConnected(self):  # noqa: N802 - so the client calls it
        return True

    def sendMsg(self, message):  # noqa: N802
        sent.append(message)


def made(value):
    if isinstance(value, list):
        return [made(one) for one in value]
    if not isinstance(value, dict):
        return value
    fields = {name: made(one) for name, one in value["fields"].items()}
    if value["object"] == "TagValue":
        return tag_value.TagValue(fields["tag"], fields["value"])
    if value["object"] == "OrderCondition":
        whole = order_condition.Create(fields.pop("condType"))
    else:
        whole = next(getattr(module, value["object"]) for module in MODULES if hasattr(module, value["object"]))()
    for name, one in fields.items():
        if not hasattr(whole, name):
            continue
        setattr(whole, name, one)
    return whole


def say(name, arguments):
    sent.clear()
    errors.clear()
    getattr(api, name)(*[made(one) for one in arguments])
    return {"payload": b"".join(sent)[4:].hex(), "error": "; ".join(errors) or None}


asked = json.load(sys.stdin)
sent, errors = [], []
api = client.EClient(Recorder())
api.conn = Connection()
api.clientId, api.extraAuth = 0, True
api.serverVersion_ = asked["version"]
api.connState = api.CONNECTED
if hasattr(api, "setConnState"):
    api.setConnState(api.CONNECTED)
json.dump([say(name, arguments) for name, arguments in asked["calls"]], sys.stdout)
