"""A cluster to make objects in, as the provider emulator does."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event
from typing import Any

import httpx
import pytest

from localcloud.emulator import Emulator, Made, Properties, Resource, emulator_for
from localcloud.sandbox import Sandbox

Json = dict[str, Any]

IMAGE = "registry.example/living-fortress/app@sha256:" + "0" * 64
PROGRAM = str(Path(__file__).with_name("program.py"))
PORT = 8440
GATEWAY_API = "gateway.networking.k8s.io/v1"
TOKENS = {
    "Namespace": "core/v1",
    "ServiceAccount": "core/v1",
    "ConfigMap": "core/v1",
    "Secret": "core/v1",
    "Service": "core/v1",
    "Deployment": "apps/v1",
    "Job": "batch/v1",
    "HorizontalPodAutoscaler": "autoscaling/v2",
    "GatewayClass": GATEWAY_API,
    "Gateway": GATEWAY_API,
    "HTTPRoute": GATEWAY_API,
    "Certificate": "cert-manager.io/v1",
}


def kubeconfig(cluster: str) -> str:
    server = {"server": f"https://{cluster}.local.localcloud.invalid"}
    return json.dumps(
        {
            "clusters": [{"name": "c", "cluster": server}],
            "contexts": [{"name": "c", "context": {"cluster": "c"}}],
            "current-context": "c",
        }
    )


@dataclass
class Kubernetes:
    """One cluster of a sandbox, driven through the emulators of its objects."""

    sandbox: Sandbox
    cluster: str = "aws"
    made: dict[tuple[str, str], Made] = field(default_factory=dict)
    interrupted: Event = field(default_factory=Event)
    """As the engine's Ctrl-C sets it."""

    def apply(self, kind: str, name: str, namespace: str | None = "ledger", **content: Any) -> Properties:
        """Create the object, or change the one that is there; its outputs."""
        metadata: Json = {"name": name} | ({"namespace": namespace} if namespace else {})
        metadata |= content.pop("metadata", {})
        inputs = {"apiVersion": TOKENS[kind].removeprefix("core/"), "kind": kind, "metadata": metadata, **content}
        resource = Resource(
            urn=f"urn:pulumi:local::living-fortress::{self.token(kind)}::{name}",
            type=self.token(kind),
            name=name,
            inputs=inputs,
            provider={"kubeconfig": kubeconfig(self.cluster)},
            interrupted=self.interrupted,
        )
        known = self.made.get((kind, name))
        if known:
            return self.emulator(kind).update(self.sandbox, known.id, {}, resource)
        made = self.emulator(kind).create(self.sandbox, resource)
        self.made[kind, name] = made
        return made.outputs

    def read(self, kind: str, name: str) -> Properties | None:
        return self.emulator(kind).read(self.sandbox, self.made[kind, name].id, {})

    def delete(self, kind: str, name: str) -> None:
        self.emulator(kind).delete(self.sandbox, self.made.pop((kind, name)).id, {})

    def emulator(self, kind: str) -> Emulator:
        emulator = emulator_for(self.token(kind))
        assert emulator is not None
        return emulator

    def token(self, kind: str) -> str:
        return f"kubernetes:{TOKENS[kind]}:{kind}"

    # -- what most tests need --------------------------------------------------------------------------------------

    def deploy(self, name: str = "ledger", *, says: str = "hello", **changes: Any) -> Properties:
        """A Deployment of the test's server."""
        return self.apply("Deployment", name, spec=deployment_spec(name, says=says, **changes))

    def service(self, name: str = "ledger") -> None:
        self.apply("Service", name, spec={"selector": {"app": name}, "ports": [{"port": 80, "targetPort": "http"}]})

    def gateway(self, *listeners: Json) -> str:
        """A Gateway; the URL where it is found."""
        spec = {"gatewayClassName": "envoy", "listeners": list(listeners) or [http_listener()]}
        outputs = self.apply("Gateway", "edge", spec=spec)
        return str(outputs["status"]["localcloud"]["url"])

    def route(self, name: str = "ledger", **weights: int) -> None:
        """An HTTPRoute to services by weight, by default all to the one of its name."""
        references = [{"name": each, "port": 80, "weight": weight} for each, weight in (weights or {name: 1}).items()]
        self.apply("HTTPRoute", name, spec={"parentRefs": [{"name": "edge"}], "rules": [{"backendRefs": references}]})

    def programs(self) -> dict[str, int | None]:
        """Name -> process id of all that the supervisor runs."""
        from localcloud.supervision import Supervisor

        return {state.name: state.pid for state in Supervisor(self.sandbox).states()}

    def pid(self, part: str) -> int:
        """The process whose name has `part` in it."""
        (found,) = (pid for name, pid in self.programs().items() if part in name)
        assert found is not None
        return found


def deployment_spec(name: str, *, says: str = "hello", replicas: int | None = 1, **changes: Any) -> Json:
    """`container` and `pod` add to the container and the pod spec, all else to the Deployment's."""
    variables = [
        {"name": "POD_IP", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}},
        {"name": "SAYS", "value": says},
    ]
    container = {
        "name": "app",
        "image": IMAGE,
        "command": ["python", PROGRAM],
        "args": ["serve", "$(POD_IP)", str(PORT)],
        "env": [*variables, *changes.pop("env", [])],
        "ports": [{"name": "http", "containerPort": PORT}],
        "readinessProbe": {"httpGet": {"path": "/", "port": "http"}},
        **changes.pop("container", {}),
    }
    labels = {"app": name}
    pod = {"containers": [container], **changes.pop("pod", {})}
    scale = {} if replicas is None else {"replicas": replicas}
    template = {"metadata": {"labels": labels}, "spec": pod}
    return {"selector": {"matchLabels": labels}, "template": template, **scale, **changes}


def job_spec(*arguments: str, **changes: Any) -> Json:
    """A Job of one of the test program's commands."""
    container = {"name": "app", "image": IMAGE, "command": ["python", PROGRAM], "args": list(arguments)}
    pod = {"restartPolicy": "Never", "containers": [container | changes.pop("container", {})]}
    return {"template": {"spec": pod | changes.pop("pod", {})}, **changes}


def http_listener(port: int | None = None, **more: Any) -> Json:
    return {"name": "http", "protocol": "HTTP", "port": port or free_port(), **more}


def https_listener(hostname: str, secret: str, port: int | None = None) -> Json:
    tls = {"mode": "Terminate", "certificateRefs": [{"name": secret}]}
    return {"name": "https", "protocol": "HTTPS", "port": port or free_port(), "hostname": hostname, "tls": tls}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def kubernetes(sandbox: Sandbox) -> Iterator[Kubernetes]:
    """A cluster with the namespace `ledger`."""
    cluster = Kubernetes(sandbox)
    cluster.apply("Namespace", "ledger", namespace=None)
    yield cluster
    if ("Namespace", "ledger") in cluster.made:
        cluster.delete("Namespace", "ledger")


@pytest.fixture
def client() -> Iterator[httpx.Client]:
    with httpx.Client(timeout=5, trust_env=False) as client:
        yield client
