"""A killed process comes back, and every acknowledged grant is stored exactly once."""

from __future__ import annotations

import os
import re
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest

from app.credits.model import Origin
from app.events.append import key_hash
from tests.e2e.conftest import Local
from tests.waiting import wait_until

pytestmark = [pytest.mark.engine, pytest.mark.servers, pytest.mark.xdist_group("local")]
CLOUDS = ("aws", "azure", "gcp")


@dataclass
class Grants:
    """The answers that clients got."""

    acknowledged: dict[str, str] = field(default_factory=dict)
    """Account by idempotency key."""
    refused: int = 0


@contextmanager
def grants_meanwhile(local: Local, clients: int = 4) -> Iterator[Grants]:
    """Run clients that grant single credits, each with its own key, through all clouds in turn."""
    token, over, grants = local.token(), threading.Event(), Grants()

    def grant(client: int) -> None:
        number = 0
        while not over.is_set():
            number += 1
            key, account = f"{os.urandom(4).hex()}-{client}-{number}", f"fault-{client}-{number % 7}"
            try:
                answer = local.grant(CLOUDS[number % 3], account, 1, token=token, key=key)
            except (httpx.HTTPError, StopIteration):
                grants.refused += 1
                continue
            if answer.status_code == 201:
                grants.acknowledged[key] = account
            else:
                grants.refused += 1

    threads = [threading.Thread(target=grant, args=(client,)) for client in range(clients)]
    for thread in threads:
        thread.start()
    try:
        yield grants
    finally:
        over.set()
        for thread in threads:
            thread.join()


def assert_all_there(local: Local, grants: Grants) -> None:
    stored = [
        key.hex
        for cloud in CLOUDS
        for (key,) in local.rows(f"{cloud}-0", "select idempotency_key from events where idempotency_key is not null")
    ]
    assert grants.acknowledged, "no grant was acknowledged at all"
    acknowledged = {key_hash(Origin.of("tester", key).key) for key in grants.acknowledged}
    assert acknowledged <= set(stored)
    assert len(stored) == len(set(stored))


@pytest.mark.parametrize("program", ["postgres-", "pod.", "gateway."])
def test_a_killed_server_app_or_proxy_restarts_and_no_acknowledged_grant_is_lost(local: Local, program: str) -> None:
    with grants_meanwhile(local) as grants:
        wait_until(lambda: len(grants.acknowledged) > 10, "acknowledged grants")
        killed = local.kill(program)
        wait_until(
            lambda: killed not in local.programs().values() and local.whole(), f"{program} to be back", poll_seconds=0.1
        )
        before = len(grants.acknowledged)
        wait_until(lambda: len(grants.acknowledged) > before + 10, "more acknowledged grants")
    assert_all_there(local, grants)


def test_up_repairs_what_died_and_changes_nothing_else(local: Local) -> None:
    # A server dies while no supervisor would restart it: refresh shows it, `up` starts it.
    local.kill_supervisor()
    local.stop_unsupervised("postgres-aws")
    shown = local.fortress("env", "refresh").stdout
    assert re.search(r"~ .*aws:rds:Instance", shown), shown
    local.fortress("up")
    wait_until(local.whole, "everything to run", poll_seconds=0.1)

    # The supervisor alone dies: everything serves.
    before = local.programs()
    local.kill_supervisor()
    with grants_meanwhile(local, clients=2) as grants:
        wait_until(lambda: len(grants.acknowledged) > 10, "acknowledged grants without a supervisor")
    assert local.programs() == before

    # Two `up`s at once supervise it again, restart nothing, and find nothing to change.
    both = [local.start("up"), local.start("up")]
    outputs = [process.communicate(timeout=180)[0] for process in both]
    assert [process.returncode for process in both] == [0, 0], outputs
    assert [bool(re.search(r"Resources:\s+\d+ unchanged\s", output)) for output in outputs] == [True, True], outputs
    assert local.programs() == before
    assert local.supervised()
    assert_all_there(local, grants)


def test_nothing_secret_is_in_state_logs_or_arguments(local: Local) -> None:
    token = local.token()
    local.grant("aws", "secretive", 1, token=token)
    secret = re.compile(rb"PRIVATE KEY-----|eyJhbGciOi|password=\S")
    allowed = {local.sandbox.root / "identity", local.sandbox.root / "kubernetes"}
    files = [
        path
        for path in local.sandbox.root.rglob("*")
        if path.is_file() and not allowed & set(path.parents) and "data" not in path.parts
    ]
    assert len(files) > 100
    exposed = [path for path in files if secret.search(path.read_bytes()) and not is_protected_key(path)]
    assert exposed == []
    arguments = b"".join(command_lines(local))
    assert not secret.search(arguments)
    assert token.encode() not in arguments


def is_protected_key(path: Path) -> bool:
    """Tell whether a file is a server's key that only its account can read."""
    return path.suffix == ".key" and path.stat().st_mode & 0o077 == 0


def command_lines(local: Local) -> Iterator[bytes]:
    for pid in filter(None, local.programs().values()):
        yield Path(f"/proc/{pid}/cmdline").read_bytes()


def test_others_on_this_machine_can_read_neither_data_nor_keys(local: Local) -> None:
    keys = [path for path in local.sandbox.root.rglob("*.key") if path.is_file()]
    data = list(local.sandbox.root.glob("postgres/*/data"))
    assert len(keys) > 3
    assert len(data) == len(CLOUDS)
    assert [path for path in (*keys, *data) if path.stat().st_mode & 0o077] == []


def test_everything_listens_on_loopback_only(local: Local) -> None:
    pids = {str(pid) for pid in local.programs().values() if pid}
    shown = subprocess.run(["ss", "-Htlnp"], text=True, capture_output=True).stdout
    own = [line.split() for line in shown.splitlines() if any(f"pid={pid}," in line for pid in pids)]
    assert own
    assert all(row[3].startswith("127.") for row in own)
