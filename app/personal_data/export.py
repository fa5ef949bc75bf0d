"""Everything that the ledger holds about a person, readable by machines (GDPR Art. 15 and 20)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from datetime import datetime
from typing import Any, Protocol

import orjson

from app.personal_data.keys import SubjectKeys
from app.personal_data.sealing import Erased, SubjectKey, subjects_of, unseal
from app.queries import Connects, Reads, query

ERASED = {"erased": True}
WITHHELD = {"withheld": "personal data of somebody else"}
FETCHED = 1000


class Database(Reads, Connects, Protocol):
    """The database of a shard, as far as an export needs it."""


async def export(
    subject: str,
    *,
    at: datetime,
    databases: Mapping[str, Database],
    keys: Mapping[str, SubjectKeys],
    everywhere: bool = False,
) -> AsyncIterator[bytes]:
    """Yield one JSON document in pieces: the subject's stream, and streams named `<subject>/…`.

    The ledger seals for an account in its own stream alone. `everywhere` is for what others wrote: it reads every event
    of every shard once, for what is sealed for the subject in any stream.

    Archived events are among them; snapshots and read models hold nothing that the events do not. What is erased says
    so; what is sealed for others is left out. Raises DatabaseUnavailable, MasterKeyFailed, SealBroken.
    """
    known = await _key_of(subject, keys)
    head = {"exported_at": at, "key": await _times(subject, databases), "subject": subject}
    yield orjson.dumps(head)[:-1] + b',"events":['
    separator = b"\n"
    seen: set[tuple[str, int]] = set()
    for database in databases.values():
        async for event in _events(subject, database, everywhere=everywhere):
            # A slot that moves, or has moved, lies on two shards.
            if (place := (event["stream"], event["version"])) in seen:
                continue
            seen.add(place)
            event["data"] = unseal(event["data"], known, withheld=WITHHELD)
            yield separator + orjson.dumps(event, _marker, orjson.OPT_PASSTHROUGH_DATACLASS)
            separator = b",\n"
    yield b"]}\n"


async def _events(subject: str, database: Database, *, everywhere: bool) -> AsyncIterator[dict[str, Any]]:
    # A value that only contains the name of the subject passes this, and is looked at more closely below.
    parameters = {"subject": subject, "quoted": f'"subject":{orjson.dumps(subject).decode()}'}
    text = query("personal_data.read_events_of_subject")
    if everywhere:
        text = query("personal_data.read_events_about_subject")
    async with (
        database.dedicated() as connection,
        connection.transaction(),
        connection.cursor(name="export") as cursor,
    ):
        cursor.itersize = FETCHED
        await cursor.execute(text, parameters)
        names = [column.name for column in cursor.description or ()]
        async for row in cursor:
            event = dict(zip(names, row, strict=True))
            if _is_of(subject, event["stream"]) or subject in subjects_of(event["data"]):
                yield event


def _is_of(subject: str, stream: str) -> bool:
    return stream == subject or stream.startswith(f"{subject}/")


def _marker(value: Any) -> Any:
    if isinstance(value, Erased):
        return ERASED
    raise TypeError(f"{type(value).__name__} is not JSON")


async def _key_of(subject: str, shards: Mapping[str, SubjectKeys]) -> dict[str, SubjectKey | None]:
    """Return only the subject's key; none where it never had one, so nothing is sealed."""
    found = [key for keys in shards.values() for key in (await keys.find([subject])).values()]
    if not found:
        return {}
    return {subject: None if None in found else found[0]}


async def _times(subject: str, databases: Mapping[str, Database]) -> dict[str, datetime | None] | None:
    for database in databases.values():
        for created_at, erased_at in await database.rows(query("personal_data.read_key_times"), {"subject": subject}):
            return {"created_at": created_at, "erased_at": erased_at}
    return None
