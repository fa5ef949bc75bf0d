"""The reasons why the slot map refuses a read or a change."""

from __future__ import annotations

from collections.abc import Iterable


class MapError(Exception):
    """The slot map refused a change; it is unchanged."""


class SlotOutOfRange(MapError):
    """The number is not a slot."""

    def __init__(self, slot: int, slots: int) -> None:
        super().__init__(f"slot {slot} is out of range: slots are numbered 0 to {slots - 1}")


class StaleMap(MapError):
    """The entry has changed since the map was read: read it again and decide again."""

    def __init__(self, slot: int, known: int, current: int) -> None:
        super().__init__(f"slot {slot} was changed in version {current} of the map, not {known}: read the map again")
        self.slot = slot


class UnknownShard(MapError):
    """The map has no shard of that name."""

    def __init__(self, shard: str, known: Iterable[str] = ()) -> None:
        names = ", ".join(sorted(known))
        super().__init__(f"the map has no shard {shard}" + (f"; it has {names}" if names else ""))


class ShardKnown(MapError):
    """The map already has the shard."""

    def __init__(self, shard: str) -> None:
        super().__init__(f"the map already has a shard {shard}")


class ShardNotActive(MapError):
    """The target of a move is draining."""

    def __init__(self, shard: str) -> None:
        super().__init__(f"shard {shard} is draining and takes no slots: `fortress shards add {shard}` activates it")


class ShardNotEmpty(MapError):
    """The shard to remove holds slots, or one is moving to it."""

    def __init__(self, shard: str, slots: int) -> None:
        super().__init__(f"shard {shard} holds {slots} slots, or will get them: drain it first")


class LastShard(MapError):
    """No other shard takes slots."""

    def __init__(self, shard: str) -> None:
        super().__init__(f"{shard} is the last shard that takes slots: add another one first")


class SlotBusy(MapError):
    """The slot is moving already."""

    def __init__(self, slot: int, target: str) -> None:
        super().__init__(f"slot {slot} is moving to {target} already: finish or abort that move first")


class SlotNotMoving(MapError):
    """The slot to finish or abort a move of is not moving."""

    def __init__(self, slot: int) -> None:
        super().__init__(f"slot {slot} is not moving")


class SameShard(MapError):
    """The slot is on the target shard already."""

    def __init__(self, slot: int, shard: str) -> None:
        super().__init__(f"slot {slot} is on shard {shard} already")


class NoMap(MapError):
    """The database that should hold the slot map has none."""

    def __init__(self, shard: str) -> None:
        super().__init__(f"shard {shard} holds no slot map: `fortress migrate up` in its home cloud creates it")
