"""How much moves when a ninth shard joins eight."""

from __future__ import annotations

from app.sharding import first_map
from app.sharding.rebalance import plan_rebalance
from app.topology import SLOTS
from tools.bench.data_plane.databases import BenchDatabases
from tools.bench.measurement import Limit, Recorder

NAMES = [f"shard-{number}" for number in range(8)]


def ninth_shard(_: BenchDatabases, recorder: Recorder) -> None:
    """The slots that move when a ninth shard joins eight."""
    eight = first_map([NAMES[slot * len(NAMES) // SLOTS] for slot in range(SLOTS)], NAMES)
    plan = plan_rebalance(eight.with_shard("shard-8"))
    moved, ideal = 100 * len(plan.moves) / SLOTS, 100 / 9
    recorder.take(
        "8 to 9 shards: slots moved, distance from the ideal share",
        Limit(1, "% of all"),
        [abs(moved - ideal)],
        raw={"moved, % of all slots": [moved], "ideal": [ideal]},
    )


ROWS = (ninth_shard,)
