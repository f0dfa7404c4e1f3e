"""Messages about contracts and the gateway itself."""

from ib_gateway.simulator.codec.kinds import BOOL, FLOAT, INT, TEXT
from ib_gateway.simulator.codec.layout import Field, Fixed, Layout, Many
from ib_gateway.simulator.codec.tables.parts import CONTRACT, ONE, REQ_ID, SENT_CONTRACT
from ib_gateway.simulator.messages import replies as say
from ib_gateway.simulator.messages import requests as ask

REQUESTS: tuple[Layout, ...] = (
    Layout(
        9,
        ask.ContractDetails,
        (
            Fixed("8"),
            REQ_ID,
            *SENT_CONTRACT,
            Field("include_expired", BOOL),
            Field("sec_id_type"),
            Field("sec_id"),
            Field("issuer_id", TEXT, since=176),
        ),
        CONTRACT,
    ),
    Layout(14, ask.ServerLogLevel, (ONE, Field("level", INT))),
    Layout(49, ask.CurrentTime, (ONE,)),
    Layout(
        78,
        ask.OptionParameters,
        (REQ_ID, Field("symbol"), Field("exchange"), Field("sec_type"), Field("con_id", INT)),
    ),
    Layout(81, ask.MatchingSymbols, (REQ_ID, Field("pattern"))),
    Layout(91, ask.MarketRule, (Field("rule_id", INT),)),
)

REPLIES: tuple[Layout, ...] = (
    Layout(
        10,
        say.ContractDetails,
        (
            Fixed("8", until=163),
            REQ_ID,
            Field("contract.symbol"),
            Field("contract.sec_type"),
            Field("last_trade"),
            Field("contract.strike", FLOAT),
            Field("contract.right"),
            Field("contract.exchange"),
            Field("contract.currency"),
            Field("contract.local_symbol"),
            Field("market_name"),
            Field("contract.trading_class"),
            Field("contract.con_id", INT),
            Field("min_tick", FLOAT),
            Fixed("1", until=163),  # market data size multiplier
            Field("contract.multiplier"),
            Field("order_types"),
            Field("valid_exchanges"),
            Field("price_magnifier", INT),
            Field("under_con_id", INT),
            Field("long_name"),
            Field("contract.primary_exchange"),
            Field("contract_month"),
            Field("industry"),
            Field("category"),
            Field("subcategory"),
            Field("time_zone"),
            Field("trading_hours"),
            Field("liquid_hours"),
            Field("ev_rule"),
            Field("ev_multiplier", FLOAT),
            Many("security_ids", None, (Field("tag"), Field("value"))),
            Field("agg_group", INT),
            Field("under_symbol"),
            Field("under_sec_type"),
            Field("market_rule_ids"),
            Field("real_expiry"),
            Field("stock_type"),
            Field("min_size", FLOAT, since=164),
            Field("size_increment", FLOAT, since=164),
            Field("suggested_size_increment", FLOAT, since=163),
        ),
        CONTRACT,
    ),
    Layout(49, say.CurrentTime, (ONE, Field("seconds", INT))),
    Layout(52, say.ContractDetailsEnd, (ONE, REQ_ID)),
    Layout(76, say.OptionParametersEnd, (REQ_ID,)),
    Layout(
        79,
        say.SymbolSamples,
        (
            REQ_ID,
            Many(
                "samples",
                say.SymbolSample,
                (
                    Field("con_id", INT),
                    Field("symbol"),
                    Field("sec_type"),
                    Field("primary_exchange"),
                    Field("currency"),
                    Many("derivatives", None, (Field("sec_type"),)),
                    Field("description", TEXT, since=176),
                    Field("issuer_id", TEXT, since=176),
                ),
            ),
        ),
    ),
    Layout(93, say.MarketRule, (Field("rule_id", INT), Many("increments", None, (Field("from", FLOAT), Field("step", FLOAT))))),
)
