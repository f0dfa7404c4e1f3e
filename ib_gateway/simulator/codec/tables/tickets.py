"""Layouts of the messages that carry a whole order: placing it, an open one, a completed one.

The order of fields is the protocol's history; nothing can be read out of it. Versions are those at which a field appeared.
"""

import math

import msgspec

from ib_gateway.simulator.codec.kinds import (
    BOOL,
    FLOAT,
    FLOAT_OR_MAX,
    FLOAT_OR_ZERO,
    IB_TEXT,
    INT,
    INT_OR_MAX,
    INT_OR_ZERO,
    LIMITLESS,
    LONG,
    OPTIONAL_BOOL,
    OPTIONAL_FLOAT,
    OPTIONAL_INT,
    PLAIN_TIME,
    QUERY,
    TEXT,
    ZONED_TIME,
    Kind,
)
from ib_gateway.simulator.codec.layout import Field, Fixed, Item, Kinds, Layout, Many, When
from ib_gateway.simulator.codec.tables.parts import SENT_CONTRACT, fields, written_contract
from ib_gateway.simulator.messages import ComboLeg, Condition, Contract, TagValue, Ticket, replies, requests

CONDITION_LENGTHS = {1: 6, 3: 3, 4: 3, 5: 4, 6: 5, 7: 5}
"""Fields of each kind of condition: price, time, margin, execution, volume, percent change."""

_NESTED: dict[str, type[msgspec.Struct]] = {"contract": Contract, "ticket": Ticket}


def ticket(**kinds: Kind) -> tuple[Field, ...]:
    """Consecutive fields of the ticket."""
    return fields("ticket", **kinds)


COMBO_LEG_FULL: tuple[Item, ...] = fields(
    "", con_id=INT, ratio=INT, action=TEXT, exchange=TEXT, open_close=INT, short_sale_slot=INT, designated_location=TEXT,
    exempt_code=INT,
)  # fmt: skip
_TAG_VALUE: tuple[Item, ...] = fields("", tag=TEXT, value=TEXT)

_COMBO: tuple[Item, ...] = (
    Many("contract.combo_legs", ComboLeg, COMBO_LEG_FULL),
    Many("ticket.order_combo_prices", None, (Field("price", OPTIONAL_FLOAT),)),
    Many("ticket.smart_combo_params", TagValue, _TAG_VALUE),
)
_SCALE_MORE = When(
    "ticket.scale_price_increment", lambda value: value is not None and value > 0,
    ticket(
        scale_price_adjust_value=OPTIONAL_FLOAT, scale_price_adjust_interval=OPTIONAL_INT, scale_profit_offset=OPTIONAL_FLOAT,
        scale_auto_reset=BOOL, scale_init_position=OPTIONAL_INT, scale_init_fill_quantity=OPTIONAL_INT,
        scale_random_percent=BOOL,
    ),
)  # fmt: skip
_HEDGE: tuple[Item, ...] = (*ticket(hedge_type=TEXT), When("ticket.hedge_type", bool, ticket(hedge_param=TEXT)))
_DELTA_NEUTRAL_CONTRACT: tuple[Item, ...] = (
    *ticket(has_delta_neutral_contract=BOOL),
    When(
        "ticket.has_delta_neutral_contract", bool,
        ticket(delta_neutral_contract_id=INT, delta_neutral_contract_delta=FLOAT, delta_neutral_contract_price=FLOAT),
    ),
)  # fmt: skip
_ALGO: tuple[Item, ...] = (
    *ticket(algo_strategy=TEXT),
    When("ticket.algo_strategy", bool, (Many("ticket.algo_params", TagValue, _TAG_VALUE),)),
)
_PEG_BENCH = When(
    "ticket.order_type", lambda value: value == "PEG BENCH",
    ticket(
        reference_contract_id=INT, is_pegged_change_amount_decrease=BOOL, pegged_change_amount=FLOAT,
        reference_change_amount=FLOAT, reference_exchange_id=TEXT,
    ),
)  # fmt: skip
_CONDITIONS: tuple[Item, ...] = (
    Kinds("ticket.conditions", Condition, CONDITION_LENGTHS),
    When("ticket.conditions", bool, ticket(conditions_ignore_rth=BOOL, conditions_cancel_order=BOOL)),
)
_PEG_EXTRAS: tuple[Item, ...] = tuple(
    item._replace(since=170)
    for item in ticket(
        min_trade_quantity=OPTIONAL_INT, min_compete_size=OPTIONAL_INT, compete_against_best_offset=LIMITLESS,
        mid_offset_at_whole=OPTIONAL_FLOAT, mid_offset_at_half=OPTIONAL_FLOAT,
    )
)  # fmt: skip
_MID_OFFSETS = ticket(mid_offset_at_whole=OPTIONAL_FLOAT, mid_offset_at_half=OPTIONAL_FLOAT)

PLACE_ORDER = Layout(
    3,
    requests.PlaceOrder,
    (
        Field("order_id", INT),
        *SENT_CONTRACT,
        Field("sec_id_type"),
        Field("sec_id"),
        *ticket(
            action=TEXT, quantity=FLOAT, order_type=TEXT, limit_price=OPTIONAL_FLOAT, aux_price=OPTIONAL_FLOAT,
            time_in_force=TEXT, oca_group=TEXT, account=TEXT, open_close=TEXT, origin=INT, order_ref=TEXT, transmit=BOOL,
            parent_id=INT, block_order=BOOL, sweep_to_fill=BOOL, display_size=OPTIONAL_INT, trigger_method=INT,
            outside_rth=BOOL, hidden=BOOL,
        ),
        When("contract.sec_type", lambda value: value == "BAG", _COMBO),
        Fixed(""),  # shares allocation, long gone
        *ticket(
            discretionary_amount=FLOAT, good_after_time=TEXT, good_till_date=TEXT, fa_group=TEXT, fa_method=TEXT,
            fa_percentage=TEXT,
        ),
        Field("ticket.fa_profile", TEXT, until=176),
        *ticket(
            model_code=TEXT, short_sale_slot=INT, designated_location=TEXT, exempt_code=INT, oca_type=INT, rule_80a=TEXT,
            settling_firm=TEXT, all_or_none=BOOL, min_quantity=OPTIONAL_INT, percent_offset=OPTIONAL_FLOAT, e_trade_only=BOOL,
            firm_quote_only=BOOL, nbbo_price_cap=OPTIONAL_FLOAT, auction_strategy=INT, starting_price=OPTIONAL_FLOAT,
            stock_ref_price=OPTIONAL_FLOAT, delta=OPTIONAL_FLOAT, stock_range_lower=OPTIONAL_FLOAT,
            stock_range_upper=OPTIONAL_FLOAT, override_percentage_constraints=BOOL, volatility=OPTIONAL_FLOAT,
            volatility_type=OPTIONAL_INT, delta_neutral_order_type=TEXT, delta_neutral_aux_price=OPTIONAL_FLOAT,
        ),
        When(
            "ticket.delta_neutral_order_type", bool,
            ticket(
                delta_neutral_con_id=INT, delta_neutral_settling_firm=TEXT, delta_neutral_clearing_account=TEXT,
                delta_neutral_clearing_intent=TEXT, delta_neutral_open_close=TEXT, delta_neutral_short_sale=BOOL,
                delta_neutral_short_sale_slot=INT, delta_neutral_designated_location=TEXT,
            ),
        ),
        *ticket(
            continuous_update=INT, reference_price_type=OPTIONAL_INT, trail_stop_price=OPTIONAL_FLOAT,
            trailing_percent=OPTIONAL_FLOAT, scale_init_level_size=OPTIONAL_INT, scale_subs_level_size=OPTIONAL_INT,
            scale_price_increment=OPTIONAL_FLOAT,
        ),
        _SCALE_MORE,
        *ticket(scale_table=TEXT, active_start_time=TEXT, active_stop_time=TEXT),
        *_HEDGE,
        *ticket(opt_out_smart_routing=BOOL, clearing_account=TEXT, clearing_intent=TEXT, not_held=BOOL),
        *_DELTA_NEUTRAL_CONTRACT,
        *_ALGO,
        *ticket(algo_id=TEXT, what_if=BOOL, misc_options=TEXT, solicited=BOOL, randomize_size=BOOL, randomize_price=BOOL),
        _PEG_BENCH,
        *_CONDITIONS,
        *ticket(
            adjusted_order_type=TEXT, trigger_price=OPTIONAL_FLOAT, limit_price_offset=OPTIONAL_FLOAT,
            adjusted_stop_price=OPTIONAL_FLOAT, adjusted_stop_limit_price=OPTIONAL_FLOAT,
            adjusted_trailing_amount=OPTIONAL_FLOAT, adjustable_trailing_unit=INT, ext_operator=TEXT,
            soft_dollar_tier_name=TEXT, soft_dollar_tier_value=TEXT, cash_quantity=OPTIONAL_FLOAT, mifid2_decision_maker=TEXT,
            mifid2_decision_algo=TEXT,
            mifid2_execution_trader=TEXT, mifid2_execution_algo=TEXT, dont_use_auto_price_for_hedge=BOOL,
            is_oms_container=BOOL, discretionary_up_to_limit_price=BOOL, use_price_mgmt_algo=OPTIONAL_BOOL,
        ),
        Field("ticket.duration", OPTIONAL_INT, since=158),
        Field("ticket.post_to_ats", OPTIONAL_INT, since=160),
        Field("ticket.auto_cancel_parent", BOOL, since=162),
        Field("ticket.advanced_error_override", TEXT, since=166),
        Field("ticket.manual_order_time", TEXT, since=169),
        When("contract.exchange", lambda value: value == "IBKRATS", ticket(min_trade_quantity=OPTIONAL_INT), since=170),
        When(
            "ticket.order_type", lambda value: value == "PEG BEST",
            (
                *ticket(min_compete_size=OPTIONAL_INT, compete_against_best_offset=LIMITLESS),
                When("ticket.compete_against_best_offset", lambda value: value == math.inf, _MID_OFFSETS),
            ),
            since=170,
        ),
        When("ticket.order_type", lambda value: value == "PEG MID", _MID_OFFSETS, since=170),
    ),
    _NESTED,
)  # fmt: skip

_STATE_NAMES = (
    "initial_before", "maintenance_before", "equity_before", "initial_change", "maintenance_change", "equity_change",
    "initial_after", "maintenance_after", "equity_after",
)  # fmt: skip

OPEN_ORDER = Layout(
    5,
    replies.OpenOrder,
    (
        Field("order_id", INT),
        *written_contract(QUERY),
        *ticket(
            action=TEXT, quantity=FLOAT, order_type=TEXT, limit_price=FLOAT_OR_ZERO, aux_price=FLOAT_OR_ZERO,
            time_in_force=TEXT, oca_group=TEXT, account=TEXT, open_close=TEXT, origin=INT, order_ref=TEXT,
        ),
        Field("client_id", INT),
        Field("perm_id", INT),
        *ticket(outside_rth=BOOL, hidden=BOOL, discretionary_amount=FLOAT, good_after_time=TEXT),
        Field("shares_allocation"),
        *ticket(fa_group=TEXT, fa_method=TEXT, fa_percentage=TEXT),
        Field("ticket.fa_profile", TEXT, until=176),
        *ticket(
            model_code=TEXT, good_till_date=TEXT, rule_80a=TEXT, percent_offset=OPTIONAL_FLOAT, settling_firm=TEXT,
            short_sale_slot=INT, designated_location=TEXT, exempt_code=INT, auction_strategy=INT, starting_price=OPTIONAL_FLOAT,
            stock_ref_price=OPTIONAL_FLOAT, delta=OPTIONAL_FLOAT, stock_range_lower=OPTIONAL_FLOAT,
            stock_range_upper=OPTIONAL_FLOAT, display_size=INT_OR_MAX, block_order=BOOL, sweep_to_fill=BOOL, all_or_none=BOOL,
            min_quantity=OPTIONAL_INT, oca_type=INT, e_trade_only=BOOL, firm_quote_only=BOOL, nbbo_price_cap=OPTIONAL_FLOAT,
            parent_id=INT, trigger_method=INT, volatility=OPTIONAL_FLOAT, volatility_type=INT_OR_ZERO,
            delta_neutral_order_type=TEXT, delta_neutral_aux_price=OPTIONAL_FLOAT,
        ),
        When(
            "ticket.delta_neutral_order_type", bool,
            ticket(
                delta_neutral_con_id=INT, delta_neutral_settling_firm=TEXT, delta_neutral_clearing_account=TEXT,
                delta_neutral_clearing_intent=TEXT, delta_neutral_open_close=QUERY, delta_neutral_short_sale=BOOL,
                delta_neutral_short_sale_slot=INT, delta_neutral_designated_location=TEXT,
            ),
        ),
        *ticket(
            continuous_update=INT, reference_price_type=INT_OR_ZERO, trail_stop_price=OPTIONAL_FLOAT,
            trailing_percent=OPTIONAL_FLOAT,
        ),
        Field("basis_points", OPTIONAL_FLOAT),
        Field("basis_points_type", OPTIONAL_INT),
        Field("contract.combo_legs_description"),
        *_COMBO,
        *ticket(scale_init_level_size=INT_OR_MAX, scale_subs_level_size=INT_OR_MAX, scale_price_increment=OPTIONAL_FLOAT),
        _SCALE_MORE,
        *_HEDGE,
        *ticket(opt_out_smart_routing=BOOL, clearing_account=TEXT, clearing_intent=IB_TEXT, not_held=BOOL),
        *_DELTA_NEUTRAL_CONTRACT,
        *_ALGO,
        *ticket(solicited=BOOL, what_if=BOOL),
        Field("state.status"),
        *(Field(f"state.{name}", FLOAT_OR_MAX) for name in _STATE_NAMES),
        *fields(
            "state", commission=OPTIONAL_FLOAT, min_commission=OPTIONAL_FLOAT, max_commission=OPTIONAL_FLOAT,
            commission_currency=TEXT, warning=TEXT,
        ),
        *ticket(randomize_size=BOOL, randomize_price=BOOL),
        _PEG_BENCH,
        *_CONDITIONS,
        *ticket(
            adjusted_order_type=TEXT, trigger_price=FLOAT_OR_MAX, trail_stop_price=FLOAT_OR_MAX,
            limit_price_offset=FLOAT_OR_MAX, adjusted_stop_price=FLOAT_OR_MAX, adjusted_stop_limit_price=FLOAT_OR_MAX,
            adjusted_trailing_amount=FLOAT_OR_MAX,
            adjustable_trailing_unit=INT, soft_dollar_tier_name=TEXT, soft_dollar_tier_value=TEXT,
        ),
        Field("soft_dollar_tier_display"),
        *ticket(
            cash_quantity=OPTIONAL_FLOAT, dont_use_auto_price_for_hedge=BOOL, is_oms_container=BOOL,
            discretionary_up_to_limit_price=BOOL, use_price_mgmt_algo=OPTIONAL_BOOL,
        ),
        Field("ticket.duration", OPTIONAL_INT, since=158),
        Field("ticket.post_to_ats", OPTIONAL_INT, since=160),
        Field("ticket.auto_cancel_parent", BOOL, since=162),
        *_PEG_EXTRAS,
    ),
    {**_NESTED, "state": replies.OrderState},
)  # fmt: skip

COMPLETED_ORDER = Layout(
    101,
    replies.CompletedOrder,
    (
        *written_contract(QUERY),
        *ticket(
            action=TEXT, quantity=FLOAT, order_type=TEXT, limit_price=FLOAT_OR_ZERO, aux_price=FLOAT_OR_ZERO,
            time_in_force=TEXT, oca_group=TEXT, account=TEXT, open_close=TEXT, origin=INT, order_ref=TEXT,
        ),
        Field("perm_id", INT),
        *ticket(
            outside_rth=BOOL, hidden=BOOL, discretionary_amount=FLOAT, good_after_time=TEXT, fa_group=TEXT, fa_method=TEXT,
            fa_percentage=TEXT,
        ),
        Field("ticket.fa_profile", TEXT, until=176),
        *ticket(
            model_code=TEXT, good_till_date=TEXT, rule_80a=TEXT, percent_offset=OPTIONAL_FLOAT, settling_firm=TEXT,
            short_sale_slot=INT, designated_location=TEXT, exempt_code=INT, starting_price=OPTIONAL_FLOAT,
            stock_ref_price=OPTIONAL_FLOAT, delta=OPTIONAL_FLOAT, stock_range_lower=OPTIONAL_FLOAT,
            stock_range_upper=OPTIONAL_FLOAT, display_size=INT_OR_MAX, sweep_to_fill=BOOL, all_or_none=BOOL,
            min_quantity=OPTIONAL_INT, oca_type=INT, trigger_method=INT, volatility=OPTIONAL_FLOAT, volatility_type=INT_OR_ZERO,
            delta_neutral_order_type=TEXT, delta_neutral_aux_price=OPTIONAL_FLOAT,
        ),
        When(
            "ticket.delta_neutral_order_type", bool,
            ticket(
                delta_neutral_con_id=INT, delta_neutral_short_sale=BOOL, delta_neutral_short_sale_slot=INT,
                delta_neutral_designated_location=TEXT,
            ),
        ),
        *ticket(
            continuous_update=INT, reference_price_type=INT_OR_ZERO, trail_stop_price=OPTIONAL_FLOAT,
            trailing_percent=OPTIONAL_FLOAT,
        ),
        Field("contract.combo_legs_description"),
        *_COMBO,
        *ticket(scale_init_level_size=INT_OR_MAX, scale_subs_level_size=INT_OR_MAX, scale_price_increment=OPTIONAL_FLOAT),
        _SCALE_MORE,
        *_HEDGE,
        *ticket(clearing_account=TEXT, clearing_intent=IB_TEXT, not_held=BOOL),
        *_DELTA_NEUTRAL_CONTRACT,
        *_ALGO,
        *ticket(solicited=BOOL),
        Field("status"),
        *ticket(randomize_size=BOOL, randomize_price=BOOL),
        _PEG_BENCH,
        *_CONDITIONS,
        *ticket(
            trail_stop_price=FLOAT_OR_MAX, limit_price_offset=FLOAT_OR_MAX, cash_quantity=OPTIONAL_FLOAT,
            dont_use_auto_price_for_hedge=BOOL, is_oms_container=BOOL,
        ),
        Field("auto_cancel_date"),
        Field("filled", FLOAT),
        Field("ref_futures_con_id", INT),
        Field("ticket.auto_cancel_parent", BOOL),
        Field("shareholder"),
        Field("imbalance_only", BOOL),
        Field("route_marketable_to_bbo", BOOL),
        Field("parent_perm_id", LONG),
        Field("completed_time", PLAIN_TIME, until=173),
        Field("completed_time", ZONED_TIME, since=174),
        Field("completed_status"),
        *_PEG_EXTRAS,
    ),
    _NESTED,
)  # fmt: skip
