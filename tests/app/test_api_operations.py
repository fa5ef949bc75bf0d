"""Operations on accounts over HTTP besides granting."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from app.api import balances, create_app
from app.settings import ServeSettings
from app.topology import Directory

from .conftest import Postgres, bearer

pytestmark = pytest.mark.servers

PROBLEM = "application/problem+json"
SCOPES = ("credits:grant", "credits:spend", "credits:read", "credits:administer")


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


async def balance(client: httpx.AsyncClient, account: str = "alice") -> tuple[int, int]:
    answer = (await client.get(f"/accounts/{account}")).json()
    return answer["balance"], answer["reserved"]


def kind(answer: httpx.Response) -> tuple[int, str]:
    assert answer.headers["Content-Type"] == PROBLEM
    return answer.status_code, answer.json()["type"].removeprefix("urn:problem-type:living-fortress:")


async def test_credits_are_spent_once_however_often_it_is_asked(client: httpx.AsyncClient) -> None:
    await post(client, "/accounts/alice/grants", amount=10)
    first = await post(client, "/accounts/alice/spends", "key", amount=4, reason="coffee")
    assert (first.status_code, first.json()["balance"]) == (201, 6)
    again = await post(client, "/accounts/alice/spends", "key", amount=4, reason="coffee")
    assert (again.json(), again.headers["Idempotency-Replayed"]) == (first.json(), "true")
    assert await balance(client) == (6, 0)


async def test_missing_credits_are_reported_as_numbers(client: httpx.AsyncClient) -> None:
    await post(client, "/accounts/alice/grants", amount=10)
    answer = await post(client, "/accounts/alice/spends", amount=11)
    assert kind(answer) == (409, "insufficient-credits")
    assert (answer.json()["needed"], answer.json()["available"]) == (11, 10)


async def test_a_reservation_lives_and_ends(client: httpx.AsyncClient) -> None:
    await post(client, "/accounts/alice/grants", amount=10)
    made = (await post(client, "/accounts/alice/reservations", amount=6)).json()
    assert (made["balance"], made["amount"]) == (4, 6)
    path = f"/accounts/alice/reservations/{made['reservation']}"
    assert (await post(client, f"{path}/capture", amount=2)).status_code == 200
    assert await balance(client) == (4, 4)
    seen = (await client.get(path)).json()
    assert (seen["held"], seen["captured"], seen["state"]) == (4, 2, "open")
    assert kind(await post(client, f"{path}/capture", amount=5)) == (409, "reservation-exceeded")
    released = await client.post(f"{path}/release")
    assert (released.status_code, released.json()["balance"]) == (200, 8)
    assert kind(await client.post(f"{path}/release")) == (409, "reservation-closed")
    assert kind(await client.post(f"/accounts/alice/reservations/{'0' * 32}/release")) == (404, "unknown-reservation")
    assert (await client.get(path)).json()["state"] == "released"


async def test_reservations_are_listed_page_by_page(client: httpx.AsyncClient) -> None:
    await post(client, "/accounts/alice/grants", amount=10)
    made = [(await post(client, "/accounts/alice/reservations", amount=1)).json()["reservation"] for _ in range(5)]
    seen: list[str] = []
    parameters: dict[str, Any] = {"limit": 2}
    while True:
        page = (await client.get("/accounts/alice/reservations", params=parameters)).json()
        seen += [entry["reservation"] for entry in page["reservations"]]
        if page["next"] is None:
            break
        parameters["cursor"] = page["next"]
    assert seen == made[::-1]
    assert kind(await client.get("/accounts/nobody/reservations")) == (404, "unknown-account")


async def test_a_statement_tells_every_change_page_by_page(client: httpx.AsyncClient) -> None:
    await post(client, "/accounts/alice/grants", amount=10, reason="welcome")
    for amount in (1, 2, 3):
        await post(client, "/accounts/alice/spends", amount=amount)
    lines: list[dict[str, Any]] = []
    parameters: dict[str, Any] = {"limit": 3}
    while True:
        page = (await client.get("/accounts/alice/statement", params=parameters)).json()
        lines += page["lines"]
        if page["next"] is None:
            break
        parameters["cursor"] = page["next"]
    assert [(line["version"], line["type"], line["change"], line["balance"]) for line in lines] == [
        (4, "Spent", -3, 4),
        (3, "Spent", -2, 7),
        (2, "Spent", -1, 9),
        (1, "Granted", 10, 10),
    ]
    assert lines[-1]["details"] == {"amount": 10, "reason": "welcome"}
    # What is added meanwhile moves no line to another page.
    first = (await client.get("/accounts/alice/statement", params={"limit": 2})).json()
    await post(client, "/accounts/alice/grants", amount=5)
    following = await client.get("/accounts/alice/statement", params={"cursor": first["next"]})
    assert [line["version"] for line in following.json()["lines"]] == [2, 1]
    assert kind(await client.get("/accounts/nobody/statement")) == (404, "unknown-account")
    of_bob = await client.get("/accounts/bob/statement", params={"cursor": first["next"]})
    assert kind(of_bob) == (422, "malformed-cursor")


async def test_credits_move_between_clouds(client: httpx.AsyncClient, migrated: Directory) -> None:
    names = [f"a{number}" for number in range(100)]
    source, target = (next(n for n in names if migrated.place_of(n).home == home) for home in ("aws", "gcp"))
    await post(client, f"/accounts/{source}/grants", amount=10)
    await post(client, f"/accounts/{target}/grants", amount=1)
    made = await post(client, "/transfers", "key", source=source, target=target, amount=4)
    assert made.status_code == 201
    assert (made.json()["source"]["balance"], made.json()["target"]["balance"]) == (6, 5)
    again = await post(client, "/transfers", "key", source=source, target=target, amount=4)
    assert (again.json(), again.headers["Idempotency-Replayed"]) == (made.json(), "true")
    assert kind(await post(client, "/transfers", "key", source=source, target=target, amount=5)) == (
        409,
        "idempotency-key-reused",
    )
    assert kind(await post(client, "/transfers", source=source, target=source, amount=1)) == (409, "same-account")
    assert kind(await post(client, "/transfers", source=source, target="nobody", amount=1)) == (404, "unknown-account")


async def test_only_an_empty_account_is_closed(client: httpx.AsyncClient) -> None:
    await post(client, "/accounts/alice/grants", amount=1)
    assert kind(await post(client, "/accounts/alice/close")) == (409, "account-not-empty")
    await post(client, "/accounts/alice/spends", amount=1)
    assert (await post(client, "/accounts/alice/close", reason="moved away")).status_code == 200
    assert kind(await post(client, "/accounts/alice/grants", amount=1)) == (409, "account-closed")
    assert (await client.get("/accounts/alice")).json()["closed"] is True


def soon(hours: float = 1) -> datetime:
    return datetime.now(UTC) + timedelta(hours=hours)


@pytest.mark.parametrize(
    ("moment", "refusal"),
    [
        (soon(-1).isoformat(), (409, "invalid-expiry")),
        (soon().replace(tzinfo=None).isoformat(), (422, "invalid-request")),
        ("tomorrow", (422, "invalid-request")),
        (4102444800, (422, "invalid-request")),
        ("2036-01-31", (422, "invalid-request")),
        (True, (422, "invalid-request")),
    ],
    # names that do not depend on the time: several processes collect the same tests
    ids=["past", "naive", "words", "number", "date", "truth"],
)
async def test_what_is_no_moment_to_come_is_refused(
    client: httpx.AsyncClient, moment: object, refusal: tuple[int, str]
) -> None:
    await post(client, "/accounts/alice/grants", amount=5)
    for path in ("grants", "reservations"):
        assert kind(await post(client, f"/accounts/alice/{path}", amount=1, expires_at=moment)) == refusal
    assert await balance(client) == (5, 0)


async def test_credits_expire_when_they_were_said_to(client: httpx.AsyncClient) -> None:
    await post(client, "/accounts/alice/grants", amount=2)
    for seconds in (0.4, 2, 10):  # on a busy machine the shortest may be over before it is asked for
        ends = datetime.now(UTC) + timedelta(seconds=seconds)
        granted = await post(client, "/accounts/alice/grants", amount=5, expires_at=ends.isoformat())
        if granted.status_code != 422:
            break
    assert granted.json()["balance"] == 7
    while datetime.now(UTC) <= ends:
        await asyncio.sleep(0.05)
    assert await balance(client) == (2, 0)
    await client.post("/accounts/alice/expire")
    assert kind(await post(client, "/accounts/alice/spends", amount=3)) == (409, "insufficient-credits")


OPERATIONS = [
    ("credits:grant", "POST", "/accounts/alice/grants", {"amount": 1}),
    ("credits:spend", "POST", "/accounts/alice/spends", {"amount": 1}),
    ("credits:spend", "POST", "/accounts/alice/reservations", {"amount": 1}),
    ("credits:spend", "POST", f"/accounts/alice/reservations/{'0' * 32}/capture", {}),
    ("credits:spend", "POST", f"/accounts/alice/reservations/{'0' * 32}/release", None),
    ("credits:spend", "POST", "/transfers", {"source": "alice", "target": "bob", "amount": 1}),
    ("credits:read", "GET", "/accounts/alice", None),
    ("credits:read", "GET", "/accounts/alice/statement", None),
    ("credits:read", "GET", "/accounts/alice/reservations", None),
    ("credits:read", "GET", f"/accounts/alice/reservations/{'0' * 32}", None),
    ("credits:administer", "POST", "/accounts/alice/close", {}),
    ("credits:administer", "POST", "/accounts/alice/expire", None),
]


@pytest.mark.parametrize(("scope", "method", "path", "body"), OPERATIONS)
async def test_every_operation_asks_for_its_scope(
    client: httpx.AsyncClient, postgres: Postgres, scope: str, method: str, path: str, body: Any
) -> None:
    others = bearer(postgres.authority, *(other for other in SCOPES if other != scope))
    assert (await client.request(method, path, json=body, headers=others)).status_code == 403
    own = await client.request(method, path, json=body, headers=bearer(postgres.authority, scope))
    assert own.status_code not in {401, 403}
    assert (await client.request(method, path, json=body, headers={"Authorization": ""})).status_code == 401


@pytest.mark.parametrize("list_", ["statement", "reservations"])
async def test_a_cursor_that_was_not_given_is_refused(client: httpx.AsyncClient, list_: str) -> None:
    await post(client, "/accounts/alice/grants", amount=1)
    answer = await client.get(f"/accounts/alice/{list_}", params={"cursor": "made-up"})
    assert kind(answer) == (422, "malformed-cursor")


@pytest.mark.parametrize("parameters", [{"limti": 5}, {"limit": 0}, {"limit": 501}, {"cursor": "x" * 101}])
async def test_a_page_that_makes_no_sense_is_refused(client: httpx.AsyncClient, parameters: dict[str, Any]) -> None:
    await post(client, "/accounts/alice/grants", amount=1)
    assert kind(await client.get("/accounts/alice/reservations", params=parameters)) == (422, "invalid-request")


async def test_a_caller_over_the_limit_learns_when_to_retry(
    settings: ServeSettings, migrated: Directory, postgres: Postgres
) -> None:
    app = create_app(settings.model_copy(update={"rate_limit": "3/hour"}), migrated)
    async with app.router.lifespan_context(app):
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://app") as client:
            client.headers.update(bearer(postgres.authority))
            for _ in range(3):
                assert (await client.get("/accounts/alice")).status_code == 404
            for answer in (await client.get("/accounts/alice"), await post(client, "/accounts/alice/grants", amount=1)):
                assert kind(answer) == (429, "too-many-requests")
                assert int(answer.headers["Retry-After"]) > 0
                assert answer.headers["RateLimit-Remaining"] == "0"
            assert (await client.get("/healthz")).status_code == 200


async def test_the_short_way_to_a_balance_answers_as_the_long_one(
    client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    await post(client, "/accounts/alice/grants", amount=1)
    reads = [("alice", {}), ("nobody", {}), ("alice", {"Authorization": "Bearer x"}), ("a..", {})]
    short = [await client.get(f"/accounts/{account}", headers=headers) for account, headers in reads]
    monkeypatch.setattr(balances, "PATH", re.compile("(?!)"))
    long = [await client.get(f"/accounts/{account}", headers=headers) for account, headers in reads]
    assert [answer.status_code for answer in short] == [200, 404, 401, 422]
    for one, other in zip(short, long, strict=True):
        assert (one.status_code, one.json()) == (other.status_code, other.json())
        assert one.headers["Content-Type"] == other.headers["Content-Type"]


async def test_the_metrics_tell_how_changes_end(client: httpx.AsyncClient) -> None:
    await post(client, "/accounts/alice/grants", amount=1)
    await post(client, "/accounts/alice/spends", amount=2)
    await client.get("/accounts/alice")
    text = (await client.get("/metrics")).text
    assert 'fortress_ledger_operations_total{operation="grant",outcome="done"} 1.0' in text
    assert 'fortress_ledger_operations_total{operation="spend",outcome="InsufficientCredits"} 1.0' in text
    assert 'fortress_http_requests_total{method="GET",route="/accounts/{account}",status="200"} 1.0' in text
