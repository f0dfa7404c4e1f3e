"""Makes calls of the client of ib_insync or ib_async and prints the payloads that it sends. Argument: the library.

In and out as in send_ibapi.
"""

import importlib
import json
import sys

library = importlib.import_module(sys.argv[1])


def made(value):
    if isinstance(value, list):
        return [made(one) for one in value]
    if not isinstance(value, dict):
        return value
    fields = {name: made(one) for name, one in value["fields"].items()}
    if value["object"] == "OrderCondition":
        fields["conjunction"] = "a" if fields.pop("isConjunctionConnection") else "o"
        if "exchange" in fields:
            fields["exch"] = fields.pop("exchange")
        return library.OrderCondition.createClass(fields.pop("condType"))(**fields)
    kind = getattr(library, value["object"])
    if hasattr(kind, "_fields"):
        return kind(**fields)
    return kind(**{name: one for name, one in fields.items() if name in kind.__dataclass_fields__})


def say(name, arguments):
    sent.clear()
    try:
        getattr(client, name)(*[made(one) for one in arguments])
    except Exception as caught:  # noqa: BLE001 - whatever it is, the judge wants to hear of it
        return {"payload": "", "error": repr(caught)}
    return {"payload": "".join(sent).encode().hex(), "error": None}


asked = json.load(sys.stdin)
sent = []
client = library.client.Client(None)
client.isConnected = lambda: True
client.sendMsg = sent.append
client.clientId = 0
client._serverVersion = asked["version"]
json.dump([say(name, arguments) for name, arguments in asked["calls"]], sys.stdout)
