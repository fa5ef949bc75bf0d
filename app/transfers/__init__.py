"""Transfers between two streams, on one shard or on two: both appends happen or neither."""

from app.transfers.coordinator import IN_FLIGHT, LOCK_SECONDS, Transfers
from app.transfers.errors import (
    SameStream,
    TransferContended,
    Unbalanced,
)
from app.transfers.forgetting import Forgetting
from app.transfers.metrics import TransferMetrics
from app.transfers.model import Leg, Step, Transferred
from app.transfers.participant import Participant
from app.transfers.resolver import Resolver

__all__ = [
    "IN_FLIGHT",
    "LOCK_SECONDS",
    "Forgetting",
    "Leg",
    "Participant",
    "Resolver",
    "SameStream",
    "Step",
    "TransferContended",
    "TransferMetrics",
    "Transferred",
    "Transfers",
    "Unbalanced",
]
