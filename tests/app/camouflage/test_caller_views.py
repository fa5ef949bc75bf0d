"""What a caller finds at the decoy: the same on every visit, whoever else is there, and nothing that contradicts it."""

from __future__ import annotations

import re
from typing import Any

import httpx
import pytest

from app.camouflage.application import create_decoy
from app.camouflage.settings import CamouflageSettings
from app.canaries.key import CamouflageKey
from app.credits import Origin
from app.topology import Directory
from tests.app.camouflage.conftest import ROWS, account_of, running, token_of
from tests.app.conftest import Postgres

pytestmark = pytest.mark.servers


async def whole_statement(client: httpx.AsyncClient, account: str, headers: dict[str, str], limit: int) -> list[Any]:
    lines: list[Any] = []
    cursor: str | None = ""
    while cursor is not None:
        parameters = {"limit": limit} | ({"cursor": cursor} if cursor else {})
        answer = await client.get(f"/accounts/{account}/statement", headers=headers, params=parameters)
        assert answer.status_code == 200, answer.text
        lines += answer.json()["lines"]
        cursor = answer.json()["next"]
    return lines


async def test_an_account_is_the_same_on_every_visit(
    decoy: httpx.AsyncClient,
    decoy_settings: CamouflageSettings,
    decoys: Directory,
    operator_key: CamouflageKey,
    postgres: Postgres,
) -> None:
    account, headers = account_of(operator_key, 3), token_of(postgres, "mallory")
    paths = [f"/accounts/{account}", f"/accounts/{account}/statement", f"/accounts/{account}/reservations"]
    first = [(await decoy.get(path, headers=headers)).content for path in paths]
    assert [(await decoy.get(path, headers=headers)).content for path in paths] == first
    async with running(create_decoy(operator_key, decoy_settings, decoys)) as other_process:
        assert [(await other_process.get(path, headers=headers)).content for path in paths] == first


async def test_pages_agree_with_one_another_and_with_the_balance(
    decoy: httpx.AsyncClient, operator_key: CamouflageKey, postgres: Postgres
) -> None:
    headers = token_of(postgres, "mallory")
    for index in range(ROWS):
        account = account_of(operator_key, index)
        balance = (await decoy.get(f"/accounts/{account}", headers=headers)).json()
        lines = await whole_statement(decoy, account, headers, limit=7)
        assert lines == await whole_statement(decoy, account, headers, limit=500)
        assert [line["version"] for line in lines] == list(range(balance["version"], 0, -1))
        assert sum(line["change"] for line in lines) == balance["balance"] == lines[0]["balance"]
        times = [line["recorded_at"] for line in lines]
        assert times == sorted(times, reverse=True)


async def test_a_transfer_is_in_the_statements_of_both_sides(
    decoy: httpx.AsyncClient, operator_key: CamouflageKey, postgres: Postgres
) -> None:
    headers = token_of(postgres, "mallory")
    seen: dict[str, list[tuple[str, str, int]]] = {}
    for index in range(ROWS):
        account = account_of(operator_key, index)
        for line in await whole_statement(decoy, account, headers, limit=500):
            details = line["details"]
            if line["type"] == "TransferredOut":
                seen.setdefault(details["transfer"], []).append((account, details["to"], line["change"]))
            if line["type"] == "TransferredIn":
                seen.setdefault(details["transfer"], []).append((details["source"], account, -line["change"]))
    assert seen
    assert all(len(sides) == 2 and sides[0] == sides[1] for sides in seen.values())


async def test_what_a_caller_changes_nobody_else_sees(
    decoy: httpx.AsyncClient, operator_key: CamouflageKey, postgres: Postgres
) -> None:
    source, target = account_of(operator_key, 0), account_of(operator_key, 1)
    mallory, other = token_of(postgres, "mallory-writes"), token_of(postgres, "other")
    before = {each: (await decoy.get(f"/accounts/{each}", headers=mallory)).json() for each in (source, target)}
    await decoy.post(f"/accounts/{source}/grants", json={"amount": 50, "reason": "mine"}, headers=mallory)
    body = {"source": source, "target": target, "amount": 20}
    moved = await decoy.post("/transfers", json=body, headers=mallory)
    assert moved.status_code == 201, moved.text
    assert moved.json()["source"]["balance"] == before[source]["balance"] + 30
    assert (await decoy.get(f"/accounts/{target}", headers=mallory)).json() == {
        **before[target],
        "balance": before[target]["balance"] + 20,
        "version": before[target]["version"] + 1,
    }
    out, granted, *earlier = await whole_statement(decoy, source, mallory, limit=10)
    assert (out["details"]["to"], granted["details"]["reason"]) == (target, "mine")
    assert earlier == await whole_statement(decoy, source, other, limit=500)
    for each in (source, target):
        assert (await decoy.get(f"/accounts/{each}", headers=other)).json() == before[each]


@pytest.mark.parametrize("fixture", ["decoys", "late"])
async def test_changes_are_there_in_every_process_and_after_a_restart(
    request: pytest.FixtureRequest,
    decoy_settings: CamouflageSettings,
    decoys: Directory,
    operator_key: CamouflageKey,
    postgres: Postgres,
    fixture: str,
) -> None:
    request.getfixturevalue(fixture)
    account, headers = account_of(operator_key, 5), token_of(postgres, f"restarts-{fixture}")
    async with (
        running(create_decoy(operator_key, decoy_settings, decoys)) as first,
        running(create_decoy(operator_key, decoy_settings, decoys)) as second,
    ):
        before = (await first.get(f"/accounts/{account}", headers=headers)).json()
        assert (await second.get(f"/accounts/{account}", headers=headers)).json() == before
        body = {"amount": 9, "reason": "before the restart"}
        await first.post(f"/accounts/{account}/grants", json=body, headers=headers)
        page = (await first.get(f"/accounts/{account}/statement", headers=headers)).content
        assert (await second.get(f"/accounts/{account}/statement", headers=headers)).content == page
    async with running(create_decoy(operator_key, decoy_settings, decoys)) as third:
        assert (await third.get(f"/accounts/{account}/statement", headers=headers)).content == page
        after = (await third.get(f"/accounts/{account}", headers=headers)).json()
    assert after == before | {"balance": before["balance"] + 9, "version": before["version"] + 1}


async def test_who_comes_when_all_worlds_are_taken_finds_the_same(
    decoy: httpx.AsyncClient, operator_key: CamouflageKey, postgres: Postgres, late: None
) -> None:
    account = account_of(operator_key, 8)
    early, last = (token_of(postgres, subject) for subject in ("mallory", "late"))
    for path in ("", "/statement", "/reservations"):
        answers = [await decoy.get(f"/accounts/{account}{path}", headers=headers) for headers in (early, last)]
        assert answers[0].status_code == 200
        assert answers[0].content == answers[1].content


async def test_who_comes_late_is_answered_alike_whatever_they_change(
    request: pytest.FixtureRequest, decoy: httpx.AsyncClient, operator_key: CamouflageKey, postgres: Postgres
) -> None:
    """Also with a cursor from before their first change, which copies the account that it was made for."""
    account, other = account_of(operator_key, 11), account_of(operator_key, 12)

    async def visit(headers: dict[str, str]) -> list[tuple[int, list[bytes], str]]:
        answers: list[httpx.Response] = []

        async def ask(path: str, body: dict[str, Any] | None = None, **more: str) -> Any:
            ways = {"headers": headers | more}
            answer = await (decoy.get(path, **ways) if body is None else decoy.post(path, json=body, **ways))
            answers.append(answer)
            return answer.json()

        page = await ask(f"/accounts/{account}/statement?limit=3")
        await ask(f"/accounts/{other}/reservations/{'0' * 32}")
        for _ in range(2):
            await ask(f"/accounts/{account}/grants", {"amount": 70}, **{"Idempotency-Key": "once"})
        await ask(f"/accounts/{account}/grants", {"amount": 71}, **{"Idempotency-Key": "once"})
        await ask(f"/accounts/{account}/statement?limit=3&cursor={page['next']}")
        await ask("/transfers", {"source": account, "target": other, "amount": 20, "reason": "to the other"})
        made = await ask(f"/accounts/{other}/reservations", {"amount": 5})
        await ask(f"/accounts/{other}/reservations/{made['reservation']}")
        await ask(f"/accounts/{other}/reservations")
        await ask(f"/accounts/{other}/reservations/{made['reservation']}/capture", {"amount": 2})
        for path in (account, other):
            for more in ("", "/statement", "/statement?limit=4", "/reservations"):
                await ask(f"/accounts/{path}{more}")
        await ask(f"/accounts/{other}/close", {})
        return [
            (answer.status_code, [name for name, _ in answer.headers.raw], OWN.sub("*", answer.text))
            for answer in answers
        ]

    early = await visit(token_of(postgres, "restarts-decoys"))
    assert {status for status, _, _ in early} == {200, 201, 404, 409}
    request.getfixturevalue("late")
    assert await visit(token_of(postgres, "later still")) == early


OWN = re.compile(r'"(?:recorded|opened)_at": ?"[^"]+"|"(?:request|cursor|next)[a-z_]*": ?"[^"]+"|[0-9a-f]{32}')
"""What no two requests have in common: times, and names that are drawn."""


async def test_what_is_made_in_a_world_is_named_as_the_ledger_would_have_named_it(
    decoy: httpx.AsyncClient, operator_key: CamouflageKey, postgres: Postgres
) -> None:
    """The ledger is open source: whoever knows how names are made can check one."""
    account, headers = account_of(operator_key, 6), token_of(postgres, "knows")
    await decoy.post(f"/accounts/{account}/grants", json={"amount": 1}, headers=headers)
    made = await decoy.post(
        f"/accounts/{account}/reservations", json={"amount": 1}, headers=headers | {"Idempotency-Key": "mine"}
    )
    assert made.json()["reservation"] == Origin.of("", "mine").identity("reservation", account)


async def test_a_text_in_a_world_is_sealed_by_the_key_that_its_account_has(
    decoy: httpx.AsyncClient, decoys: Directory, operator_key: CamouflageKey, postgres: Postgres
) -> None:
    """Looking for another key, or making one, would take longer than in the ledger."""
    account, headers = account_of(operator_key, 9), token_of(postgres, "writes")
    body = {"amount": 1, "reason": "a text"}
    assert (await decoy.post(f"/accounts/{account}/grants", json=body, headers=headers)).status_code == 201
    page = (await decoy.get(f"/accounts/{account}/statement", headers=headers)).json()
    assert page["lines"][0]["details"]["reason"] == "a text"
    for shard in decoys.shards:
        with postgres.as_operator(shard.database) as connection:
            assert connection.execute("select from subject_keys where subject like '%/%'").fetchall() == []


async def test_no_answer_names_the_world_of_its_caller(
    decoy: httpx.AsyncClient, operator_key: CamouflageKey, postgres: Postgres
) -> None:
    account, headers = account_of(operator_key, 7), token_of(postgres, "curious")
    path, keyed = f"/accounts/{account}", headers | {"Idempotency-Key": "same"}
    answers = [
        await decoy.post(f"{path}/grants", json={"amount": 5}, headers=keyed),
        await decoy.post(f"{path}/grants", json={"amount": 6}, headers=keyed),
        await decoy.post(f"{path}/spends", json={"amount": 10**15}, headers=headers),
        await decoy.post(f"{path}/grants", json={"amount": 2**63 - 1}, headers=headers),
        await decoy.post(f"{path}/close", json={}, headers=headers),
        await decoy.post("/transfers", json={"source": account, "target": account, "amount": 1}, headers=headers),
        await decoy.post("/transfers", json={"source": account, "target": "nobody", "amount": 1}, headers=headers),
        await decoy.get(f"{path}/reservations/{'0' * 32}", headers=headers),
        await decoy.post(f"{path}/reservations/{'0' * 32}/release", headers=headers),
        await decoy.get("/accounts/nobody", headers=headers),
    ]
    assert [answer.status_code for answer in answers] == [201, 409, 409, 409, 409, 409, 404, 404, 404, 404]
    world = re.compile(f"{account}/[0-9a-f]|nobody/[0-9a-f]")
    assert not [answer.text for answer in answers if world.search(answer.text)]


@pytest.mark.parametrize("account", ["alice", "0b1f4b0e-6f4e-4a2b-9a53-0f3f7c1b8a11"])
async def test_an_account_that_nobody_has_is_unknown(
    decoy: httpx.AsyncClient, postgres: Postgres, account: str
) -> None:
    headers = token_of(postgres, "mallory")
    for answer in (
        await decoy.get(f"/accounts/{account}", headers=headers),
        await decoy.post(f"/accounts/{account}/spends", json={"amount": 1}, headers=headers),
    ):
        assert (answer.status_code, answer.json()["detail"]) == (404, f"there is no account {account}")
