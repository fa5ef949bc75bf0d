"""Balance reads over HTTP: how many at most, and how long they take when half as many come."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

from app.personal_data.key_file import FileMasterKey
from app.topology import Directory, Shard
from localcloud.identity import ISSUER
from localcloud.sandbox import can_listen
from tools.bench.data_plane import http_client, ours
from tools.bench.data_plane.databases import BenchDatabases
from tools.bench.data_plane.http_client import Latencies
from tools.bench.data_plane.server import Server, logged_in_as
from tools.bench.data_plane.worker_pool import WorkerPool, worker_pool
from tools.bench.measurement import Floor, Limit, Recorder
from tools.bench.slices import paired, percentile

FORTRESS = Path(sys.executable).parent / "fortress"
HOST = "127.0.0.1"
AUDIENCE = "ledger"
ACCOUNTS = 1000
CONNECTIONS = 100
POOL = 4
SECONDS = 0.8
OPEN_SECONDS = 8.0
START_SECONDS = 30.0

Client = WorkerPool[tuple[float, Latencies]]


def balance_reads(bench: BenchDatabases, recorder: Recorder) -> None:
    """Balance reads through the API."""
    shard = bench.shard
    with logged_in_as(bench.server, ours.WRITER), _serving(bench, shard) as (our_port, their_port):
        token = bench.server.authority.mint("reader", AUDIENCE, ["credits:read"], timedelta(hours=1))
        ours_asked = [_request(account, token) for account in _accounts()]
        theirs_asked = [_request(account, None) for account in _accounts()]
        with (
            worker_pool(1, http_client.client, HOST, our_port, ours_asked, CONNECTIONS) as mine,
            worker_pool(1, http_client.client, HOST, their_port, theirs_asked, CONNECTIONS) as theirs,
        ):
            pairs = paired(lambda: _saturated(mine), lambda: _saturated(theirs))
            half = sorted(pairs.ours)[len(pairs.ours) // 2] / 2
            [(reached, latencies)] = mine.run(half, OPEN_SECONDS)
    recorder.take(
        "balance reads over HTTP at saturation, against plain FastAPI and psycopg",
        Floor(1.5, "x"),
        pairs.ours_by_theirs,
        raw={"ours/s": pairs.ours, "theirs/s": pairs.theirs},
        note="one process each; ours checks the token and its scope, limits rates, counts, and routes by the slot map",
    )
    recorder.take(
        "balance reads over HTTP at half of saturation, 99th percentile",
        Limit(20, "ms"),
        [1000 * percentile(latencies, 0.99)],
        raw={"sent/s": [half], "answered/s": [reached], "median ms": [1000 * percentile(latencies, 0.5)]},
        note=f"{CONNECTIONS} open connections, Poisson arrivals; waiting for a free connection counts",
    )


ROWS = (balance_reads,)


def _saturated(client: Client) -> float:
    return client.run(None, SECONDS)[0][0]


def _accounts() -> list[str]:
    return [f"http-{number}" for number in range(ACCOUNTS)]


def _request(account: str, token: str | None) -> bytes:
    login = f"Authorization: Bearer {token}\r\n" if token else ""
    return f"GET /accounts/{account} HTTP/1.1\r\nHost: {HOST}\r\n{login}\r\n".encode()


@contextlib.contextmanager
def _serving(bench: BenchDatabases, shard: Shard) -> Iterator[tuple[int, int]]:
    """Ports of our API and of the plain one; both as processes of their own, on the same rows."""
    asyncio.run(_grant(shard))
    our_port, their_port = _free_port(), _free_port()
    parameters = bench.server.parameters(shard.database, ours.WRITER)
    plain = [sys.executable, "-m", "tools.bench.data_plane.plain_api", json.dumps([HOST, their_port, parameters, POOL])]
    with (
        _process([str(FORTRESS), "serve"], _environment(bench.server, shard, our_port), our_port),
        _process(plain, {}, their_port),
    ):
        yield our_port, their_port


async def _grant(shard: Shard) -> None:
    directory = Directory(slots=4096, shards=[shard])
    async with ours.opened_all(directory) as databases:
        await ours.append_to_each(directory, databases, _accounts())


def _environment(server: Server, shard: Shard, port: int) -> dict[str, str]:
    folder = server.sandbox.folder("api")
    document = {"slots": 4096, "shards": [shard.model_dump()]}
    (folder / "directory.json").write_text(json.dumps(document))
    (folder / "jwks.json").write_text(server.authority.jwks())
    FileMasterKey.create(folder / "master-key.json")
    return {
        "FORTRESS_CLOUD": shard.home,
        "FORTRESS_MASTER_KEY": f"file:{folder / 'master-key.json'}",
        "FORTRESS_DIRECTORY": str(folder / "directory.json"),
        "FORTRESS_OIDC_ISSUER": ISSUER,
        "FORTRESS_OIDC_AUDIENCE": AUDIENCE,
        "FORTRESS_OIDC_JWKS_URI": (folder / "jwks.json").as_uri(),
        "FORTRESS_HOST": HOST,
        "FORTRESS_PORT": str(port),
        "FORTRESS_POOL_SIZE": str(POOL),
        "FORTRESS_RATE_LIMIT": "1000000/second",
        "FORTRESS_LOG_LEVEL": "warning",
        "FORTRESS_DRAIN_SECONDS": "0",
    }


@contextlib.contextmanager
def _process(command: list[str], environment: dict[str, str], port: int) -> Iterator[None]:
    process = subprocess.Popen(command, env=os.environ | environment, stdout=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + START_SECONDS
        while can_listen(HOST, port):
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"{command[:3]} does not listen on {port}")
            time.sleep(0.05)
        yield
    finally:
        process.terminate()
        process.wait(timeout=30)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port
