"""Why a slot did not move; where it was it still is, and the move can be resumed or aborted."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

Place = tuple[str, int, str | None]
"""Shard, epoch, and the shard that the slot is moving to."""


class MoveError(Exception):
    """Any refusal of the mover."""


class MoveInProgress(MoveError):
    """Another process moves the slot."""

    def __init__(self, slot: int, shard: str) -> None:
        super().__init__(f"another process is moving slot {slot} away from {shard}: let it finish")


class SlotNotOwned(MoveError):
    """The shard that has the slot by the map does not own it."""

    def __init__(self, slot: int, epoch: int, shard: str) -> None:
        super().__init__(
            f"by the slot map {shard} owns slot {slot} in epoch {epoch}, which it does not: "
            "resume the moves that were left over first"
        )


class TargetNotReady(MoveError):
    """The target cannot take the slot now."""

    def __init__(self, slot: int, shard: str, why: str) -> None:
        super().__init__(f"{shard} cannot take slot {slot}: {why}")


class OtherMove(MoveError):
    """The slot is on its way to another shard, or back."""

    def __init__(self, slot: int, target: str, *, aborting: bool) -> None:
        what = "is being aborted" if aborting else "is not finished"
        super().__init__(f"the move of slot {slot} to {target} {what}: resume the moves that were left over first")


class ChecksumMismatch(MoveError):
    """What is on the target is not what is on the source."""

    def __init__(self, slot: int, what: str, source: Any, target: Any) -> None:
        super().__init__(
            f"slot {slot} was not copied faithfully: {what} is {source} on the source and {target} on the target; "
            "it stays where it is: abort the move, and look for what writes to the target"
        )


class SlotTooBusy(MoveError):
    """No moment was found in which the slot could be flipped within its time."""

    def __init__(self, slot: int, seconds: float, holders: Iterable[str]) -> None:
        held = ", ".join(holders)
        super().__init__(
            f"slot {slot} could not be locked and flipped within {seconds:.0f} s"
            + (f", it is held by {held}" if held else "")
            + ": resume the move when less is written to it"
        )


class MoveWasAborted(MoveError):
    """Somebody aborted the move; the slot stays with its source."""

    def __init__(self, slot: int, source: str) -> None:
        super().__init__(f"the move of slot {slot} was aborted; it stays on {source}")


class MoveIsDecided(MoveError):
    """The slot has its new shard by the map already, so the move cannot be aborted any more."""

    def __init__(self, slot: int, shard: str) -> None:
        super().__init__(f"slot {slot} belongs to {shard} by the slot map already: resume the move, then move it back")


class MapContradicts(MoveError):
    """The slot map says of a slot what no move leads to."""

    def __init__(self, slot: int, said: Place, expected: Place) -> None:
        super().__init__(
            f"the slot map says of slot {slot}: {_named(said)}; the record of its move: {_named(expected)}"
        )


def _named(place: Place) -> str:
    shard, epoch, target = place
    return f"on {shard} in epoch {epoch}, " + (f"moving to {target}" if target else "not moving")


class NotToBeDropped(MoveError):
    """The rows of a slot are needed where they are."""

    def __init__(self, slot: int, shard: str) -> None:
        super().__init__(f"slot {slot} has not left {shard}, so nothing of it is dropped there")
