"""The reference desk: what is listed and how, the time, what options are worth, and small facts about the login.

Sources: TWS API documentation, "Contracts", "Options" and message codes 200 and 321.
"""

import msgspec

from atlas.domain import NS_PER_SECOND
from ib_gateway.simulator.broker.client import Client
from ib_gateway.simulator.broker.floor import NO_DEFINITION, Floor, Handlers
from ib_gateway.simulator.broker.slices import Sliced
from ib_gateway.simulator.fixtures import login
from ib_gateway.simulator.instruments import Listing, Symbol
from ib_gateway.simulator.instruments.option_model import Option, Valuation, implied_volatility, value
from ib_gateway.simulator.messages import replies
from ib_gateway.simulator.messages import requests as r

_MAX_SAMPLES = 16
_DETAILS_AT_ONCE = 50
"""Contracts described in one slice of work."""
_INVALID = "Error validating request.-'xx' : cause - "
_SEC_TYPES = frozenset(
    ("", "STK", "OPT", "FUT", "CONTFUT", "FUT+CONTFUT", "IND", "FOP", "CASH", "BAG", "BOND", "CMDTY", "NEWS", "FUND", "WAR",
     "CFD", "CRYPTO", "IOPT", "EC", "BILL", "FIXED", "SLB", "ICU", "ICS", "BSK", "DC")
)  # fmt: skip
_CONTINUOUS = "CONTFUT"
_MEANT = {"FUT+CONTFUT": ("FUT", _CONTINUOUS)}
_CUSTOM_COMPUTATION, _PRICE_BASED = 53, 1


class ReferenceDesk:
    """Facts."""

    def __init__(self, floor: Floor) -> None:
        self._floor = floor
        self._login = login()

    def handlers(self) -> Handlers:
        """What this desk answers."""
        send, own = self._floor.send, self._login
        return {
            r.ContractDetails: self._details,
            r.MatchingSymbols: self._matching,
            r.MarketRule: self._rule,
            r.OptionParameters: self._option_parameters,
            r.ImpliedVolatility: self._implied_volatility,
            r.OptionPrice: self._option_price,
            r.CancelImpliedVolatility: lambda _client, _request: None,  # it was answered at once
            r.CancelOptionPrice: lambda _client, _request: None,
            r.CurrentTime: lambda client, _: send(client.id, self.time()),
            r.UserInfo: lambda client, request: send(client.id, replies.UserInfo(request.req_id, own.white_branding_id)),
            r.SoftDollarTiers: lambda client, request: send(
                client.id, replies.SoftDollarTiers(request.req_id, own.soft_dollar_tiers)
            ),
            r.ServerLogLevel: lambda _client, _request: None,
        }

    def time(self) -> replies.CurrentTime:
        """The gateway's time, which is the market's."""
        return replies.CurrentTime(self._floor.clock.now_ns() // NS_PER_SECOND)

    # Contracts.

    def _details(self, client: Client, request: r.ContractDetails) -> Sliced[None]:
        floor, contract = self._floor, request.contract
        if contract.sec_type not in _SEC_TYPES:
            floor.error(client, request.req_id, 321, f"{_INVALID}Please enter a valid security type")
            return
        found = [
            (listing, sec_type)
            for sec_type in _MEANT.get(contract.sec_type, (contract.sec_type,))
            for listing in self._find(request, sec_type)
        ]
        if not found:
            floor.error(client, request.req_id, 200, NO_DEFINITION)
            return
        for number, (listing, sec_type) in enumerate(found, 1):
            floor.send(client.id, self._describe(request, listing, _CONTINUOUS if sec_type == _CONTINUOUS else None))
            if number % _DETAILS_AT_ONCE == 0:
                yield
        floor.send(client.id, replies.ContractDetailsEnd(request.req_id))

    def _find(self, request: r.ContractDetails, sec_type: str) -> list[Listing]:
        wanted = msgspec.structs.replace(request.contract, sec_type=sec_type)
        number = (request.sec_id_type, request.sec_id) if request.sec_id_type else None
        today = self._floor.today()
        return self._floor.catalogue.find(wanted, today, include_expired=request.include_expired, security_id=number)

    def _describe(self, request: r.ContractDetails, listing: Listing, sec_type: str | None) -> replies.ContractDetails:
        instrument, now = listing.instrument, self._floor.clock.now_ns()
        last_trade = instrument.expiry
        if listing.last_trade_time:
            last_trade += f" {listing.last_trade_time} {instrument.time_zone}"
        return replies.ContractDetails(
            req_id=request.req_id,
            contract=listing.contract(request.contract.exchange or None, sec_type),
            last_trade=last_trade,
            market_name=listing.market_name,
            min_tick=instrument.tick_size,
            order_types=listing.order_types,
            valid_exchanges=listing.valid_exchanges,
            under_con_id=listing.under_con_id,
            long_name=instrument.long_name,
            contract_month=listing.contract_month,
            industry=listing.industry,
            category=listing.category,
            subcategory=listing.subcategory,
            time_zone=instrument.time_zone,
            trading_hours=listing.trading.text(now),
            liquid_hours=listing.liquid.text(now),
            security_ids=listing.security_ids,
            agg_group=listing.agg_group,
            under_symbol=listing.under_symbol,
            under_sec_type=listing.under_sec_type,
            market_rule_ids=",".join(map(str, listing.market_rules)),
            real_expiry=instrument.expiry,
            stock_type=listing.stock_type,
            min_size=instrument.min_size,
            size_increment=instrument.size_step,
            suggested_size_increment=listing.suggested_size,
        )

    def _matching(self, client: Client, request: r.MatchingSymbols) -> None:
        found = self._floor.catalogue.matching(request.pattern.strip())[:_MAX_SAMPLES]
        self._floor.send(client.id, replies.SymbolSamples(request.req_id, [_sample(one) for one in found]))

    def _rule(self, client: Client, request: r.MarketRule) -> None:
        increments = self._floor.catalogue.market_rules.get(request.rule_id)
        if increments is None:
            self._floor.error(client, -1, 321, f"{_INVALID}Invalid market rule id {request.rule_id}.")
            return
        self._floor.send(client.id, replies.MarketRule(request.rule_id, increments))

    # Options.

    def _option_parameters(self, client: Client, request: r.OptionParameters) -> None:
        """One message per exchange. An exchange may be named for options on futures only; with others there is nothing."""
        floor = self._floor
        under = floor.catalogue.by_con_id(request.con_id)
        if under is None or under.instrument.symbol != request.symbol:
            floor.error(client, request.req_id, 321, f"{_INVALID}Invalid contract id")
            return
        for options in floor.catalogue.option_classes(request.con_id, floor.today()):
            for exchange in options.exchanges:
                wanted = exchange == request.exchange if under.sec_type == "FUT" else not request.exchange
                if wanted:
                    floor.send(
                        client.id,
                        replies.OptionParameters(
                            request.req_id, exchange, options.under_con_id, options.trading_class, f"{options.multiplier:g}",
                            options.expiries, options.strikes,
                        ),
                    )  # fmt: skip
        floor.send(client.id, replies.OptionParametersEnd(request.req_id))

    def _implied_volatility(self, client: Client, request: r.ImpliedVolatility) -> None:
        option = self._option(client, request)
        if option is None:
            return
        price, under, now = request.option_price, request.under_price, self._floor.clock.now_ns()
        volatility = implied_volatility(option, price, under, now)
        worth = None if volatility is None else value(option, under, volatility, now)
        self._tell(client, request, worth, price)

    def _option_price(self, client: Client, request: r.OptionPrice) -> None:
        option = self._option(client, request)
        if option is None:
            return
        worth = None
        if request.volatility > 0 and request.under_price > 0:
            worth = value(option, request.under_price, request.volatility, self._floor.clock.now_ns())
        self._tell(client, request, worth, worth.price if worth else None)

    def _option(self, client: Client, request: r.ImpliedVolatility | r.OptionPrice) -> Option | None:
        """The option that is to be valued; else the client is told that there is none."""
        listing = self._floor.resolve(client, request.req_id, request.contract)
        if listing is None:
            return None
        option = listing.option()
        if option is None:
            self._floor.error(client, request.req_id, 321, f"{_INVALID}Please enter an option contract")
        return option

    def _tell(
        self, client: Client, request: r.ImpliedVolatility | r.OptionPrice, worth: Valuation | None, price: float | None
    ) -> None:
        """The computation; what cannot be computed is left out."""
        rounded = [None] * 5 if worth is None else [
            round(number, 10) for number in (worth.volatility, worth.delta, worth.gamma, worth.vega, worth.theta)
        ]  # fmt: skip
        volatility, delta, gamma, vega, theta = rounded
        self._floor.send(
            client.id,
            replies.OptionComputation(
                request.req_id, _CUSTOM_COMPUTATION, _PRICE_BASED, volatility, delta, price and round(price, 10), 0.0, gamma,
                vega, theta, request.under_price,
            ),
        )  # fmt: skip


def _sample(one: Symbol) -> replies.SymbolSample:
    return replies.SymbolSample(
        one.con_id, one.symbol, one.sec_type, one.primary_exchange, one.currency, one.name, derivatives=one.derivatives
    )
