"""The erasure log in an object store: out of reach of any restore of databases, also of all homes at once.

An erasure is an object that is made once and never changed. Its name tells it all, so that a list is enough to replay;
what the bucket forbids (to change, to delete) nobody can do who writes here.
"""

from __future__ import annotations

import asyncio
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

from app.personal_data.erasure_log import Erasure, each_once
from app.personal_data.errors import ErasureLogDamaged, InvalidPersonalData

LONGEST_NAME = 1000
"""Bytes. S3 and Google Cloud Storage take 1,024."""


class Bucket(Protocol):
    """What the log needs of an object store."""

    def create(self, name: str, content: Mapping[str, Any]) -> None:
        """Store an object unless there is one of that name; durable when it returns. Raises ErasureLogUnavailable."""
        ...

    def names(self, prefix: str) -> Iterator[str]:
        """Yield the names of all objects under a prefix; raise ErasureLogUnavailable."""
        ...


class ObjectErasureLog:
    """An object for each subject and time, named `<prefix><subject>/<time>`."""

    def __init__(self, bucket: Bucket, prefix: str) -> None:
        self._bucket = bucket
        self._prefix = f"{prefix.strip('/')}/".removeprefix("/")

    async def record(self, erasures: Sequence[Erasure]) -> None:
        """Note erasures; of one that is noted nothing changes. Raises ErasureLogUnavailable."""
        await asyncio.to_thread(self._record, erasures)

    async def entries(self) -> list[Erasure]:
        """Return each subject at its earliest time; raise ErasureLogUnavailable, ErasureLogDamaged."""
        return await asyncio.to_thread(self._entries)

    def _record(self, erasures: Sequence[Erasure]) -> None:
        wanted = {self._name_of(erasure): erasure for erasure in erasures}
        # A replay notes all there are: one list costs less than to try each.
        known = set(self._bucket.names(self._prefix)) if len(wanted) > 1 else set()
        for name, erasure in wanted.items():
            if name not in known:
                content = {"erased_at": erasure.erased_at.isoformat(), "subject": erasure.subject}
                self._bucket.create(name, content)

    def _entries(self) -> list[Erasure]:
        return each_once(self._erasure_of(name) for name in self._bucket.names(self._prefix))

    def _name_of(self, erasure: Erasure) -> str:
        subject = urlsafe_b64encode(erasure.subject.encode()).decode()
        name = f"{self._prefix}{subject}/{erasure.erased_at.isoformat()}"
        if len(name.encode()) > LONGEST_NAME:
            raise InvalidPersonalData(
                f"the name of the subject is too long for the erasure log: {erasure.subject[:40]}…"
            )
        return name

    def _erasure_of(self, name: str) -> Erasure:
        subject, _, time = name.removeprefix(self._prefix).partition("/")
        try:
            erasure = Erasure(urlsafe_b64decode(subject).decode(), datetime.fromisoformat(time))
            if erasure.erased_at.tzinfo is not None and self._name_of(erasure) == name:
                return erasure
        except ValueError:
            pass
        raise ErasureLogDamaged(f"the object {name} is no erasure")
