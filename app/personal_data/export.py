"""Everything that the ledger holds about a person, readable by machines (GDPR Art. 15 and 20)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from datetime import datetime
from typing import Any, Protocol

import orjson

from app.personal_data.keys import SubjectKeys
from app.personal_data.sealing import Erased, Keys, SubjectKey, subjects_of, unseal
from app.personal_data.statements import statement
from app.statements import Connects, Reads

Row = tuple[Any, ...]
ERASED = {"erased": True}
WITHHELD = {"withheld": "personal data of somebody else"}
FETCHED = 1000


class Database(Reads, Connects, Protocol):
    """The database of a shard, as far as an export needs it."""


async def export(
    subject: str, *, at: datetime, databases: Mapping[str, Database], keys: Mapping[str, SubjectKeys]
) -> AsyncIterator[bytes]:
    """One JSON document in pieces: the subject's own stream, and what is sealed for it in other streams.

    Archived events are among them; snapshots and read models hold nothing that the events do not. What is erased says
    so; what is sealed for others is left out. Reads every event of every shard once. Raises DatabaseUnavailable,
    MasterKeyFailed, SealBroken.
    """
    known = await _key_of(subject, keys)
    head = {"exported_at": at, "key": await _times(subject, databases), "subject": subject}
    yield orjson.dumps(head)[:-1] + b',"events":['
    separator = b"\n"
    for database in databases.values():
        async for event in _events(subject, database, known):
            yield separator + event
            separator = b",\n"
    yield b"]}\n"


async def _events(subject: str, database: Database, keys: Keys) -> AsyncIterator[bytes]:
    # A value that only contains the name of the subject passes this, and is looked at more closely below.
    parameters = {"subject": subject, "quoted": f'"subject":{orjson.dumps(subject).decode()}'}
    async with (
        database.dedicated() as connection,
        connection.transaction(),
        connection.cursor(name="export") as cursor,
    ):
        cursor.itersize = FETCHED
        await cursor.execute(statement("events_about"), parameters)
        names = [column.name for column in cursor.description or ()]
        async for row in cursor:
            event = dict(zip(names, row, strict=True))
            if event["stream"] == subject or subject in subjects_of(event["data"]):
                event["data"] = unseal(event["data"], keys, withheld=WITHHELD)
                yield orjson.dumps(event, _marker, orjson.OPT_PASSTHROUGH_DATACLASS)


def _marker(value: Any) -> Any:
    if isinstance(value, Erased):
        return ERASED
    raise TypeError(f"{type(value).__name__} is not JSON")


async def _key_of(subject: str, shards: Mapping[str, SubjectKeys]) -> dict[str, SubjectKey | None]:
    """The subject's key alone; none where it never had one, and so nothing is sealed."""
    found = [key for keys in shards.values() for key in (await keys.find([subject])).values()]
    if not found:
        return {}
    return {subject: None if None in found else found[0]}


async def _times(subject: str, databases: Mapping[str, Database]) -> dict[str, datetime | None] | None:
    for database in databases.values():
        for created_at, erased_at in await database.rows(statement("read_key_times"), {"subject": subject}):
            return {"created_at": created_at, "erased_at": erased_at}
    return None
