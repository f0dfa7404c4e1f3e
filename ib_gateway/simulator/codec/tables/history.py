"""Messages about the past of a market."""

from ib_gateway.simulator.codec.kinds import BOOL, FLOAT, INT
from ib_gateway.simulator.codec.layout import Field, Item, Layout, Many
from ib_gateway.simulator.codec.tables.parts import CONTRACT, ONE, REQ_ID, SENT_CONTRACT, SHORT_LEGS, time_field
from ib_gateway.simulator.messages import replies as say
from ib_gateway.simulator.messages import requests as ask

_BAR: tuple[Item, ...] = (
    *time_field("date"),
    Field("open", FLOAT),
    Field("high", FLOAT),
    Field("low", FLOAT),
    Field("close", FLOAT),
    Field("volume", FLOAT),
    Field("average", FLOAT),
    Field("count", INT),
)

REQUESTS: tuple[Layout, ...] = (
    Layout(
        20,
        ask.HistoricalData,
        (
            REQ_ID,
            *SENT_CONTRACT,
            Field("include_expired", BOOL),
            Field("end"),
            Field("bar_size"),
            Field("duration"),
            Field("use_rth", BOOL),
            Field("what_to_show"),
            Field("format_date", INT),
            SHORT_LEGS,
            Field("keep_up_to_date", BOOL),
            Field("options"),
        ),
        CONTRACT,
    ),
    Layout(25, ask.CancelHistoricalData, (ONE, REQ_ID)),
    Layout(
        87,
        ask.HeadTimestamp,
        (
            REQ_ID,
            *SENT_CONTRACT,
            Field("include_expired", BOOL),
            Field("use_rth", BOOL),
            Field("what_to_show"),
            Field("format_date", INT),
        ),
        CONTRACT,
    ),
    Layout(90, ask.CancelHeadTimestamp, (REQ_ID,)),
)

REPLIES: tuple[Layout, ...] = (
    Layout(17, say.HistoricalData, (REQ_ID, *time_field("start"), *time_field("end"), Many("bars", say.Bar, _BAR))),
    Layout(88, say.HeadTimestamp, (REQ_ID, *time_field("time"))),
    Layout(
        90,
        say.HistoricalDataUpdate,
        (
            REQ_ID,
            Field("bar.count", INT),
            *time_field("bar.date"),
            Field("bar.open", FLOAT),
            Field("bar.close", FLOAT),
            Field("bar.high", FLOAT),
            Field("bar.low", FLOAT),
            Field("bar.average", FLOAT),
            Field("bar.volume", FLOAT),
        ),
        {"bar": say.Bar},
    ),
)
