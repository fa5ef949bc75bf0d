"""Events with personal fields, on their way into the store and out of it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import orjson

from app.events.model import NewEvent, Slot, StoredEvent
from app.personal_data.errors import KeyMissing
from app.personal_data.keys import Check, SubjectKeys, nothing
from app.personal_data.sealing import SubjectKey, has_any, seal, subjects_of, unseal
from app.sharding import Router
from app.topology import Place


@dataclass(frozen=True)
class Sealed:
    """Events to append: `Append(stream, sealed.events, slot, content=sealed.content)`."""

    events: tuple[NewEvent, ...]
    content: bytes | None
    """What an idempotency key stands for: a keyed hash of the plain data, which no one can guess at after an erasure.
    None where nothing is personal: then the events themselves tell."""


class PersonalData:
    """Seals and unseals for the whole ledger; reads of it raise DatabaseUnavailable and MasterKeyFailed."""

    def __init__(
        self, router: Router[Any], keys: Mapping[str, SubjectKeys], fields: Mapping[str, Collection[str]]
    ) -> None:
        """Use the keys of each shard; `fields` names the personal fields of each event type (`holder.email`).

        `router` tells where a subject lives; what it has there is of no matter.
        """
        self._router = router
        self._keys = keys
        self._fields = fields

    async def seal(self, subject: str, events: Sequence[NewEvent], *, first: Check = nothing) -> Sealed:
        """Seal the personal fields of events about a subject; raise SubjectErased, InvalidPersonalData.

        `first` is awaited before a subject gets its key; what it raises refuses that.
        """
        if not any(has_any(event.data, self._fields.get(event.type, ())) for event in events):
            return Sealed(tuple(events), None)
        key = await self._key(subject, first)
        sealed = tuple(replace(event, data=seal(event.data, self._fields.get(event.type, ()), key)) for event in events)
        return Sealed(sealed, key.digest(_content(events)))

    async def digest(self, subject: str, content: bytes, *, first: Check = nothing) -> bytes:
        """Hash content with the subject's key, so that it compares only while the key exists; raise as `seal`."""
        return (await self._key(subject, first)).digest(content)

    async def unseal(self, documents: Sequence[Any]) -> list[Any]:
        """Open sealed values in documents (events' data, states, read models), or put `Erased` in their place.

        Raises SealBroken and KeyMissing.
        """
        subjects = {subject for document in documents for subject in subjects_of(document)}
        keys = await self._find(subjects)
        return [unseal(document, keys) for document in documents]

    async def unseal_events(self, events: Sequence[StoredEvent]) -> list[StoredEvent]:
        """Open sealed values in events' data, or put `Erased` in their place; raise as `unseal`."""
        opened = await self.unseal([event.data for event in events])
        return [event._replace(data=data) for event, data in zip(events, opened, strict=True)]

    async def _key(self, subject: str, first: Check) -> SubjectKey:
        async def key(place: Place, _: Any) -> SubjectKey:
            return await self._keys[place.shard].of(subject, Slot(place.slot, place.epoch), first=first)

        return await self._router.routed(subject, key)

    async def _find(self, subjects: Collection[str]) -> dict[str, SubjectKey | None]:
        keys = await self._asked(subjects)
        missing = [subject for subject in subjects if subject not in keys]
        if missing:
            # Perhaps they moved, and the shard that is asked has dropped them.
            await self._router.refresh()
            keys |= await self._asked(missing)
        for subject in missing:
            if subject not in keys:
                raise KeyMissing(subject)
        return keys

    async def _asked(self, subjects: Collection[str]) -> dict[str, SubjectKey | None]:
        keys: dict[str, SubjectKey | None] = {}
        for shard, group in self._router.by_shard(subjects).items():
            keys |= await self._keys[shard].find([subject for subject, _ in group])
        return keys


def _content(events: Sequence[NewEvent]) -> bytes:
    plain = [[event.type, event.schema_version, event.data] for event in events]
    return orjson.dumps(plain, None, orjson.OPT_SORT_KEYS)
