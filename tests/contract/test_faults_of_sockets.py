"""Sockets that close, refuse, or accept and never answer: what an unmodified ib_insync sees of it."""

import asyncio
import socket

import ib_insync
import pytest

from ib_gateway.simulator.faults import Disconnect, Freeze, HalfOpen, PortReset, Restart, StuckClientId, TwoFactor
from ib_gateway.simulator.rules import Rules
from tests.contract.conftest import eventually, until, within

EURUSD = ib_insync.Forex("EURUSD", conId=12087792, localSymbol="EUR.USD", tradingClass="EUR.USD")


def hear(ib):
    heard = []
    ib.errorEvent += lambda _, code, text, __: heard.append((code, text))
    return heard


async def quoted(ib, contract=EURUSD):
    ticker = ib.reqMktData(contract)
    await until(ib, lambda: ticker.bid > 0 and ticker.ask > 0)
    return ticker


async def filled(ib):
    trade = ib.placeOrder(EURUSD, ib_insync.MarketOrder("BUY", 1000))
    await until(ib, lambda: trade.orderStatus.status == "Filled")
    return trade


async def cut_off(ib):
    async with within():
        if ib.isConnected():
            await ib.disconnectedEvent
    return True


async def reconnected(gateway, connect, client_id=1):
    """As a robot does: try until the gateway is there again."""
    async with within(20):
        while True:
            try:
                return await connect(gateway, client_id)
            except (OSError, TimeoutError):
                await asyncio.sleep(0.02)


async def is_refused(gateway):
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
    except ConnectionRefusedError:
        return True
    writer.close()
    return False


# Restarts and logins


async def test_a_nightly_restart_closes_refuses_and_comes_back_with_the_day_but_no_subscription(make_gateway, connect):
    gateway = await make_gateway(speed=100.0)
    ib = await connect(gateway)
    await quoted(ib)
    trade = await filled(ib)
    last_id = trade.order.orderId
    gateway.faults.inject(Restart(down_seconds=60.0))
    assert await cut_off(ib)
    assert await is_refused(gateway)
    assert gateway.faults.state == "restarting"
    again = await reconnected(gateway, connect)
    assert gateway.faults.state == "running"
    assert [fill.execution.execId for fill in again.fills()] == [trade.fills[0].execution.execId]
    assert [position.position for position in again.positions()] == [1000.0]
    assert again.client._reqIdSeq > last_id
    assert not gateway._broker.streaming(1)
    assert (await quoted(again)).bid > 0


async def test_the_market_and_orders_go_on_while_the_gateway_is_down(make_gateway, connect):
    gateway = await make_gateway(speed=100.0)
    ib = await connect(gateway)
    ticker = await quoted(ib)
    order = ib.placeOrder(EURUSD, ib_insync.LimitOrder("BUY", 1000, round(ticker.ask + 0.01, 4), tif="GTC"))
    gateway.faults.inject(Restart(down_seconds=30.0))
    assert await cut_off(ib)
    again = await reconnected(gateway, connect)
    known = {fill.execution.orderId for fill in again.fills()} | {trade.order.orderId for trade in again.openTrades()}
    assert known in ({order.order.orderId}, set())  # it came before the restart, or never arrived: never half


async def test_a_restart_may_end_in_waiting_for_the_second_factor(make_gateway, connect):
    gateway = await make_gateway(speed=1000.0)
    ib = await connect(gateway)
    gateway.faults.inject(Restart(down_seconds=30.0, two_factor=True))
    assert await cut_off(ib)
    await eventually(lambda: gateway.faults.state == "waiting-for-two-factor")
    assert await is_refused(gateway)
    assert gateway.faults.approve()
    assert (await reconnected(gateway, connect)).isConnected()


async def test_a_login_that_waits_for_its_second_factor_refuses_until_it_is_approved(gateway, connect):
    gateway.faults.inject(TwoFactor())
    assert await is_refused(gateway)
    with pytest.raises(ConnectionRefusedError):
        await connect(gateway)
    assert gateway.faults.approve()
    assert not gateway.faults.approve()
    assert (await reconnected(gateway, connect)).isConnected()


async def test_the_second_factor_may_come_by_itself(make_gateway, connect):
    gateway = await make_gateway(speed=100.0)
    gateway.faults.inject(TwoFactor(for_seconds=20.0))
    assert await is_refused(gateway)
    assert (await reconnected(gateway, connect)).isConnected()


# Sockets


async def test_a_port_reset_is_1300_and_a_closed_socket(gateway, connect, ib):
    heard = hear(ib)
    gateway.faults.inject(PortReset())
    assert await cut_off(ib)
    text = "TWS socket port has been reset and this connection is being dropped. Please reconnect on the new port - "
    assert heard == [(1300, f"{text}{gateway.port}")]
    assert (await reconnected(gateway, connect)).isConnected()


async def test_after_a_port_reset_the_gateway_is_found_on_the_new_port_only(gateway, connect, ib, unused_tcp_port):
    heard, old = hear(ib), gateway.port
    gateway.faults.inject(PortReset(port=unused_tcp_port))
    assert await cut_off(ib)
    assert heard[-1][1].endswith(f" {unused_tcp_port}")
    assert gateway.port == unused_tcp_port != old
    assert (await reconnected(gateway, connect)).isConnected()
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection("127.0.0.1", old)


@pytest.mark.parametrize("reset", [False, True])
async def test_a_socket_that_closes_without_a_word_is_that_clients_alone(gateway, connect, ib, reset):
    other = await connect(gateway, 2)
    heard = hear(ib)
    gateway.faults.inject(Disconnect(client_id=1, reset=reset))
    assert await cut_off(ib)
    assert heard == []
    assert await other.reqCurrentTimeAsync()
    assert (await reconnected(gateway, connect)).isConnected()


async def test_a_half_open_gateway_accepts_new_clients_and_never_answers(gateway, connect, ib):
    half_open = gateway.faults.inject(HalfOpen())
    silent = ib_insync.IB()
    with pytest.raises((TimeoutError, asyncio.TimeoutError)):
        await silent.connectAsync("127.0.0.1", gateway.port, clientId=2, timeout=0.5)
    assert await ib.reqCurrentTimeAsync()  # who was there notices nothing
    gateway.faults.clear(half_open)
    assert (await connect(gateway, 2)).isConnected()


async def test_an_existing_connection_goes_half_open_and_is_answered_afterwards(gateway, connect, ib):
    other = await connect(gateway, 2)
    half_open = gateway.faults.inject(HalfOpen(sockets="existing", client_id=1))
    asked = asyncio.ensure_future(ib.reqCurrentTimeAsync())
    assert await other.reqCurrentTimeAsync()
    assert (await connect(gateway, 3)).isConnected()
    assert not asked.done()
    assert ib.isConnected()
    gateway.faults.clear(half_open)
    async with within():
        assert await asked


async def test_a_frozen_process_answers_nobody_until_it_goes_on(make_gateway, connect):
    gateway = await make_gateway(speed=20.0)
    ib, other = await connect(gateway), await connect(gateway, 2)
    ticker = await quoted(ib)
    gateway.faults.inject(Freeze(for_seconds=20.0))
    assert gateway.faults.state == "frozen"
    asked = [asyncio.ensure_future(one.reqCurrentTimeAsync()) for one in (ib, other)]
    newcomer = ib_insync.IB()
    with pytest.raises((TimeoutError, asyncio.TimeoutError)):
        await newcomer.connectAsync("127.0.0.1", gateway.port, clientId=3, timeout=0.3)
    assert not any(one.done() for one in asked)
    assert ib.isConnected()
    ticker.ticks.clear()
    async with within():
        assert all(await asyncio.gather(*asked))
        await ticker.updateEvent
    assert gateway.faults.state == "running"
    assert gateway.counters["conflated"] > 0


# Client ids and rates


async def test_a_client_id_stays_stuck_after_its_client_has_left(make_gateway, connect):
    gateway = await make_gateway(speed=20.0)
    ib = await connect(gateway)
    gateway.faults.inject(StuckClientId(client_id=1, for_seconds=20.0))
    ib.disconnect()
    again = ib_insync.IB()
    heard = hear(again)
    with pytest.raises((ConnectionError, TimeoutError, asyncio.TimeoutError)):
        await again.connectAsync("127.0.0.1", gateway.port, clientId=1, timeout=0.3)
    assert heard == [(326, "Unable to connect as the client id is already in use. Retry with a unique client id.")]
    assert (await connect(gateway, 2)).isConnected()
    await eventually(lambda: not gateway.faults.active())
    assert (await connect(gateway)).isConnected()


async def test_every_id_that_was_in_use_can_be_stuck_at_once(gateway, connect, ib):
    stuck = gateway.faults.inject(StuckClientId())
    later = await connect(gateway, 5)  # was never in use before
    for one in (ib, later):
        one.disconnect()
    for client_id in (1, 5):
        with pytest.raises((ConnectionError, TimeoutError, asyncio.TimeoutError)):
            await ib_insync.IB().connectAsync("127.0.0.1", gateway.port, clientId=client_id, timeout=0.2)
    gateway.faults.clear(stuck)
    assert (await connect(gateway, 5)).isConnected()


async def test_more_than_fifty_messages_a_second_are_error_100_and_then_the_end(make_gateway, connect):
    gateway = await make_gateway(rules=Rules())
    ib = await connect(gateway)
    heard = hear(ib)
    for _ in range(60):
        ib.client.reqCurrentTime()
    assert await cut_off(ib)
    assert [code for code, _ in heard] == [100, 100, 100]
    words = "Max rate of messages per second has been exceeded:max=50 rec="
    assert all(text.startswith(words) and text.endswith(f" ({n})") for n, (_, text) in enumerate(heard, 1))


async def test_a_client_that_paces_itself_is_never_told_off(make_gateway, connect):
    gateway = await make_gateway(rules=Rules())
    ib = await connect(gateway)
    ib.client.MaxRequests = 45
    heard, times = hear(ib), []
    ib.client.wrapper.currentTime = times.append
    for _ in range(120):
        ib.client.reqCurrentTime()
    await until(ib, lambda: len(times) == 120)
    assert heard == []


async def test_a_client_that_asks_to_be_paced_is_slowed_down_and_not_told_off(make_gateway):
    gateway = await make_gateway(rules=Rules())
    ib, times = ib_insync.IB(), []
    ib.client.MaxRequests = 0
    ib.client.setConnectOptions("+PACEAPI")
    heard = hear(ib)
    await ib.connectAsync("127.0.0.1", gateway.port, clientId=1, timeout=5)
    ib.client.wrapper.currentTime = times.append
    began = asyncio.get_running_loop().time()
    for _ in range(120):
        ib.client.reqCurrentTime()
    await until(ib, lambda: len(times) == 120)
    assert asyncio.get_running_loop().time() - began > (120 - 50) / 50 - 0.1
    assert not [code for code, _ in heard if code < 2000]
    assert gateway.counters["too_fast"] == 0
    ib.disconnect()


async def test_a_reader_that_is_slow_gets_the_newest_ticks_and_every_order_message(make_gateway, connect):
    gateway = await make_gateway(quotes_per_second=5_000.0)
    ib = await connect(gateway)
    ticker = await quoted(ib)
    transport = ib.client.conn.transport
    transport.pause_reading()
    gateway._hall.sessions[1]._transport.set_write_buffer_limits(high=8192)
    for end, buffer in ((transport, socket.SO_RCVBUF), (gateway._hall.sessions[1]._transport, socket.SO_SNDBUF)):
        end.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, buffer, 8192)
    trades = [ib.placeOrder(EURUSD, ib_insync.LimitOrder("BUY", 1000, 0.5)) for _ in range(5)]
    await eventually(lambda: gateway.counters["conflated"] > 1000)
    assert gateway.counters["slow_reader"] == 0
    transport.resume_reading()
    await until(ib, lambda: all(trade.orderStatus.status in ("Submitted", "PreSubmitted") for trade in trades))
    await ib.reqCurrentTimeAsync()
    for trade in trades:
        ib.cancelOrder(trade.order)
    await until(ib, lambda: all(trade.isDone() for trade in trades))
    quote = gateway._exchange.quote("EUR.USD@IDEALPRO")
    assert abs(ticker.bid - quote.bid) < 0.01
    assert ib.isConnected()


# Several at a time


async def test_all_sockets_half_open_are_those_of_now_and_those_of_later_and_both_are_answered_afterwards(gateway, ib):
    half_open = gateway.faults.inject(HalfOpen(sockets="all"))
    asked = asyncio.ensure_future(ib.reqCurrentTimeAsync())
    newcomer = ib_insync.IB()
    connecting = asyncio.ensure_future(newcomer.connectAsync("127.0.0.1", gateway.port, clientId=2, timeout=10))
    await eventually(lambda: gateway.counters["connections"] == 2)
    await asyncio.sleep(0.3)  # nothing can tell that nothing will come
    assert (asked.done(), connecting.done(), ib.isConnected()) == (False, False, True)
    gateway.faults.clear(half_open)
    async with within():
        assert await asked
        await connecting
    assert await newcomer.reqCurrentTimeAsync()
    newcomer.disconnect()


async def test_clearing_one_half_open_fault_frees_the_client_of_that_one_only(gateway, connect, ib):
    other = await connect(gateway, 2)
    first = gateway.faults.inject(HalfOpen(sockets="existing", client_id=1))
    second = gateway.faults.inject(HalfOpen(sockets="existing", client_id=2))
    gateway.faults.clear(first)
    async with within():
        assert await ib.reqCurrentTimeAsync()
    asked = asyncio.ensure_future(other.reqCurrentTimeAsync())
    assert await ib.reqCurrentTimeAsync()
    assert not asked.done()
    gateway.faults.clear(second)
    async with within():
        assert await asked


async def test_a_client_that_is_frozen_and_half_open_goes_on_when_both_are_over(gateway, connect, ib):
    other = await connect(gateway, 2)
    half_open = gateway.faults.inject(HalfOpen(sockets="existing", client_id=1))
    frozen = gateway.faults.inject(Freeze())
    asked = asyncio.ensure_future(ib.reqCurrentTimeAsync())
    gateway.faults.clear(frozen)
    async with within():
        assert await other.reqCurrentTimeAsync()
    assert not asked.done()
    gateway.faults.clear(half_open)
    async with within():
        assert await asked


async def test_a_client_that_paces_itself_says_nothing_more_while_it_is_frozen_and_goes_on(make_gateway):
    gateway = await make_gateway(rules=Rules())
    ib, times = ib_insync.IB(), []
    ib.client.MaxRequests = 0
    ib.client.setConnectOptions("+PACEAPI")
    await ib.connectAsync("127.0.0.1", gateway.port, clientId=1, timeout=5)
    ib.client.wrapper.currentTime = times.append
    for _ in range(80):
        ib.client.reqCurrentTime()
    await until(ib, lambda: times)
    frozen = gateway.faults.inject(Freeze())
    before = gateway.counters["requests"]
    await asyncio.sleep(0.2)
    assert gateway.counters["requests"] == before  # what waits its turn waits too
    gateway.faults.clear(frozen)
    await until(ib, lambda: len(times) == 80)
    ib.disconnect()


async def test_what_waits_for_a_frozen_client_is_limited_and_ticks_do_not_count(make_gateway, connect):
    gateway = await make_gateway(quotes_per_second=2_000.0, max_buffered_bytes=20_000, rules=Rules.none())
    reader, watcher = await connect(gateway, 1), await connect(gateway, 2)
    await quoted(reader)
    await quoted(watcher)
    watcher.reqMktDepth(EURUSD)  # of which each message counts
    await until(watcher, lambda: watcher.ticker(EURUSD).domBids)
    gateway.faults.inject(Freeze())
    await eventually(lambda: 2 not in gateway._hall.sessions)
    assert gateway.counters["slow_reader"] == 1
    assert gateway.counters["conflated"] > 10
    assert await cut_off(watcher)
    assert gateway._hall.sessions.keys() == {1}
    gateway.faults.clear_all()
    async with within():
        assert await reader.reqCurrentTimeAsync()


async def test_a_port_reset_in_a_restart_opens_nothing_before_its_end(make_gateway, connect):
    gateway = await make_gateway()
    ib = await connect(gateway)
    restart = gateway.faults.inject(Restart(down_seconds=3600.0))
    assert await cut_off(ib)
    gateway.faults.inject(PortReset())
    with pytest.raises(ConnectionRefusedError):
        await connect(gateway)
    gateway.faults.clear(restart)
    assert (await reconnected(gateway, connect)).isConnected()
