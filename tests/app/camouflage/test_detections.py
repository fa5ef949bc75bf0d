"""Whoever presents a canary token is noticed, at either API, and learns nothing of that."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from app.api import create_app
from app.canaries.credentials import Bearer, Credentials
from app.canaries.key import CamouflageKey
from app.canaries.tokens import Canaries, Kind
from app.settings import ServeSettings
from app.topology import Directory
from localcloud.identity import ISSUER
from tests.app.camouflage.conftest import DOMAINS, account_of, running, token_of
from tests.app.conftest import AUDIENCE, Postgres
from tests.waiting import until

pytestmark = pytest.mark.servers


@pytest.fixture
async def ledger(settings: ServeSettings, migrated: Directory, canary_file: Path) -> AsyncIterator[httpx.AsyncClient]:
    """The real API, with the operator's key."""
    async with running(create_app(settings.model_copy(update={"canary_key": canary_file}), migrated)) as client:
        yield client


@pytest.fixture
async def blind(settings: ServeSettings, migrated: Directory) -> AsyncIterator[httpx.AsyncClient]:
    """The real API, without it."""
    async with running(create_app(settings, migrated)) as client:
        yield client


@pytest.fixture
def tokens(operator_key: CamouflageKey) -> dict[Kind, str]:
    """One of each kind, planted at place 5."""
    canaries = Canaries(operator_key)
    bearer = Bearer(ISSUER, AUDIENCE, ["credits:read"])
    return {
        Kind.ACCOUNT: account_of(operator_key, 11, place=5),
        Kind.EMAIL: canaries.email("anna.miller", DOMAINS[0], 5),
        Kind.CREDENTIAL: Credentials(operator_key).mint(bearer, "anna.miller", 5, 11, datetime.now(UTC)),
    }


def stored(postgres: Postgres, directory: Directory) -> list[dict[str, Any]]:
    found = []
    for shard in directory.shards:
        with postgres.as_operator(shard.database) as connection:
            rows = connection.execute("select data from events where type = 'CanaryPresented' order by recorded_at")
            found += [data for (data,) in rows]
    return found


async def events_after(postgres: Postgres, directory: Directory, count: int) -> list[dict[str, Any]]:
    async def enough() -> list[dict[str, Any]]:
        found = await asyncio.to_thread(stored, postgres, directory)
        return found if len(found) >= count else []

    return await until(enough, f"{count} stored sightings")


@pytest.mark.parametrize("kind", list(Kind))
@pytest.mark.parametrize("where", ["path", "query", "header", "body"])
async def test_a_token_is_noticed_wherever_it_is_presented(
    ledger: httpx.AsyncClient,
    migrated: Directory,
    postgres: Postgres,
    tokens: dict[Kind, str],
    kind: Kind,
    where: str,
) -> None:
    token, headers = tokens[kind], token_of(postgres, "mallory")
    if where == "path":
        await ledger.get(f"/accounts/{token}", headers=headers)
    elif where == "query":
        await ledger.get("/accounts/alice/statement", params={"cursor": token}, headers=headers)
    elif where == "header":
        await ledger.get("/accounts/alice", headers=headers | {"X-Api-Key": token})
    else:
        await ledger.post("/accounts/alice/grants", json={"amount": 1, "reason": token[:200]}, headers=headers)
        if kind is Kind.CREDENTIAL:
            await ledger.post("/accounts/alice/grants", json={"amount": 1, "key": token}, headers=headers)
    [event] = await events_after(postgres, migrated, 1)
    assert (event["kind"], event["place"], event["where"], event["caller"]) == (kind, 5, where, "mallory")
    assert event.get("index") == (None if kind is Kind.EMAIL else 11)
    assert event["client"].keys() == {"$sealed"}
    assert tokens[Kind.CREDENTIAL] not in json.dumps(event)
    metrics = (await ledger.get("/metrics")).text
    assert f'fortress_canaries_presented_total{{kind="{kind}",place="5"}}' in metrics


async def test_the_ledger_refuses_a_decoy_credential_and_both_sides_detect_it(
    ledger: httpx.AsyncClient,
    decoy: httpx.AsyncClient,
    migrated: Directory,
    decoys: Directory,
    postgres: Postgres,
    operator_key: CamouflageKey,
    tokens: dict[Kind, str],
) -> None:
    headers = {"Authorization": f"Bearer {tokens[Kind.CREDENTIAL]}"}
    account = account_of(operator_key, 2)
    refused = await ledger.get(f"/accounts/{account}", headers=headers)
    taken = await decoy.get(f"/accounts/{account}", headers=headers)
    assert (refused.status_code, taken.status_code) == (401, 200)
    kinds = {event["kind"] for event in await events_after(postgres, migrated, 2)}
    assert kinds == {Kind.ACCOUNT, Kind.CREDENTIAL}
    events = await events_after(postgres, decoys, 2)
    assert "anna.miller" in {event.get("caller") for event in events}


async def test_the_answer_is_what_it_would_be(
    ledger: httpx.AsyncClient, blind: httpx.AsyncClient, postgres: Postgres, tokens: dict[Kind, str]
) -> None:
    headers = token_of(postgres, "mallory") | {"X-Request-Id": "same"}
    for path in (f"/accounts/{tokens[Kind.ACCOUNT]}", f"/accounts/{tokens[Kind.EMAIL]}", "/accounts/alice"):
        for more in ({}, {"Authorization": f"Bearer {tokens[Kind.CREDENTIAL]}"}):
            watched = await ledger.get(path, headers=headers | more)
            plain = await blind.get(path, headers=headers | more)
            assert watched.status_code == plain.status_code
            assert watched.headers.raw == plain.headers.raw
            assert watched.content == plain.content


async def test_who_comes_again_within_the_hour_is_told_once_and_counted_always(
    ledger: httpx.AsyncClient, migrated: Directory, postgres: Postgres, tokens: dict[Kind, str]
) -> None:
    for subject in ("mallory", "mallory", "mallory", "other"):
        await ledger.get(f"/accounts/{tokens[Kind.ACCOUNT]}", headers=token_of(postgres, subject))
    events = await events_after(postgres, migrated, 2)
    assert sorted(event["caller"] for event in events) == ["mallory", "other"]
    counted = (await ledger.get("/metrics")).text
    assert 'fortress_canaries_presented_total{kind="account",place="5"} 4.0' in counted


async def test_letters_that_are_written_as_numbers_hide_nothing(
    ledger: httpx.AsyncClient, migrated: Directory, postgres: Postgres, tokens: dict[Kind, str]
) -> None:
    text = "".join(f"\\u{ord(letter):04x}" for letter in tokens[Kind.EMAIL])
    body = f'{{"amount": 1, "reason": "{text}"}}'
    headers = token_of(postgres, "mallory") | {"Content-Type": "application/json"}
    await ledger.post("/accounts/alice/grants", content=body, headers=headers)
    [event] = await events_after(postgres, migrated, 1)
    assert event["kind"] == Kind.EMAIL


async def test_ordinary_requests_are_nobodys_business(
    ledger: httpx.AsyncClient, migrated: Directory, postgres: Postgres
) -> None:
    headers = token_of(postgres, "tester") | {"X-Request-Id": "0b1f4b0e-6f4e-4a2b-9a53-0f3f7c1b8a11"}
    await ledger.post(
        "/accounts/alice/grants", json={"amount": 1, "reason": f"anna000000@{DOMAINS[0]}"}, headers=headers
    )
    await ledger.get("/accounts/alice", headers=headers)
    assert "fortress_canaries_presented_total{" not in (await ledger.get("/metrics")).text
    assert not stored(postgres, migrated)
