"""What clients call the fields of our contracts, orders and other values: objects as a client should have them."""

from typing import Any

import msgspec

from ib_gateway.simulator.messages import Condition, Contract, Ticket
from ib_gateway.simulator.messages import replies as say

_IRREGULAR = {
    "sec_type": "secType", "expiry": "lastTradeDateOrContractMonth", "combo_legs_description": "comboLegsDescrip",
    "quantity": "totalQuantity", "limit_price": "lmtPrice", "time_in_force": "tif", "rule_80a": "rule80A",
    "discretionary_amount": "discretionaryAmt", "min_quantity": "minQty", "scale_init_fill_quantity": "scaleInitFillQty",
    "limit_price_offset": "lmtPriceOffset", "cash_quantity": "cashQty", "min_trade_quantity": "minTradeQty",
    "adjustable_trailing_unit": "adjustableTrailingUnit", "imbalance_only": "imbalanceOnly",
}  # fmt: skip


def camel(name: str) -> str:
    """What clients call a field of ours."""
    first, *others = name.split("_")
    return _IRREGULAR.get(name) or first + "".join(word.capitalize() for word in others)


def named(value: Any, names: str, **more: Any) -> dict[str, Any]:
    """Some fields of a value, by the names that clients give them."""
    return {camel(name): getattr(value, name) for name in names.split()} | more


def contract(value: Contract, *, without: str = "", more: str = "") -> dict[str, Any]:
    """A contract as most messages carry it."""
    names = "con_id symbol sec_type expiry strike right multiplier exchange currency local_symbol trading_class"
    carried = [name for name in names.split() if name not in without.split()]
    return named(value, " ".join([*carried, *more.split()]))


_SHARED = """action quantity order_type limit_price aux_price time_in_force oca_group account open_close origin
order_ref outside_rth hidden discretionary_amount good_after_time fa_group fa_method fa_percentage model_code
good_till_date rule_80a percent_offset settling_firm short_sale_slot designated_location exempt_code starting_price
stock_ref_price delta stock_range_lower stock_range_upper display_size sweep_to_fill all_or_none min_quantity oca_type
trigger_method volatility volatility_type delta_neutral_order_type delta_neutral_aux_price continuous_update
reference_price_type trail_stop_price trailing_percent scale_init_level_size scale_subs_level_size scale_price_increment
hedge_type clearing_account clearing_intent not_held algo_strategy solicited randomize_size randomize_price
limit_price_offset cash_quantity dont_use_auto_price_for_hedge is_oms_container"""
_OPEN_ONLY = """auction_strategy block_order e_trade_only firm_quote_only nbbo_price_cap parent_id opt_out_smart_routing what_if
adjusted_order_type trigger_price adjusted_stop_price adjusted_stop_limit_price adjusted_trailing_amount
adjustable_trailing_unit discretionary_up_to_limit_price use_price_mgmt_algo"""
_DELTA_NEUTRAL = "delta_neutral_con_id delta_neutral_short_sale delta_neutral_short_sale_slot delta_neutral_designated_location"
_DELTA_NEUTRAL_OPEN = """delta_neutral_settling_firm delta_neutral_clearing_account delta_neutral_clearing_intent
delta_neutral_open_close"""
_SCALE = """scale_price_adjust_value scale_price_adjust_interval scale_profit_offset scale_auto_reset scale_init_position
scale_init_fill_quantity scale_random_percent"""
_PEGGED = "min_trade_quantity min_compete_size compete_against_best_offset mid_offset_at_whole mid_offset_at_half"
_PEG_BENCH = """reference_contract_id is_pegged_change_amount_decrease pegged_change_amount reference_change_amount
reference_exchange_id"""


def order(ticket: Ticket, version: int, *, is_open: bool) -> dict[str, Any]:
    """The order of an openOrder (`is_open`) or completedOrder callback."""
    groups = [_SHARED, *([_OPEN_ONLY] if is_open else [])]
    if version < 177:
        groups.append("fa_profile")
    if is_open and version >= 159:
        groups.append("duration")
    if is_open and version >= 160:
        groups.append("post_to_ats")
    if version >= 162 or not is_open:
        groups.append("auto_cancel_parent")
    if version >= 170:
        groups.append(_PEGGED)
    if ticket.delta_neutral_order_type:
        groups += [_DELTA_NEUTRAL, *([_DELTA_NEUTRAL_OPEN] if is_open else [])]
    if ticket.scale_price_increment and ticket.scale_price_increment > 0:
        groups.append(_SCALE)
    if ticket.hedge_type:
        groups.append("hedge_param")
    if ticket.order_type == "PEG BENCH":
        groups.append(_PEG_BENCH)
    if ticket.conditions:
        groups.append("conditions_ignore_rth conditions_cancel_order")
    more: dict[str, Any] = {
        "conditions": [condition(one) for one in ticket.conditions],
        "orderComboLegs": [{"price": price} for price in ticket.order_combo_prices],
        "smartComboRoutingParams": [named(one, "tag value") for one in ticket.smart_combo_params],
    }
    if ticket.algo_strategy:
        more["algoParams"] = [named(one, "tag value") for one in ticket.algo_params]
    if is_open:
        more["softDollarTier"] = {"name": ticket.soft_dollar_tier_name, "val": ticket.soft_dollar_tier_value}
    return named(ticket, " ".join(groups), **more)


def ordered_contract(value: Contract, ticket: Ticket) -> dict[str, Any]:
    """The contract of an openOrder or completedOrder callback."""
    legs = "con_id ratio action exchange open_close short_sale_slot designated_location exempt_code"
    whole = contract(value, more="combo_legs_description")
    whole["comboLegs"] = [named(leg, legs) for leg in value.combo_legs] if value.sec_type == "BAG" or value.combo_legs else []
    whole["deltaNeutralContract"] = (
        {
            "conId": ticket.delta_neutral_contract_id,
            "delta": ticket.delta_neutral_contract_delta,
            "price": ticket.delta_neutral_contract_price,
        }
        if ticket.has_delta_neutral_contract
        else None
    )
    return whole


_CONDITIONS: dict[int, tuple[str, ...]] = {
    1: ("isMore", "price", "conId", "exchange", "triggerMethod"),
    3: ("isMore", "time"),
    4: ("isMore", "percent"),
    5: ("secType", "exchange", "symbol"),
    6: ("isMore", "volume", "conId", "exchange"),
    7: ("isMore", "changePercent", "conId", "exchange"),
}


def condition(value: Condition) -> dict[str, Any]:
    """A condition; whether the next one is joined by "and" is asked by the name that IB's own clients give it."""
    joined, *rest = value.fields
    numbers = {"price": float, "conId": int, "triggerMethod": int, "percent": int, "volume": int, "changePercent": float}
    flags = {"isMore": lambda text: text == "1"}
    read = numbers | flags
    fields = {name: read.get(name, str)(text) for name, text in zip(_CONDITIONS[value.kind], rest, strict=True)}
    return {"condType": value.kind, "isConjunctionConnection": joined == "a", **fields}


_STATE = {
    "status": "status", "initial_before": "initMarginBefore", "maintenance_before": "maintMarginBefore",
    "equity_before": "equityWithLoanBefore", "initial_change": "initMarginChange", "maintenance_change": "maintMarginChange",
    "equity_change": "equityWithLoanChange", "initial_after": "initMarginAfter", "maintenance_after": "maintMarginAfter",
    "equity_after": "equityWithLoanAfter", "commission": "commission", "min_commission": "minCommission",
    "max_commission": "maxCommission", "commission_currency": "commissionCurrency", "warning": "warningText",
}  # fmt: skip


def state(value: say.OrderState) -> dict[str, Any]:
    """The state of an openOrder callback."""
    return {theirs: getattr(value, ours) for ours, theirs in _STATE.items()}


def flags(mask: int, **bits: int) -> dict[str, bool]:
    """Attributes that travel as bits of a mask."""
    return {name: bool(mask & bit) for name, bit in bits.items()}


def secured(pairs: Any) -> list[dict[str, Any]]:
    """Security ids."""
    return [{"tag": tag, "value": value} for tag, value in pairs]


def rows(values: Any, names: str) -> list[dict[str, Any]]:
    """Plain groups by the names of their parts."""
    return [dict(zip(names.split(), value, strict=True)) for value in values]


def nested(values: Any, names: str) -> list[dict[str, Any]]:
    """Structs by the names that clients give their fields."""
    assert all(isinstance(value, msgspec.Struct) for value in values)
    return [named(value, names) for value in values]
