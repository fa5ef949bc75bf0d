"""A read-only look at what runs in the clusters of a sandbox."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from localcloud.kubernetes import gateways, kubelet
from localcloud.kubernetes.cluster import Cluster, Key, Manifest
from localcloud.kubernetes.envoy import GATEWAY_ADDRESS
from localcloud.kubernetes.gateways import Listener
from localcloud.kubernetes.pods import RUNNING, Pod
from localcloud.sandbox import Sandbox


@dataclass(frozen=True)
class PodView:
    """One pod of a Deployment or Job."""

    cluster: str
    namespace: str
    name: str
    address: str
    """Empty for a pod that has run to its end."""
    ports: tuple[int, ...]
    phase: str
    ready: bool
    """Whether it runs and answers its readiness probe at this moment."""


@dataclass(frozen=True)
class GatewayView:
    """One gateway."""

    cluster: str
    namespace: str
    name: str
    address: str
    ports: tuple[int, ...]
    """On this machine."""
    hostnames: tuple[str, ...]
    url: str
    ready: bool
    """Whether it listens on all its ports at this moment."""


def pod_views(sandbox: Sandbox) -> list[PodView]:
    """All pods of a sandbox."""
    return [_pod_view(Pod(cluster, manifest)) for cluster in Cluster.all(sandbox) for manifest in cluster.list("Pod")]


def gateway_views(sandbox: Sandbox) -> list[GatewayView]:
    """All gateways of a sandbox."""
    return [
        _gateway_view(cluster, Key.of(each)) for cluster in Cluster.all(sandbox) for each in cluster.list("Gateway")
    ]


def _pod_view(pod: Pod) -> PodView:
    ports = tuple(port["containerPort"] for each in pod.spec["containers"] for port in each.get("ports") or ())
    phase = str(pod.status["phase"])
    able = phase == RUNNING and kubelet.ready(pod)
    return PodView(pod.cluster.name, pod.namespace, pod.name, pod.address, ports, phase, able)


def _gateway_view(cluster: Cluster, key: Key) -> GatewayView:
    gateway = cluster.get(key.kind, key.namespace, key.name) or {"spec": {}}
    listeners = gateways.listeners(gateway)
    view = gateways.proxy_of(cluster, key).view()
    names = tuple(dict.fromkeys(_names(cluster, gateway, listeners)))
    url = gateways.main_url(gateways.urls(cluster, gateway))
    return GatewayView(
        cluster=cluster.name,
        namespace=key.namespace or "",
        name=key.name,
        address=GATEWAY_ADDRESS,
        ports=tuple(sorted(gateways.local_ports(cluster, gateway).values())),
        hostnames=names,
        url=url.replace(f"//{GATEWAY_ADDRESS}", f"//{names[0]}") if names else url,
        ready=view is not None and {each.group for each in listeners} <= set(view.listeners),
    )


def _names(cluster: Cluster, gateway: Manifest, listeners: list[Listener]) -> Iterator[str]:
    """The names that the listeners and the routes attached to them say, wildcards aside."""
    for listener in listeners:
        routed = [name for _, found in gateways.attached_routes(cluster, gateway, listener) for name in found]
        yield from (name for name in (listener.hostname, *routed) if name and "*" not in name)
