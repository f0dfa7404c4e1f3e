"""Every reply, in every version, through the decoders of the clients that exist: no error, nothing left over, what went in."""

import pytest

from ib_gateway.simulator.codec import Codec, tables
from ib_gateway.simulator.messages import replies as say
from tests.contract.conformance.calls import CALLS
from tests.contract.conformance.clients import CLIENTS, SINCE
from tests.contract.conformance.compare import differences
from tests.contract.conformance.samples import samples

REPLIES = sorted((struct for struct in vars(say).values() if isinstance(struct, type) and issubclass(struct, say.Reply)
                  and struct is not say.Reply), key=lambda struct: struct.__name__)  # fmt: skip
RUNS = [pytest.param(client, version, id=f"{client.name}-{version}") for client in CLIENTS for version in client.versions()]


def test_every_reply_has_a_layout_and_is_judged():
    laid_out = {layout.struct for layout in tables.REPLIES} | {say.TickByTick}
    assert laid_out == set(REPLIES)
    assert set(CALLS) == set(REPLIES), "say in calls.py which callbacks a new reply becomes"


def test_the_samples_leave_no_field_empty():
    for struct in REPLIES:
        names = [name for name in struct.__struct_fields__ if struct is not say.TickByTick]
        for name in names:
            assert any(getattr(sample, name) not in (0, "", None, (), False) for sample in samples(struct)), (struct, name)


def frames(data):
    while data:
        end = 4 + int.from_bytes(data[:4], "big")
        yield data[4:end]
        data = data[end:]


@pytest.mark.timeout(300)  # the first run builds an environment
@pytest.mark.parametrize(("client", "version"), RUNS)
def test_a_client_decodes_every_reply_to_the_values_that_went_in(client, version):
    codec = Codec(version)
    asked = [(reply, payload) for struct in REPLIES for reply in samples(struct) if version >= SINCE.get(struct, 0)
             for payload in frames(codec.encode(reply))]  # fmt: skip
    wrong = []
    for (reply, _), read in zip(asked, client.read(version, [payload for _, payload in asked]), strict=True):
        wanted = [[name, values] for name, values in client.calls(reply, version)]
        problems = [read["error"]] if read["error"] else [f"{read['left']} fields left"] if read["left"] else []
        if not problems:
            problems = differences([name for name, _ in wanted], [name for name, _ in read["calls"]], "calls")
        if not problems:
            problems = differences(wanted, read["calls"], "calls")
        wrong += [f"{type(reply).__name__}: {problem}" for problem in problems]
    assert not wrong, f"{len(wrong)} differences\n" + "\n".join(sorted(set(wrong))[:40])
