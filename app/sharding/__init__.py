"""Which shard, in which home cloud, an account's events live on: account -> slot -> shard -> home."""

from app.sharding.directory import Admin, App, Directory, Place, Shard, WrongDirectory, parse_directory, read_directory
from app.sharding.errors import (
    LastShard,
    MapError,
    NoLogin,
    NoMap,
    SameShard,
    ShardKnown,
    ShardNotActive,
    ShardNotEmpty,
    SlotBusy,
    SlotNotHere,
    SlotNotMoving,
    SlotOutOfRange,
    StaleMap,
    StalePlace,
    UnknownShard,
)
from app.sharding.map_store import MapStore, PostgresMapStore
from app.sharding.router import Router
from app.sharding.slot_map import ShardState, SlotEntry, SlotMap, SlotState, first_map
from app.sharding.slots import SLOTS, owner_of, slot_of

__all__ = [
    "SLOTS",
    "Admin",
    "App",
    "Directory",
    "LastShard",
    "MapError",
    "MapStore",
    "NoLogin",
    "NoMap",
    "Place",
    "PostgresMapStore",
    "Router",
    "SameShard",
    "Shard",
    "ShardKnown",
    "ShardNotActive",
    "ShardNotEmpty",
    "ShardState",
    "SlotBusy",
    "SlotEntry",
    "SlotMap",
    "SlotNotHere",
    "SlotNotMoving",
    "SlotOutOfRange",
    "SlotState",
    "StaleMap",
    "StalePlace",
    "UnknownShard",
    "WrongDirectory",
    "first_map",
    "owner_of",
    "parse_directory",
    "read_directory",
    "slot_of",
]
