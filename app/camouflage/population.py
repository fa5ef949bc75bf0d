"""The accounts of a place: who they are, and what happened to them, always the same for the same key."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from app.camouflage.canaries import Canaries, Kind
from app.camouflage.habits import Habits
from app.camouflage.histories import GROUP, Group, Happened
from app.camouflage.key import CamouflageKey, mac
from app.camouflage.reasons import Reasons

Block = Sequence[Happened]
GROUPS = 32
"""Groups in a block: about twenty thousand events."""


@dataclass(frozen=True)
class Population:
    """The accounts of one place."""

    key: CamouflageKey
    place: int
    rows: int
    habits: Habits
    reasons: Reasons
    until: datetime

    def blocks(self) -> Iterator[Block]:
        """What happened, some groups of accounts at a time, whole groups always."""
        step = GROUP * GROUPS
        for first in range(0, self.rows, step):
            yield [
                happened
                for start in range(first, min(first + step, self.rows), GROUP)
                for happened in self._group(start)
            ]

    def _group(self, start: int) -> list[Happened]:
        canaries = Canaries(self.key)
        # Whole groups always: what happens in one must not depend on how many rows are asked for.
        accounts = [str(canaries.token(Kind.ACCOUNT, self.place, start + number)) for number in range(GROUP)]
        seed = int.from_bytes(mac(self.key.of("histories"), str(self.place), str(start))[:16])
        return Group(accounts, self.habits, self.reasons, self.until).history(seed)
