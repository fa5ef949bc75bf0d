"""Deleting old decisions on transfers that nobody will ask for again."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import structlog

from app.background import Worker
from app.database import DatabaseUnavailable
from app.transfers.model import Gid
from app.transfers.participant import Participant

KEPT_SECONDS = 3600.0
"""Shortest time that a decision to commit is kept: a promoted standby may not have its branch settled yet."""
PAUSE_SECONDS = 60.0
"""Time between two rounds."""
DECISIONS_AT_ONCE = 10_000
"""Most decisions in one statement."""

log = structlog.get_logger(__name__)


class Forgetting:
    """Deletes the decisions of one shard whose branches are settled.

    A commit is decided after its branch was prepared. So if the decision is read first, and the branch is not prepared
    when its shard is read afterwards, it is settled. Decisions to abort stay: they are few, and the attempt that they
    forbid may still arrive.
    """

    def __init__(
        self,
        decider: Participant,
        participants: Mapping[str, Participant],
        *,
        kept_seconds: float = KEPT_SECONDS,
        pause_seconds: float = PAUSE_SECONDS,
    ) -> None:
        self._decider = decider
        self._participants = participants
        self._kept_seconds = kept_seconds
        self._pause_seconds = pause_seconds

    @property
    def worker(self) -> Worker:
        """The background worker; one process at a time is enough."""
        return Worker(f"decisions on transfers on {self._decider.name}", self.run)

    async def run(self) -> None:
        """Delete old decisions for ever; raise DatabaseUnavailable if the deciding shard does not answer."""
        while True:
            await self.forget()
            await asyncio.sleep(self._pause_seconds)

    async def forget(self) -> int:
        """Delete decisions that are old enough and settled; return how many."""
        return sum([await self._forget(participant) for participant in self._participants.values()])

    async def _forget(self, participant: Participant) -> int:
        decided = await self._decider.list_decided(
            participant.name, seconds=self._kept_seconds, limit=DECISIONS_AT_ONCE
        )
        if not decided:
            return 0
        try:
            prepared = {transaction.gid for transaction in await participant.list_prepared()}
        except DatabaseUnavailable as error:
            log.warning("decisions are kept: the other shard does not answer", shard=error.shard)
            return 0
        return await self._decider.forget(
            [attempt for attempt in decided if str(Gid(self._decider.name, attempt)) not in prepared]
        )
