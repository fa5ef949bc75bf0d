"""Erasing persons for good, also from what a backup brings back (GDPR Art. 17)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from app.personal_data.erasure_log import Erasure, ErasureLog
from app.personal_data.errors import InvalidPersonalData, NotErased
from app.personal_data.keys import SubjectKeys
from app.topology import slot_of

BATCH = 500


class Replayed(NamedTuple):
    """What replaying the log did."""

    erasures: int
    destroyed: int
    """Subjects whose keys a restore had brought back."""


async def erase(subject: str, *, at: datetime, log: ErasureLog, shards: Mapping[str, SubjectKeys]) -> bool:
    """Destroy a subject's key on every shard: all that was sealed with it is unreadable, wherever it was copied to.

    Whether there was a key. The log comes first: where anything fails after that, repeating the call or replaying the
    log completes it. Raises NotErased, InvalidPersonalData, DatabaseUnavailable.
    """
    if at.tzinfo is None:
        raise InvalidPersonalData(f"the time of an erasure has a time zone, {at.isoformat()} has none")
    if not subject:
        raise InvalidPersonalData("a subject has a name")
    erasure = Erasure(subject, at)
    await log.record([erasure])
    return await _destroy([erasure], shards) > 0


async def replay_erasures(
    log: ErasureLog, shards: Mapping[str, SubjectKeys], *, progress: Callable[[int, int], None] = lambda _, __: None
) -> Replayed:
    """Destroy again what a restore brought back: run it after every one, before anything reads.

    `progress` is told how many erasures of how many are done. May be interrupted and repeated. Raises as `erase`.
    """
    erasures = await log.entries()
    # A log that was itself restored learns what the others know.
    await log.record(erasures)
    destroyed = 0
    for start in range(0, len(erasures), BATCH):
        destroyed += await _destroy(erasures[start : start + BATCH], shards)
        progress(min(start + BATCH, len(erasures)), len(erasures))
    return Replayed(len(erasures), destroyed)


async def _destroy(erasures: Sequence[Erasure], shards: Mapping[str, SubjectKeys]) -> int:
    """Destroy keys on all shards: one that a slot has left, or is moving to, may hold a copy."""
    answers = await asyncio.gather(*(keys.erase(erasures) for keys in shards.values()), return_exceptions=True)
    owned: set[str] = set()
    destroyed: set[str] = set()
    for answer in answers:
        # Only now: the other shards have done it all the same.
        if isinstance(answer, BaseException):
            raise answer
        owned.update(destruction.subject for destruction in answer if destruction.owned)
        destroyed.update(destruction.subject for destruction in answer if destruction.destroyed)
    for erasure in erasures:
        if erasure.subject not in owned:
            raise NotErased(erasure.subject, slot_of(erasure.subject))
    return len(destroyed)
