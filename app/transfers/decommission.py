"""The check before a shard is removed: no prepared branch waits for its decision, and it holds none itself."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from app.queries import Reads, query
from app.topology import NoLogin
from app.transfers.errors import TransferError
from app.transfers.model import Gid, Prepared


class ShardNeeded(TransferError):
    """Transfers under way or in doubt cannot be settled without the shard."""

    def __init__(self, shard: str, branches: Mapping[str, int]) -> None:
        where = ", ".join(f"{count} on {name}" for name, count in sorted(branches.items()))
        super().__init__(
            f"prepared branches of transfers need shard {shard}: {where}. "
            "They settle within seconds while the app runs: try again then, or see docs/transfers.md"
        )
        self.shard = shard
        self.branches = branches


async def check_not_needed(shard: str, shards: Iterable[str], databases: Mapping[str, Reads]) -> None:
    """Look for prepared branches on all `shards` that need `shard`.

    Raises ShardNeeded, NoLogin for a name that `databases` lacks, and DatabaseUnavailable: a shard that does not answer
    may hold one.
    """
    branches = {}
    for name in sorted({shard, *shards}):
        if name not in databases:
            raise NoLogin(name)
        rows = await databases[name].rows(query("transfers.read_prepared"), {})
        gids = [gid for row in rows if (gid := Gid.parse(Prepared._make(row).gid))]
        if count := sum(shard in (name, gid.decider) for gid in gids):
            branches[name] = count
    if branches:
        raise ShardNeeded(shard, branches)
