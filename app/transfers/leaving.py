"""Whether a shard may go: no prepared half waits for its decision, and it holds none itself."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from app.queries import Reads
from app.topology import NoLogin
from app.transfers.errors import TransferError
from app.transfers.model import Gid, Prepared
from app.transfers.statements import statement


class ShardNeeded(TransferError):
    """Transfers are under way, or in doubt, that cannot be settled without the shard."""

    def __init__(self, shard: str, halves: Mapping[str, int]) -> None:
        where = ", ".join(f"{count} on {name}" for name, count in sorted(halves.items()))
        super().__init__(
            f"shard {shard} is needed by halves of transfers that are prepared: {where}. "
            "They settle within seconds while the app runs: try again then, or see docs/transfers.md"
        )
        self.shard = shard
        self.halves = halves


async def check_not_needed(shard: str, shards: Iterable[str], databases: Mapping[str, Reads]) -> None:
    """Look for prepared halves on all `shards`, the one that is to go among them.

    Raises ShardNeeded, NoLogin where `databases` has none of a name, and DatabaseUnavailable: a shard that does not
    answer may hold one.
    """
    halves = {}
    for name in sorted({shard, *shards}):
        if name not in databases:
            raise NoLogin(name)
        rows = await databases[name].rows(statement("prepared"), {})
        gids = [gid for row in rows if (gid := Gid.parse(Prepared._make(row).gid))]
        if count := sum(shard in (name, gid.decider) for gid in gids):
            halves[name] = count
    if halves:
        raise ShardNeeded(shard, halves)
