"""What can be wrong with a question to the slot map, or with a change of it."""

from __future__ import annotations

from collections.abc import Iterable


class MapError(Exception):
    """A change of the slot map that was refused; the map is as it was."""


class SlotOutOfRange(MapError):
    """There is no such slot."""

    def __init__(self, slot: int, slots: int) -> None:
        super().__init__(f"slot {slot} is out of range: slots are numbered 0 to {slots - 1}")


class StaleMap(MapError):
    """The map has moved on since it was read: read it again, and decide again."""

    def __init__(self, slot: int, known: int, current: int) -> None:
        super().__init__(f"slot {slot} was changed in version {current} of the map, not {known}: read the map again")
        self.slot = slot


class UnknownShard(MapError):
    """The map has no shard of that name."""

    def __init__(self, shard: str, known: Iterable[str] = ()) -> None:
        names = ", ".join(sorted(known))
        super().__init__(f"the map has no shard {shard}" + (f"; it has {names}" if names else ""))


class ShardKnown(MapError):
    """A shard is added that the map has already."""

    def __init__(self, shard: str) -> None:
        super().__init__(f"the map already has a shard {shard}")


class ShardNotActive(MapError):
    """A slot is to move to a shard that is being emptied."""

    def __init__(self, shard: str) -> None:
        super().__init__(f"shard {shard} is draining and takes no slots: `fortress shards add {shard}` activates it")


class ShardNotEmpty(MapError):
    """A shard is removed that holds slots, or is about to."""

    def __init__(self, shard: str, slots: int) -> None:
        super().__init__(f"shard {shard} holds {slots} slots, or is to get them: drain it first")


class LastShard(MapError):
    """Without this shard nothing would take slots."""

    def __init__(self, shard: str) -> None:
        super().__init__(f"{shard} is the last shard that takes slots: add another one first")


class SlotBusy(MapError):
    """The slot is moving already."""

    def __init__(self, slot: int, target: str) -> None:
        super().__init__(f"slot {slot} is moving to {target} already: finish or abort that move first")


class SlotNotMoving(MapError):
    """A move is finished or aborted that was not begun."""

    def __init__(self, slot: int) -> None:
        super().__init__(f"slot {slot} is not moving")


class SameShard(MapError):
    """The slot is where it is to go."""

    def __init__(self, slot: int, shard: str) -> None:
        super().__init__(f"slot {slot} is on shard {shard} already")


class NoMap(MapError):
    """The database that should hold the map has none."""

    def __init__(self, shard: str) -> None:
        super().__init__(f"shard {shard} holds no slot map: `fortress migrate up` in its home cloud makes it")
