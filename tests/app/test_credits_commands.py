"""`fortress ledger`, as it is typed."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from typer.testing import CliRunner

from app.settings import ServeSettings
from cli.main import app

pytestmark = pytest.mark.servers


@pytest.fixture(autouse=True)
def environment(settings: ServeSettings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORTRESS_CLOUD", settings.cloud)
    monkeypatch.setenv("FORTRESS_DIRECTORY", str(settings.directory))
    monkeypatch.setenv("FORTRESS_MASTER_KEY", settings.master_key)


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["ledger", *map(str, arguments)])


def told(*arguments: object) -> Any:
    result = run(*arguments, "--json")
    assert result.exit_code == 0, result.output
    return [json.loads(line) for line in result.output.splitlines()]


def test_credits_are_granted_spent_and_moved_by_hand() -> None:
    assert told("grant", "alice", 10, "--reason", "goodwill")[0]["balance"] == 10
    assert told("grant", "bob", 1)[0]["balance"] == 1
    assert told("spend", "alice", 3)[0]["balance"] == 7
    assert [posted["balance"] for posted in told("transfer", "alice", "bob", 5)] == [2, 6]
    [shown] = told("show", "alice")
    assert (shown["available"], shown["reserved"], shown["version"], shown["closed"]) == (2, 0, 3, False)
    assert f"alice on {shown['shard']}: 2 available, 0 reserved" in run("show", "alice").output


def test_a_command_with_a_key_counts_once() -> None:
    assert told("grant", "alice", 10, "--key", "ticket-7")[0]["repeated"] is False
    assert told("grant", "alice", 10, "--key", "ticket-7")[0] == told("grant", "alice", 10, "--key", "ticket-7")[0]
    assert told("show", "alice")[0]["available"] == 10


def test_what_cannot_be_done_is_said(settings: ServeSettings) -> None:
    run("grant", "alice", 1)
    for arguments, words in (
        (("spend", "alice", 2), "2 credits are needed, 1 are available"),
        (("show", "nobody"), "there is no account nobody"),
        (("close", "alice"), "still holds 1 available"),
        (("show", "-"), "an account is named by"),
    ):
        result = run(*arguments)
        assert result.exit_code == 1
        assert words in str(result.exception)


def test_a_file_of_grants_counts_once_however_often_it_is_run(tmp_path: Path) -> None:
    file = tmp_path / "grants.csv"
    file.write_text("".join(f"a{number % 50},2,welcome\n" for number in range(200)))
    assert told("grant-all", file) == [{"grants": 200, "repeated": 0}]
    assert told("grant-all", file) == [{"grants": 200, "repeated": 200}]
    assert told("show", "a7")[0]["available"] == 8


@pytest.mark.parametrize("line", ["alice", "alice,1,x,y", "alice,one", "alice,0", "-,1", "alice,1," + "x" * 201])
def test_a_wrong_line_is_named_before_anything_is_granted(tmp_path: Path, line: str) -> None:
    file = tmp_path / "grants.csv"
    file.write_text(f"alice,1\n{line}\n")
    result = run("grant-all", file)
    assert f"{file}:2: " in str(result.exception)
    assert "there is no account alice" in str(run("show", "alice").exception)


def test_what_ran_out_is_recorded_at_once() -> None:
    for seconds in (0.3, 3, 15):  # on a busy machine the shortest may be over before it is asked for
        ends = datetime.now(UTC) + timedelta(seconds=seconds)
        if run("grant", "alice", 5, "--expires-at", ends.isoformat()).exit_code == 0:
            break
    while datetime.now(UTC) <= ends:
        pass
    assert told("show", "alice")[0]["available"] == 0
    assert told("expire") == [{"account": None, "events": 1}]
    assert told("expire", "alice") == [{"account": "alice", "events": 0}]


def test_a_statement_is_printed_the_latest_first() -> None:
    run("grant", "alice", 5)
    run("spend", "alice", 2, "--reason", "coffee")
    assert [(line["type"], line["balance"]) for line in told("statement", "alice")] == [("Spent", 3), ("Granted", 5)]
    assert told("statement", "alice", "--limit", 1)[0]["details"] == {"amount": 2, "reason": "coffee"}
    assert "Granted" in run("statement", "alice").output


def test_reservations_are_listed() -> None:
    run("grant", "alice", 5)
    assert told("reservations", "alice") == []
