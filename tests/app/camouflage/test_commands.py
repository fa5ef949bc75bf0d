"""The commands of operators, as they are typed, on real databases."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from app.camouflage.application import create_decoy
from app.camouflage.behaviour import read_model
from app.camouflage.settings import CamouflageSettings
from app.canaries.key import CamouflageKey
from app.canaries.tokens import Kind
from app.topology import Directory
from cli.main import app
from tests.app.camouflage.conftest import account_of, running, token_of
from tests.app.conftest import Postgres, log_in_as

pytestmark = pytest.mark.servers

run = CliRunner().invoke


@pytest.fixture
def operator(decoy_settings: CamouflageSettings, postgres: Postgres, monkeypatch: pytest.MonkeyPatch) -> None:
    """Logged in as administrator, with the settings of the decoys."""
    log_in_as(monkeypatch, postgres, "migrator")
    for name, value in decoy_settings.model_dump(exclude_none=True).items():
        monkeypatch.setenv(f"FORTRESS_CAMOUFLAGE_{name.upper()}", str(value))
    monkeypatch.setenv("FORTRESS_CLOUD", "aws")


def test_accounts_are_prepared_and_measured(operator: None, decoy_settings: CamouflageSettings, tmp_path: Path) -> None:
    prepare = ["decoy", "prepare", "--place", "6", "--rows", "24", "--worlds", "1"]
    first, again = (run(app, [*prepare, "--json"]) for _ in range(2))
    assert first.exit_code == again.exit_code == 0, first.output
    made, known = json.loads(first.stdout), json.loads(again.stdout)
    assert made["accounts"] == 24
    assert (known["events"], known["made"]) == (made["events"], 0)
    assert f"24 accounts with {made['events']:,} events, 0 of them new" in run(app, prepare).output
    out = tmp_path / "habits.json"
    measured = run(app, ["decoy", "habits", "--out", str(out), "--directory", str(decoy_settings.directory)])
    assert measured.exit_code == 0, measured.output
    model = read_model(out)
    assert sum(segment.weight for segment in model.segments) == pytest.approx(1)
    assert model.segments[0].actions["spend"].share > 0
    result = run(app, [*prepare[:-4], "--rows", "8", "--habits", str(tmp_path / "none.json")])
    assert "none.json cannot be read" in str(result.exception)


def test_sightings_are_shown(
    decoy_settings: CamouflageSettings,
    decoys: Directory,
    postgres: Postgres,
    operator_key: CamouflageKey,
    request: pytest.FixtureRequest,
) -> None:
    account = account_of(operator_key, 3)

    async def present() -> None:
        async with running(create_decoy(operator_key, decoy_settings, decoys)) as decoy:
            await decoy.get(f"/accounts/{account}", headers=token_of(postgres, "shown"))

    asyncio.run(present())  # and what waits is stored before it ends
    request.getfixturevalue("operator")
    command = ["decoy", "sightings", "--decoys"]
    lines = run(app, command).output.splitlines()
    [line] = [line for line in lines if "  shown  " in line]
    assert f"account 0/3  shown  GET /accounts/{account}" in line
    events = map(json.loads, run(app, [*command, "--json"]).output.splitlines())
    [event] = [event for event in events if event.get("caller") == "shown"]
    assert (event["kind"], event["index"]) == (Kind.ACCOUNT, 3)
