"""Messages about accounts: values, positions, profit and loss, the login."""

from ib_gateway.simulator.codec.kinds import BOOL, FLOAT, FLOAT_OR_MAX, INT, TEXT
from ib_gateway.simulator.codec.layout import Field, Fixed, Layout, Many
from ib_gateway.simulator.codec.tables.parts import CONTRACT, ONE, REQ_ID, size_field, written_contract
from ib_gateway.simulator.messages import replies as say
from ib_gateway.simulator.messages import requests as ask

REQUESTS: tuple[Layout, ...] = (
    Layout(6, ask.AccountUpdates, (Fixed("2"), Field("subscribe", BOOL), Field("account"))),
    Layout(17, ask.ManagedAccounts, (ONE,)),
    Layout(18, ask.FaData, (ONE, Field("kind", INT))),
    Layout(19, ask.ReplaceFaData, (ONE, Field("kind", INT), Field("xml"), REQ_ID)),
    Layout(61, ask.Positions, (ONE,)),
    Layout(62, ask.AccountSummary, (ONE, REQ_ID, Field("group"), Field("tags"))),
    Layout(63, ask.CancelAccountSummary, (ONE, REQ_ID)),
    Layout(64, ask.CancelPositions, (ONE,)),
    Layout(74, ask.PositionsMulti, (ONE, REQ_ID, Field("account"), Field("model_code"))),
    Layout(75, ask.CancelPositionsMulti, (ONE, REQ_ID)),
    Layout(
        76,
        ask.AccountUpdatesMulti,
        (ONE, REQ_ID, Field("account"), Field("model_code"), Field("ledger_and_nlv", BOOL)),
    ),
    Layout(77, ask.CancelAccountUpdatesMulti, (ONE, REQ_ID)),
    Layout(79, ask.SoftDollarTiers, (REQ_ID,)),
    Layout(80, ask.FamilyCodes, ()),
    Layout(92, ask.Pnl, (REQ_ID, Field("account"), Field("model_code"))),
    Layout(93, ask.CancelPnl, (REQ_ID,)),
    Layout(94, ask.PnlSingle, (REQ_ID, Field("account"), Field("model_code"), Field("con_id", INT))),
    Layout(95, ask.CancelPnlSingle, (REQ_ID,)),
    Layout(104, ask.UserInfo, (REQ_ID,)),
)

REPLIES: tuple[Layout, ...] = (
    Layout(6, say.AccountValue, (Fixed("2"), Field("key"), Field("value"), Field("currency"), Field("account"))),
    Layout(
        7,
        say.PortfolioValue,
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
        CONTRACT,
    ),
    Layout(8, say.AccountTime, (ONE, Field("text"))),
    Layout(15, say.ManagedAccounts, (ONE, Field("accounts"))),
    Layout(16, say.FaData, (ONE, Field("kind", INT), Field("xml"))),
    Layout(54, say.AccountDownloadEnd, (ONE, Field("account"))),
    Layout(
        61,
        say.Position,
        (Fixed("3"), Field("account"), *written_contract(), Field("position", FLOAT), Field("average_cost", FLOAT)),
        CONTRACT,
    ),
    Layout(62, say.PositionEnd, (ONE,)),
    Layout(63, say.AccountSummary, (ONE, REQ_ID, Field("account"), Field("tag"), Field("value"), Field("currency"))),
    Layout(64, say.AccountSummaryEnd, (ONE, REQ_ID)),
    Layout(
        71,
        say.PositionMulti,
        (
            ONE,
            REQ_ID,
            Field("account"),
            *written_contract(),
            Field("position", FLOAT),
            Field("average_cost", FLOAT),
            Field("model_code"),
        ),
        CONTRACT,
    ),
    Layout(72, say.PositionMultiEnd, (ONE, REQ_ID)),
    Layout(
        73,
        say.AccountUpdateMulti,
        (ONE, REQ_ID, Field("account"), Field("model_code"), Field("key"), Field("value"), Field("currency")),
    ),
    Layout(74, say.AccountUpdateMultiEnd, (ONE, REQ_ID)),
    Layout(77, say.SoftDollarTiers, (REQ_ID, Many("tiers", None, (Field("name"), Field("value"), Field("display"))))),
    Layout(78, say.FamilyCodes, (Many("codes", None, (Field("account"), Field("code"))),)),
    Layout(
        94, say.Pnl, (REQ_ID, Field("daily", FLOAT_OR_MAX), Field("unrealized", FLOAT_OR_MAX), Field("realized", FLOAT_OR_MAX))
    ),
    Layout(
        95,
        say.PnlSingle,
        (
            REQ_ID,
            *size_field("position"),
            Field("daily", FLOAT_OR_MAX),
            Field("unrealized", FLOAT_OR_MAX),
            Field("realized", FLOAT_OR_MAX),
            Field("value", FLOAT_OR_MAX),
        ),
    ),
    Layout(103, say.ReplaceFaEnd, (REQ_ID, Field("text"))),
    Layout(107, say.UserInfo, (REQ_ID, Field("branding"))),
)
