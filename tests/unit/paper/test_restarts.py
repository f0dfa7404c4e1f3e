"""A paper account outlives its process: killed at any moment, it goes on as it was, and gives out no id twice."""

import asyncio
import errno
import os
import signal
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.paper import AAPL, ES, EURUSD, KNOWN, NOON, USDJPY, Desk, fills, kill, order, statuses

from atlas.domain import BadInput, ManualClock, OrderKind, Refused, Side, TimeInForce, Unavailable
from atlas.journal._segment import SegmentWriter
from atlas.paper import PaperTerms, records
from atlas.trading.broker import Execution, Unknown

BUY, SELL = Side.BUY, Side.SELL
GTC = TimeInForce.GTC


async def books(desk):
    return await desk.snapshot(), await desk.values()


@pytest.mark.parametrize("end", ["kill", "close"])
async def test_cash_margin_positions_and_standing_orders_are_exactly_as_they_were(make_desk, end):
    desk = make_desk(fees="ib", partial_fills=True)
    desk.quote(USDJPY, 150.0, 150.01)
    desk.quote(AAPL, 100.0, 100.2, 100, 100)
    desk.quote(ES, 5000.0, 5000.25, 10, 10)
    await desk.place(order(AAPL, BUY, 130))
    await desk.place(order(USDJPY, SELL, 20_000, 149.0, time_in_force=GTC))
    await desk.place(order(ES, SELL, 3))
    await desk.place(order(AAPL, SELL, 50, kind=OrderKind.TRAILING_STOP, trail_amount=0.5, time_in_force=GTC))
    desk.quote(AAPL, 101.0, 101.2, 0, 0)
    await desk.place(order(ES, BUY, 1, 4900.0), transmit=False)
    before = await books(desk)
    kill(desk) if end == "kill" else desk.broker.close()
    desk = make_desk(fees="ib", partial_fills=True)
    assert await books(desk) == before
    assert desk.broker.next_order_id() == 6
    desk.quote(AAPL, 100.5, 100.7)
    assert fills(await desk.heard()) == [("sell", 50, 100.5)]  # it had trailed to 100.5


_WORK = """
import asyncio, sys
from pathlib import Path
from support.paper import AAPL, KNOWN, NOON, Desk, order
from atlas.domain import ManualClock, Side
from atlas.paper import PaperTerms
from atlas.trading.broker import Execution

async def work():
    desk = Desk(Path(sys.argv[1]), ManualClock(NOON), PaperTerms(hours="always"), 50).open(*KNOWN.values())
    while True:
        desk.clock.advance(1_000_000)
        number = desk.next_id
        desk.quote(AAPL, 100.0 + number % 7, 100.2 + number % 7)
        for told in await desk.place(order(AAPL, Side.BUY if number % 2 else Side.SELL, 1 + number % 5)):
            if isinstance(told, Execution):
                print(told.id, told.side.sign * told.quantity, flush=True)

asyncio.run(work())
"""


def killed_at_work(folder):
    """What a process told of its executions before it was killed."""
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    process = subprocess.Popen(
        [sys.executable, "-c", _WORK, str(folder)], stdout=subprocess.PIPE, text=True, env=environment, cwd=folder
    )
    assert process.stdout is not None
    with process.stdout:
        told = [process.stdout.readline() for _ in range(170)]  # three snapshots, and some more
        process.send_signal(signal.SIGKILL)
        told += process.stdout.readlines()
    assert process.wait() == -signal.SIGKILL
    lines = [line.split() for line in told if line.endswith("\n")]
    return [(name, float(quantity)) for name, quantity in lines]


async def test_a_process_that_is_killed_in_the_middle_of_its_work_loses_nothing_that_it_told(tmp_path):
    heard = await asyncio.to_thread(killed_at_work, tmp_path)
    desk = Desk(tmp_path, ManualClock(NOON + 10**9), PaperTerms(hours="always"), 5_000).open()
    found = await desk.snapshot()
    kept = [(one.id, one.side.sign * one.quantity) for one in found.executions]
    assert len(heard) >= 170
    assert kept[: len(heard)] == heard
    assert len({name for name, _ in kept}) == len(kept)
    assert found.positions.get("DUPAPER", {}).get(AAPL.id, 0.0) == sum(quantity for _, quantity in kept)
    desk.quote(AAPL, 100.0, 100.2)
    (new,) = [one for one in await desk.place(order(AAPL, id="new")) if isinstance(one, Execution)]
    assert new.id > kept[-1][0]
    desk.broker.close()


async def test_what_was_quoted_before_a_restart_fills_nothing_after_it(make_desk):
    desk = make_desk()
    desk.quote(AAPL, 100.0, 100.2)
    desk.broker.close()
    desk = make_desk()
    assert fills(await desk.place(order(AAPL, BUY, 10, time_in_force=TimeInForce.IOC))) == []
    desk.quote(AAPL, 90.0, 90.2)
    assert fills(await desk.heard()) == [("buy", 10, 90.2)]


async def test_what_was_on_its_way_arrives_after_a_restart(make_desk):
    desk = make_desk(latency_ms=500)
    await desk.place(order(AAPL, BUY, 10, 99.0), 1)
    desk.pass_time(1)
    await desk.cancel(1)
    await desk.place(order(AAPL, BUY, 20), 2)
    kill(desk)
    desk = make_desk(latency_ms=500)
    assert statuses((await desk.snapshot()).open_orders) == ["cancelling", "received"]
    desk.pass_time(1)
    desk.quote(AAPL, 98.0, 98.5)
    assert fills(await desk.heard()) == [("buy", 20, 98.5)]
    assert (await desk.snapshot()).open_orders == ()


async def test_a_bracket_that_waited_here_goes_on_waiting_and_is_transmitted_whole(make_desk):
    desk = make_desk()
    parent = order(AAPL, BUY, 10, 100.0)
    await desk.place(parent, 1, transmit=False)
    await desk.place(order(AAPL, SELL, 10, 101.0, parent_id=parent.id), 2, parent_id=1, transmit=False)
    kill(desk)
    desk = make_desk()
    desk.quote(AAPL, 99.0, 99.5)
    await desk.place(order(AAPL, SELL, 10, kind=OrderKind.STOP, stop_price=98.0, parent_id=parent.id), 3, parent_id=1)
    found = await desk.snapshot()
    assert found.positions == {"DUPAPER": {AAPL.id: 10.0}}
    assert sorted(one.broker_order_id for one in found.open_orders) == [2, 3]
    desk.quote(AAPL, 101.0, 101.2)
    await desk.heard()
    assert (await desk.snapshot()).open_orders == ()


async def test_terms_may_change_from_start_to_start_but_cash_is_what_it_became(make_desk):
    desk = make_desk(cash={"USD": 5_000.0})
    desk.broker.close()
    desk = make_desk(cash={"USD": 9_999.0}, slippage_ticks=1)
    assert (await desk.values()).net_liquidation == 5_000.0
    desk.quote(AAPL, 100.0, 100.2)
    assert fills(await desk.place(order(AAPL))) == [("buy", 10, 100.21)]


async def test_a_new_account_of_the_same_name_gives_out_other_ids(make_desk):
    told = []
    for folder in ("one", "two"):
        desk = make_desk(folder=folder)
        desk.quote(AAPL, 100.0, 100.2)
        told += [one for one in await desk.place(order(AAPL)) if isinstance(one, Execution)]
        desk.clock.advance(3_000_000_000)
    assert len({one.id for one in told}) == len({one.perm_id for one in told}) == 2


async def test_an_account_is_traded_by_one_process_and_a_folder_holds_one_account(make_desk):
    desk = make_desk()
    with pytest.raises(Refused, match="one writer"):
        make_desk()
    desk.broker.close()
    with pytest.raises(BadInput, match="paper account DUPAPER"):
        make_desk(account="DUOTHER")


async def test_a_closed_account_answers_nothing_and_takes_nothing(desk):
    desk.broker.close()
    desk.broker.close()
    assert not desk.broker.is_up
    assert isinstance(await desk.broker.snapshot(), Unknown)
    assert isinstance(await desk.broker.account_values("DUPAPER"), Unknown)
    with pytest.raises(Unavailable, match="is closed"):
        await desk.broker.place(order(AAPL), 1)
    with pytest.raises(Unavailable):
        await desk.broker.round_trip()
    desk.quote(AAPL, 100.0, 100.2)
    desk.broker.on_time()


async def test_while_the_disk_is_full_nothing_is_told_and_nothing_taken_and_then_all_of_it_is(make_desk, monkeypatch):
    desk = make_desk()
    desk.quote(AAPL, 100.0, 100.2)
    await desk.place(order(AAPL, BUY, 10, 99.0), 1)

    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as disk:
        disk.setattr(SegmentWriter, "write", full)
        desk.quote(AAPL, 98.8, 99.0)
        assert await desk.heard() == []
        assert not desk.broker.is_up
        assert isinstance(await desk.broker.snapshot(), Unknown)
        with pytest.raises(Unavailable, match="No space left"):
            await desk.broker.place(order(AAPL), 2)
    await desk.broker.round_trip()
    assert fills(await desk.heard()) == [("buy", 10, 99.0)]
    assert desk.broker.is_up
    kill(desk)
    desk = make_desk()
    assert (await desk.snapshot()).positions == {"DUPAPER": {AAPL.id: 10.0}}
    assert desk.broker.next_order_id() == 2


async def test_a_snapshot_that_was_not_written_whole_does_not_count(make_desk, monkeypatch):
    monkeypatch.setattr(records, "_PART_BYTES", 100)
    desk = make_desk()
    desk.quote(AAPL, 100.0, 100.2)
    await desk.place(order(AAPL))
    before = await desk.snapshot()
    vault = desk.broker._vault
    parts = records.parts_of(desk.broker._account.snapshot())
    assert len(parts) > 3
    for part in parts[:-1]:
        vault._journal.append(part)
    vault._journal.sync()
    kill(desk)
    desk = make_desk()
    assert await desk.snapshot() == before
    desk.broker.close()
    desk = make_desk()
    assert await desk.snapshot() == before


async def test_ten_thousand_orders_of_the_day_are_one_snapshot_and_a_short_tail(make_desk, tmp_path):
    desk = make_desk()
    desk.quote(AAPL, 100.0, 100.2)
    for number in range(1, 10_001):
        wish = order(AAPL, BUY if number % 2 else SELL, 1)
        desk.broker._account.place(wish, number, 0, desk.clock.now_ns(), transmit=True)
        if not number % 100:  # each by itself would wait for the disk ten thousand times
            desk.pass_time(0.001)
            await desk.heard()
    before = await books(desk)
    assert len(before[0].completed_orders) == 10_000
    kill(desk)
    desk = Desk(tmp_path / "paper", desk.clock, PaperTerms(hours="always"), 20_000)
    applied = []
    account = desk.broker._account
    make_so = account._make_so
    account._make_so = lambda record: (applied.append(record), make_so(record))
    desk.open()
    assert 0 < len(applied) < 20_000  # what happened since the last snapshot, not since the beginning
    assert await books(desk) == before
    desk.broker.close()


_STEPS = st.lists(
    st.tuples(
        st.sampled_from(["buy", "sell", "limit", "stop", "trail", "cancel", "change", "quote", "time", "kill"]),
        st.integers(1, 40),
        st.integers(-20, 20),
    ),
    max_size=40,
)


@given(_STEPS, st.sampled_from([0, 300]), st.booleans())
@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_kills_at_any_points_make_no_difference_to_what_becomes_of_the_account(tmp_path_factory, steps, latency, partial):
    terms = PaperTerms(hours="always", latency_ms=latency, partial_fills=partial, fees="ib")

    async def run(*, kills):
        clock, folder = ManualClock(NOON), tmp_path_factory.mktemp("account")
        desk = Desk(folder, clock, terms, 7).open(*KNOWN.values())
        told, asked = [], []
        for number, (what, size, offset) in enumerate(steps, 1):
            clock.advance(50_000_000 + size)
            price = 100.0 + offset / 10
            if what == "quote":
                desk.quote(AAPL, price, round(price + 0.1, 2), size, size)
            elif what == "time":
                desk.pass_time(size / 20)
            elif what == "kill":
                told += await desk.heard()
                told.append(await desk.values())
                if kills:
                    kill(desk)
                    desk = Desk(folder, clock, terms, 7).open()
                else:
                    desk.broker.on_gap()  # the one thing that a restart does
            elif what in ("cancel", "change") and asked:
                chosen, wish = asked[size % len(asked)]
                if what == "cancel":
                    await desk.broker.cancel(chosen)
                else:
                    await desk.broker.place(msgspec.structs.replace(wish, quantity=float(size)), chosen)
            elif what not in ("cancel", "change"):
                wish = _wish(number, what, float(size), price)
                asked.append((number, wish))
                await desk.broker.place(wish, number)
            told += await desk.heard()
        result = told, await books(desk)
        desk.broker.close()
        return result

    assert asyncio.run(run(kills=True)) == asyncio.run(run(kills=False))


def _wish(number, what, quantity, price):
    terms = {
        "limit": {"kind": OrderKind.LIMIT, "limit_price": price},
        "stop": {"kind": OrderKind.STOP, "stop_price": price},
        "trail": {"kind": OrderKind.TRAILING_STOP, "trail_amount": 0.3},
    }.get(what, {})
    side = SELL if what in ("sell", "stop") else BUY
    return order(AAPL, side, quantity, id=f"robot-{number}-0", **terms)


async def test_a_pair_that_values_cash_is_remembered_with_its_quote(make_desk):
    desk = make_desk(EURUSD, AAPL, cash={"EUR": 1_000.0, "USD": 0.0})
    desk.quote(EURUSD, 1.1, 1.2)
    before = (await desk.values()).net_liquidation
    assert before == pytest.approx(1_150.0)
    kill(desk)
    assert (await make_desk(EURUSD).values()).net_liquidation == before
