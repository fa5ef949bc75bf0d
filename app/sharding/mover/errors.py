"""Why a slot did not move. It stays where it was, and the move can be resumed or aborted."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

Place = tuple[str, int, str | None]
"""Shard, epoch, and the shard that the slot is moving to."""


class MoveError(Exception):
    """Any refusal of the mover."""


class MoveInProgress(MoveError):
    """Another process is moving the slot."""

    def __init__(self, slot: int, shard: str) -> None:
        super().__init__(f"another process is moving slot {slot} away from {shard}: let it finish")


class SlotNotOwned(MoveError):
    """The map gives the slot to a shard that does not own it."""

    def __init__(self, slot: int, epoch: int, shard: str) -> None:
        super().__init__(
            f"the slot map gives slot {slot} to {shard} in epoch {epoch}, but {shard} does not own it: "
            "run `fortress shards resume` first"
        )


class TargetNotReady(MoveError):
    """The target cannot take the slot now."""

    def __init__(self, slot: int, shard: str, why: str) -> None:
        super().__init__(f"{shard} cannot take slot {slot}: {why}")


class OtherMove(MoveError):
    """The slot is moving to another shard, or its move is being aborted."""

    def __init__(self, slot: int, target: str, *, aborting: bool) -> None:
        what = "is being aborted" if aborting else "is not finished"
        super().__init__(f"the move of slot {slot} to {target} {what}: run `fortress shards resume` first")


class ChecksumMismatch(MoveError):
    """Source and target differ."""

    def __init__(self, slot: int, what: str, source: Any, target: Any) -> None:
        super().__init__(
            f"the copy of slot {slot} differs: {what} is {source} on the source and {target} on the target; "
            "the slot stays on its source: abort the move, and find out what writes to the target"
        )


class SlotTooBusy(MoveError):
    """The slot was never quiet enough to be flipped within the time limit."""

    def __init__(self, slot: int, seconds: float, holders: Iterable[str]) -> None:
        held = ", ".join(holders)
        super().__init__(
            f"slot {slot} could not be locked and flipped within {seconds:.0f} s"
            + (f", it is held by {held}" if held else "")
            + ": resume the move when fewer writes go to it"
        )


class MoveWasAborted(MoveError):
    """The move was aborted; the slot stays on its source."""

    def __init__(self, slot: int, source: str) -> None:
        super().__init__(f"the move of slot {slot} was aborted; it stays on {source}")


class MoveIsDecided(MoveError):
    """The map has given the slot to its new shard: too late to abort."""

    def __init__(self, slot: int, shard: str) -> None:
        super().__init__(f"the slot map gives slot {slot} to {shard} already: resume the move, then move the slot back")


class MapContradicts(MoveError):
    """The slot map contradicts the record of a move."""

    def __init__(self, slot: int, said: Place, expected: Place) -> None:
        super().__init__(
            f"the slot map says slot {slot} is {_describe(said)}; the record of its move says {_describe(expected)}"
        )


def _describe(place: Place) -> str:
    shard, epoch, target = place
    return f"on {shard} in epoch {epoch}, " + (f"moving to {target}" if target else "not moving")


class NotToBeDropped(MoveError):
    """The rows of a slot are still needed where they are."""

    def __init__(self, slot: int, shard: str) -> None:
        super().__init__(f"slot {slot} has not left {shard}: its rows there are not dropped")
