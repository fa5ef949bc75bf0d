"""Whatever is killed comes back, and every acknowledged grant is there, once."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

from app.credits.model import Origin
from app.events.append import key_hash
from tests.waiting import wait_until

pytestmark = [pytest.mark.engine, pytest.mark.servers, pytest.mark.xdist_group("local")]
CLOUDS = ("aws", "azure", "gcp")


@dataclass
class Grants:
    """What clients were told has been stored."""

    acknowledged: dict[str, str] = field(default_factory=dict)
    """Idempotency key -> account."""
    refused: int = 0


@contextmanager
def grants_meanwhile(local: Any, clients: int = 4) -> Iterator[Grants]:
    """Clients that grant one credit after the other, each with a key of its own, through all clouds in turn."""
    token, over, told = local.token(), threading.Event(), Grants()

    def grant(client: int) -> None:
        number = 0
        while not over.is_set():
            number += 1
            key, account = f"{os.urandom(4).hex()}-{client}-{number}", f"fault-{client}-{number % 7}"
            try:
                answer = local.grant(CLOUDS[number % 3], account, 1, token=token, key=key)
            except (httpx.HTTPError, StopIteration):
                told.refused += 1
                continue
            if answer.status_code == 201:
                told.acknowledged[key] = account
            else:
                told.refused += 1

    threads = [threading.Thread(target=grant, args=(client,)) for client in range(clients)]
    for thread in threads:
        thread.start()
    try:
        yield told
    finally:
        over.set()
        for thread in threads:
            thread.join()


def assert_all_there(local: Any, told: Grants) -> None:
    stored = [
        key.hex
        for cloud in CLOUDS
        for (key,) in local.rows(f"{cloud}-0", "select idempotency_key from events where idempotency_key is not null")
    ]
    assert told.acknowledged, "no grant was acknowledged at all"
    asked = {key_hash(Origin.of("tester", key).key) for key in told.acknowledged}
    assert asked <= set(stored)
    assert len(stored) == len(set(stored))


@pytest.mark.parametrize("program", ["postgres-", "pod.", "gateway."])
def test_a_killed_server_app_or_proxy_is_back_and_no_acknowledged_grant_is_lost(local: Any, program: str) -> None:
    with grants_meanwhile(local) as told:
        wait_until(lambda: len(told.acknowledged) > 10, "acknowledged grants")
        killed = local.kill(program)
        wait_until(
            lambda: killed not in local.programs().values() and local.whole(), f"{program} to be back", poll_seconds=0.1
        )
        before = len(told.acknowledged)
        wait_until(lambda: len(told.acknowledged) > before + 10, "more acknowledged grants")
    assert_all_there(local, told)


def test_without_its_supervisor_everything_serves_and_the_next_up_takes_it_over(local: Any) -> None:
    before = local.programs()
    supervisor = int((local.sandbox.root / "supervisor" / "supervisord.pid").read_text())
    os.kill(supervisor, signal.SIGKILL)
    with grants_meanwhile(local, clients=2) as told:
        wait_until(lambda: len(told.acknowledged) > 10, "acknowledged grants without a supervisor")
    assert local.programs() == before
    assert re.search(r"Resources:\s+\d+ unchanged\s", local.fortress("up").stdout)
    assert local.programs() == before
    assert local.supervised()
    assert_all_there(local, told)


def test_refresh_sees_a_server_that_is_down_and_up_brings_it_back(local: Any) -> None:
    supervisor = int((local.sandbox.root / "supervisor" / "supervisord.pid").read_text())
    os.kill(supervisor, signal.SIGKILL)
    local.stop_unsupervised("postgres-aws")
    shown = local.fortress("env", "refresh").stdout
    assert re.search(r"~ .*aws:rds:Instance", shown), shown
    local.fortress("up")
    wait_until(local.whole, "everything to run", poll_seconds=0.1)
    assert re.search(r"Resources:\s+\d+ unchanged\s", local.fortress("up").stdout)


def test_two_ups_at_once_come_to_the_same_end(local: Any) -> None:
    before = local.programs()
    both = [local.start("up"), local.start("up")]
    shown = [process.communicate(timeout=180)[0] for process in both]
    assert [process.returncode for process in both] == [0, 0], shown
    assert local.programs() == before


def test_nothing_secret_is_in_state_logs_or_arguments(local: Any) -> None:
    token = local.token()
    local.grant("aws", "secretive", 1, token=token)
    telling = re.compile(rb"PRIVATE KEY-----|eyJhbGciOi|password=\S")
    allowed = {local.sandbox.root / "identity", local.sandbox.root / "kubernetes"}
    files = [
        path
        for path in local.sandbox.root.rglob("*")
        if path.is_file() and not allowed & set(path.parents) and "data" not in path.parts
    ]
    assert len(files) > 100
    exposed = [path for path in files if telling.search(path.read_bytes()) and not is_own_key(path)]
    assert exposed == []
    arguments = b"".join(command_lines(local))
    assert not telling.search(arguments)
    assert token.encode() not in arguments


def is_own_key(path: Path) -> bool:
    """A server's own key file, which nobody but its account can read."""
    return path.suffix == ".key" and path.stat().st_mode & 0o077 == 0


def command_lines(local: Any) -> Iterator[bytes]:
    for pid in filter(None, local.programs().values()):
        yield Path(f"/proc/{pid}/cmdline").read_bytes()


def test_others_on_this_machine_can_read_neither_data_nor_keys(local: Any) -> None:
    keys = [path for path in local.sandbox.root.rglob("*.key") if path.is_file()]
    data = list(local.sandbox.root.glob("postgres/*/data"))
    assert len(keys) > 3
    assert len(data) == len(CLOUDS)
    assert [path for path in (*keys, *data) if path.stat().st_mode & 0o077] == []


def test_everything_listens_on_loopback_only(local: Any) -> None:
    pids = {str(pid) for pid in local.programs().values() if pid}
    shown = subprocess.run(["ss", "-Htlnp"], text=True, capture_output=True).stdout
    own = [line.split() for line in shown.splitlines() if any(f"pid={pid}," in line for pid in pids)]
    assert own
    assert all(row[3].startswith("127.") for row in own)
