"""Requests that no desk takes: third parties who want to prove who they are. They get an error that says so."""

from ib_gateway.simulator.broker.client import Client
from ib_gateway.simulator.broker.floor import Floor, Handler
from ib_gateway.simulator.messages import requests as r

_REFUSAL = "Error validating request.-'xx' : cause - Third party verification is not simulated."
REFUSED: tuple[type[r.Request], ...] = (r.VerifyAndAuthMessage, r.VerifyAndAuthRequest, r.VerifyMessage, r.VerifyRequest)


def handlers(floor: Floor) -> dict[type[r.Request], Handler]:
    """A handler for each of these requests."""

    def refuse(client: Client, _request: r.Request) -> None:
        floor.error(client, -1, 321, _REFUSAL)

    return dict.fromkeys(REFUSED, refuse)
