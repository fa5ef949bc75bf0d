"""The camouflage never touches a ledger's databases, and ends or answers as the ledger does where things are wrong."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest
import structlog

from app.api import create_app
from app.camouflage import behaviour, database_fingerprint, reasons
from app.camouflage.application import create_decoy
from app.camouflage.errors import NotADecoy
from app.camouflage.preparation import Preparation
from app.camouflage.settings import CamouflageSettings
from app.canaries.key import CamouflageKey
from app.personal_data.key_file import FileMasterKey
from app.settings import ServeSettings, WrongSetting, load
from app.topology import Directory
from tests.app.camouflage.conftest import DOMAINS, account_of, operators_of, running, token_of
from tests.app.conftest import Postgres, log_in_as

OTHER = CamouflageKey(bytes(32), DOMAINS)
DEFAULTS: dict[str, Any] = {
    "model": behaviour.default_model(),
    "reasons": reasons.default_reasons(),
    "now": datetime.now(UTC),
}


@pytest.mark.servers
async def test_accounts_of_decoys_are_not_made_where_a_ledger_is(
    settings: ServeSettings,
    migrated: Directory,
    postgres: Postgres,
    operator_key: CamouflageKey,
    master: FileMasterKey,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with running(create_app(settings, migrated)) as ledger:
        for number in range(20):
            made = await ledger.post(
                f"/accounts/a{number}/grants", json={"amount": 1}, headers=token_of(postgres, "tester")
            )
            assert made.status_code == 201
    log_in_as(monkeypatch, postgres, "migrator")
    async with operators_of(migrated) as databases:
        preparation = Preparation(migrated, databases, operator_key, master)
        with pytest.raises(NotADecoy, match="holds accounts already"):
            await preparation.make(0, 8, **DEFAULTS)


@pytest.fixture
def plain_tracebacks() -> Iterator[None]:
    """Requests that crash are logged without the values of all variables, which take seconds to write."""
    before = structlog.get_config()
    renderer = structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
    structlog.configure(processors=[*before["processors"][:-1], renderer])
    yield
    structlog.configure(**before)


@pytest.mark.servers
async def test_a_ledger_is_never_shown_as_a_decoy(
    plain_tracebacks: None,
    decoy_settings: CamouflageSettings,
    settings: ServeSettings,
    migrated: Directory,
    postgres: Postgres,
    operator_key: CamouflageKey,
) -> None:
    headers = token_of(postgres, "tester")
    async with running(create_app(settings, migrated)) as ledger:
        await ledger.post("/accounts/alice/grants", json={"amount": 7}, headers=headers)
    async with running(create_decoy(operator_key, decoy_settings, migrated)) as decoy:
        for answer in (
            await decoy.get("/accounts/alice", headers=headers),
            await decoy.get("/accounts/alice/statement", headers=headers),
            await decoy.post("/accounts/alice/grants", json={"amount": 1}, headers=headers),
        ):
            assert (answer.status_code, "7" in answer.json()["detail"]) == (500, False)


@pytest.mark.servers
async def test_decoys_of_another_key_are_not_shown(
    decoys: Directory, postgres: Postgres, operator_key: CamouflageKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    log_in_as(monkeypatch, postgres, "migrator")
    async with operators_of(decoys) as databases:
        await database_fingerprint.check(databases, operator_key)
        for refused in (database_fingerprint.check, partial(database_fingerprint.install, views=1)):
            with pytest.raises(NotADecoy, match="another key"):
                await refused(databases, OTHER)


@pytest.mark.servers
async def test_preparing_again_makes_nothing_twice(
    decoys: Directory,
    postgres: Postgres,
    operator_key: CamouflageKey,
    decoy_master: FileMasterKey,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    log_in_as(monkeypatch, postgres, "migrator")
    async with operators_of(decoys) as databases:
        preparation = Preparation(decoys, databases, operator_key, decoy_master)
        first = await preparation.make(3, 8, **DEFAULTS)
        again = await preparation.make(3, 8, **DEFAULTS)
        more = await preparation.make(3, 16, **DEFAULTS)
    assert first.made == first.events > 0
    assert (again.events, again.made) == (first.events, 0)
    assert more.made == more.events - first.events > 0


@pytest.mark.servers
async def test_without_its_database_the_decoy_answers_as_the_ledger_does(
    decoy: httpx.AsyncClient, postgres: Postgres, operator_key: CamouflageKey, decoys: Directory
) -> None:
    account, headers = account_of(operator_key, 4), token_of(postgres, "mallory")
    postgres.kill()
    try:
        read = await decoy.get(f"/accounts/{account}", headers=headers)
        change = await decoy.post(f"/accounts/{account}/grants", json={"amount": 1}, headers=headers)
    finally:
        postgres.start()
    for answer in (read, change):
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "1")
        assert answer.json()["type"] == "urn:problem-type:living-fortress:database-unavailable"


def test_nothing_is_taken_from_the_settings_of_the_ledger(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("CLOUD", "MASTER_KEY", "OIDC_ISSUER", "OIDC_AUDIENCE", "CANARY_KEY", "DIRECTORY"):
        monkeypatch.setenv(f"FORTRESS_{name}", str(tmp_path))
        monkeypatch.delenv(f"FORTRESS_CAMOUFLAGE_{name}", raising=False)
    with pytest.raises(WrongSetting) as refused:
        load(CamouflageSettings)
    assert set(str(refused.value).splitlines()) == {
        f"FORTRESS_CAMOUFLAGE_{name} is not set"
        for name in ("CLOUD", "MASTER_KEY", "OIDC_ISSUER", "OIDC_AUDIENCE", "CANARY_KEY")
    }
