"""Messages about markets now: streams, bars of five seconds, depth. Ticks by tick are written in `ticks`, many at once."""

from ib_gateway.simulator.codec.kinds import BOOL, FLOAT, INT, NONE_OR_MINUS_1, NONE_OR_MINUS_2
from ib_gateway.simulator.codec.layout import Field, Fixed, Item, Last, Layout, Many
from ib_gateway.simulator.codec.tables.parts import CONTRACT, ONE, REQ_ID, SENT_CONTRACT, SHORT_LEGS, size_field
from ib_gateway.simulator.messages import replies as say
from ib_gateway.simulator.messages import requests as ask

_LEVEL: tuple[Item, ...] = (Field("operation", INT), Field("side", INT), Field("price", FLOAT), *size_field("size"))
_REROUTE: tuple[Item, ...] = (REQ_ID, Field("con_id", INT), Field("exchange"))

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
        10,
        ask.MarketDepth,
        (Fixed("5"), REQ_ID, *SENT_CONTRACT, Field("rows", INT), Field("smart", BOOL), Field("options")),
        CONTRACT,
    ),
    Layout(11, ask.CancelMarketDepth, (ONE, REQ_ID, Field("smart", BOOL))),
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
    Layout(
        54,
        ask.ImpliedVolatility,
        (
            Fixed("3"),
            REQ_ID,
            *SENT_CONTRACT,
            Field("option_price", FLOAT),
            Field("under_price", FLOAT),
            Last("options"),
        ),
        CONTRACT,
    ),
    Layout(
        55,
        ask.OptionPrice,
        (
            Fixed("3"),
            REQ_ID,
            *SENT_CONTRACT,
            Field("volatility", FLOAT),
            Field("under_price", FLOAT),
            Last("options"),
        ),
        CONTRACT,
    ),
    Layout(56, ask.CancelImpliedVolatility, (ONE, REQ_ID)),
    Layout(57, ask.CancelOptionPrice, (ONE, REQ_ID)),
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
        (Fixed("6"), REQ_ID, Field("kind", INT), Field("price", FLOAT), *size_field("size"), Field("mask", INT)),
    ),
    Layout(2, say.TickSize, (Fixed("6"), REQ_ID, Field("kind", INT), *size_field("size"))),
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
            *size_field("volume"),
            Field("average", FLOAT),
            Field("count", INT),
        ),
    ),
    Layout(12, say.MarketDepth, (ONE, REQ_ID, Field("position", INT), *_LEVEL)),
    Layout(
        13,
        say.MarketDepthL2,
        (ONE, REQ_ID, Field("position", INT), Field("market_maker"), *_LEVEL, Field("smart", BOOL)),
    ),
    Layout(
        21,
        say.OptionComputation,
        (
            REQ_ID,
            Field("kind", INT),
            Field("attribute", INT),
            Field("implied_volatility", NONE_OR_MINUS_1),
            Field("delta", NONE_OR_MINUS_2),
            Field("option_price", NONE_OR_MINUS_1),
            Field("present_dividend", NONE_OR_MINUS_1),
            Field("gamma", NONE_OR_MINUS_2),
            Field("vega", NONE_OR_MINUS_2),
            Field("theta", NONE_OR_MINUS_2),
            Field("under_price", NONE_OR_MINUS_1),
        ),
    ),
    Layout(
        47,
        say.TickEfp,
        (
            ONE,
            REQ_ID,
            Field("kind", INT),
            Field("basis_points", FLOAT),
            Field("formatted_basis_points"),
            Field("total_dividends", FLOAT),
            Field("hold_days", INT),
            Field("future_expiry"),
            Field("dividend_impact", FLOAT),
            Field("dividends_to_expiry", FLOAT),
        ),
    ),
    Layout(
        56,
        say.DeltaNeutralValidation,
        (ONE, REQ_ID, Field("con_id", INT), Field("delta", FLOAT), Field("price", FLOAT)),
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
    Layout(91, say.RerouteMarketData, _REROUTE),
    Layout(92, say.RerouteMarketDepth, _REROUTE),
)
