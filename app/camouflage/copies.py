"""Copies of accounts, each made in one transaction of the shard that has both."""

from __future__ import annotations

import xxhash

from app.camouflage.marks import Guard
from app.camouflage.statements import statement
from app.credits.shards import Shards
from app.events import WrongEpoch


class Copies:
    """Copies accounts of all shards."""

    def __init__(self, shards: Shards, guard: Guard) -> None:
        self._shards = shards
        self.guard = guard

    async def admit(self, account: str) -> str:
        """The account's shard; raises NotADecoy where it is no decoy's, and DatabaseUnavailable."""
        place, _ = self._shards.at(account)
        await self.guard.admit(place.shard)
        return place.shard

    async def make(self, account: str, stream: str) -> None:
        """Copy an account to a stream in its slot, unless it is there; raises DatabaseUnavailable, WrongEpoch."""
        await self._shards.router.following(lambda: self._make(account, stream))

    async def _make(self, account: str, stream: str) -> None:
        place, _ = self._shards.at(account)
        parameters = {
            "account": account,
            "stream": stream,
            # As appends lock it: signed, as a bigint is.
            "hash": xxhash.xxh3_64_intdigest(stream.encode()) - 2**63,
            "slot": place.slot,
            "epoch": place.epoch,
        }
        [(outcome, epoch)] = await self._shards.database(account).rows(statement("copy_account"), parameters)
        if outcome == "wrong epoch":
            raise WrongEpoch(stream, place.slot, place.epoch, epoch)
