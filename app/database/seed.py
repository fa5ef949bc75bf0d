"""The slots that a new shard begins with."""

from __future__ import annotations

from typing import Any

import psycopg

from app.statements import statements_of
from app.topology import Shard

statement = statements_of("app.database")


def seed_slots(shard: Shard, connection: psycopg.Connection[tuple[Any, ...]]) -> None:
    """Give a shard the slots that the directory names, where it has none yet: from then on only moves change them."""
    slots = [slot for first, last in shard.slots for slot in range(first, last + 1)]
    connection.execute(statement("seed_slots"), {"slots": slots})
