"""Which shard, in which home cloud, an account's events live on: account -> slot -> shard -> home."""

from app.sharding.directory import Admin, App, Directory, Place, Shard, WrongDirectory, parse_directory, read_directory
from app.sharding.router import Router
from app.sharding.slots import SLOTS, slot_of

__all__ = [
    "SLOTS",
    "Admin",
    "App",
    "Directory",
    "Place",
    "Router",
    "Shard",
    "WrongDirectory",
    "parse_directory",
    "read_directory",
    "slot_of",
]
