"""Moving slots between shards while they are written and read."""

from app.sharding.mover.abort import abort_move
from app.sharding.mover.dropping import drop_departed
from app.sharding.mover.errors import (
    ChecksumMismatch,
    MoveInProgress,
    MoveIsDecided,
    SlotTooBusy,
    TargetNotReady,
)
from app.sharding.mover.model import Limits, Progress, Step
from app.sharding.mover.move import move_slot
from app.sharding.mover.recovery import Resumed, resume_moves

__all__ = [
    "ChecksumMismatch",
    "Limits",
    "MoveInProgress",
    "MoveIsDecided",
    "Progress",
    "Resumed",
    "SlotTooBusy",
    "Step",
    "TargetNotReady",
    "abort_move",
    "drop_departed",
    "move_slot",
    "resume_moves",
]
