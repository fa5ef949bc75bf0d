"""The app as a process of its own: how it starts, stops, and lives through the death of its database."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest
import xxhash

from app.settings import ServeSettings
from app.topology import Directory
from tests.waiting import until, wait_until

from .conftest import Postgres, bearer, environment_of

pytestmark = pytest.mark.servers

SERVE = [sys.executable, "-c", "from cli.main import main; main()", "serve"]
LARGEST_RSS_MB = 100
"""Ninety on the machine that this was written on; more would no longer be a small process."""


@dataclass
class Server:
    """One running app process."""

    process: subprocess.Popen[str]
    url: str
    headers: dict[str, str]
    log: Path

    def status(self, path: str) -> int:
        try:
            return httpx.get(self.url + path, timeout=5).status_code
        except httpx.TransportError:
            return 0

    def lines(self) -> list[dict[str, object]]:
        return [json.loads(line) for line in self.log.read_text().splitlines()]


@pytest.fixture
def environment(settings: ServeSettings, postgres: Postgres) -> dict[str, str]:
    """What a pod of the Deployment is given."""
    return {
        **{name: value for name, value in os.environ.items() if name == "PATH" or name.startswith("COV")},
        **environment_of(postgres.authority, "ledger"),
        **{f"FORTRESS_{name.upper()}": str(value) for name, value in settings.model_dump(exclude_none=True).items()},
    }


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def serving(environment: dict[str, str], postgres: Postgres, log: Path) -> Iterator[Server]:
    port = free_port()
    with log.open("w") as output:
        process = subprocess.Popen(
            SERVE,
            env=environment | {"FORTRESS_PORT": str(port)},
            stdout=output,
            stderr=subprocess.STDOUT,
            text=True,
        )
    server = Server(process, f"http://127.0.0.1:{port}", bearer(postgres.authority), log)
    try:
        wait_until(lambda: process.poll() is not None or server.status("/readyz") == 200, "readiness")
        assert process.poll() is None, log.read_text()
        yield server
    finally:
        process.kill()
        process.wait()


@pytest.fixture
def server(environment: dict[str, str], postgres: Postgres, tmp_path: Path) -> Iterator[Server]:
    with serving(environment, postgres, tmp_path / "log") as running:
        yield running


@dataclass
class Traffic:
    """Clients that grant one credit after the other, each to an account of its own, and remember what came back."""

    server: Server
    account: str
    clients: int = 8
    acknowledged: dict[str, int] = field(default_factory=dict)
    """Credits whose grant was answered with 201, by account."""
    statuses: set[int] = field(default_factory=set)
    failures: list[float] = field(default_factory=list)
    """Moments at which a request got no answer."""
    stopped: bool = False

    async def run(self) -> None:
        await asyncio.gather(*(self._client(f"{self.account}-{number}") for number in range(self.clients)))

    async def _client(self, account: str) -> None:
        async with httpx.AsyncClient(base_url=self.server.url, headers=self.server.headers, timeout=20) as client:
            while not self.stopped:
                try:
                    answer = await client.post(f"/accounts/{account}/grants", json={"amount": 1})
                except httpx.TransportError:
                    self.failures.append(time.monotonic())
                    return
                self.statuses.add(answer.status_code)
                if answer.status_code == 201:
                    self.acknowledged[account] = self.acknowledged.get(account, 0) + 1


def stored(postgres: Postgres, directory: Directory) -> dict[str, int]:
    found: dict[str, int] = {}
    for shard in directory.shards:
        with postgres.as_operator(shard.database) as connection:
            rows = connection.execute("select stream, count(*), max(version), max(total) from events group by stream")
            for stream, count, version, total in rows:
                assert count == version == total  # each grant is one credit: no hole, none doubled
                found[stream] = total
    return found


async def test_a_stop_under_load_loses_no_request(
    environment: dict[str, str], postgres: Postgres, migrated: Directory, tmp_path: Path
) -> None:
    drain_seconds = 3.0
    with serving(environment | {"FORTRESS_DRAIN_SECONDS": str(drain_seconds)}, postgres, tmp_path / "log") as server:
        traffic = Traffic(server, "load")
        running = asyncio.create_task(traffic.run())
        await until(lambda: sum(traffic.acknowledged.values()) >= 50, "fifty acknowledged grants")
        sent = time.monotonic()
        server.process.send_signal(signal.SIGTERM)
        await asyncio.to_thread(wait_until, lambda: server.status("/readyz") == 503, "the report that it stops")
        assert time.monotonic() - sent < drain_seconds
        assert await asyncio.to_thread(server.process.wait, 20) == 0
        traffic.stopped = True
        await running
    assert traffic.statuses == {201}
    assert all(moment - sent >= drain_seconds for moment in traffic.failures)
    assert stored(postgres, migrated) == traffic.acknowledged
    assert {"draining", "stopped"} <= {line["event"] for line in server.lines()}


async def test_a_request_that_is_under_way_is_finished(
    environment: dict[str, str], postgres: Postgres, migrated: Directory, tmp_path: Path
) -> None:
    place = migrated.place_of("alice")
    [database] = [shard.database for shard in migrated.shards if shard.name == place.shard]
    with serving(environment | {"FORTRESS_DRAIN_SECONDS": "0"}, postgres, tmp_path / "log") as server:
        async with httpx.AsyncClient(base_url=server.url, headers=server.headers, timeout=20) as client:
            with postgres.as_operator(database) as connection, connection.transaction():
                # What every writer of the stream waits for.
                connection.execute("select pg_advisory_xact_lock(%s)", [xxhash.xxh3_64_intdigest(b"alice") - 2**63])
                request = asyncio.create_task(client.post("/accounts/alice/grants", json={"amount": 1}))
                waiting = "select count(*) from pg_locks where locktype = 'advisory' and not granted"
                await until(lambda: connection.execute(waiting).fetchone() == (1,), "the request to wait for the lock")
                server.process.send_signal(signal.SIGTERM)
                await asyncio.to_thread(wait_until, lambda: server.status("/healthz") == 0, "the closed port")
            assert (await request).status_code == 201
        assert await asyncio.to_thread(server.process.wait, 20) == 0


async def test_a_killed_database_costs_no_acknowledged_grant(
    server: Server, postgres: Postgres, migrated: Directory
) -> None:
    traffic = Traffic(server, "kill")
    running = asyncio.create_task(traffic.run())
    await until(lambda: sum(traffic.acknowledged.values()) >= 50, "fifty acknowledged grants")
    await asyncio.to_thread(postgres.kill)
    await asyncio.to_thread(wait_until, lambda: server.status("/readyz") == 503, "the report that it is not ready")
    assert server.status("/healthz") == 200
    assert server.process.poll() is None
    await asyncio.to_thread(postgres.start)
    started = time.monotonic()
    await asyncio.to_thread(wait_until, lambda: server.status("/readyz") == 200, "recovery")
    assert time.monotonic() - started < 15
    before = sum(traffic.acknowledged.values())
    await until(lambda: sum(traffic.acknowledged.values()) >= before + 50, "fifty more acknowledged grants")
    traffic.stopped = True
    await running
    assert traffic.statuses <= {201, 503}
    assert not traffic.failures
    found = stored(postgres, migrated)
    assert all(found[account] >= credits for account, credits in traffic.acknowledged.items())


async def test_a_database_that_came_back_is_used_without_an_error(server: Server, postgres: Postgres) -> None:
    async with httpx.AsyncClient(base_url=server.url, headers=server.headers, timeout=20) as client:

        async def grant_everywhere() -> set[int]:
            requests = [client.post(f"/accounts/account-{n}/grants", json={"amount": 1}) for n in range(24)]
            return {answer.status_code for answer in await asyncio.gather(*requests)}

        assert await grant_everywhere() == {201}
        await asyncio.to_thread(postgres.kill)
        await asyncio.to_thread(postgres.start)
        # The pools are full of dead connections, and every one of these requests has to notice.
        assert await grant_everywhere() == {201}


def test_a_leader_that_is_killed_is_taken_over_by_another_process(
    environment: dict[str, str], postgres: Postgres, migrated: Directory, tmp_path: Path
) -> None:
    account = next(name for name in map("account-{}".format, range(100)) if migrated.place_of(name).home == "aws")
    shard = migrated.by_name[migrated.place_of(account).shard]

    def granted(server: Server) -> None:
        httpx.post(f"{server.url}/accounts/{account}/grants", json={"amount": 1}, headers=server.headers)

    def projected() -> int:
        with postgres.as_operator(shard.database) as connection:
            [(lines,)] = connection.execute("select count(*) from statement_lines where stream = %s", [account])
            return int(lines)

    def led_by(server: Server) -> set[object]:
        return {line["worker"] for line in server.lines() if line["event"] == "leading"}

    work = {f"projection statement of {shard.name}", f"rebuilding statement of {shard.name}"}
    with serving(environment, postgres, tmp_path / "first") as first:
        wait_until(lambda: work <= led_by(first), "the first process to lead")
        with serving(environment, postgres, tmp_path / "second") as second:
            granted(second)
            wait_until(lambda: projected() == 1, "the line of an event that the other process stored")
            assert not work & led_by(second)
            first.process.kill()
            wait_until(lambda: work <= led_by(second), "the second process to lead")
            granted(second)
            wait_until(lambda: projected() == 2, "the line that the new leader makes")
            assert f'fortress_projection_lag_events{{projection="statement",shard="{shard.name}"' in (
                httpx.get(f"{second.url}/metrics").text
            )


def test_a_process_is_small_and_tells_no_secret(server: Server) -> None:
    with httpx.Client(base_url=server.url, headers=server.headers) as client:
        for number in range(60):
            client.post(f"/accounts/account-{number}/grants", json={"amount": 1}).raise_for_status()
    status = Path(f"/proc/{server.process.pid}/status").read_text()
    [resident] = [line.split()[1] for line in status.splitlines() if line.startswith("VmRSS")]
    assert int(resident) / 1024 < LARGEST_RSS_MB
    token = server.headers["Authorization"].split(" ")[1]
    assert token not in server.log.read_text()
    assert "account-1" not in server.log.read_text()
    assert "PRIVATE KEY" not in Path(f"/proc/{server.process.pid}/cmdline").read_text()


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({"FORTRESS_PORT": "high"}, "FORTRESS_PORT=high: input should be a valid integer"),
        ({"FORTRESS_DIRECTORY": "/nowhere.json"}, "the directory /nowhere.json cannot be read"),
    ],
)
def test_what_is_wrong_is_said_before_anything_listens(
    environment: dict[str, str], changes: dict[str, str], line: str
) -> None:
    result = subprocess.run(SERVE, env=environment | changes, capture_output=True, text=True, timeout=30)
    assert result.returncode != 0
    assert line in result.stderr


def test_a_taken_port_ends_the_process(environment: dict[str, str]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        result = subprocess.run(
            SERVE,
            env=environment | {"FORTRESS_PORT": port},
            capture_output=True,
            text=True,
            timeout=30,
        )
    assert result.returncode != 0
    assert "address already in use" in result.stdout
