"""The commands of the app, as they are typed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from app.scopes import Scope
from app.tokens import JwksCache, Verifier
from cli.main import app
from localcloud.identity import ISSUER, Authority
from localcloud.sandbox import Sandbox

from .conftest import Empty, Postgres, shard

run = CliRunner().invoke

ONE_SHARD = {
    "name": "aws-0",
    "home": "aws",
    "region": "eu-central-1",
    "host": "localhost",
    "database": "ledger",
    "slots": [[0, 4095]],
    "app": {"user": "ledger", "login": "aws-iam", "principal": "7c1d2a6e-0000-4000-8000-000000000001"},
    "admin": {"user": "migrator", "login": "aws-secret"},
    "replicas": [],
}


@pytest.fixture(autouse=True)
def no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("FORTRESS_CLOUD", "FORTRESS_DIRECTORY"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def directory_file(empty: Empty, postgres: Postgres, tmp_path: Path) -> Path:
    """Lists two shards of one home; that of the others is elsewhere."""
    first, second = (shard(postgres, "aws", empty("aws").database) for _ in range(2))
    elsewhere = shard(postgres, "gcp", "nowhere") | {"port": 1}
    shards = [first | {"slots": [[0, 99]]}, second | {"name": "aws-1", "slots": [[100, 199]]}]
    file = tmp_path / "directory.json"
    file.write_text(json.dumps({"slots": 4096, "shards": [*shards, elsewhere | {"slots": [[200, 4095]]}]}))
    return file


@pytest.mark.servers
def test_migrate_moves_the_shards_of_one_home(directory_file: Path) -> None:
    where = ["--home", "aws", "--directory", str(directory_file)]
    result = run(app, ["migrate", "up", *where])
    assert result.exit_code == 0, result.output
    assert "aws-0: applied 0001_slots\n" in result.output
    assert "aws-1: up to date, " in result.output
    assert " migrations, ledger may write\n" in result.output
    assert "gcp" not in result.output
    assert "aws-1: 0003_events applied\n" in run(app, ["migrate", "status", *where]).output
    result = run(app, ["migrate", "down", *where, "--steps", "2"])
    assert result.output.count("aws-0: rolled back 0") == 2
    result = run(app, ["migrate", "down", *where, "--all"])
    assert "aws-1: 0 migrations are applied\n" in result.output


@pytest.mark.servers
def test_a_home_without_shards_has_nothing_to_do(directory_file: Path) -> None:
    result = run(app, ["migrate", "up", "--home", "azure", "--directory", str(directory_file)])
    assert (result.exit_code, result.output) == (0, "no shard is at home in azure: nothing to do\n")


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["migrate", "up", "--directory", "{directory}"], "FORTRESS_CLOUD is not set"),
        (["migrate", "up", "--home", "aws", "--directory", "/no"], "the directory /no cannot be read: No such file"),
        (["serve"], "FORTRESS_CLOUD is not set"),
    ],
)
def test_what_is_wrong_is_said_in_a_line(arguments: list[str], line: str, tmp_path: Path) -> None:
    directory = tmp_path / "directory.json"
    directory.write_text(json.dumps({"slots": 4096, "shards": [ONE_SHARD]}))
    result = run(app, [argument.format(directory=directory) for argument in arguments])
    assert result.exit_code != 0
    assert str(result.exception).startswith(line)


def test_a_home_that_is_no_cloud_is_refused() -> None:
    result = run(app, ["migrate", "up", "--home", "ibm"])
    assert result.exit_code == 2
    assert "Invalid value for '--home'" in result.output


class TestToken:
    """`fortress token`"""

    async def test_it_prints_a_token_that_the_app_takes(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        authority = Authority.of(Sandbox.open(tmp_path))
        monkeypatch.setenv("LOCALCLOUD_HOME", str(tmp_path))
        result = run(app, ["token", "--subject", "alice", "--scope", "credits:read", "--lifetime", "1"])
        verifier = Verifier(JwksCache(authority.jwks), issuer=ISSUER, audience="ledger")
        caller = await verifier.caller(result.stdout.removesuffix("\n"))
        assert (caller.subject, caller.scopes) == ("alice", {"credits:read"})

    @pytest.mark.parametrize(
        ("arguments", "scopes"),
        [
            ([], {"credits:grant", "credits:read"}),
            ([word for scope in Scope for word in ("--scope", scope)], set(Scope)),
        ],
    )
    async def test_its_scopes_are_those_that_are_asked_for(
        self, arguments: list[str], scopes: set[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        authority = Authority.of(Sandbox.open(tmp_path))
        monkeypatch.setenv("LOCALCLOUD_HOME", str(tmp_path))
        verifier = Verifier(JwksCache(authority.jwks), issuer=ISSUER, audience="ledger")
        caller = await verifier.caller(run(app, ["token", *arguments]).stdout.strip())
        assert caller.scopes == scopes

    def test_a_scope_that_the_api_does_not_know_is_refused(self) -> None:
        result = run(app, ["token", "--scope", "credits:steal"])
        assert result.exit_code == 2
        assert "'credits:steal' is not one of" in " ".join(result.output.split())

    def test_without_a_local_environment_there_is_none(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("LOCALCLOUD_HOME", str(tmp_path / "nothing"))
        assert str(run(app, ["token"]).exception).startswith("the local environment is not up")
        assert not (tmp_path / "nothing").exists()
