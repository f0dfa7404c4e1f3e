"""Messages that belong to no desk: the start of the API, errors, the next order id."""

from ib_gateway.simulator.codec.kinds import INT, TEXT
from ib_gateway.simulator.codec.layout import Field, Fixed, Layout
from ib_gateway.simulator.codec.tables.parts import ONE, REQ_ID
from ib_gateway.simulator.messages import replies as say
from ib_gateway.simulator.messages import requests as ask

REQUESTS: tuple[Layout, ...] = (
    Layout(71, ask.StartApi, (Fixed("2"), Field("client_id", INT), Field("optional_capabilities"))),
)

REPLIES: tuple[Layout, ...] = (
    Layout(4, say.Error, (Fixed("2"), REQ_ID, Field("code", INT), Field("text"), Field("advanced_reject", TEXT, since=166))),
    Layout(9, say.NextValidId, (ONE, Field("order_id", INT))),
)
