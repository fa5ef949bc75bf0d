"""Decoys in databases of their own, beside those of a ledger, on one server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI

from app.camouflage import behaviour, reasons
from app.camouflage.application import create_decoy
from app.camouflage.preparation import Preparation
from app.camouflage.settings import CamouflageSettings
from app.canaries.key import CamouflageKey
from app.canaries.tokens import Canaries, Kind
from app.database import Role, ShardDatabase
from app.personal_data.key_file import FileMasterKey
from app.provisioning.migrate import Migrator
from app.topology import Directory, parse_directory
from localcloud.identity import ISSUER
from tests.app.conftest import AUDIENCE, HOMES, Postgres, directory_of, log_in_as, make_database

DOMAINS = ("mail.bluewillow-post.com", "inbox.bluewillow-post.com")
NOW = datetime.now(UTC)
ROWS = 16
VIEWS = 12
"""Enough for every caller in one test process."""


@pytest.fixture(scope="session")
def camouflage_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("camouflage")


@pytest.fixture(scope="session")
def canary_file(camouflage_folder: Path) -> Path:
    CamouflageKey.create(camouflage_folder / "key.json", DOMAINS, random=lambda size: bytes(range(size)))
    return camouflage_folder / "key.json"


@pytest.fixture(scope="session")
def operator_key(canary_file: Path) -> CamouflageKey:
    return CamouflageKey.read(canary_file)


@pytest.fixture(scope="session")
def decoy_master(camouflage_folder: Path) -> FileMasterKey:
    return FileMasterKey.create(camouflage_folder / "decoy-master.json")


@asynccontextmanager
async def operators_of(directory: Directory) -> AsyncIterator[dict[str, ShardDatabase]]:
    """Open the databases as operators' commands do; the test is logged in as administrator."""
    async with AsyncExitStack() as stack:
        found = {}
        for shard in directory.shards:
            database = ShardDatabase(shard, size=4, kept=0, seconds=30, role=Role.ADMIN)
            stack.push_async_callback(database.close)
            await database.open()
            found[shard.name] = database
        yield found


def migrated_directory(postgres: Postgres) -> tuple[str, Directory]:
    text = directory_of(postgres, {home: make_database(postgres, home) for home in HOMES})
    directory = parse_directory(text)
    for shard in directory.shards:
        Migrator(shard, directory=directory).up(lambda _: None)
    return text, directory


@pytest.fixture(scope="session")
def decoys_text(postgres: Postgres, operator_key: CamouflageKey, decoy_master: FileMasterKey) -> str:
    """Databases with the accounts of place 0; tests write in the views of their own callers only."""
    with pytest.MonkeyPatch.context() as patch:
        log_in_as(patch, postgres, "migrator")
        text, directory = migrated_directory(postgres)

        async def prepare() -> None:
            async with operators_of(directory) as databases:
                preparation = Preparation(directory, databases, operator_key, decoy_master)
                model, texts = behaviour.default_model(), reasons.default_reasons()
                await preparation.make(0, ROWS, model=model, reasons=texts, now=NOW, views=VIEWS)

        asyncio.run(prepare())
    return text


@pytest.fixture
def decoys(decoys_text: str, answering: Postgres, monkeypatch: pytest.MonkeyPatch) -> Directory:
    """Return the directory of the decoys, and log in as the app."""
    log_in_as(monkeypatch, answering, "ledger")
    return parse_directory(decoys_text)


@pytest.fixture
def decoy_settings(
    postgres: Postgres,
    camouflage_folder: Path,
    decoys_text: str,
    decoy_master: FileMasterKey,
    canary_file: Path,
    tmp_path: Path,
) -> CamouflageSettings:
    (tmp_path / "decoys.json").write_text(decoys_text)
    (tmp_path / "jwks.json").write_text(postgres.authority.jwks())
    return CamouflageSettings(
        environment="test",
        cloud="aws",
        directory=tmp_path / "decoys.json",
        oidc_issuer=ISSUER,
        oidc_audience=AUDIENCE,
        oidc_jwks_uri=(tmp_path / "jwks.json").as_uri(),
        master_key=f"file:{camouflage_folder / 'decoy-master.json'}",
        canary_key=canary_file,
        drain_seconds=0.5,
    )


@asynccontextmanager
async def running(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://app") as client,
    ):
        yield client


@pytest.fixture
async def decoy(
    decoy_settings: CamouflageSettings, decoys: Directory, operator_key: CamouflageKey
) -> AsyncIterator[httpx.AsyncClient]:
    async with running(create_decoy(operator_key, decoy_settings, decoys)) as client:
        yield client


@pytest.fixture
def late(decoys: Directory, postgres: Postgres) -> Iterator[None]:
    """Take all prepared views, so that new callers share one."""
    with postgres.as_operator(decoys.map_shard.database) as connection:
        connection.execute("insert into camouflage_worlds (caller, number) values ('last', 1000)")
        yield
        connection.execute("delete from camouflage_worlds where number >= 1000")


def token_of(postgres: Postgres, subject: str) -> dict[str, str]:
    """Return the header of a caller with all scopes, as the real issuer would sign it."""
    scopes = ("credits:grant", "credits:read", "credits:spend", "credits:administer")
    token = postgres.authority.mint(subject, AUDIENCE, scopes, timedelta(minutes=10))
    return {"Authorization": f"Bearer {token}"}


def account_of(key: CamouflageKey, index: int, place: int = 0) -> str:
    return str(Canaries(key).token(Kind.ACCOUNT, place, index))
