"""Messages about orders and executions."""

from ib_gateway.simulator.codec.kinds import BOOL, FLOAT, FLOAT_OR_MAX, INT, OPTIONAL_FLOAT, OPTIONAL_INT, TEXT
from ib_gateway.simulator.codec.layout import Field, Fixed, Layout
from ib_gateway.simulator.codec.tables.parts import CONTRACT, ONE, REQ_ID, time_field, written_contract
from ib_gateway.simulator.codec.tables.tickets import COMPLETED_ORDER, OPEN_ORDER, PLACE_ORDER
from ib_gateway.simulator.messages import replies as say
from ib_gateway.simulator.messages import requests as ask

REQUESTS: tuple[Layout, ...] = (
    PLACE_ORDER,
    Layout(4, ask.CancelOrder, (ONE, Field("order_id", INT), Field("manual_time", TEXT, since=169))),
    Layout(5, ask.OpenOrders, (ONE,)),
    Layout(
        7,
        ask.Executions,
        (
            Fixed("3"),
            REQ_ID,
            Field("client_id", INT),
            Field("account"),
            Field("time"),
            Field("symbol"),
            Field("sec_type"),
            Field("exchange"),
            Field("side"),
        ),
    ),
    Layout(8, ask.Ids, (ONE, Field("count", INT))),
    Layout(15, ask.AutoOpenOrders, (ONE, Field("bind", BOOL))),
    Layout(16, ask.AllOpenOrders, (ONE,)),
    Layout(
        21,
        ask.ExerciseOptions,
        (
            Fixed("2"),
            REQ_ID,
            *written_contract(),
            Field("action", INT),
            Field("quantity", INT),
            Field("account"),
            Field("override", BOOL),
        ),
        CONTRACT,
    ),
    Layout(58, ask.GlobalCancel, (ONE,)),
    Layout(99, ask.CompletedOrders, (Field("api_only", BOOL),)),
)

REPLIES: tuple[Layout, ...] = (
    Layout(
        3,
        say.OrderStatus,
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
    OPEN_ORDER,
    Layout(
        11,
        say.Execution,
        (
            REQ_ID,
            Field("order_id", INT),
            *written_contract(),
            Field("execution_id"),
            *time_field("time"),
            Field("account"),
            Field("exchange"),
            Field("side"),
            Field("shares", FLOAT),
            Field("price", FLOAT),
            Field("perm_id", INT),
            Field("client_id", INT),
            Field("liquidation", INT),
            Field("cumulative", FLOAT),
            Field("average_price", FLOAT),
            Field("order_ref"),
            Field("ev_rule"),
            Field("ev_multiplier", OPTIONAL_FLOAT),
            Field("model_code"),
            Field("last_liquidity", INT),
            Field("pending_price_revision", BOOL, since=178),
        ),
        CONTRACT,
    ),
    Layout(53, say.OpenOrderEnd, (ONE,)),
    Layout(55, say.ExecutionsEnd, (ONE, REQ_ID)),
    Layout(
        59,
        say.CommissionReport,
        (
            ONE,
            Field("execution_id"),
            Field("commission", FLOAT),
            Field("currency"),
            Field("realized", FLOAT_OR_MAX),
            Field("yield_", FLOAT_OR_MAX),
            Field("yield_redemption_date", OPTIONAL_INT),
        ),
    ),
    Layout(100, say.OrderBound, (Field("perm_id", INT), Field("client_id", INT), Field("order_id", INT))),
    COMPLETED_ORDER,
    Layout(102, say.CompletedOrdersEnd, ()),
)
