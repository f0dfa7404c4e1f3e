"""Messages about markets now: streams, bars of five seconds, depth. Ticks by tick are written in `ticks`, many at once."""

from ib_gateway.simulator.codec.kinds import BOOL, FLOAT, INT
from ib_gateway.simulator.codec.layout import Field, Fixed, Layout, Many
from ib_gateway.simulator.codec.tables.parts import CONTRACT, ONE, REQ_ID, SENT_CONTRACT, SHORT_LEGS
from ib_gateway.simulator.messages import replies as say
from ib_gateway.simulator.messages import requests as ask

REQUESTS: tuple[Layout, ...] = (
    Layout(
        1,
        ask.MarketData,
        (
            Fixed("11"),
            REQ_ID,
            *SENT_CONTRACT,
            SHORT_LEGS,
            Fixed("0"),  # a delta neutral contract would follow a 1
            Field("generic_ticks"),
            Field("snapshot", BOOL),
            Field("regulatory_snapshot", BOOL),
            Field("options"),
        ),
        CONTRACT,
    ),
    Layout(2, ask.CancelMarketData, (Fixed("2"), REQ_ID)),
    Layout(
        50,
        ask.RealTimeBars,
        (
            Fixed("3"),
            REQ_ID,
            *SENT_CONTRACT,
            Field("bar_size", INT),
            Field("what_to_show"),
            Field("use_rth", BOOL),
            Field("options"),
        ),
        CONTRACT,
    ),
    Layout(51, ask.CancelRealTimeBars, (ONE, REQ_ID)),
    Layout(59, ask.MarketDataType, (ONE, Field("kind", INT))),
    Layout(82, ask.DepthExchanges, ()),
    Layout(83, ask.SmartComponents, (REQ_ID, Field("bbo_exchange"))),
    Layout(
        97,
        ask.TickByTick,
        (REQ_ID, *SENT_CONTRACT, Field("kind"), Field("count", INT), Field("ignore_size", BOOL)),
        CONTRACT,
    ),
    Layout(98, ask.CancelTickByTick, (REQ_ID,)),
)

REPLIES: tuple[Layout, ...] = (
    Layout(
        1,
        say.TickPrice,
        (Fixed("6"), REQ_ID, Field("kind", INT), Field("price", FLOAT), Field("size", FLOAT), Field("mask", INT)),
    ),
    Layout(2, say.TickSize, (Fixed("6"), REQ_ID, Field("kind", INT), Field("size", FLOAT))),
    Layout(45, say.TickGeneric, (Fixed("6"), REQ_ID, Field("kind", INT), Field("value", FLOAT))),
    Layout(46, say.TickString, (Fixed("6"), REQ_ID, Field("kind", INT), Field("value"))),
    Layout(
        50,
        say.RealTimeBar,
        (
            Fixed("3"),
            REQ_ID,
            Field("seconds", INT),
            Field("open", FLOAT),
            Field("high", FLOAT),
            Field("low", FLOAT),
            Field("close", FLOAT),
            Field("volume", FLOAT),
            Field("average", FLOAT),
            Field("count", INT),
        ),
    ),
    Layout(57, say.SnapshotEnd, (ONE, REQ_ID)),
    Layout(58, say.MarketDataType, (ONE, REQ_ID, Field("kind", INT))),
    Layout(
        80,
        say.DepthExchanges,
        (
            Many(
                "exchanges",
                say.DepthExchange,
                (Field("exchange"), Field("sec_type"), Field("listing_exchange"), Field("service"), Field("agg_group", INT)),
            ),
        ),
    ),
    Layout(
        81, say.TickReqParams, (REQ_ID, Field("min_tick", FLOAT), Field("bbo_exchange"), Field("snapshot_permissions", INT))
    ),
    Layout(
        82, say.SmartComponents, (REQ_ID, Many("components", None, (Field("bit", INT), Field("exchange"), Field("letter"))))
    ),
)
