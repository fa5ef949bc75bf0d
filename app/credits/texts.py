"""Texts of callers are personal data: each is sealed under the key of the account it is about."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from app.credits.events import Event, encode
from app.credits.model import Origin
from app.credits.values import AccountId
from app.events import NewEvent
from app.personal_data import Erased, PersonalData, Sealed
from app.personal_data.keys import Check, nothing
from app.topology import owner_of

ERASED: Mapping[str, Any] = {"erased": True}
"""Stands where a text was that nobody can read any more."""


class Texts:
    """Seals and opens texts; every call raises DatabaseUnavailable and MasterKeyFailed."""

    def __init__(self, personal: PersonalData) -> None:
        """Use `personal`, which must know `app.credits.events.PERSONAL_FIELDS`."""
        self._personal = personal

    async def seal(
        self, account: AccountId, events: Sequence[Event], origin: Origin, *, first: Check = nothing
    ) -> Sealed:
        """Return the events as they are stored; `first` may refuse to make a key. Raise SubjectErased."""
        plain = [new_event(event, origin) for event in events]
        if all(getattr(event, "reason", None) is None for event in events):
            return Sealed(tuple(plain), None)  # most are like this, and are spared the search
        return await self._personal.seal(owner_of(account), plain, first=first)

    async def content(self, account: AccountId, *parts: Any, text: str | None, first: Check = nothing) -> bytes:
        """Return what an idempotency key stands for, hashed with the account's key where it has a text."""
        plain = orjson.dumps([*parts, text])
        return plain if text is None else await self._personal.digest(owner_of(account), plain, first=first)

    async def opened(self, documents: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        """Return the data of events with texts opened, or ERASED; raise KeyMissing and SealBroken."""
        return [
            {name: ERASED if isinstance(value, Erased) else value for name, value in document.items()}
            for document in await self._personal.unseal(documents)
        ]


def new_event(event: Event, origin: Origin) -> NewEvent:
    """Return the event as it is stored, before sealing."""
    return NewEvent(type(event).__name__, encode(event), event.change, origin.metadata)
