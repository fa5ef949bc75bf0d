"""A read-only look at one sandbox: its databases, pods and gateways, and the processes that keep them up."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from localcloud.kubernetes.inventory import GatewayView, PodView, gateway_views, pod_views
from localcloud.kubernetes.pods import SUCCEEDED
from localcloud.postgres.services import FILE, by_name
from localcloud.sandbox import Sandbox
from localcloud.supervision import ProcessState, Supervisor

__all__ = ["DatabaseView", "GatewayView", "Inventory", "PodView", "look"]


@dataclass(frozen=True, kw_only=True)
class DatabaseView:
    """One database server."""

    service: str
    """Its name in the sandbox's pg_service.conf: `psql service=<name>`."""
    cloud: str
    identifier: str
    """Its name in that cloud."""
    address: str
    port: int
    database: str
    role: Literal["primary", "standby"]
    running: bool
    """Whether its process lives at this moment."""


@dataclass(frozen=True, kw_only=True)
class Inventory:
    """What there is in a sandbox, and how it is."""

    service_file: str
    """What PGSERVICEFILE has to name."""
    databases: tuple[DatabaseView, ...]
    pods: tuple[PodView, ...]
    gateways: tuple[GatewayView, ...]
    processes: tuple[ProcessState, ...]

    @property
    def well(self) -> bool:
        """Whether every database runs and every gateway and pod that should is ready."""
        pods = all(pod.ready or pod.phase == SUCCEEDED for pod in self.pods)
        return pods and all(each.running for each in self.databases) and all(each.ready for each in self.gateways)


def look(sandbox: Sandbox) -> Inventory:
    """The sandbox as it is now; empty where nothing has been brought up yet. Nothing is started or changed."""
    processes = tuple(Supervisor(sandbox).states()) if (sandbox.root / "supervisor").is_dir() else ()
    running = {process.name: process.running for process in processes}
    return Inventory(
        service_file=str(sandbox.root / FILE),
        databases=_databases(sandbox, running),
        pods=tuple(pod_views(sandbox)),
        gateways=tuple(gateway_views(sandbox)),
        processes=processes,
    )


def _databases(sandbox: Sandbox, running: Mapping[str, bool]) -> tuple[DatabaseView, ...]:
    return tuple(
        DatabaseView(
            service=service,
            cloud=server.cloud,
            identifier=server.identifier,
            address=server.address,
            port=server.port,
            database=server.database,
            role="standby" if server.source else "primary",
            running=running.get(server.program, False),
        )
        for service, server in by_name(sandbox).items()
    )
