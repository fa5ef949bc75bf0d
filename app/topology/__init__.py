"""Where data lives: a key's slot, the shard that holds the slot, and the shard's home cloud. Imports nothing of app."""

from app.topology.directory import (
    Cloud,
    Directory,
    Place,
    Replica,
    Shard,
    WrongDirectory,
    parse_directory,
    read_directory,
)
from app.topology.errors import NoLogin, SlotNotHere, StalePlace
from app.topology.slots import SLOTS, owner_of, slot_of

__all__ = [
    "SLOTS",
    "Cloud",
    "Directory",
    "NoLogin",
    "Place",
    "Replica",
    "Shard",
    "SlotNotHere",
    "StalePlace",
    "WrongDirectory",
    "owner_of",
    "parse_directory",
    "read_directory",
    "slot_of",
]
