"""The leases of accounts, in the collection `traders`: taken and renewed by comparing and setting, so that one has each."""

import msgspec
from pymongo.errors import DuplicateKeyError

from atlas.domain import Refused, plain
from atlas.store._documents import read
from atlas.store.database import Collection, Database, Document
from atlas.trading.lease import LEASE_NS, Lease, held_text, is_held_by_another, share_text


class LeaseRepository:
    """Leases by account. Times are nanoseconds of the caller's clock; those of all machines have to agree to seconds."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._traders: Collection = database.collection("traders")

    async def take(self, wanted: Lease, now_ns: int, reserved: float = 0.0) -> Lease:
        """Take the lease of an account: it is free, has ended, or is the same holder's from an earlier run.

        `reserved` is the part of the login's messages per second that is not for traders.

        Raises:
            Refused: another trader holds it, or the login has too few messages per second for one more.
            DatabaseAway: the database does not answer.
        """
        lease = None
        while lease is None:  # until nobody was quicker
            held = (await self._held()).get(wanted.account)
            if held is not None and is_held_by_another(held, wanted, now_ns):
                raise Refused(held_text(held, now_ns))
            epoch = held.epoch + 1 if held is not None else 1
            lease = await self._put(held, msgspec.structs.replace(wanted, until_ns=now_ns + LEASE_NS, epoch=epoch), ended=True)
        if problem := share_text(lease, (await self._held()).values(), reserved, now_ns):
            await self.release(lease)
            raise Refused(problem)
        return lease

    async def renew(self, lease: Lease, now_ns: int) -> Lease | None:
        """Hold the lease for longer. None when somebody has taken it since.

        One that is not there any more, in a database that was put back, is written anew.

        Raises:
            DatabaseAway: the database does not answer; the lease holds until it ends.
        """
        renewed = msgspec.structs.replace(lease, until_ns=now_ns + LEASE_NS)
        return await self._put(lease, renewed) or await self._put(None, renewed)

    async def release(self, lease: Lease) -> None:
        """Give the lease back, if it is still held."""
        await self._put(lease, msgspec.structs.replace(lease, until_ns=0))

    async def _put(self, before: Lease | None, lease: Lease, *, ended: bool = False) -> Lease | None:
        """Write a lease in the place of `before`, or where there is none; None when there is another one.

        A lease is another one once it was taken again: then its epoch is, or its holder.
        """
        there: Document = {"lease": {"$exists": False}}
        if before is not None:
            there = {"lease.holder": before.holder, "lease.epoch": before.epoch}
            there |= {"lease.until_ns": before.until_ns} if ended else {}
        async with self._database.guard():
            try:
                done = await self._traders.update_one(
                    {"_id": lease.account, **there}, {"$set": {"lease": plain(lease)}}, upsert=before is None
                )
            except DuplicateKeyError:
                return None
        return lease if done.matched_count or done.upserted_id is not None else None

    async def _held(self) -> dict[str, Lease]:
        async with self._database.guard():
            rows = self._traders.find({"lease": {"$exists": True}}, {"lease": 1})
            return {row["_id"]: read({"_id": row["_id"], **row["lease"]}, Lease, "traders") async for row in rows}
