"""Settling branches that their coordinator left prepared: its process died, or its connection was lost."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping

import structlog

from app.background import Worker
from app.database import DatabaseUnavailable
from app.transfers.metrics import TransferMetrics
from app.transfers.model import Decision, Gid, Prepared
from app.transfers.participant import LostRace, Participant

PATIENCE_SECONDS = 2.0
"""How long a coordinator may take to decide, from when the resolver first sees the prepared branch."""
LOOK_SECONDS = 0.5
"""Time between two looks."""
ANSWER_SECONDS = 1.0
"""How long a shard may take to answer: one that is down must not delay the others."""

log = structlog.get_logger(__name__)


class Resolver:
    """Watches the prepared transactions of one shard.

    Any number of processes may watch the same shard. A decision is one row with a unique key: the first one wins. A
    coordinator that is still alive finds out when it decides, and its branch is rolled back. So no leader is needed,
    whose lock a silent machine could keep.
    """

    def __init__(
        self,
        participant: Participant,
        deciders: Mapping[str, Participant],
        metrics: TransferMetrics,
        *,
        patience_seconds: float = PATIENCE_SECONDS,
        look_seconds: float = LOOK_SECONDS,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._participant = participant
        self._deciders = deciders
        self._metrics = metrics
        self._patience_seconds = patience_seconds
        self._look_seconds = look_seconds
        self._monotonic = monotonic
        # By the monotonic clock of this process: the server's clock may be set back.
        self._first_seen: dict[str, float] = {}

    @property
    def worker(self) -> Worker:
        """The background worker."""
        return Worker(f"transfers in doubt on {self._participant.name}", self.run)

    async def run(self) -> None:
        """Look for ever. A shard that does not answer is asked again at the next look."""
        while True:
            try:
                await self.look()
            except DatabaseUnavailable as error:
                log.warning("prepared transactions cannot be listed", shard=error.shard, error=str(error))
            await asyncio.sleep(self._look_seconds)

    async def look(self) -> None:
        """List prepared branches and settle those that are too old; raise DatabaseUnavailable."""
        prepared = await self._participant.list_prepared(seconds=ANSWER_SECONDS)
        self._metrics.saw(self._participant.name, prepared)
        await asyncio.gather(*(self._settle(gid) for gid in self._overdue(prepared)))

    def _overdue(self, prepared: list[Prepared]) -> list[Gid]:
        now = self._monotonic()
        ours = {
            transaction.gid: gid for transaction in prepared if transaction.ours and (gid := Gid.parse(transaction.gid))
        }
        self._first_seen = {text: self._first_seen.get(text, now) for text in ours}
        return [gid for text, gid in ours.items() if now - self._first_seen[text] >= self._patience_seconds]

    async def _settle(self, gid: Gid) -> None:
        shard = self._participant.name
        try:
            decision = await self._decide(gid)
            await self._participant.settle(gid, decision)
        except (DatabaseUnavailable, LostRace, KeyError) as error:
            self._metrics.unresolved(shard, gid.decider)
            log.warning("a transfer stays in doubt", shard=shard, gid=str(gid), error=str(error))
            return
        self._metrics.resolved(shard, decision)
        log.info("settled a transfer in doubt", shard=shard, gid=str(gid), decision=decision)

    async def _decide(self, gid: Gid) -> Decision:
        """Return the decision, after aborting an undecided attempt so that no later commit can contradict."""
        decider = self._deciders[gid.decider]
        return await decider.abort(gid.attempt, self._participant.name, seconds=ANSWER_SECONDS)
