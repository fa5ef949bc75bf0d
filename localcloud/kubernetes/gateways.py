"""Gateways: which routes, services, pods and certificates one serves, kept true whenever one of them changes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from localcloud.emulator import EmulatorError, Properties
from localcloud.kubernetes import envoy, ports
from localcloud.kubernetes.cluster import DEFAULT_NAMESPACE, Cluster, Key, Manifest
from localcloud.kubernetes.envoy import GATEWAY_ADDRESS, Certificate, Configuration, Site, Upstream
from localcloud.kubernetes.pods import Pod
from localcloud.kubernetes.probes import port_of
from localcloud.kubernetes.proxy import Proxy
from localcloud.kubernetes.routes import WELL_KNOWN_PORTS, Backend, Json, backends, hostnames, virtual_hosts
from localcloud.supervision import Supervisor

PROTOCOLS = ("HTTP", "HTTPS")
MOVES = 5
"""So often a gateway looks for another port where somebody is faster to listen on the one it chose."""


@dataclass(frozen=True)
class Listener:
    """One listener of a Gateway."""

    name: str
    port: int
    hostname: str | None
    secret: tuple[str, str] | None
    """Namespace and name of its certificate's Secret; None without TLS."""
    routes_from: Properties

    @property
    def group(self) -> str:
        """What Envoy calls the port."""
        return f"port-{self.port}"

    @property
    def site(self) -> str:
        """What Envoy calls the route table: one for a port without TLS, else one for each listener."""
        return f"{self.group}-{self.name}" if self.secret else self.group


def refresh(cluster: Cluster, healthy: frozenset[str] = frozenset()) -> None:
    """Let every gateway of the cluster do what the stored objects say now.

    Returns once they do, with the pods at the addresses `healthy` found healthy by every gateway that sends to them.
    """
    with cluster.lock("gateways"):
        serve_all(cluster, healthy)


def serve_all(cluster: Cluster, healthy: frozenset[str] = frozenset()) -> None:
    """As `refresh`, where the cluster's gateways are locked already."""
    for gateway in cluster.list("Gateway"):
        serve(cluster, gateway, healthy)


def silent(cluster: Cluster) -> bool:
    """Whether a gateway of the cluster does not answer, or could not listen where it should."""
    views = [proxy_of(cluster, Key.of(gateway)).view() for gateway in cluster.list("Gateway")]
    return any(view is None or view.refused for view in views)


def serve(cluster: Cluster, gateway: Manifest, healthy: frozenset[str] = frozenset()) -> None:
    """Let one gateway do what the stored objects say now; the cluster's gateways are to be locked."""
    key = Key.of(gateway)
    proxy = proxy_of(cluster, key)
    for _ in range(MOVES):
        view = proxy.serve(configuration(cluster, gateway), healthy)
        if view is None:
            raise EmulatorError(f"gateway {key.name}: Envoy does not answer: {proxy.log()}")
        refused = view.refused
        if not refused:
            return
        for listener in listeners(gateway):
            if listener.group in refused:
                ports.move(cluster.sandbox, owner(cluster, key), listener.port)
    raise EmulatorError(f"gateway {key.name}: {'; '.join(f'{name}: {reason}' for name, reason in refused.items())}")


def proxy_of(cluster: Cluster, key: Key) -> Proxy:
    """The Envoy of a gateway."""
    program = f"gateway.{cluster.name}.{key.namespace}.{key.name}"
    return Proxy(Supervisor(cluster.sandbox), program, cluster.folder(key))


def owner(cluster: Cluster, key: Key) -> str:
    """Under which name a gateway claims its ports."""
    return f"{cluster.name}/{key.namespace}/{key.name}"


def local_ports(cluster: Cluster, gateway: Manifest) -> dict[int, int]:
    """A gateway's own ports -> those on which it listens on this machine."""
    name = owner(cluster, Key.of(gateway))
    return {each.port: ports.claim(cluster.sandbox, name, each.port) for each in listeners(gateway)}


def listeners(gateway: Manifest) -> list[Listener]:
    """A gateway's listeners; EmulatorError where one cannot be had here."""
    return [_listener(each, Key.of(gateway)) for each in gateway["spec"].get("listeners") or ()]


def _listener(listener: Properties, gateway: Key) -> Listener:
    protocol = listener["protocol"]
    name = listener["name"]
    if protocol not in PROTOCOLS:
        raise EmulatorError(
            f"listener {name!r}: no emulator for protocol {protocol!r}, only for {' and '.join(PROTOCOLS)}"
        )
    tls = listener.get("tls") or {}
    secret = None
    if protocol == "HTTPS":
        references = tls.get("certificateRefs") or ()
        if (tls.get("mode") or "Terminate") != "Terminate" or not references:
            raise EmulatorError(
                f"listener {name!r}: an HTTPS listener needs tls.mode Terminate and tls.certificateRefs"
            )
        secret = (references[0].get("namespace") or gateway.namespace or DEFAULT_NAMESPACE, references[0]["name"])
    allowed = (listener.get("allowedRoutes") or {}).get("namespaces") or {}
    return Listener(name, int(listener["port"]), listener.get("hostname"), secret, allowed)


def urls(cluster: Cluster, gateway: Manifest) -> dict[str, str]:
    """Listener -> where it is found on this machine."""
    local = local_ports(cluster, gateway)
    certificates = _certificates(cluster, gateway)
    found = {}
    for each in listeners(gateway):
        scheme = "https" if each.secret else "http"
        host = next(iter(_hostnames(each, certificates)), GATEWAY_ADDRESS).removeprefix("*.")
        port = local[each.port]
        found[each.name] = f"{scheme}://{host}" + ("" if port == WELL_KNOWN_PORTS[scheme] else f":{port}")
    return found


def _hostnames(listener: Listener, certificates: Mapping[tuple[str, str], Certificate]) -> list[str]:
    if listener.hostname:
        return [listener.hostname]
    certificate = certificates.get(listener.secret) if listener.secret else None
    return certificate.hostnames if certificate else []


def main_url(found: Mapping[str, str]) -> str:
    """The URL to show to people: the first one with TLS, else the first."""
    return next((url for url in found.values() if url.startswith("https:")), next(iter(found.values()), ""))


# -- what a gateway serves -------------------------------------------------------------------------------------------


def configuration(cluster: Cluster, gateway: Manifest) -> Configuration:
    """All that the gateway's Envoy is told. Listeners whose certificate does not exist yet are left out."""
    certificates = _certificates(cluster, gateway)
    open_now = [each for each in listeners(gateway) if each.secret is None or each.secret in certificates]
    local = local_ports(cluster, gateway)
    attached = [(each, attached_routes(cluster, gateway, each)) for each in open_now]
    tables: dict[str, list[tuple[Manifest, list[str]]]] = {}
    sites: dict[str, dict[str, Site]] = {}
    for each, found in attached:
        tables.setdefault(each.site, []).extend(found)
        secret = "/".join(each.secret) if each.secret else None
        sites.setdefault(each.group, {})[each.site] = Site(each.site, each.hostname if secret else None, secret)
    upstreams = [
        _upstream(cluster, backend)
        for backend in sorted({b for _, found in attached for route, _ in found for b in backends(route)})
    ]
    by_group = {each.group: local[each.port] for each in open_now}
    return Configuration(
        listeners={name: envoy.listener(name, by_group[name], list(each.values())) for name, each in sites.items()},
        clusters={each.name: envoy.cluster(each) for each in upstreams},
        endpoints={each.name: envoy.endpoints(each) for each in upstreams},
        routes={name: envoy.routes(name, virtual_hosts(found, local)) for name, found in tables.items()},
        secrets={"/".join(name): envoy.secret("/".join(name), pair) for name, pair in certificates.items()},
    )


def attached_routes(cluster: Cluster, gateway: Manifest, listener: Listener) -> list[tuple[Manifest, list[str]]]:
    """The routes that a listener serves, each with the host names under which it does."""
    found = []
    for route in cluster.list("HTTPRoute"):
        hosts = hostnames(route, listener.hostname)
        if hosts and _refers(route, gateway, listener) and _allows(cluster, gateway, listener, route):
            found.append((route, hosts))
    return found


def _refers(route: Manifest, gateway: Manifest, listener: Listener) -> bool:
    key, home = Key.of(gateway), Key.of(route).namespace
    return any(
        (reference.get("namespace") or home, reference["name"]) == (key.namespace, key.name)
        and reference.get("sectionName") in (None, listener.name)
        and reference.get("port") in (None, listener.port)
        for reference in route["spec"].get("parentRefs") or ()
    )


def _allows(cluster: Cluster, gateway: Manifest, listener: Listener, route: Manifest) -> bool:
    theirs = Key.of(route).namespace
    match listener.routes_from.get("from") or "Same":
        case "All":
            return True
        case "Selector":
            namespace = cluster.get("Namespace", None, theirs or "") or {}
            labels = (namespace.get("metadata") or {}).get("labels") or {}
            wanted = (listener.routes_from.get("selector") or {}).get("matchLabels") or {}
            return wanted.items() <= {**labels, "kubernetes.io/metadata.name": theirs}.items()
        case _:
            return theirs == Key.of(gateway).namespace


def _certificates(cluster: Cluster, gateway: Manifest) -> dict[tuple[str, str], Certificate]:
    found = {}
    for name in {each.secret for each in listeners(gateway) if each.secret}:
        contents = cluster.secret(*name)
        if contents and "tls.crt" in contents and "tls.key" in contents:
            found[name] = Certificate(contents["tls.crt"].decode(), contents["tls.key"].decode())
    return found


def _upstream(cluster: Cluster, backend: Backend) -> Upstream:
    service = cluster.get("Service", backend.namespace, backend.service)
    if service is None:
        return Upstream(backend.cluster, frozenset())
    pods = [pod for pod in _selected(cluster, service) if pod.serving]
    target = _target(service, backend)
    endpoints = frozenset((pod.address, _pod_port(pod, target)) for pod in pods)
    probe, timeout = _readiness(pods, target)
    return Upstream(backend.cluster, endpoints, probe, timeout)


def _target(service: Manifest, backend: Backend) -> int | str:
    for port in service["spec"].get("ports") or ():
        if port["port"] == backend.port:
            target: int | str = port.get("targetPort") or port["port"]
            return target
    raise EmulatorError(f"service {backend.service!r} has no port {backend.port}, which a route sends to")


def _selected(cluster: Cluster, service: Manifest) -> Iterable[Pod]:
    selector: Mapping[str, str] = service["spec"].get("selector") or {}
    for manifest in cluster.list("Pod", Key.of(service).namespace) if selector else ():
        if selector.items() <= manifest["metadata"]["labels"].items():
            yield Pod(cluster, manifest)


def _pod_port(pod: Pod, target: int | str) -> int:
    for container in pod.spec["containers"]:
        for port in container.get("ports") or ():
            if target in (port.get("name"), port["containerPort"]):
                return int(port["containerPort"])
    return port_of(target, pod.spec["containers"][0])


def _readiness(pods: Iterable[Pod], target: int | str) -> tuple[Json | None, int]:
    """The readiness probe of the pods' port, if it is asked over HTTP, and its time limit."""
    for pod in pods:
        number = _pod_port(pod, target)
        for container in pod.spec["containers"]:
            probe = container.get("readinessProbe") or {}
            asked = probe.get("httpGet")
            if asked and asked.get("scheme") != "HTTPS" and port_of(asked["port"], container) == number:
                return asked, int(probe.get("timeoutSeconds") or 1)
    return None, 1
