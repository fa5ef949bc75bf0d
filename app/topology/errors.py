"""Errors about where a key lives: raised by shards, stores and routers alike."""

from __future__ import annotations


class StalePlace(Exception):
    """A shard does not hold the slot in the requested epoch: the caller's slot map is stale."""


class SlotNotHere(StalePlace):
    """A read reached a shard that does not hold the slot in the requested epoch."""

    def __init__(self, shard: str, slot: int, epoch: int) -> None:
        super().__init__(f"shard {shard} does not have slot {slot} in epoch {epoch}")


class NoLogin(Exception):
    """The slot map names a shard that this process cannot log in to: the directory does not list it."""

    def __init__(self, shard: str) -> None:
        super().__init__(f"the directory does not list shard {shard}: add it to the directory and deploy that")
        self.shard = shard
