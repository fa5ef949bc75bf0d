"""Who or what changed the stack: updates, with their author, or nobody who told the engine."""

from __future__ import annotations

import datetime
import enum
from collections.abc import Iterable, Sequence

from policies.documents import Part

REFRESH = "refresh"


class Origin(enum.Enum):
    """Where a change of findings comes from."""

    START = "before the watch"
    """It was so when the first pass of the log looked."""
    UPDATE = "update"
    DRIFT = "drift"
    """Changed behind the engine's back; a refresh found it."""
    EDIT = "edit of the state"
    """The state is another one, and its history knows of no update."""
    RULES = "rules"
    """The stack is as it was: an exemption began or ended, or checks, levels or options changed."""
    WATCH = "watch"
    """A pass failed, or works again."""


class Update(Part):
    """One entry of the engine's history."""

    version: int
    """As the backend counts; backends that are plain files do not count."""
    kind: str
    """update, refresh, destroy, import ..."""
    started: datetime.datetime
    author: str
    message: str
    commit: str = ""

    @property
    def id(self) -> str:
        """Return an identity that no other update of the stack has."""
        return f"{self.version}/{self.kind}/{self.started.isoformat()}"


class Cause(Part):
    """By whom."""

    origin: Origin
    updates: tuple[Update, ...] = ()
    """Newest first; where there are several, it was one of them."""

    def __str__(self) -> str:
        """Say it in a few words."""
        if self.origin is not Origin.UPDATE:
            return str(self.origin.value)
        last = self.updates[0]
        several = f", or one of {len(self.updates) - 1} before it" if len(self.updates) > 1 else ""
        return f"{last.kind} by {last.author}: {last.message}{several}"


def list_unseen(history: Sequence[Update], seen: str) -> tuple[Update, ...]:
    """Return the updates after the one with the id `seen`, newest first; all, where it is not there any more."""
    ids = [update.id for update in history]
    return tuple(history[: ids.index(seen)] if seen in ids else history)


def infer_cause(updates: Iterable[Update], otherwise: Origin) -> Cause:
    """Return the cause of updates; a refresh alone changes nothing itself, so what it brings is drift."""
    updates = tuple(updates)
    if not updates:
        return Cause(origin=otherwise)
    drift = all(update.kind == REFRESH for update in updates)
    return Cause(origin=Origin.DRIFT if drift else Origin.UPDATE, updates=updates)
