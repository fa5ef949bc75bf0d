"""The data keys of the subjects of one shard: made when first needed, held for seconds, destroyed for good."""

from __future__ import annotations

import asyncio
import os
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Collection, Sequence
from typing import NamedTuple

from app.events.errors import WrongEpoch
from app.events.model import Slot
from app.personal_data.erasure_log import Erasure
from app.personal_data.errors import SubjectErased
from app.personal_data.key_reads import KeyReads
from app.personal_data.master_key import MasterKey, Wrapped, context_of
from app.personal_data.sealing import SECRET_BYTES, Random, SubjectKey
from app.queries import Reads, query
from app.topology import slot_of

HELD_SECONDS = 5.0
"""How long another process may go on to open what is erased here."""
OPENED_SECONDS = 600.0
"""How long an opened key is sealed with, and spares its keeper a question; before it opens anything its shard is asked
whether it is still there. What is sealed with a key that was destroyed meanwhile nobody can open."""
HELD_KEYS = 10_000

Check = Callable[[], Awaitable[None]]


async def nothing() -> None:
    """Refuse nothing."""


class Destruction(NamedTuple):
    """What erasing a subject did on one shard."""

    subject: str
    owned: bool
    """Whether the shard owns the subject's slot, and so has noted the erasure."""
    destroyed: bool
    """Whether there was a key."""


class SubjectKeys:
    """The keys of one shard; a call raises DatabaseUnavailable and MasterKeyFailed."""

    def __init__(
        self,
        database: Reads,
        master: MasterKey,
        *,
        held_seconds: float = HELD_SECONDS,
        now: Callable[[], float] = time.monotonic,
        random: Random = os.urandom,
    ) -> None:
        self._database = database
        self._reads = KeyReads(database)
        self._master = master
        self._held = _Held(held_seconds, now)
        self._random = random

    async def of(self, subject: str, slot: Slot, *, first: Check = nothing) -> SubjectKey:
        """Return the key to seal with, made where there is none; raise SubjectErased and WrongEpoch.

        `first` is awaited before one is made, and may refuse that.
        """
        if (known := self._held.sealing(subject)) is not None:
            return known
        found = await self.find([subject])
        if subject not in found:
            await first()
            return await self._made(subject, slot)
        key = found[subject]
        if key is None:
            raise SubjectErased(subject)
        return key

    async def find(self, subjects: Collection[str]) -> dict[str, SubjectKey | None]:
        """Return keys of subjects in one round trip: None where destroyed, left out where there never was one."""
        found = self._held.among(subjects)
        missing = [subject for subject in subjects if subject not in found]
        if missing:
            stored = await self._reads.of(missing)
            keys = await asyncio.gather(*(self._opened(*each) for each in stored))
            for each, key in zip(stored, keys, strict=True):
                found[each.subject] = key
                self._held.keep(each.subject, key, each.wrapped)
        return found

    async def erase(self, erasures: Sequence[Erasure]) -> list[Destruction]:
        """Destroy keys for good, and note the erasures where their slots are owned; may be repeated."""
        parameters = {
            "subjects": [erasure.subject for erasure in erasures],
            "slots": [slot_of(erasure.subject) for erasure in erasures],
            "times": [erasure.erased_at for erasure in erasures],
        }
        try:
            return [
                Destruction(*row)
                for row in await self._database.rows(query("personal_data.erase_subjects"), parameters)
            ]
        finally:
            # Also where it is not known whether it was done.
            for erasure in erasures:
                self._held.forget(erasure.subject)

    async def rewrap(self, *, batch: int = 100, progress: Callable[[int], None] = lambda _: None) -> int:
        """Wrap with the current master key what earlier ones wrapped; how many. Can be interrupted and repeated."""
        current = await asyncio.to_thread(self._master.current)
        after, done = "", 0
        while True:
            parameters = {"after": after, "current": current, "limit": batch}
            rows = await self._database.rows(query("personal_data.read_keys_to_rewrap"), parameters)
            if not rows:
                return done
            done += sum(await asyncio.gather(*(self._rewrapped(*row) for row in rows)))
            after = rows[-1][0]
            progress(done)

    async def _rewrapped(self, subject: str, value: bytes, key_id: str) -> bool:
        context = context_of(subject)
        secret = await asyncio.to_thread(self._master.unwrap, Wrapped(key_id, value), context)
        wrapped = await asyncio.to_thread(self._master.wrap, secret, context)
        parameters = {"subject": subject, "replaced": value, "wrapped": wrapped.value, "master_key": wrapped.key_id}
        [(changed,)] = await self._database.rows(query("personal_data.rewrap_subject_key"), parameters)
        return bool(changed)

    async def _made(self, subject: str, slot: Slot) -> SubjectKey:
        wrapped = await asyncio.to_thread(self._master.wrap, self._random(SECRET_BYTES), context_of(subject))
        parameters = {
            "subject": subject,
            "slot": slot.number,
            "epoch": slot.epoch,
            "wrapped": wrapped.value,
            "master_key": wrapped.key_id,
        }
        [(outcome, epoch, *kept)] = await self._database.rows(query("personal_data.keep_subject_key"), parameters)
        if outcome == "wrong epoch":
            raise WrongEpoch(subject, slot.number, slot.epoch, epoch)
        # Not the key at hand but what readers will find: another process may have been first.
        key = await self._opened(subject, *kept)
        if key is None:
            raise SubjectErased(subject)
        self._held.keep(subject, key, kept[0])
        return key

    async def _opened(self, subject: str, value: bytes | None, key_id: str | None) -> SubjectKey | None:
        if value is None or key_id is None:
            return None
        if (known := self._held.opened(subject, value)) is not None:
            return known
        secret = await asyncio.to_thread(self._master.unwrap, Wrapped(key_id, value), context_of(subject))
        return SubjectKey(subject, secret)


class _Entry(NamedTuple):
    read_at: float
    key: SubjectKey | None
    """None where the subject is erased."""
    wrapped: bytes | None


class _Held:
    """Keys that were read lately; an erased subject is one too."""

    def __init__(self, seconds: float, now: Callable[[], float]) -> None:
        self._seconds = seconds
        self._now = now
        self._entries: OrderedDict[str, _Entry] = OrderedDict()

    def among(self, subjects: Collection[str]) -> dict[str, SubjectKey | None]:
        now = self._now()
        self._forget_old(now)
        found = ((subject, self._entries.get(subject)) for subject in subjects)
        return {subject: entry.key for subject, entry in found if entry and entry.read_at + self._seconds > now}

    def sealing(self, subject: str) -> SubjectKey | None:
        """Return a key that was opened lately, even if it was destroyed since."""
        self._forget_old(self._now())
        entry = self._entries.get(subject)
        return entry.key if entry else None

    def opened(self, subject: str, wrapped: bytes) -> SubjectKey | None:
        """Return the key that was opened before, if the shard still has the same."""
        entry = self._entries.get(subject)
        return entry.key if entry and entry.wrapped == wrapped else None

    def keep(self, subject: str, key: SubjectKey | None, wrapped: bytes | None) -> None:
        self._entries.pop(subject, None)
        self._entries[subject] = _Entry(self._now(), key, wrapped)
        if len(self._entries) > HELD_KEYS:
            self._entries.popitem(last=False)

    def forget(self, subject: str) -> None:
        self._entries.pop(subject, None)

    def _forget_old(self, now: float) -> None:
        while self._entries and next(iter(self._entries.values())).read_at + OPENED_SECONDS <= now:
            self._entries.popitem(last=False)
