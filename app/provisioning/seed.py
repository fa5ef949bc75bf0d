"""What a new ledger starts with, from the directory: the slots of each shard and the slot map."""

from __future__ import annotations

import psycopg

from app.queries import Row, query
from app.sharding.slot_map import FIRST_EPOCH
from app.topology import Directory, Shard

Connection = psycopg.Connection[Row]


def seed_slots(connection: Connection, shard: Shard) -> None:
    """Give a shard its slots in the directory, if it has none yet. Later only moves change them."""
    slots = [slot for first, last in shard.slots for slot in range(first, last + 1)]
    connection.execute(query("provisioning.seed_slots"), {"slots": slots, "epoch": FIRST_EPOCH})


def seed_map(connection: Connection, shard: Shard, directory: Directory) -> bool:
    """Fill an empty slot map from the directory, on the shard that holds it; return whether it was written.

    From then on only the map counts: slots in the directory are history.
    """
    if shard.name != directory.map_shard.name:
        return False
    owners = directory.owners
    parameters = {
        "shards": [listed.name for listed in directory.shards],
        "slots": list(range(len(owners))),
        "owners": owners,
        "epoch": FIRST_EPOCH,
    }
    with connection.transaction():
        return connection.execute(query("provisioning.seed_map"), parameters).rowcount > 0
