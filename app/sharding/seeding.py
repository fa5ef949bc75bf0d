"""The first slot map of a new ledger, made from the directory when the database that is to hold it is migrated."""

from __future__ import annotations

from typing import Any

import psycopg

from app.sharding.slot_map import FIRST_EPOCH
from app.sharding.statements import statement
from app.topology import Directory, Shard


def seed_map(connection: psycopg.Connection[tuple[Any, ...]], shard: Shard, directory: Directory) -> bool:
    """Fill the map on the shard that is to hold it, where it is empty; whether anything was written.

    From then on the map counts, and the slots in the directory only tell how it all began.
    """
    if shard.name != directory.map_shard.name:
        return False
    owners = directory.owners
    parameters = {
        "shards": [each.name for each in directory.shards],
        "slots": list(range(len(owners))),
        "owners": owners,
        "epoch": FIRST_EPOCH,
    }
    with connection.transaction():
        return connection.execute(statement("seed_map"), parameters).rowcount > 0
