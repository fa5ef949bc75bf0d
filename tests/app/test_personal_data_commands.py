"""Erasing, exporting, replaying, rewrapping and archiving, as operators type it."""

from __future__ import annotations

import asyncio
import json
import stat
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from app.database import Role, ShardDatabase
from app.events import Append, EventStore, NewEvent, Slot
from app.personal_data import PersonalData, SubjectKeys, open_master_key
from app.sharding import Router
from app.topology import parse_directory, slot_of
from cli.main import app

from .conftest import Postgres, log_in_as

pytestmark = pytest.mark.servers
EMAIL = "anna@example.com"


@pytest.fixture
def world(migrated_text: str, answering: Postgres, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """The folder of an operator's settings, with a master key."""
    log_in_as(monkeypatch, answering, "migrator")
    (tmp_path / "directory.json").write_text(migrated_text)
    monkeypatch.setenv("FORTRESS_CLOUD", "aws")
    monkeypatch.setenv("FORTRESS_DIRECTORY", str(tmp_path / "directory.json"))
    monkeypatch.setenv("FORTRESS_MASTER_KEY", f"file:{tmp_path / 'master.json'}")
    monkeypatch.delenv("FORTRESS_ERASURE_LOG", raising=False)
    assert fortress("privacy", "keys", "create", str(tmp_path / "master.json")).endswith(
        "holds the master key local-1\n"
    )
    return tmp_path


def fortress(*arguments: str, exit_code: int = 0) -> str:
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == exit_code, (result.output, result.exception)
    return result.stdout


def open_account(folder: Path, subject: str, *, closes: bool = False) -> None:
    """An account with personal data, in the way of the app."""

    async def run() -> None:
        directory = parse_directory((folder / "directory.json").read_text())
        shard = directory.by_name[directory.place_of(subject).shard]
        database = ShardDatabase(shard, size=2, kept=1, seconds=5, role=Role.ADMIN)
        await database.open()
        keys = {shard.name: SubjectKeys(database, open_master_key(f"file:{folder / 'master.json'}"))}
        personal = PersonalData(Router(directory, keys), keys, {"Opened": ["email"]})
        sealed = await personal.seal(
            subject, [NewEvent("Opened", {"email": EMAIL}), NewEvent("Granted", {"amount": 5})]
        )
        await EventStore(database).append(Append(subject, sealed.events, slot=Slot(slot_of(subject), 1), closes=closes))
        await database.close()

    asyncio.run(run())


def exported(subject: str) -> list[Any]:
    return [event["data"] for event in json.loads(fortress("privacy", "export", subject))["events"]]


def test_who_is_erased_is_gone_from_the_export_and_in_the_log(world: Path) -> None:
    open_account(world, "anna")
    assert exported("anna") == [{"email": EMAIL}, {"amount": 5}]
    assert fortress("privacy", "erase", "anna", "--yes") == "anna is erased: the key is destroyed\n"
    assert json.loads(fortress("privacy", "erase", "anna", "--yes", "--json")) == {
        "subject": "anna",
        "destroyed": False,
    }
    assert exported("anna") == [{"email": {"erased": True}}, {"amount": 5}]
    [entry] = fortress("privacy", "erasures", "list").splitlines()
    assert entry.endswith(" anna")
    assert json.loads(fortress("privacy", "erasures", "replay", "--json")) == {"erasures": 1, "destroyed": 0}
    assert fortress("privacy", "erasures", "replay") == "1 erasures, 0 keys were back and are destroyed\n"


def test_the_log_may_be_a_file(world: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORTRESS_ERASURE_LOG", f"file:{world / 'erasures.jsonl'}")
    fortress("privacy", "erase", "anna", "--yes")
    assert json.loads((world / "erasures.jsonl").read_text())["subject"] == "anna"


def test_nothing_is_erased_without_a_yes(world: Path) -> None:
    open_account(world, "anna")
    result = CliRunner().invoke(app, ["privacy", "erase", "anna"], input="n\n")
    assert result.exit_code == 1
    assert "Nothing brings their personal data back" in result.output
    assert exported("anna")[0] == {"email": EMAIL}


def test_an_export_to_a_file_is_for_its_owner_and_overwrites_nothing(world: Path) -> None:
    open_account(world, "anna")
    file = world / "anna.json"
    assert fortress("privacy", "export", "anna", "--output", str(file)) == ""
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert json.loads(file.read_text())["subject"] == "anna"
    result = CliRunner().invoke(app, ["privacy", "export", "anna", "--output", str(file)])
    assert isinstance(result.exception, FileExistsError)


def test_an_export_that_fails_leaves_no_file(world: Path) -> None:
    open_account(world, "anna")
    fortress("privacy", "keys", "create", str(world / "other.json"))
    (world / "other.json").replace(world / "master.json")
    result = CliRunner().invoke(app, ["privacy", "export", "anna", "--output", str(world / "anna.json")])
    assert "did not wrap this" in str(result.exception)
    assert not (world / "anna.json").exists()


def test_after_a_rotation_everybody_moves_to_the_new_master_key(world: Path) -> None:
    for subject in ("anna", "bert"):
        open_account(world, subject)
    assert fortress("privacy", "keys", "rotate", str(world / "master.json")).endswith("holds the master key local-2\n")
    assert fortress("privacy", "keys", "rewrap") == "2 keys are wrapped with the current master key\n"
    assert json.loads(fortress("privacy", "keys", "rewrap", "--json")) == {"rewrapped": 0}
    assert exported("anna")[0] == {"email": EMAIL}


def test_closed_accounts_are_archived_and_stay_in_the_export(world: Path) -> None:
    open_account(world, "anna", closes=True)
    assert "1 events of 1 streams" not in fortress("events", "archive", "--days", "1")
    assert fortress("events", "archive", "--days", "0").count(": 1 events of 1 streams are archived\n") == 1
    lines = [json.loads(line) for line in fortress("events", "archive", "--days", "0", "--json").splitlines()]
    assert {line["shard"]: line["events"] for line in lines} == {"aws-0": 0, "azure-0": 0, "gcp-0": 0}
    assert exported("anna") == [{"email": EMAIL}, {"amount": 5}]


@pytest.mark.parametrize(
    ("name", "value", "line"),
    [
        ("FORTRESS_MASTER_KEY", None, "FORTRESS_MASTER_KEY is not set"),
        ("FORTRESS_MASTER_KEY", "file:/no/such", "the master key /no/such cannot be read: No such file"),
        ("FORTRESS_MASTER_KEY", "vault:x", "'vault:x' names no master key"),
        ("FORTRESS_ERASURE_LOG", "file:relative", "FORTRESS_ERASURE_LOG=file:relative: "),
    ],
)
def test_a_wrong_setting_is_said_in_a_line(
    world: Path, monkeypatch: pytest.MonkeyPatch, name: str, value: str | None, line: str
) -> None:
    if value is None:
        monkeypatch.delenv(name)
    else:
        monkeypatch.setenv(name, value)
    result = CliRunner().invoke(app, ["privacy", "erasures", "replay"])
    assert str(result.exception).startswith(line)
    assert "\n" not in str(result.exception)
