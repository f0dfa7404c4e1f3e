"""A desk that trades loses one part after the other, without warning. It goes on trading, and in the end its books agree."""

import pytest
from support.desks import desk_of, kill_and_restart, until

pytestmark = pytest.mark.timeout(360)


async def test_a_desk_converges_whatever_part_is_killed(tmp_path):
    async with desk_of(tmp_path, ["watcher", "trader", "strategy"]) as desk:
        for part in ("strategy", "trader", "watcher", "gateway", "database", "strategy"):
            before = await desk.count_orders()

            async def has_traded(before=before):
                return await desk.count_orders() > before + 1

            await until(has_traded, 30.0, f"trading before {part} is killed")
            await kill_and_restart(desk, part)
        before = await desk.count_orders()

        async def has_traded_again():
            return await desk.count_orders() > before + 1

        await until(has_traded_again, 30.0, "trading after the last kill")

        await desk.settle()
        audit, database = await desk.audit()
        assert audit.differences == []
        assert database.uncharged == 0

        async def all_is_well():
            return set((await desk.states()).values()) == {"running"}

        await until(all_is_well, 10.0, "every part running")
