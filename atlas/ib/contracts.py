"""Between instruments and IB contracts."""

from typing import Any

from atlas.domain import BadInput, Instrument, InstrumentKind, InstrumentSpec, OptionRight
from atlas.domain.instrument import option_id
from atlas.ib.library import Contract

SECURITY_TYPES = {
    InstrumentKind.CASH: "CASH",
    InstrumentKind.STOCK: "STK",
    InstrumentKind.FUTURE: "FUT",
    InstrumentKind.OPTION: "OPT",
    InstrumentKind.INDEX: "IND",
}
_FUTURES_OPTIONS = frozenset({"CME", "CBOT", "NYMEX", "COMEX", "CFE", "ICEUS"})  # where options are on futures
_MULTIPLIED = (InstrumentKind.FUTURE, InstrumentKind.OPTION)


def security_type(kind: InstrumentKind, exchange: str) -> str:
    """IB's name for an asset class: options on the exchanges of futures are of a class of their own."""
    if kind is InstrumentKind.OPTION and exchange in _FUTURES_OPTIONS:
        return "FOP"
    return SECURITY_TYPES[kind]


def id_of(contract: Any) -> str:
    """Our id of a contract that the broker has defined in full; "" for what our ids cannot name."""
    currency = "" if contract.currency == "USD" else f":{contract.currency}"
    match contract.secType:
        case "CASH":
            return f"{contract.symbol}.{contract.currency}@IDEALPRO"
        case "STK":
            return f"{contract.symbol}@SMART{currency}"
        case "FUT":
            return f"{contract.symbol}-{contract.lastTradeDateOrContractMonth[:6]}@{contract.exchange}{currency}"
        case "OPT" | "FOP":
            right = OptionRight(contract.right[:1].upper())
            exchange = "SMART" if contract.secType == "OPT" else contract.exchange
            day = contract.lastTradeDateOrContractMonth[:8]
            return option_id(contract.symbol, day, contract.strike, right, exchange, contract.currency)
        case "IND":
            return f"^{contract.symbol}@{contract.exchange}{currency}"
    return ""


def to_query(spec: InstrumentSpec) -> Any:
    """The contract to ask contract details with."""
    return Contract(
        secType=security_type(spec.kind, spec.exchange),
        symbol=spec.symbol,
        exchange=spec.exchange,
        currency=spec.currency,
        lastTradeDateOrContractMonth=spec.expiry,
        strike=spec.strike,
        right=spec.right.value if spec.right else "",
    )


def to_contract(instrument: Instrument) -> Any:
    """The qualified contract of an instrument."""
    return Contract(
        conId=instrument.con_id,
        secType=security_type(instrument.kind, instrument.exchange),
        symbol=instrument.symbol,
        exchange=instrument.exchange,
        currency=instrument.currency,
        localSymbol=instrument.local_symbol,
        tradingClass=instrument.trading_class,
        lastTradeDateOrContractMonth=instrument.expiry,
        multiplier=f"{instrument.multiplier:g}" if instrument.kind in _MULTIPLIED else "",
        strike=instrument.strike,
        right=instrument.right.value if instrument.right else "",
    )


def to_instrument(spec: InstrumentSpec, details: list[Any]) -> Instrument:
    """The instrument that the broker's contract details define.

    Raises:
        BadInput: several contracts answer to the id; they are listed.
    """
    if len(details) > 1:
        found = ", ".join(f"{d.contract.localSymbol} ({d.contract.conId})" for d in details)
        raise BadInput(f"{spec.id} is ambiguous at the broker: {found}; give a full expiry or another exchange")
    one = details[0]
    contract = one.contract
    return Instrument(
        id=spec.id,
        kind=spec.kind,
        symbol=contract.symbol,
        exchange=contract.exchange,
        currency=contract.currency,
        con_id=contract.conId,
        tick_size=one.minTick,
        multiplier=float(contract.multiplier or 1),
        size_step=float(getattr(one, "sizeIncrement", 0) or 1),
        min_size=float(getattr(one, "minSize", 0) or 1),
        time_zone=one.timeZoneId,
        trading_hours=one.tradingHours,
        liquid_hours=one.liquidHours,
        local_symbol=contract.localSymbol,
        trading_class=contract.tradingClass,
        expiry=contract.lastTradeDateOrContractMonth[:8],
        primary_exchange=contract.primaryExchange,
        long_name=one.longName,
        strike=spec.strike,
        right=spec.right,
    )
