"""Messages that belong to no desk: the start of the API, errors, the next order id; and what is not simulated."""

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

NOT_SIMULATED: dict[int, tuple[int | None, int, str]] = {
    10: (1, 10092, "Deep market data is not supported for this combination of security type/exchange"),
    18: (None, 321, "Error validating request.-'xx' : cause - FA data operations ignored for non FA customers."),
    19: (3, 321, "Error validating request.-'xx' : cause - FA data operations ignored for non FA customers."),
    21: (1, 321, "Error validating request.-'xx' : cause - Options are not simulated."),
    22: (0, 162, "Historical Market Data Service error message:Scanners are not simulated."),
    24: (None, 321, "Error validating request.-'xx' : cause - Scanners are not simulated."),
    52: (1, 430, "The fundamentals data for the security specified is not available."),
    54: (1, 321, "Error validating request.-'xx' : cause - Options are not simulated."),
    55: (1, 321, "Error validating request.-'xx' : cause - Options are not simulated."),
    65: (None, 321, "Error validating request.-'xx' : cause - Third party verification is not simulated."),
    66: (None, 321, "Error validating request.-'xx' : cause - Third party verification is not simulated."),
    67: (1, 321, "Error validating request.-'xx' : cause - Display groups are not simulated."),
    68: (1, 321, "Error validating request.-'xx' : cause - Display groups are not simulated."),
    72: (None, 321, "Error validating request.-'xx' : cause - Third party verification is not simulated."),
    73: (None, 321, "Error validating request.-'xx' : cause - Third party verification is not simulated."),
    84: (0, 10172, "Failed to request news article: news are not simulated."),
    86: (0, 10276, "News feed is not allowed."),
    88: (0, 162, "Historical Market Data Service error message:Histograms are not simulated."),
    96: (0, 162, "Historical Market Data Service error message:Historical ticks are not simulated."),
    100: (0, 10276, "News feed is not allowed."),
    102: (0, 10276, "News feed is not allowed."),
}
"""Requests that IB knows and that get an honest error: where their request id stands, error code and text."""

SILENT: frozenset[int] = frozenset({11, 12, 13, 23, 53, 56, 57, 69, 70, 89, 101, 103})
"""Requests that expect no answer: cancels of the above, news bulletins."""
