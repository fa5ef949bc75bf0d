"""Moving slots between shards while they are written and read."""

from app.sharding.mover.abort import abort_move
from app.sharding.mover.belongings import BELONGINGS, Belonging, Travels
from app.sharding.mover.dropping import GRACE_SECONDS, drop_departed
from app.sharding.mover.errors import (
    ChecksumMismatch,
    MapContradicts,
    MoveError,
    MoveInProgress,
    MoveIsDecided,
    MoveWasAborted,
    NotToBeDropped,
    OtherMove,
    SlotNotOwned,
    SlotTooBusy,
    TargetNotReady,
)
from app.sharding.mover.leftovers import Resumed, resume_moves
from app.sharding.mover.model import Databases, Limits, Progress, Report, Step
from app.sharding.mover.move import move_slot
from app.sharding.mover.pause import MovePause, measure_move_pause

__all__ = [
    "BELONGINGS",
    "GRACE_SECONDS",
    "Belonging",
    "ChecksumMismatch",
    "Databases",
    "Limits",
    "MapContradicts",
    "MoveError",
    "MoveInProgress",
    "MoveIsDecided",
    "MovePause",
    "MoveWasAborted",
    "NotToBeDropped",
    "OtherMove",
    "Progress",
    "Report",
    "Resumed",
    "SlotNotOwned",
    "SlotTooBusy",
    "Step",
    "TargetNotReady",
    "Travels",
    "abort_move",
    "drop_departed",
    "measure_move_pause",
    "move_slot",
    "resume_moves",
]
