"""What callers say in their own words is personal: it is sealed under the key of the account that it is said of."""

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
        """`personal` is to know the fields of `app.credits.events.PERSONAL_FIELDS`."""
        self._personal = personal

    async def seal(
        self, account: AccountId, events: Sequence[Event], origin: Origin, *, first: Check = nothing
    ) -> Sealed:
        """The events as they are stored; `first` may refuse that the account gets a key. Raises SubjectErased."""
        plain = [new_event(event, origin) for event in events]
        if all(getattr(event, "reason", None) is None for event in events):
            return Sealed(tuple(plain), None)  # most are like this, and are spared the search
        return await self._personal.seal(owner_of(account), plain, first=first)

    async def content(self, account: AccountId, *parts: Any, text: str | None, first: Check = nothing) -> bytes:
        """What an idempotency key stands for: hashed with the account's key where there is a text; raises as `seal`."""
        plain = orjson.dumps([*parts, text])
        return plain if text is None else await self._personal.digest(owner_of(account), plain, first=first)

    async def opened(self, documents: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        """The data of events, with its texts or ERASED in their place; raises KeyMissing and SealBroken."""
        return [
            {name: ERASED if isinstance(value, Erased) else value for name, value in document.items()}
            for document in await self._personal.unseal(documents)
        ]


def new_event(event: Event, origin: Origin) -> NewEvent:
    """The event as it is written down, not sealed yet."""
    return NewEvent(type(event).__name__, encode(event), event.change, origin.metadata)
