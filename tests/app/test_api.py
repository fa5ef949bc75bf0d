"""The HTTP API on real databases, one for each of three homes."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest

from app.api import create_app
from app.settings import ServeSettings
from app.sharding import Directory

from .conftest import Postgres, bearer

pytestmark = pytest.mark.servers

ACCOUNTS = {"aws": "alice", "azure": "carol", "gcp": "bob"}


@pytest.fixture
async def client(settings: ServeSettings, migrated: Directory, postgres: Postgres) -> AsyncIterator[httpx.AsyncClient]:
    app = create_app(settings, migrated)
    transport = httpx.ASGITransport(app)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://app", headers=bearer(postgres.authority)) as client,
    ):
        yield client


async def test_a_grant_is_stored_in_the_home_cloud(
    client: httpx.AsyncClient, migrated: Directory, postgres: Postgres
) -> None:
    for shard in migrated.shards:
        account = next(f"account-{n}" for n in range(100) if migrated.place_of(f"account-{n}").home == shard.home)
        answer = await client.post(f"/accounts/{account}/grants", json={"amount": 40, "reason": "welcome"})
        print(answer.text)
        assert answer.status_code == 201
        assert answer.json()["home"] == shard.home
        with postgres.as_operator(shard.database) as connection:
            assert connection.execute("select stream, total from events").fetchall() == [(account, 40)]
        answer = await client.get(f"/accounts/{account}")
        assert answer.json()["balance"] == 40
    print((await client.get("/readyz")).text)
    print((await client.get("/metrics")).text[:3000])
    print((await client.get("/openapi.json")).status_code)
