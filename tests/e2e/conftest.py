"""The local environment, brought up once for all tests of this folder with the command in README."""

from __future__ import annotations

import os
import shutil
import signal
import ssl
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest

from localcloud.identity import Authority
from localcloud.inventory import Inventory, look
from localcloud.sandbox import Sandbox
from localcloud.supervision import Supervisor
from tests.waiting import wait_until

ROOT = Path(__file__).resolve().parents[2]
FORTRESS = Path(sys.executable).parent / "fortress"


def command_line(pid: int) -> str:
    """Return the command of a running process, its arguments separated by spaces."""
    return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()


@dataclass(frozen=True)
class Local:
    """The local environment of one sandbox."""

    sandbox: Sandbox
    first_up: str = ""
    """Output of the `fortress up` that deployed it."""

    @property
    def variables(self) -> dict[str, str]:
        return {**os.environ, "LOCALCLOUD_HOME": str(self.sandbox.root), "COLUMNS": "200"}

    def fortress(self, *command: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run the command as a user would; with `check`, fail the test with its output where it fails."""
        result = subprocess.run([FORTRESS, *command], cwd=ROOT, env=self.variables, text=True, capture_output=True)
        if check and result.returncode:
            pytest.fail(
                f"fortress {' '.join(command)}: {result.returncode}\n{result.stdout[-4000:]}\n{result.stderr[-2000:]}"
            )
        return result

    def bash(self, script: str) -> str:
        """Run lines as a user's shell would, and return their output."""
        result = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", script], cwd=ROOT, env=self.variables, text=True, capture_output=True
        )
        if result.returncode:
            pytest.fail(result.stdout + result.stderr)
        return result.stdout

    def start(self, *command: str) -> subprocess.Popen[str]:
        """Run the command in the background, in its own process group."""
        return subprocess.Popen(
            [FORTRESS, *command],
            cwd=ROOT,
            env=self.variables,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    @property
    def inventory(self) -> Inventory:
        return look(self.sandbox)

    def token(self, *scopes: str) -> str:
        options = [part for scope in scopes for part in ("--scope", scope)]
        return self.fortress("token", *options).stdout.strip()

    def url(self, cloud: str) -> str:
        return next(gateway.url for gateway in self.inventory.gateways if f"//{cloud}." in gateway.url)

    def request(self, cloud: str, method: str, path: str, *, token: str, **more: Any) -> httpx.Response:
        """Send a request through the cloud's gateway; verify its certificate against the sandbox's authority."""
        url = httpx.URL(self.url(cloud))
        context = ssl.create_default_context(cafile=str(Authority.of(self.sandbox).ca_certificate))
        credentials = {"Authorization": f"Bearer {token}"} if token else {}
        # The name resolves to loopback in browsers and curl, not in every C library.
        with httpx.Client(verify=context, timeout=10) as client:
            return client.request(
                method,
                url.copy_with(host="127.0.0.1", path=path),
                headers={"Host": url.host} | credentials | more.pop("headers", {}),
                extensions={"sni_hostname": url.host},
                **more,
            )

    def grant(self, cloud: str, account: str, amount: int, *, token: str, key: str | None = None) -> httpx.Response:
        headers = {"Idempotency-Key": key} if key else {}
        return self.request(
            cloud, "POST", f"/accounts/{account}/grants", token=token, json={"amount": amount}, headers=headers
        )

    def rows(self, service: str, query: str, *arguments: Any) -> list[Any]:
        """Query a server as `psql service=…` would."""
        os.environ["PGSERVICEFILE"] = str(self.sandbox.root / "pg_service.conf")
        with psycopg.connect(f"service={service}") as connection:
            return connection.execute(query, arguments or None).fetchall()

    def pid(self, program: str) -> int:
        """Return the process of the first program whose name begins with `program`."""
        states = {state.name: state.pid for state in Supervisor(self.sandbox).states()}
        return next(pid for name, pid in states.items() if name.startswith(program) and pid)

    def kill(self, program: str) -> int:
        """Send SIGKILL to a program, and return the id of its process."""
        pid = self.pid(program)
        os.kill(pid, signal.SIGKILL)
        return pid

    def programs(self) -> Mapping[str, int | None]:
        """Return the process of every program of the sandbox."""
        return {state.name: state.pid for state in Supervisor(self.sandbox).states()}

    def stop_unsupervised(self, program: str) -> None:
        """Kill a PostgreSQL server while no supervisor runs; kill a parent that would restart it first.

        Send signals only to processes that name this sandbox in their command line.
        """
        [data] = self.sandbox.root.glob(f"postgres/{program.removeprefix('postgres-')}*/data")
        pid = int((data / "postmaster.pid").read_text().split()[0])
        assert str(data) in command_line(pid), f"process {pid} is not the server in {data}: {command_line(pid)}"
        parent = int(Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[1])
        if str(self.sandbox.root) in command_line(parent):
            os.kill(parent, signal.SIGKILL)
        os.kill(pid, signal.SIGKILL)
        wait_until(lambda: pid not in self.programs().values(), f"the end of {program}", poll_seconds=0.1)

    def kill_supervisor(self) -> None:
        """Kill the supervisor; its programs go on running."""
        pid = int((self.sandbox.root / "supervisor" / "supervisord.pid").read_text())
        assert str(self.sandbox.root) in command_line(pid), f"process {pid} is not the supervisor: {command_line(pid)}"
        os.kill(pid, signal.SIGKILL)

    def supervised(self) -> bool:
        """Tell whether a supervisor watches every program."""
        return all(state.running and state.description == "RUNNING" for state in Supervisor(self.sandbox).states())

    def whole(self) -> bool:
        """Tell whether all databases run and all pods and gateways are ready."""
        return self.inventory.well


@pytest.fixture(scope="session")
def up() -> Iterator[Local]:
    """Run `fortress up` in a new sandbox, and `fortress down` at the end in any case."""
    root = Path(tempfile.mkdtemp(prefix="lf-", dir="/tmp"))
    root.chmod(0o711 if os.geteuid() == 0 else 0o700)
    local = Local(Sandbox(root))
    try:
        yield replace(local, first_up=local.fortress("up").stdout)
    finally:
        if root.exists():
            local.fortress("down", check=False)
        shutil.rmtree(root, ignore_errors=True)


@pytest.fixture
def local(up: Local) -> Local:
    """Return the environment once everything runs again."""
    wait_until(up.whole, "everything to run", poll_seconds=0.1)
    return up
