"""The reference desk: what is listed and how, the time, and small facts about the login."""

from atlas.domain import NS_PER_SECOND
from ib_gateway.simulator.broker.client import Client
from ib_gateway.simulator.broker.floor import NO_DEFINITION, Floor, Handlers
from ib_gateway.simulator.instruments import Listing
from ib_gateway.simulator.messages import replies
from ib_gateway.simulator.messages import requests as r

_MAX_SAMPLES = 16
_DEPTH = (("IDEALPRO", "CASH", 4), ("ISLAND", "STK", 2147483647), ("CME", "FUT", 2147483647), ("COMEX", "FUT", 2147483647))


class ReferenceDesk:
    """Facts."""

    def __init__(self, floor: Floor) -> None:
        self._floor = floor

    def handlers(self) -> Handlers:
        """What this desk answers."""
        send = self._floor.send
        return {
            r.ContractDetails: self._details,
            r.MatchingSymbols: self._matching,
            r.MarketRule: self._rule,
            r.CurrentTime: lambda client, _: send(client.id, self.time()),
            r.UserInfo: lambda client, request: send(client.id, replies.UserInfo(request.req_id, "")),
            r.SoftDollarTiers: lambda client, request: send(client.id, replies.SoftDollarTiers(request.req_id, ())),
            r.OptionParameters: lambda client, request: send(client.id, replies.OptionParametersEnd(request.req_id)),
            r.SmartComponents: lambda client, request: send(client.id, replies.SmartComponents(request.req_id, ())),
            r.NewsProviders: lambda client, _: send(client.id, replies.NewsProviders(())),
            r.DepthExchanges: lambda client, _: send(client.id, self._depth_exchanges()),
            r.ServerLogLevel: lambda _client, _request: None,
        }

    def time(self) -> replies.CurrentTime:
        """The gateway's time, which is the market's."""
        return replies.CurrentTime(self._floor.clock.now_ns() // NS_PER_SECOND)

    def _details(self, client: Client, request: r.ContractDetails) -> None:
        floor = self._floor
        found = floor.catalogue.find(request.contract, floor.today(), include_expired=request.include_expired)
        if not found:
            floor.error(client, request.req_id, 200, NO_DEFINITION)
            return
        for listing in found:
            floor.send(client.id, self._describe(request, listing))
        floor.send(client.id, replies.ContractDetailsEnd(request.req_id))

    def _describe(self, request: r.ContractDetails, listing: Listing) -> replies.ContractDetails:
        instrument, now = listing.instrument, self._floor.clock.now_ns()
        venues = listing.valid_exchanges.split(",")
        last_trade = instrument.expiry
        if listing.last_trade_time:
            last_trade += f" {listing.last_trade_time} {instrument.time_zone}"
        return replies.ContractDetails(
            req_id=request.req_id,
            contract=listing.contract(request.contract.exchange or None),
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
            market_rule_ids=",".join([str(listing.market_rule)] * len(venues)),
            real_expiry=instrument.expiry,
            stock_type=listing.stock_type,
            min_size=instrument.min_size,
            size_increment=instrument.size_step,
            suggested_size_increment=listing.suggested_size,
        )

    def _matching(self, client: Client, request: r.MatchingSymbols) -> None:
        samples = [
            replies.SymbolSample(
                one.instrument.con_id, one.instrument.symbol, one.sec_type, one.venue, one.instrument.currency,
                one.instrument.long_name,
            )
            for one in self._floor.catalogue.matching(request.pattern)[:_MAX_SAMPLES]
        ]  # fmt: skip
        self._floor.send(client.id, replies.SymbolSamples(request.req_id, samples))

    def _rule(self, client: Client, request: r.MarketRule) -> None:
        increments = self._floor.catalogue.market_rules.get(request.rule_id)
        if increments is None:
            text = f"Error validating request.-'xx' : cause - Invalid market rule id {request.rule_id}."
            self._floor.error(client, -1, 321, text)
            return
        self._floor.send(client.id, replies.MarketRule(request.rule_id, increments))

    def _depth_exchanges(self) -> replies.DepthExchanges:
        return replies.DepthExchanges([replies.DepthExchange(name, kind, "", "Deep", group) for name, kind, group in _DEPTH])
