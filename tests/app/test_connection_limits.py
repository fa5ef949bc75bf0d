"""All processes together stay within the limits of a server, or refuse to start."""

from __future__ import annotations

import asyncio
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.connection_limits import (
    DEDICATED_CONNECTIONS,
    ServerCapacity,
    ServerTooSmall,
    branch_limit,
    branch_limits,
    count_connections,
    pool_sizes,
)
from app.data_plane import DataPlane
from app.personal_data import open_master_key
from app.server import run
from app.settings import ServeSettings
from app.topology import Directory, read_directory
from app.transfers import IN_FLIGHT

from .conftest import PARAMETERS, Postgres


def settings_of(pool_size: int, processes: int) -> ServeSettings:
    return ServeSettings(
        cloud="aws",
        oidc_issuer="https://issuer.example.com",
        oidc_audience="ledger",
        master_key="file:/nowhere",
        pool_size=pool_size,
        processes=processes,
    )


@given(
    pool_size=st.integers(1, 50),
    processes=st.integers(1, 1000),
    capacity=st.builds(ServerCapacity, st.integers(20, 5000), st.integers(0, 5000)),
    home=st.booleans(),
)
def test_all_processes_together_stay_within_the_server(
    pool_size: int, processes: int, capacity: ServerCapacity, home: bool
) -> None:
    try:
        limit = branch_limit("aws-0", capacity, settings_of(pool_size, processes), home=home)
    except ServerTooSmall:
        assert (
            processes * count_connections(pool_size, home=home) > capacity.connections or processes > capacity.prepared
        )
    else:
        assert 1 <= limit <= IN_FLIGHT
        assert processes * limit <= capacity.prepared
        assert processes * count_connections(pool_size, home=home) <= capacity.connections


@pytest.mark.parametrize(
    ("capacity", "line"),
    [
        (ServerCapacity(71, 100), "takes 71 connections, and 6 processes of 12 may hold 72: lower FORTRESS_POOL_SIZE"),
        (ServerCapacity(72, 5), "takes 5 prepared transactions, fewer than FORTRESS_PROCESSES"),
    ],
)
def test_the_refusal_says_what_to_change(capacity: ServerCapacity, line: str) -> None:
    with pytest.raises(ServerTooSmall, match=line):
        branch_limit("aws-0", capacity, settings_of(4, 6), home=True)


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A busy machine may be slow to answer; a server that is not asked leads to no refusal."""
    monkeypatch.setattr("app.connection_limits.ANSWER_SECONDS", 20.0)


@pytest.mark.servers
async def test_the_room_is_the_servers_own(settings: ServeSettings, migrated: Directory, patient: None) -> None:
    assert int(PARAMETERS["max_prepared_transactions"]) == 10
    found = await branch_limits(settings.model_copy(update={"processes": 3}), migrated)
    assert found == dict.fromkeys(("aws-0", "azure-0", "gcp-0"), 3)
    with pytest.raises(ServerTooSmall, match=r"shard aws-0 takes 57 connections, and 5 processes of 12"):
        await branch_limits(settings.model_copy(update={"processes": 5}), migrated)


@pytest.mark.servers
async def test_a_server_that_is_down_keeps_nobody_from_starting(settings: ServeSettings, migrated: Directory) -> None:
    document = json.loads(settings.directory.read_text())
    document["shards"][1]["port"] = 1
    settings.directory.write_text(json.dumps(document))
    found = await branch_limits(settings, read_directory(settings.directory))
    assert found == {"aws-0": 10, "gcp-0": 10}


@pytest.mark.servers
def test_a_process_without_room_does_not_listen(settings: ServeSettings, patient: None) -> None:
    with pytest.raises(ServerTooSmall):
        run(settings.model_copy(update={"pool_size": 50, "port": 0}))


@pytest.mark.servers
async def test_a_process_holds_no_more_than_is_counted(
    settings: ServeSettings, migrated: Directory, postgres: Postgres
) -> None:
    plane = DataPlane(
        migrated, cloud="aws", pool_size=3, database_seconds=3, master_key=open_master_key(settings.master_key)
    )
    pools = [
        databases.by_shard["aws-0"]._pool.max_size for databases in (plane.databases, plane._waiting, plane._settling)
    ]
    assert pools == [*pool_sizes(3)] == [3, 3, 2]
    await plane.open()
    names = [worker.name for worker in plane.workers()]
    running = [asyncio.create_task(worker.run()) for worker in plane.workers()]
    try:
        question = "select count(*) from pg_stat_activity where usename = 'ledger' and datname = %s"
        held = 0
        with postgres.as_operator("postgres") as connection:
            for _ in range(40):
                row = connection.execute(question, [migrated.shards[0].database]).fetchone()
                assert row is not None
                held = max(held, row[0])
                await asyncio.sleep(0.05)
    finally:
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        await plane.close()
    assert DEDICATED_CONNECTIONS <= held <= count_connections(3, home=True), names
