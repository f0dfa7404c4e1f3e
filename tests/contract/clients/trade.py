"""One trading program for ib_insync and ib_async: `python trade.py LIBRARY PORT` prints what it saw as one JSON object."""

import asyncio
import importlib
import json
import sys
from typing import Any


async def main(library: str, port: int) -> dict[str, Any]:
    lib: Any = importlib.import_module(library)
    ib = lib.IB()
    errors: list[list[Any]] = []
    ib.errorEvent += lambda *error: errors.append([*error[1:3]]) if not 2100 <= error[1] < 2200 else None
    ib.client.MaxRequests = 0
    await ib.connectAsync("127.0.0.1", port, clientId=3, timeout=10)

    async def until(holds: Any) -> None:
        async with asyncio.timeout(20):
            while not holds():
                await ib.updateEvent

    seen: dict[str, Any] = {"accounts": ib.managedAccounts()}
    (contract,) = await ib.qualifyContractsAsync(lib.Forex("EURUSD"))
    (details,) = await ib.reqContractDetailsAsync(contract)
    seen["contract"] = [contract.conId, contract.localSymbol, details.minTick, details.timeZoneId]

    ticker = ib.reqMktData(contract)
    ticks: list[Any] = []
    by_tick = ib.reqTickByTickData(contract, "BidAsk")
    by_tick.updateEvent += lambda t: ticks.extend(t.tickByTicks)
    await until(lambda: ticker.bid > 0 and ticker.ask > ticker.bid and len(ticks) >= 3)
    seen["ticks are quotes"] = all(tick.askPrice > tick.bidPrice > 0 for tick in ticks)

    market = lib.MarketOrder("BUY", 20_000, orderRef="script-1")
    bought = ib.placeOrder(contract, market)
    await until(lambda: bought.isDone() and bought.fills and bought.fills[0].commissionReport.execId)
    fill = bought.fills[0]
    seen["market order"] = [
        bought.orderStatus.status, bought.orderStatus.filled, fill.execution.side, fill.execution.orderRef,
        fill.commissionReport.commission, fill.commissionReport.currency,
    ]  # fmt: skip
    await until(ib.positions)
    seen["positions"] = [[p.account, p.contract.conId, p.position] for p in ib.positions()]

    limit = lib.LimitOrder("SELL", 20_000, 9.5, orderRef="script-2", tif="GTC")
    resting = ib.placeOrder(contract, limit)
    await until(lambda: resting.orderStatus.status == "Submitted")
    limit.lmtPrice = 9.25
    ib.placeOrder(contract, limit)
    await until(lambda: "Modified" in [entry.message for entry in resting.log])
    seen["open orders"] = [[t.order.orderRef, t.order.lmtPrice, t.orderStatus.status] for t in await ib.reqAllOpenOrdersAsync()]
    ib.cancelOrder(limit)
    await until(lambda: resting.orderStatus.status == "Cancelled" and errors)
    seen["cancelled"] = [code for code, _ in errors]

    completed = await ib.reqCompletedOrdersAsync(apiOnly=False)
    seen["completed"] = sorted([t.order.orderRef, t.orderStatus.status] for t in completed)
    seen["executions"] = [f.execution.orderRef for f in await ib.reqExecutionsAsync()]
    bars = await ib.reqHistoricalDataAsync(contract, "", "60 S", "1 min", "MIDPOINT", useRTH=False, formatDate=2)
    seen["bars are whole"] = bool(bars) and all(bar.low <= bar.close <= bar.high for bar in bars)
    state = await ib.whatIfOrderAsync(contract, lib.MarketOrder("SELL", 20_000))
    seen["what if"] = [float(state.initMarginChange) <= 0, state.commission]

    errors.clear()
    bad = ib.placeOrder(contract, lib.LimitOrder("BUY", 20_000, 1.100001))
    await until(lambda: errors)
    seen["off the grid"] = [errors[-1][0], bad.orderStatus.filled]
    ib.client.cancelOrder(4711)
    await until(lambda: errors[-1][0] == 10147)
    ib.client.placeOrder(market.orderId, contract, market)
    await until(lambda: errors[-1][0] == 104)  # it is filled

    sold = ib.placeOrder(contract, lib.MarketOrder("SELL", 20_000))
    await until(lambda: sold.isDone() and sold.fills and sold.fills[0].commissionReport.execId and not ib.positions())
    profit = round((sold.fills[0].execution.price - fill.execution.price) * 20_000 - 2 * 2, 6)  # of both sides
    seen["profit is net of its commission"] = abs(sold.fills[0].commissionReport.realizedPNL - profit) < 0.01
    cash = {v.currency: float(v.value) for v in ib.accountValues() if v.tag == "CashBalance"}
    seen["cash"] = [cash["EUR"], round(cash["USD"] - (1_000_000 + profit), 6)]
    ib.disconnect()
    return seen


if __name__ == "__main__":
    print(json.dumps(asyncio.run(main(sys.argv[1], int(sys.argv[2])))))
