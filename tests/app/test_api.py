"""The HTTP API on real databases, one for each of three homes."""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from hypothesis import HealthCheck, given
from hypothesis import settings as example_settings
from hypothesis import strategies as st
from structlog.testing import capture_logs

from app.api import create_app
from app.api.limits import LARGEST_BODY
from app.credits import LARGEST_AMOUNT, account_id, fold
from app.settings import ServeSettings
from app.topology import Directory

from .conftest import Postgres, bearer

pytestmark = pytest.mark.servers

PROBLEM = "application/problem+json"


@pytest.fixture
async def application(settings: ServeSettings, migrated: Directory) -> AsyncIterator[FastAPI]:
    app = create_app(settings, migrated)
    async with app.router.lifespan_context(app):
        yield app


@pytest.fixture
async def client(application: FastAPI, postgres: Postgres) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(application)
    headers = bearer(postgres.authority)
    async with httpx.AsyncClient(transport=transport, base_url="http://app", headers=headers) as client:
        yield client


def account_at(directory: Directory, home: str) -> str:
    return next(name for name in (f"account-{n}" for n in range(1000)) if directory.place_of(name).home == home)


async def grant(client: httpx.AsyncClient, account: str, amount: int, key: str | None = None) -> httpx.Response:
    headers = {"Idempotency-Key": key} if key else {}
    return await client.post(f"/accounts/{account}/grants", json={"amount": amount}, headers=headers)


@pytest.mark.parametrize("home", ["aws", "azure", "gcp"])
async def test_a_grant_is_stored_in_the_accounts_home_cloud(
    client: httpx.AsyncClient, migrated: Directory, postgres: Postgres, home: str
) -> None:
    account, [shard] = account_at(migrated, home), migrated.at_home(home)
    answer = await client.post(f"/accounts/{account}/grants", json={"amount": 40, "reason": "welcome"})
    assert answer.status_code == 201
    place = {"slot": migrated.place_of(account).slot, "shard": f"{home}-0", "home": home}
    assert answer.json() == {"account": account, "amount": 40, "balance": 40, "version": 1, **place}
    with postgres.as_operator(shard.database) as connection:
        stored = connection.execute("select stream, type, data, metadata, total from events").fetchall()
    origin = {"actor": "tester", "request": answer.headers["X-Request-Id"]}
    [(_, _, data, _, _)] = stored
    assert data.pop("reason").keys() == {"$sealed"}
    assert stored == [(account, "Granted", {"amount": 40}, origin, 40)]
    answer = await client.get(f"/accounts/{account}")
    assert answer.status_code == 200
    assert answer.json() == {"account": account, "balance": 40, "reserved": 0, "version": 1, "closed": False, **place}


async def test_a_repeated_request_counts_once(client: httpx.AsyncClient) -> None:
    first = await grant(client, "alice", 40, "key-1")
    await grant(client, "alice", 2)
    again = await grant(client, "alice", 40, "key-1")
    assert (again.status_code, again.json()) == (201, first.json())
    assert again.headers["Idempotency-Replayed"] == "true"
    assert "Idempotency-Replayed" not in first.headers
    assert (await client.get("/accounts/alice")).json()["balance"] == 42


async def test_a_key_with_other_content_is_a_conflict(client: httpx.AsyncClient) -> None:
    await grant(client, "alice", 40, "key-1")
    answer = await grant(client, "alice", 41, "key-1")
    assert (answer.status_code, answer.headers["Content-Type"]) == (409, PROBLEM)
    assert answer.json()["type"] == "urn:problem-type:living-fortress:idempotency-key-reused"
    assert (await client.get("/accounts/alice")).json()["balance"] == 40


async def test_accounts_do_not_share_keys(client: httpx.AsyncClient) -> None:
    assert (await grant(client, "alice", 1, "key-1")).json()["balance"] == 1
    assert (await grant(client, "bob", 2, "key-1")).json()["balance"] == 2


async def test_grants_that_race_are_all_stored_without_a_hole(client: httpx.AsyncClient, application: FastAPI) -> None:
    answers = await asyncio.gather(*(grant(client, "alice", amount) for amount in range(1, 41)))
    assert {answer.status_code for answer in answers} == {201}
    assert sorted(answer.json()["version"] for answer in answers) == list(range(1, 41))
    history = await application.state.services.ledger.history(account_id("alice"))
    for answer in answers:
        account = fold(history[: answer.json()["version"]])
        assert account.available == answer.json()["balance"]


async def test_one_request_sent_many_times_at_once_counts_once(client: httpx.AsyncClient) -> None:
    answers = await asyncio.gather(*(grant(client, "alice", 5, "same") for _ in range(20)))
    assert {answer.text for answer in answers} == {answers[0].text}
    assert sum("Idempotency-Replayed" not in answer.headers for answer in answers) == 1
    assert (await client.get("/accounts/alice")).json()["balance"] == 5


OPERATIONS = st.lists(
    st.tuples(st.sampled_from("abc"), st.integers(1, 1000), st.none() | st.sampled_from(["k1", "k2"])), max_size=12
)


@example_settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(operations=OPERATIONS)
async def test_any_sequence_of_grants_agrees_with_a_dictionary(
    client: httpx.AsyncClient, operations: list[tuple[str, int, str | None]]
) -> None:
    run = uuid.uuid4()
    balances: dict[str, int] = {}
    keys: dict[tuple[str, str], int] = {}
    for suffix, amount, key in operations:
        account = f"{run}-{suffix}"
        answer = await grant(client, account, amount, key)
        known = keys.get((account, key)) if key else None
        if known is not None and known != amount:
            assert answer.status_code == 409
            continue
        if known is None:
            balances[account] = balances.get(account, 0) + amount
        if key:
            keys[account, key] = amount
        assert answer.status_code == 201
    for account, balance in balances.items():
        assert (await client.get(f"/accounts/{account}")).json()["balance"] == balance


async def test_a_balance_that_cannot_be_stored_is_refused(client: httpx.AsyncClient) -> None:
    assert (await grant(client, "alice", LARGEST_AMOUNT)).status_code == 201
    answer = await grant(client, "alice", 1)
    assert (answer.status_code, answer.json()["type"]) == (409, "urn:problem-type:living-fortress:balance-too-large")
    assert (await client.get("/accounts/alice")).json()["balance"] == LARGEST_AMOUNT


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b'{"amount": 0}',
        b'{"amount": -1}',
        b'{"amount": 1.5}',
        b'{"amount": "1"}',
        b'{"amount": true}',
        b'{"amount": NaN}',
        b'{"amount": 1e17}',
        b'{"amount": Infinity}',
        b'{"amount": 9223372036854775808}',
        b'{"amount": 1, "amuont": 2}',
        b'{"amount": 1, "reason": ""}',
        b'{"amount": 1, "reason": 7}',
        b'{"amount": 1, "reason": "\\u0000"}',
        b'{"amount": 1, "reason": "\\ud800"}',
        b'{"amount": 1, "reason": "%s"}' % (b"x" * 201),
    ],
)
async def test_a_wrong_grant_is_refused_and_nothing_is_stored(client: httpx.AsyncClient, body: bytes) -> None:
    answer = await client.post("/accounts/alice/grants", content=body, headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.headers["Content-Type"]) == (422, PROBLEM)
    assert answer.json()["errors"]
    assert (await client.get("/accounts/alice")).status_code == 404


@pytest.mark.parametrize("body", [b'{"amount": 100.0}', b'{"amount": 1e2}'])
async def test_a_whole_number_may_be_written_as_json_allows(client: httpx.AsyncClient, body: bytes) -> None:
    answer = await client.post("/accounts/alice/grants", content=body, headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.json()["amount"]) == (201, 100)


async def test_what_is_not_even_text_is_refused(client: httpx.AsyncClient) -> None:
    answer = await client.post("/accounts/alice/grants", content=b"\xff", headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.headers["Content-Type"]) == (400, PROBLEM)


@pytest.mark.parametrize("account", ["-a", "a-", "a%20b", "%C3%A4", "x" * 65, "a%0A", "a%00"])
async def test_a_wrong_account_is_refused(client: httpx.AsyncClient, account: str) -> None:
    assert (await client.get(f"/accounts/{account}")).status_code == 422
    assert (await grant(client, account, 1)).status_code == 422


@pytest.mark.parametrize("key", ["x" * 201, "a b", " "])
async def test_a_wrong_idempotency_key_is_refused(client: httpx.AsyncClient, key: str) -> None:
    assert (await grant(client, "alice", 1, key)).status_code == 422


async def test_an_unknown_account_is_not_found(client: httpx.AsyncClient) -> None:
    answer = await client.get("/accounts/nobody")
    assert (answer.status_code, answer.headers["Content-Type"]) == (404, PROBLEM)
    assert answer.json() == {
        "type": "urn:problem-type:living-fortress:unknown-account",
        "title": "Unknown account",
        "status": 404,
        "detail": "there is no account nobody",
    }


@pytest.mark.parametrize(("path", "status"), [("/", 404), ("/accounts", 404), ("/accounts/alice", 405)])
async def test_wrong_paths_and_methods_are_problems_too(client: httpx.AsyncClient, path: str, status: int) -> None:
    answer = await client.delete(path)
    assert (answer.status_code, answer.headers["Content-Type"]) == (status, PROBLEM)


async def test_a_wrong_method_is_answered_with_the_allowed_ones(client: httpx.AsyncClient) -> None:
    assert (await client.delete("/accounts/alice/reservations")).headers["Allow"] == "GET, POST"


async def chunks(size: int) -> AsyncIterator[bytes]:
    for _ in range(size // 1024 + 1):
        yield b" " * 1024


@pytest.mark.parametrize("streamed", [True, False])
async def test_a_large_body_is_refused(client: httpx.AsyncClient, streamed: bool) -> None:
    body: Any = chunks(LARGEST_BODY) if streamed else b" " * (LARGEST_BODY + 1)
    answer = await client.post("/accounts/alice/grants", content=body, headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.headers["Content-Type"]) == (413, PROBLEM)


class TestAuthorisation:
    """Authentication and scopes."""

    @pytest.mark.parametrize(
        "headers", [{"Authorization": ""}, {"Authorization": "Basic YTpi"}, {"Authorization": "Bearer"}]
    )
    async def test_without_a_token_nobody_is(self, client: httpx.AsyncClient, headers: dict[str, str]) -> None:
        answer = await client.get("/accounts/alice", headers=headers)
        assert (answer.status_code, answer.headers["Content-Type"]) == (401, PROBLEM)
        assert answer.headers["WWW-Authenticate"] == "Bearer"

    async def test_an_expired_token_is_refused(self, client: httpx.AsyncClient, postgres: Postgres) -> None:
        headers = bearer(postgres.authority, lifetime=timedelta(seconds=-60))
        answer = await client.get("/accounts/alice", headers=headers)
        assert answer.status_code == 401
        assert answer.headers["WWW-Authenticate"].startswith('Bearer error="invalid_token"')
        assert answer.json()["detail"] == "the token has expired"

    async def test_a_token_for_another_audience_is_refused(self, client: httpx.AsyncClient, postgres: Postgres) -> None:
        answer = await client.get("/accounts/alice", headers=bearer(postgres.authority, audience="other"))
        assert answer.status_code == 401

    @pytest.mark.parametrize(("scope", "grants", "reads"), [("credits:grant", 201, 403), ("credits:read", 403, 404)])
    async def test_a_scope_allows_one_thing(
        self, client: httpx.AsyncClient, postgres: Postgres, scope: str, grants: int, reads: int
    ) -> None:
        client.headers.update(bearer(postgres.authority, scope))
        answers = {grants: await grant(client, "alice", 1), reads: await client.get("/accounts/alice")}
        for status, answer in answers.items():
            assert answer.status_code == status
        assert 'error="insufficient_scope"' in answers[403].headers["WWW-Authenticate"]

    async def test_operations_need_no_token(self, client: httpx.AsyncClient) -> None:
        del client.headers["Authorization"]
        for path in ("/healthz", "/readyz", "/metrics", "/docs", "/openapi.json"):
            assert (await client.get(path)).status_code == 200

    async def test_without_the_issuers_keys_it_is_the_services_fault(
        self, client: httpx.AsyncClient, settings: ServeSettings
    ) -> None:
        Path(settings.oidc_jwks_uri.removeprefix("file://")).unlink()
        answer = await client.get("/accounts/alice")
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "1")
        assert answer.json()["type"] == "urn:problem-type:living-fortress:issuer-unavailable"


class TestOperations:
    """Health, readiness, metrics and logs."""

    async def test_readiness_asks_the_home_shards(self, client: httpx.AsyncClient) -> None:
        answer = await client.get("/readyz")
        assert (answer.status_code, answer.json()) == (200, {"shards": {"aws-0": "ready"}})

    async def test_a_database_without_tables_is_not_ready(
        self, client: httpx.AsyncClient, migrated: Directory, postgres: Postgres
    ) -> None:
        with postgres.as_operator(migrated.shards[0].database) as connection:
            connection.execute("alter table slots rename to other")
            answer = await client.get("/readyz")
            connection.execute("alter table other rename to slots")
        assert (answer.status_code, answer.headers["Content-Type"]) == (503, PROBLEM)
        assert answer.json()["shards"] == {"aws-0": "not migrated"}

    async def test_a_database_that_is_stuck_is_not_ready(
        self, client: httpx.AsyncClient, migrated: Directory, postgres: Postgres
    ) -> None:
        with postgres.as_operator(migrated.shards[0].database) as connection, connection.transaction():
            connection.execute("lock table slots in access exclusive mode")
            answer = await client.get("/readyz")
        assert (answer.status_code, answer.json()["shards"]) == (503, {"aws-0": "no answer within 1.5 s"})
        assert (await client.get("/readyz")).status_code == 200

    async def test_a_grant_on_a_stuck_database_is_refused_in_time(
        self, client: httpx.AsyncClient, migrated: Directory, postgres: Postgres
    ) -> None:
        account = account_at(migrated, "aws")
        with postgres.as_operator(migrated.shards[0].database) as connection, connection.transaction():
            connection.execute("lock table slots in access exclusive mode")
            answer = await grant(client, account, 1, "key")
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "1")
        assert (await grant(client, account, 1, "key")).json()["balance"] == 1

    async def test_a_stopping_process_is_not_ready_but_serves(
        self, client: httpx.AsyncClient, application: FastAPI
    ) -> None:
        application.state.services.readiness.draining = True
        assert (await client.get("/readyz")).json()["type"].endswith(":draining")
        answer = await grant(client, "alice", 1)
        assert (answer.status_code, answer.headers["Connection"]) == (201, "close")

    async def test_metrics_name_routes_and_shards_but_no_account(self, client: httpx.AsyncClient) -> None:
        await grant(client, "alice", 1)
        await client.get("/made-up-path")
        text = (await client.get("/metrics")).text
        assert 'fortress_http_requests_total{method="POST",route="/accounts/{account}/grants",status="201"} 1.0' in text
        assert 'fortress_http_requests_total{method="GET",route="unmatched",status="404"} 1.0' in text
        assert 'fortress_pool_connections{shard="azure-0"}' in text
        assert 'fortress_build_info{cloud="aws",environment="test",' in text
        assert "alice" not in text
        assert "made-up-path" not in text

    async def test_a_request_keeps_its_id(self, client: httpx.AsyncClient) -> None:
        assert (await client.get("/healthz", headers={"X-Request-Id": "abc.1"})).headers["X-Request-Id"] == "abc.1"
        made = (await client.get("/healthz", headers={"X-Request-Id": "no good\t"})).headers["X-Request-Id"]
        assert len(made) == 32

    async def test_logs_hold_no_account_and_no_token(self, client: httpx.AsyncClient, postgres: Postgres) -> None:
        with capture_logs() as lines:
            await grant(client, "alice", 1)
        text = json.dumps(lines)
        assert lines[-1]["route"] == "/accounts/{account}/grants"
        assert "alice" not in text
        assert client.headers["Authorization"].split(" ")[1] not in text

    async def test_a_crash_is_a_problem_with_a_request_id(
        self, client: httpx.AsyncClient, application: FastAPI, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        async def crash(*_: object) -> None:
            raise RuntimeError("a secret detail")

        monkeypatch.setattr(application.state.services.ledger, "balance", crash)
        with capture_logs() as lines:
            answer = await client.get("/accounts/alice")
        assert (answer.status_code, answer.headers["Content-Type"]) == (500, PROBLEM)
        assert "secret" not in answer.text
        assert answer.headers["X-Request-Id"]
        assert [line["event"] for line in lines] == ["request crashed", "request"]

    async def test_openapi_tells_problems_and_scopes(self, client: httpx.AsyncClient) -> None:
        document = (await client.get("/openapi.json")).json()
        operation = document["paths"]["/accounts/{account}/grants"]["post"]
        assert operation["security"] == [{"HTTPBearer": ["credits:grant"]}]
        assert set(operation["responses"]) == {"201", "400", "401", "403", "409", "413", "422", "429", "500", "503"}
        problem = operation["responses"]["409"]["content"][PROBLEM]["schema"]["$ref"]
        assert problem == "#/components/schemas/Problem"
        assert "detail" in document["components"]["schemas"]["Problem"]["properties"]
