"""Messages about the past of a market."""

from ib_gateway.simulator.codec.kinds import BOOL, FLOAT, INT, TEXT, WHOLE
from ib_gateway.simulator.codec.layout import Field, Fixed, Item, Layout, Many
from ib_gateway.simulator.codec.tables.parts import (
    CONTRACT,
    ONE,
    REQ_ID,
    SENT_CONTRACT,
    SHORT_LEGS,
    fields,
    size_field,
    time_field,
)
from ib_gateway.simulator.messages import replies as say
from ib_gateway.simulator.messages import requests as ask

_BAR: tuple[Item, ...] = (
    *time_field("date"),
    Field("open", FLOAT),
    Field("high", FLOAT),
    Field("low", FLOAT),
    Field("close", FLOAT),
    *size_field("volume"),
    Field("average", FLOAT),
    Field("count", INT),
)

_TICK_MID: tuple[Item, ...] = (Field("seconds", INT), Fixed("0"), Field("price", FLOAT), *size_field("size"))
_TICK_BID_ASK: tuple[Item, ...] = (
    *fields("", seconds=INT, mask=INT, bid=FLOAT, ask=FLOAT),
    *size_field("bid_size"),
    *size_field("ask_size"),
)
_TICK_LAST: tuple[Item, ...] = (
    *fields("", seconds=INT, mask=INT, price=FLOAT),
    *size_field("size"),
    *fields("", exchange=TEXT, conditions=TEXT),
)
_DONE = Field("done", BOOL)

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
    Layout(
        88,
        ask.Histogram,
        (REQ_ID, *SENT_CONTRACT, Field("include_expired", BOOL), Field("use_rth", BOOL), Field("period")),
        CONTRACT,
    ),
    Layout(89, ask.CancelHistogram, (REQ_ID,)),
    Layout(90, ask.CancelHeadTimestamp, (REQ_ID,)),
    Layout(
        96,
        ask.HistoricalTicks,
        (
            REQ_ID,
            *SENT_CONTRACT,
            Field("include_expired", BOOL),
            Field("start"),
            Field("end"),
            Field("count", INT),
            Field("what_to_show"),
            Field("use_rth", BOOL),
            Field("ignore_size", BOOL),
            Field("options"),
        ),
        CONTRACT,
    ),
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
            *size_field("bar.volume"),
        ),
        {"bar": say.Bar},
    ),
    Layout(89, say.Histogram, (REQ_ID, Many("points", None, fields("", price=FLOAT, size=WHOLE)))),
    Layout(96, say.HistoricalTicks, (REQ_ID, Many("ticks", say.HistoricalTick, _TICK_MID), _DONE)),
    Layout(97, say.HistoricalTicksBidAsk, (REQ_ID, Many("ticks", say.HistoricalTickBidAsk, _TICK_BID_ASK), _DONE)),
    Layout(98, say.HistoricalTicksLast, (REQ_ID, Many("ticks", say.HistoricalTickLast, _TICK_LAST), _DONE)),
    Layout(
        106,
        say.HistoricalSchedule,
        (
            REQ_ID,
            Field("start"),
            Field("end"),
            Field("time_zone"),
            Many("sessions", say.HistoricalSession, fields("", start=TEXT, end=TEXT, date=TEXT)),
        ),
    ),
)
