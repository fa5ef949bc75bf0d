"""Removes decisions that nobody will ask for any more."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import structlog

from app.background import Worker
from app.database import DatabaseUnavailable
from app.transfers.model import Gid
from app.transfers.participant import Participant

KEPT_SECONDS = 3600.0
"""How long a commit is kept at least: for a standby that takes over and has not heard yet that its half was settled."""
PAUSE_SECONDS = 60.0
LIMIT = 10_000
"""Decisions in one statement."""

log = structlog.get_logger(__name__)


class Forgetting:
    """The decisions on one shard.

    A commit is decided after its half was prepared. So where the decision is read first, and the half is not among
    what its shard has prepared after that, it is settled. Aborts stay: they are few, and what they were raised against
    may still come.
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
        """As work in the background; one process at a time is enough."""
        return Worker(f"decisions on transfers on {self._decider.name}", self.run)

    async def run(self) -> None:
        """Forget again and again; raises DatabaseUnavailable where the deciding shard does not answer."""
        while True:
            await self.forget()
            await asyncio.sleep(self._pause_seconds)

    async def forget(self) -> int:
        """Remove what is old enough and settled; how many decisions that were."""
        return sum([await self._forget(participant) for participant in self._participants.values()])

    async def _forget(self, participant: Participant) -> int:
        decided = await self._decider.decided(participant.name, seconds=self._kept_seconds, limit=LIMIT)
        if not decided:
            return 0
        try:
            prepared = {each.gid for each in await participant.prepared()}
        except DatabaseUnavailable as error:
            log.warning("decisions are kept: their other shard does not answer", shard=error.shard)
            return 0
        return await self._decider.forget(
            [attempt for attempt in decided if str(Gid(self._decider.name, attempt)) not in prepared]
        )
