"""A decoy whose disk is full answers as the ledger does then: what is there is read, and no change is made."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import httpx
import pytest

from app.api import create_app
from app.canaries.key import CamouflageKey
from app.settings import ServeSettings
from app.topology import Directory
from tests.app.camouflage.conftest import account_of, running, token_of
from tests.app.conftest import Postgres

pytestmark = pytest.mark.servers

REFUSAL = """
create function disk_is_full() returns trigger language plpgsql as $$
begin
    raise exception 'could not extend file: No space left on device' using errcode = '{code}';
end
$$
"""
REFUSED = "create trigger disk_is_full before insert on {table} for each row execute function disk_is_full()"


@asynccontextmanager
async def full(postgres: Postgres, directory: Directory, *tables: str, code: str = "disk_full") -> AsyncIterator[None]:
    """Tables that take nothing more until the context ends."""
    refuse = [REFUSAL.replace("{code}", code), *(REFUSED.replace("{table}", table) for table in tables)]
    # In a thread: what the application has begun must come to its end, or its locks would be waited for in vain.
    await asyncio.to_thread(execute, postgres, directory, refuse)
    try:
        yield
    finally:
        await asyncio.to_thread(execute, postgres, directory, ["drop function disk_is_full cascade"])


def execute(postgres: Postgres, directory: Directory, statements: Sequence[str]) -> None:
    for shard in directory.shards:
        with postgres.as_operator(shard.database) as connection:
            for each in statements:
                connection.execute(each)


def told(answer: httpx.Response) -> tuple[int, object, list[bytes]]:
    """All of an answer that is not this request's own."""
    headers = [name for name, _ in answer.headers.raw]
    body = answer.json()
    return answer.status_code, (body["type"], body["title"], body["detail"]) if "type" in body else None, headers


@pytest.mark.parametrize("who", ["known", "new", "late"])
async def test_with_a_full_disk_the_decoy_answers_as_the_ledger_does(
    request: pytest.FixtureRequest,
    decoy: httpx.AsyncClient,
    decoys: Directory,
    settings: ServeSettings,
    migrated: Directory,
    operator_key: CamouflageKey,
    postgres: Postgres,
    who: str,
) -> None:
    account = account_of(operator_key, 10)
    headers = token_of(postgres, "mallory" if who == "known" else f"{who} at a full disk")
    if who == "late":
        request.getfixturevalue("late")
    reads = [f"/accounts/{account}{more}" for more in ("", "/statement", "/reservations")]

    async def answers(client: httpx.AsyncClient) -> list[httpx.Response]:
        read = [await client.get(path, headers=headers) for path in reads]
        changes = [f"/accounts/{account}/{act}" for act in ("grants", "spends", "reservations")]
        return read + [await client.post(path, json={"amount": 1}, headers=headers) for path in changes]

    async with running(create_app(settings, migrated)) as ledger:
        await ledger.post(f"/accounts/{account}/grants", json={"amount": 10**6}, headers=headers)
        async with full(postgres, migrated, "events"):
            expected = await answers(ledger)
    before = [(await decoy.get(path, headers=token_of(postgres, "other"))).content for path in reads]
    if who == "known":
        assert (await decoy.get(reads[0], headers=headers)).status_code == 200
    async with full(postgres, decoys, "events", "camouflage_worlds"):
        found = await answers(decoy)
    assert [answer.status_code for answer in expected] == [200, 200, 200, 503, 503, 503]
    assert [told(answer) for answer in found] == [told(answer) for answer in expected]
    assert [answer.content for answer in found[:3]] == before
    if who != "known":
        granted = await decoy.post(f"/accounts/{account}/grants", json={"amount": 1}, headers=headers)
        assert granted.status_code == 201
        assert (await decoy.get(reads[0], headers=headers)).json()["balance"] == granted.json()["balance"]


async def test_who_is_new_reads_from_a_server_that_takes_no_writes(
    decoy: httpx.AsyncClient, decoys: Directory, operator_key: CamouflageKey, postgres: Postgres
) -> None:
    """So some clouds keep a server whose disk is nearly full. The ledger writes nothing to read."""
    path, headers = f"/accounts/{account_of(operator_key, 10)}/statement", token_of(postgres, "new and read-only")
    expected = await decoy.get(path, headers=token_of(postgres, "other"))
    async with full(postgres, decoys, "camouflage_worlds", code="read_only_sql_transaction"):
        found = await decoy.get(path, headers=headers)
    assert (found.status_code, found.content) == (200, expected.content)
