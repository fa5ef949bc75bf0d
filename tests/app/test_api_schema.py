"""The API against its own description: requests that are made from the OpenAPI document, good and bad ones."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.specs.openapi.checks import positive_data_acceptance

from app.api import create_app
from app.personal_data.key_file import FileMasterKey
from app.settings import ServeSettings
from app.topology import parse_directory
from localcloud.identity import ISSUER

from .conftest import AUDIENCE, Postgres, bearer, directory_of, environment_of
from .test_server import Server, serving

pytestmark = [pytest.mark.servers, pytest.mark.xdist_group("api schema")]

SCOPES = ("credits:grant", "credits:spend", "credits:read", "credits:administer")
EXAMPLES = 60
"""Requests to each operation besides those that probe the bounds of its parameters."""


def described() -> dict[str, Any]:
    """The description, from an application that is never started."""
    shard = {
        "name": "aws-0",
        "home": "aws",
        "region": "eu-central-1",
        "host": "nowhere.example.org",
        "database": "ledger",
        "slots": [[0, 4095]],
        "app": {"user": "ledger", "login": "aws-iam"},
        "admin": {"user": "migrator", "login": "aws-secret"},
    }
    directory = parse_directory(json.dumps({"slots": 4096, "shards": [shard]}))
    with TemporaryDirectory() as folder:
        FileMasterKey.create(Path(folder, "master-key.json"))
        settings = ServeSettings(
            cloud="aws", oidc_issuer=ISSUER, oidc_audience=AUDIENCE, master_key=f"file:{folder}/master-key.json"
        )
        return create_app(settings, directory).openapi()


schema = schemathesis.openapi.from_dict(described())


@pytest.fixture(scope="module")
def server(postgres: Postgres, databases: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder: Path = tmp_path_factory.mktemp("api")
    (folder / "directory.json").write_text(directory_of(postgres, databases))
    (folder / "jwks.json").write_text(postgres.authority.jwks())
    FileMasterKey.create(folder / "master-key.json")
    environment = {
        **{name: value for name, value in os.environ.items() if name == "PATH" or name.startswith("COV")},
        **environment_of(postgres.authority, "ledger"),
        "FORTRESS_CLOUD": "aws",
        "FORTRESS_MASTER_KEY": f"file:{folder / 'master-key.json'}",
        "FORTRESS_DIRECTORY": str(folder / "directory.json"),
        "FORTRESS_OIDC_ISSUER": ISSUER,
        "FORTRESS_OIDC_AUDIENCE": AUDIENCE,
        "FORTRESS_OIDC_JWKS_URI": (folder / "jwks.json").as_uri(),
        "FORTRESS_RATE_LIMIT": "100000000/second",
    }
    with serving(environment, postgres, folder / "log") as running:
        running.headers.update(bearer(postgres.authority, *SCOPES, lifetime=timedelta(hours=1)))
        for account in ("alice", "bob"):
            path = f"{running.url}/accounts/{account}/grants"
            httpx.post(path, json={"amount": 10**12}, headers=running.headers).raise_for_status()
        yield running


@schema.parametrize()
@settings(max_examples=EXAMPLES, suppress_health_check=list(HealthCheck))
def test_every_answer_is_one_that_the_description_names(case: schemathesis.Case, server: Server) -> None:
    # A cursor is well-formed only where it was given out, which no description can say.
    excluded = [positive_data_acceptance] if "cursor" in (case.query or {}) else []
    case.call_and_validate(base_url=server.url, headers=server.headers, excluded_checks=excluded)


def test_no_request_made_the_program_fail(server: Server) -> None:
    assert not [line for line in server.lines() if line["event"] == "request crashed"]
