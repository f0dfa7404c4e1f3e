"""The lease of an account in the database: one trader has it, and who has it is known."""

import asyncio

import msgspec
import pytest

from atlas.domain import Refused
from atlas.store import TraderRepository
from atlas.store.leases import LeaseRepository
from atlas.trading.lease import LEASE_NS, Lease

NOW = 1_770_000_000_123_456_789
MINE = Lease("DU1", "desk:/first", "DU1,DU2", 0.35)
OTHER = Lease("DU1", "desk:/second", "DU1,DU2", 0.3)


async def test_of_many_that_want_it_at_once_one_gets_it(database):
    leases = LeaseRepository(database)
    wanted = [msgspec.structs.replace(MINE, holder=f"desk:/{number}") for number in range(8)]
    results = await asyncio.gather(*(leases.take(one, NOW) for one in wanted), return_exceptions=True)
    assert sorted(type(one).__name__ for one in results) == ["Lease", *["Refused"] * 7]


async def test_another_is_refused_until_it_ends_and_then_the_first_has_lost_it(database):
    leases = LeaseRepository(database)
    first = await leases.take(MINE, NOW)
    assert first == msgspec.structs.replace(MINE, until_ns=NOW + LEASE_NS, epoch=1)
    with pytest.raises(Refused, match=r"DU1 is traded by desk:/first; .* ends in 30 s"):
        await leases.take(OTHER, NOW)
    renewed = await leases.renew(first, NOW + LEASE_NS - 1)
    with pytest.raises(Refused):
        await leases.take(OTHER, NOW + LEASE_NS)
    second = await leases.take(OTHER, renewed.until_ns)
    assert second.epoch == 2
    assert await leases.renew(renewed, NOW) is None
    await leases.release(renewed)  # it is not its own any more
    assert (await leases.renew(second, NOW)).holder == OTHER.holder


async def test_the_same_holder_has_it_back_at_once_and_its_earlier_run_notices(database):
    leases = LeaseRepository(database)
    first = await leases.take(MINE, NOW)
    again = await leases.take(MINE, NOW + 1)
    assert again.epoch == 2
    assert await leases.renew(first, NOW + 2) is None
    assert await leases.renew(again, NOW + 2) is not None


async def test_what_was_given_back_is_anybodys(database):
    leases = LeaseRepository(database)
    await leases.release(await leases.take(MINE, NOW))
    assert (await leases.take(OTHER, NOW)).holder == OTHER.holder


async def test_a_lease_of_a_database_that_was_put_back_is_written_anew(database):
    leases = LeaseRepository(database)
    first = await leases.take(MINE, NOW)
    await database.collection("traders").delete_many({})
    assert await leases.renew(first, NOW) is not None
    with pytest.raises(Refused):
        await leases.take(OTHER, NOW)


async def test_a_login_gives_no_more_messages_than_it_has_and_who_asks_for_more_holds_nothing(database):
    leases = LeaseRepository(database)
    await leases.take(MINE, NOW, 0.35)
    large = Lease("DU2", "desk:/second", "DU1,DU2", 0.65)
    with pytest.raises(Refused, match=r"0.35 for DU1 \(desk:/first\) make 1.35 of 1"):
        await leases.take(large, NOW, 0.35)
    assert (await leases.take(msgspec.structs.replace(large, holder="desk:/third", share=0.3), NOW, 0.35)).epoch == 2
    other_login = msgspec.structs.replace(large, account="DU9", login="DU9")
    assert (await leases.take(other_login, NOW, 0.35)).epoch == 1


async def test_beside_what_a_trader_has_read_and_no_trader_takes_requests_for_having_a_lease(database):
    leases, traders = LeaseRepository(database), TraderRepository(database)
    first = await leases.take(MINE, NOW)
    assert await traders.seen() == {}
    await traders.register("DU1", NOW)
    await traders.beat("DU1", NOW + 5, {"orders": {"_data": "8265"}})
    assert (await leases.renew(first, NOW)).epoch == 1
    assert await traders.register("DU1", NOW + 6) == {"orders": {"_data": "8265"}}
