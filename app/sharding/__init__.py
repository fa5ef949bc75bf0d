"""The slot map, its changes, and the routing of keys to shards."""

from app.sharding.errors import (
    LastShard,
    MapError,
    NoMap,
    SameShard,
    ShardKnown,
    ShardNotActive,
    ShardNotEmpty,
    SlotBusy,
    SlotNotMoving,
    SlotOutOfRange,
    StaleMap,
    UnknownShard,
)
from app.sharding.map_store import MapStore, PostgresMapStore
from app.sharding.router import Router
from app.sharding.slot_map import ShardState, SlotEntry, SlotMap, SlotState, first_map

__all__ = [
    "LastShard",
    "MapError",
    "MapStore",
    "NoMap",
    "PostgresMapStore",
    "Router",
    "SameShard",
    "ShardKnown",
    "ShardNotActive",
    "ShardNotEmpty",
    "ShardState",
    "SlotBusy",
    "SlotEntry",
    "SlotMap",
    "SlotNotMoving",
    "SlotOutOfRange",
    "SlotState",
    "StaleMap",
    "UnknownShard",
    "first_map",
]
