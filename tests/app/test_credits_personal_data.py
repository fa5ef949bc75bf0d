"""What callers write about accounts: sealed wherever it lies, told to who may read it, and gone after an erasure."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from typing import Any

import httpx
import orjson
import pytest
from fastapi import FastAPI
from typer.testing import CliRunner

from app.api import create_app
from app.credits import Granted, Spent, TransferredIn, account_id, fold
from app.events.append import content_hash
from app.personal_data.key_file import FileMasterKey
from app.settings import ServeSettings
from app.topology import Directory
from cli.main import app as commands
from tests.waiting import until

from .conftest import Postgres, bearer, log_in_as

pytestmark = pytest.mark.servers

SCOPES = ("credits:grant", "credits:spend", "credits:read", "credits:administer")
SECRET = "unmistakable words"
ERASED = {"erased": True}
ALICE = account_id("alice")
TEXTS = """
select coalesce(string_agg(each.text, ' '), '')
from (
    select data::text from events
    union all select metadata::text from events
    union all select state::text from snapshots
    union all select data::text from statement_lines
    union all select reservations::text from reservations
    union all select transfer_decisions::text from transfer_decisions
) as each (text)
"""


@pytest.fixture
async def application(settings: ServeSettings, migrated: Directory) -> AsyncIterator[FastAPI]:
    app = create_app(settings, migrated)
    async with app.router.lifespan_context(app):
        yield app


@pytest.fixture
async def client(application: FastAPI, postgres: Postgres) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(application)
    headers = bearer(postgres.authority, *SCOPES)
    async with httpx.AsyncClient(transport=transport, base_url="http://app", headers=headers) as client:
        yield client


async def post(client: httpx.AsyncClient, path: str, key: str | None = None, **body: Any) -> httpx.Response:
    return await client.post(path, json=body, headers={"Idempotency-Key": key} if key else {})


async def fortress(
    patch: pytest.MonkeyPatch, postgres: Postgres, settings: ServeSettings, *arguments: str, user: str = "migrator"
) -> str:
    """A command of an operator."""
    with patch.context() as environment:
        log_in_as(environment, postgres, user)
        environment.setenv("FORTRESS_CLOUD", settings.cloud)
        environment.setenv("FORTRESS_DIRECTORY", str(settings.directory))
        environment.setenv("FORTRESS_MASTER_KEY", settings.master_key)
        result = await asyncio.to_thread(CliRunner().invoke, commands, arguments)
    assert result.exit_code == 0, (result.output, result.exception)
    return result.stdout


async def reasons(client: httpx.AsyncClient, account: str = "alice") -> dict[str, Any]:
    lines = (await client.get(f"/accounts/{account}/statement")).raise_for_status().json()["lines"]
    return {line["type"]: line["details"].get("reason") for line in lines}


async def live(client: httpx.AsyncClient) -> None:
    """Everything that can happen to an account, each with a reason."""
    for account in ("alice", "bob"):
        (await post(client, f"/accounts/{account}/grants", amount=100, reason=f"{SECRET} 1")).raise_for_status()
    (await post(client, "/accounts/alice/spends", amount=1, reason=f"{SECRET} 2")).raise_for_status()
    reserved = await post(client, "/accounts/alice/reservations", amount=2, reason=f"{SECRET} 3")
    held = f"/accounts/alice/reservations/{reserved.json()['reservation']}"
    (await post(client, f"{held}/capture", amount=1, reason=f"{SECRET} 4")).raise_for_status()
    (await post(client, f"{held}/release")).raise_for_status()
    for source, target in (("alice", "bob"), ("bob", "alice")):
        moved = await post(client, "/transfers", source=source, target=target, amount=98, reason=f"{SECRET} 5")
        moved.raise_for_status()


def stored(postgres: Postgres, databases: Mapping[str, str]) -> str:
    texts = []
    for name in databases.values():
        with postgres.as_operator(name) as connection:
            [(text,)] = connection.execute(TEXTS)
            texts.append(text)
    return "\n".join(texts)


async def test_texts_lie_sealed_and_are_told_to_readers(
    client: httpx.AsyncClient, postgres: Postgres, databases: dict[str, str]
) -> None:
    await live(client)
    assert await reasons(client) == {
        "Granted": f"{SECRET} 1",
        "Spent": f"{SECRET} 2",
        "Reserved": f"{SECRET} 3",
        "Captured": f"{SECRET} 4",
        "Released": None,
        "TransferredOut": f"{SECRET} 5",
        "TransferredIn": f"{SECRET} 5",
    }
    text = stored(postgres, databases)
    assert text.count("$sealed") >= 9
    assert "unmistakable" not in text


async def test_closing_seals_its_reason_too(
    client: httpx.AsyncClient, postgres: Postgres, databases: dict[str, str]
) -> None:
    await post(client, "/accounts/alice/grants", amount=1)
    await post(client, "/accounts/alice/spends", amount=1)
    for _ in range(2):
        assert (await post(client, "/accounts/alice/close", "key", reason=SECRET)).status_code == 200
    assert (await post(client, "/accounts/alice/close", "key", reason="another")).status_code == 409
    assert (await reasons(client))["Closed"] == SECRET
    assert "unmistakable" not in stored(postgres, databases)


async def test_who_is_erased_keeps_a_balance_and_a_history_without_texts(
    client: httpx.AsyncClient,
    application: FastAPI,
    settings: ServeSettings,
    postgres: Postgres,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    await live(client)
    before = (await client.get("/accounts/alice")).json()
    export = json.loads(await fortress(monkeypatch, postgres, settings, "privacy", "export", "alice"))
    assert {event["data"].get("reason") for event in export["events"]} >= {f"{SECRET} {n}" for n in range(1, 6)}

    printed = await fortress(monkeypatch, postgres, settings, "privacy", "erase", "alice", "--yes")
    assert printed == "alice is erased: the key is destroyed\n"

    async def is_erased() -> bool:
        return (await reasons(client))["Granted"] == ERASED

    # A process may open texts for the seconds that it holds a key.
    await until(is_erased, "the erased reason", poll_seconds=0.1)
    shown = await reasons(client)
    assert shown == {kind: ERASED if kind != "Released" else None for kind in shown}
    assert (await client.get("/accounts/alice")).json() == before
    ledger = application.state.services.ledger
    history = await ledger.history(ALICE)
    assert history[0] == replace(Granted(100), reason=ERASED)
    account = fold(history)
    assert (account.available, account.version) == (before["balance"], before["version"])
    # The other side has the text under a key of its own.
    assert (await reasons(client, "bob"))["TransferredIn"] == f"{SECRET} 5"
    again = json.loads(await fortress(monkeypatch, postgres, settings, "privacy", "export", "alice"))
    assert all(event["data"].get("reason") in (None, ERASED) for event in again["events"])
    assert "unmistakable" not in json.dumps(again)


async def test_all_that_the_ledger_seals_for_an_account_is_in_its_own_stream(
    client: httpx.AsyncClient, settings: ServeSettings, postgres: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    await live(client)
    for account in ("alice", "bob"):
        own = json.loads(await fortress(monkeypatch, postgres, settings, "privacy", "export", account))
        scanned = json.loads(
            await fortress(monkeypatch, postgres, settings, "privacy", "export", account, "--everywhere")
        )
        assert own["events"] == scanned["events"] != []


async def test_an_erased_account_goes_on_without_texts(
    client: httpx.AsyncClient, settings: ServeSettings, postgres: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    await post(client, "/accounts/bob/grants", amount=1)
    await post(client, "/accounts/alice/grants", amount=10)
    await fortress(monkeypatch, postgres, settings, "privacy", "erase", "alice", "--yes")
    for path, body in (
        ("/accounts/alice/grants", {"amount": 1}),
        ("/accounts/alice/spends", {"amount": 1}),
        ("/transfers", {"source": "alice", "target": "bob", "amount": 1}),
        ("/transfers", {"source": "bob", "target": "alice", "amount": 1}),
    ):
        refused = await post(client, path, **body, reason=SECRET)
        assert (refused.status_code, refused.json()["type"].rpartition(":")[2]) == (409, "personal-data-erased")
        assert (await post(client, path, **body)).status_code == 201
    assert (await client.get("/accounts/alice")).json()["balance"] == 10


async def test_the_hash_that_a_key_stands_for_tells_nothing_without_the_persons_key(
    client: httpx.AsyncClient, postgres: Postgres, databases: dict[str, str]
) -> None:
    bodies = {"grants": {"amount": 5, "reason": SECRET}, "spends": {"amount": 1, "reason": SECRET}}
    for account in ("alice", "anna"):
        for operation, body in bodies.items():
            path = f"/accounts/{account}/{operation}"
            first = await post(client, path, operation, **body)
            again = await post(client, path, operation, **body)
            assert (first.status_code, again.status_code, again.json()) == (201, 201, first.json())
            assert again.headers["Idempotency-Replayed"] == "true"
            for other in (body | {"reason": "other"}, {"amount": body["amount"]}):
                assert (await post(client, path, operation, **other)).status_code == 409
    moved = {"source": "alice", "target": "anna", "amount": 2, "reason": SECRET}
    assert len({(await post(client, "/transfers", "t", **moved)).text for _ in range(2)}) == 1
    assert (await post(client, "/transfers", "t", **moved | {"reason": "other"})).status_code == 409
    assert (await post(client, "/transfers", **moved | {"reason": None})).status_code == 201
    hashes: list[tuple[str, int]] = []
    for name in databases.values():
        with postgres.as_operator(name) as connection:
            hashes += connection.execute("select type, content_hash from events where content_hash is not null")
    known = {content for _, content in hashes}
    assert plain_hash("anna", 2, None) in known  # so this is how it would be guessed
    assert plain_hash("anna", 2, SECRET) not in known
    grants = [content for kind, content in hashes if kind == "Granted"]
    assert len(set(grants)) == len(grants) == 2  # the same request to two accounts, each under a key of its own


def plain_hash(*parts: Any) -> int:
    """Hash what anybody can guess who knows the form of requests."""
    return content_hash(orjson.dumps(parts))


async def test_what_is_refused_leaves_no_key_of_an_account_that_is_not_there(
    client: httpx.AsyncClient, postgres: Postgres, databases: dict[str, str]
) -> None:
    await post(client, "/accounts/alice/grants", amount=1)
    reservation = f"/accounts/nobody/reservations/{'0' * 32}/capture"
    for path, body in (
        ("/accounts/nobody/spends", {"amount": 1}),
        ("/accounts/nobody/close", {}),
        (reservation, {}),
        ("/transfers", {"source": "alice", "target": "nobody", "amount": 1}),
        ("/transfers", {"source": "nobody", "target": "alice", "amount": 1}),
    ):
        assert (await post(client, path, **body, reason=SECRET)).status_code == 404
    for name in databases.values():
        with postgres.as_operator(name) as connection:
            assert connection.execute("select from subject_keys where subject = 'nobody'").fetchall() == []


async def test_without_its_master_key_texts_are_refused_and_all_else_goes_on(
    client: httpx.AsyncClient, application: FastAPI, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object) -> Any:
        from app.personal_data import MasterKeyFailed

        raise MasterKeyFailed("the keeper is down")

    monkeypatch.setattr(FileMasterKey, "wrap", fails)
    refused = await post(client, "/accounts/alice/grants", amount=1, reason=SECRET)
    assert (refused.status_code, refused.json()["type"].rpartition(":")[2]) == (503, "personal-data-unavailable")
    assert refused.headers["Retry-After"] == "1"
    assert (await post(client, "/accounts/alice/grants", amount=1)).status_code == 201
    assert await reasons(client) == {"Granted": None}


async def test_operators_see_texts_as_the_app_does(
    client: httpx.AsyncClient, settings: ServeSettings, postgres: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    await post(client, "/accounts/alice/grants", amount=1, reason=SECRET)
    arguments = ("credits", "statement", "alice", "--json")
    printed = await fortress(monkeypatch, postgres, settings, *arguments, user="ledger")
    assert json.loads(printed)["details"] == {"amount": 1, "reason": SECRET}


def test_events_that_take_texts_say_which() -> None:
    from app.credits.events import PERSONAL_FIELDS

    assert {kind.__name__ for kind in (Granted, Spent, TransferredIn)} <= PERSONAL_FIELDS.keys()
    assert set(PERSONAL_FIELDS.values()) == {("reason",)}
