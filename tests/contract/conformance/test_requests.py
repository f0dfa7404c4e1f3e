"""Every request, as clients send it in every version that they announce, is read as what they asked."""

import dataclasses

import msgspec
import pytest

from ib_gateway.simulator.codec import Codec, ProtocolError, tables
from ib_gateway.simulator.messages import Ticket
from ib_gateway.simulator.messages import requests as ask
from tests.contract.conformance.asked import ASKED, placed
from tests.contract.conformance.clients import CLIENTS
from tests.contract.conformance.objects import camel

RUNS = [pytest.param(client, version, id=f"{client.name}-{version}") for client in CLIENTS for version in client.versions()]

LATE = {
    "duration": 158,
    "post_to_ats": 160,
    "auto_cancel_parent": 162,
    "advanced_error_override": 166,
    "manual_order_time": 169,
    **dict.fromkeys(("min_trade_quantity", "min_compete_size", "compete_against_best_offset"), 170),
    **dict.fromkeys(("mid_offset_at_whole", "mid_offset_at_half"), 170),
}
"""Fields of an order that clients send only from some version on."""


DEFAULTS = {field.name: field.default for field in msgspec.structs.fields(Ticket)}


def test_every_request_has_a_layout_and_is_sent_by_a_client():
    known = {one for one in vars(ask).values() if isinstance(one, type) and issubclass(one, ask.Request)} - {
        ask.Request,
        ask.Numbered,
    }
    assert {layout.struct for layout in tables.REQUESTS} == known
    assert {type(asked.request) for asked in ASKED} == known, "say in asked.py how a client sends a new request"


def expected(asked, client, version):
    """The request that a client can send in a version: without what it or the version does not know."""
    request = asked.request
    if not isinstance(request, ask.PlaceOrder):
        return request
    gone = {name for name, since in LATE.items() if version < since}
    gone |= {name for name in request.ticket.__struct_fields__ if camel(name) in client.lacks}
    if version >= 177:
        gone.add("fa_profile")
    return msgspec.structs.replace(request, ticket=msgspec.structs.replace(request.ticket, **{n: DEFAULTS[n] for n in gone}))


@pytest.mark.timeout(300)  # the first run builds an environment
@pytest.mark.parametrize(("client", "version"), RUNS)
def test_what_a_client_asks_is_read_as_what_it_asked(client, version):
    asked = [one for one in ASKED if one.since <= version]
    asked = [dataclasses.replace(one, request=expected(one, client, version)) for one in asked]
    asked = [placed(one.request.contract, one.request.ticket) if one.method == "placeOrder" else one for one in asked]
    calls = [(one.method, client.arguments.get(one.method, list)(one.arguments)) for one in asked]
    codec, wrong = Codec(version), []
    for one, sent in zip(asked, client.send(version, calls), strict=True):
        if sent["error"]:
            wrong.append(f"{one.method}: not sent: {sent['error']}")
            continue
        try:
            read = codec.decode(bytes.fromhex(sent["payload"]))
        except ProtocolError as error:
            wrong.append(f"{one.method}: {error}")
            continue
        wrong += [f"{one.method}: {line}" for line in differences(one.request, read)]
    assert not wrong, f"{len(wrong)} differences\n" + "\n".join(wrong[:40])


def differences(wanted, read, where=""):
    """Where a request is not the one that was wanted, one line each."""
    if not isinstance(wanted, msgspec.Struct) or type(wanted) is not type(read):
        return [] if wanted == read else [f"{where}: {read!r} instead of {wanted!r}"]
    fields = wanted.__struct_fields__
    return [line for name in fields for line in differences(getattr(wanted, name), getattr(read, name), f"{where}.{name}")]
