"""What the gateway sends: message ids and layouts. Ticks by tick are written elsewhere, many at once."""

from ib_gateway.simulator.codec.kinds import (
    FLOAT,
    FLOAT_OR_MAX,
    INT,
    PLAIN_TIME,
    TEXT,
    ZONED_TIME,
)
from ib_gateway.simulator.codec.layout import Field, Fixed, Item, Layout, Many
from ib_gateway.simulator.codec.orders import COMPLETED_ORDER, OPEN_ORDER, written_contract
from ib_gateway.simulator.messages import Contract
from ib_gateway.simulator.messages import replies as r

_ONE = Fixed("1")
_REQ_ID = Field("req_id", INT)
_CONTRACT = {"contract": Contract}


def _time(name: str) -> tuple[Item, ...]:
    """A time: with its zone since 174."""
    return (Field(name, PLAIN_TIME, until=173), Field(name, ZONED_TIME, since=174))


_BAR: tuple[Item, ...] = (
    *_time("date"),
    Field("open", FLOAT),
    Field("high", FLOAT),
    Field("low", FLOAT),
    Field("close", FLOAT),
    Field("volume", FLOAT),
    Field("average", FLOAT),
    Field("count", INT),
)

LAYOUTS: tuple[Layout, ...] = (
    Layout(
        1,
        r.TickPrice,
        (Fixed("6"), _REQ_ID, Field("kind", INT), Field("price", FLOAT), Field("size", FLOAT), Field("mask", INT)),
    ),
    Layout(2, r.TickSize, (Fixed("6"), _REQ_ID, Field("kind", INT), Field("size", FLOAT))),
    Layout(
        3,
        r.OrderStatus,
        (
            Field("order_id", INT),
            Field("status"),
            Field("filled", FLOAT),
            Field("remaining", FLOAT),
            Field("average_price", FLOAT),
            Field("perm_id", INT),
            Field("parent_id", INT),
            Field("last_price", FLOAT),
            Field("client_id", INT),
            Field("why_held"),
            Field("market_cap_price", FLOAT),
        ),
    ),
    Layout(4, r.Error, (Fixed("2"), _REQ_ID, Field("code", INT), Field("text"), Field("advanced_reject", TEXT, since=166))),
    OPEN_ORDER,
    Layout(6, r.AccountValue, (Fixed("2"), Field("key"), Field("value"), Field("currency"), Field("account"))),
    Layout(
        7,
        r.PortfolioValue,
        (
            Fixed("8"),
            *(
                Field(f"contract.{name}", FLOAT if name == "strike" else INT if name == "con_id" else TEXT)
                for name in (
                    "con_id",
                    "symbol",
                    "sec_type",
                    "expiry",
                    "strike",
                    "right",
                    "multiplier",
                    "primary_exchange",
                    "currency",
                    "local_symbol",
                    "trading_class",
                )
            ),
            Field("position", FLOAT),
            Field("market_price", FLOAT),
            Field("market_value", FLOAT),
            Field("average_cost", FLOAT),
            Field("unrealized", FLOAT),
            Field("realized", FLOAT),
            Field("account"),
        ),
        _CONTRACT,
    ),
    Layout(8, r.AccountTime, (_ONE, Field("text"))),
    Layout(9, r.NextValidId, (_ONE, Field("order_id", INT))),
    Layout(
        10,
        r.ContractDetails,
        (
            Fixed("8", until=163),
            _REQ_ID,
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
        _CONTRACT,
    ),
    Layout(
        11,
        r.Execution,
        (
            _REQ_ID,
            Field("order_id", INT),
            *written_contract(),
            Field("execution_id"),
            *_time("time"),
            Field("account"),
            Field("exchange"),
            Field("side"),
            Field("shares", FLOAT),
            Field("price", FLOAT),
            Field("perm_id", INT),
            Field("client_id", INT),
            Fixed("0"),  # liquidation
            Field("cumulative", FLOAT),
            Field("average_price", FLOAT),
            Field("order_ref"),
            Fixed(""),  # economic value rule
            Fixed(""),  # economic value multiplier
            Fixed(""),  # model code
            Field("last_liquidity", INT),
        ),
        _CONTRACT,
    ),
    Layout(15, r.ManagedAccounts, (_ONE, Field("accounts"))),
    Layout(17, r.HistoricalData, (_REQ_ID, *_time("start"), *_time("end"), Many("bars", r.Bar, _BAR))),
    Layout(45, r.TickGeneric, (Fixed("6"), _REQ_ID, Field("kind", INT), Field("value", FLOAT))),
    Layout(46, r.TickString, (Fixed("6"), _REQ_ID, Field("kind", INT), Field("value"))),
    Layout(49, r.CurrentTime, (_ONE, Field("seconds", INT))),
    Layout(
        50,
        r.RealTimeBar,
        (
            Fixed("3"),
            _REQ_ID,
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
    Layout(52, r.ContractDetailsEnd, (_ONE, _REQ_ID)),
    Layout(53, r.OpenOrderEnd, (_ONE,)),
    Layout(54, r.AccountDownloadEnd, (_ONE, Field("account"))),
    Layout(55, r.ExecutionsEnd, (_ONE, _REQ_ID)),
    Layout(57, r.SnapshotEnd, (_ONE, _REQ_ID)),
    Layout(58, r.MarketDataType, (_ONE, _REQ_ID, Field("kind", INT))),
    Layout(
        59,
        r.CommissionReport,
        (
            _ONE,
            Field("execution_id"),
            Field("commission", FLOAT),
            Field("currency"),
            Field("realized", FLOAT_OR_MAX),
            Fixed("1.7976931348623157E308"),  # yield
            Fixed(""),  # yield redemption date
        ),
    ),
    Layout(
        61,
        r.Position,
        (Fixed("3"), Field("account"), *written_contract(), Field("position", FLOAT), Field("average_cost", FLOAT)),
        _CONTRACT,
    ),
    Layout(62, r.PositionEnd, (_ONE,)),
    Layout(63, r.AccountSummary, (_ONE, _REQ_ID, Field("account"), Field("tag"), Field("value"), Field("currency"))),
    Layout(64, r.AccountSummaryEnd, (_ONE, _REQ_ID)),
    Layout(
        71,
        r.PositionMulti,
        (
            _ONE,
            _REQ_ID,
            Field("account"),
            *written_contract(),
            Field("position", FLOAT),
            Field("average_cost", FLOAT),
            Field("model_code"),
        ),
        _CONTRACT,
    ),
    Layout(72, r.PositionMultiEnd, (_ONE, _REQ_ID)),
    Layout(
        73,
        r.AccountUpdateMulti,
        (_ONE, _REQ_ID, Field("account"), Field("model_code"), Field("key"), Field("value"), Field("currency")),
    ),
    Layout(74, r.AccountUpdateMultiEnd, (_ONE, _REQ_ID)),
    Layout(76, r.OptionParametersEnd, (_REQ_ID,)),
    Layout(77, r.SoftDollarTiers, (_REQ_ID, Many("tiers", None, (Field("name"), Field("value"), Field("display"))))),
    Layout(78, r.FamilyCodes, (Many("codes", None, (Field("account"), Field("code"))),)),
    Layout(
        79,
        r.SymbolSamples,
        (
            _REQ_ID,
            Many(
                "samples",
                r.SymbolSample,
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
    Layout(
        80,
        r.DepthExchanges,
        (
            Many(
                "exchanges",
                r.DepthExchange,
                (Field("exchange"), Field("sec_type"), Field("listing_exchange"), Field("service"), Field("agg_group", INT)),
            ),
        ),
    ),
    Layout(81, r.TickReqParams, (_REQ_ID, Field("min_tick", FLOAT), Field("bbo_exchange"), Field("snapshot_permissions", INT))),
    Layout(82, r.SmartComponents, (_REQ_ID, Many("components", None, (Field("bit", INT), Field("exchange"), Field("letter"))))),
    Layout(85, r.NewsProviders, (Many("providers", None, (Field("code"), Field("name"))),)),
    Layout(88, r.HeadTimestamp, (_REQ_ID, *_time("time"))),
    Layout(
        90,
        r.HistoricalDataUpdate,
        (
            _REQ_ID,
            Field("bar.count", INT),
            *_time("bar.date"),
            Field("bar.open", FLOAT),
            Field("bar.close", FLOAT),
            Field("bar.high", FLOAT),
            Field("bar.low", FLOAT),
            Field("bar.average", FLOAT),
            Field("bar.volume", FLOAT),
        ),
        {"bar": r.Bar},
    ),
    Layout(93, r.MarketRule, (Field("rule_id", INT), Many("increments", None, (Field("from", FLOAT), Field("step", FLOAT))))),
    Layout(
        94, r.Pnl, (_REQ_ID, Field("daily", FLOAT_OR_MAX), Field("unrealized", FLOAT_OR_MAX), Field("realized", FLOAT_OR_MAX))
    ),
    Layout(
        95,
        r.PnlSingle,
        (
            _REQ_ID,
            Field("position", FLOAT),
            Field("daily", FLOAT_OR_MAX),
            Field("unrealized", FLOAT_OR_MAX),
            Field("realized", FLOAT_OR_MAX),
            Field("value", FLOAT_OR_MAX),
        ),
    ),
    COMPLETED_ORDER,
    Layout(102, r.CompletedOrdersEnd, ()),
    Layout(107, r.UserInfo, (_REQ_ID, Field("branding"))),
)
