"""What a gateway's Envoy is told: bootstrap, listeners, clusters, endpoints and certificates. Pure rendering.

Everything but the bootstrap is read from files in Envoy's own folder and read again whenever one is replaced.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cryptography import x509

from localcloud.emulator import Properties
from localcloud.kubernetes.routes import Json

TYPES = "type.googleapis.com/"
ADMIN_SOCKET = "admin.sock"
PRIVATE_SOCKET = 0o600
LISTENERS_FILE, CLUSTERS_FILE = "listeners.json", "clusters.json"
GATEWAY_ADDRESS = "127.0.0.1"
MOST_CONNECTIONS = 10_000
UNSAFE_IN_FILE_NAMES = re.compile(r"[^A-Za-z0-9.-]")

Endpoint = tuple[str, int]


@dataclass(frozen=True)
class Certificate:
    """A TLS certificate as PEM text."""

    chain: str
    key: str

    @property
    def hostnames(self) -> list[str]:
        """The host names it is for."""
        leaf = x509.load_pem_x509_certificate(self.chain.encode())
        try:
            names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        except x509.ExtensionNotFound:
            return []
        return names.get_values_for_type(x509.DNSName)


@dataclass(frozen=True)
class Site:
    """One host behind TLS on a port, or everything on a port without TLS."""

    name: str
    """Names its route table."""
    hostname: str | None = None
    secret: str | None = None
    """Names its certificate; None without TLS."""


@dataclass(frozen=True)
class Upstream:
    """The pods behind a service's port."""

    name: str
    endpoints: frozenset[Endpoint]
    probe: Properties | None = None
    """The readiness probe's httpGet, where it asks the same port."""
    timeout_seconds: int = 1


@dataclass(frozen=True)
class Configuration:
    """All resources of one Envoy, by the names it knows them under."""

    listeners: Mapping[str, Json]
    clusters: Mapping[str, Json]
    endpoints: Mapping[str, Json]
    """By cluster."""
    routes: Mapping[str, Json]
    secrets: Mapping[str, Json]


def bootstrap(identity: str) -> Json:
    """The static part: where to be administered, and where the rest is found."""
    return {
        "node": {"id": identity, "cluster": identity},
        "admin": {"address": {"pipe": {"path": ADMIN_SOCKET, "mode": PRIVATE_SOCKET}}},
        "dynamic_resources": {"lds_config": _source(LISTENERS_FILE), "cds_config": _source(CLUSTERS_FILE)},
        "overload_manager": {
            "resource_monitors": [
                {
                    "name": "envoy.resource_monitors.global_downstream_max_connections",
                    "typed_config": {
                        "@type": f"{TYPES}envoy.extensions.resource_monitors"
                        ".downstream_connections.v3.DownstreamConnectionsConfig",
                        "max_active_downstream_connections": MOST_CONNECTIONS,
                    },
                }
            ]
        },
    }


def document(resources: Sequence[Json]) -> str:
    """A file of resources, with a version that is the same for the same content."""
    content = json.dumps(resources, sort_keys=True)
    return json.dumps({"version_info": version(resources), "resources": json.loads(content)}, indent=1)


def version(resources: Sequence[Json]) -> str:
    """Tells one content of a file from another."""
    return hashlib.sha256(json.dumps(resources, sort_keys=True).encode()).hexdigest()[:16]


def file_for(kind: str, name: str) -> str:
    """The file that holds a resource of which there are several; names that differ get files that differ."""
    digest = hashlib.sha256(name.encode()).hexdigest()[:8]
    return f"{kind}.{UNSAFE_IN_FILE_NAMES.sub('.', name)}.{digest}.json"


# -- resources -------------------------------------------------------------------------------------------------------


def listener(name: str, port: int, sites: Sequence[Site]) -> Json:
    """A port that serves sites; several of them are told apart by the host name in the TLS handshake."""
    made: Json = {
        "@type": f"{TYPES}envoy.config.listener.v3.Listener",
        "name": name,
        "address": _socket(GATEWAY_ADDRESS, port),
        # Else a second Envoy could take half of the connections of a port that is in use.
        "enable_reuse_port": False,
        "filter_chains": [_filter_chain(site) for site in sites],
    }
    if any(site.secret for site in sites):
        inspector = f"{TYPES}envoy.extensions.filters.listener.tls_inspector.v3.TlsInspector"
        made["listener_filters"] = [
            {"name": "envoy.filters.listener.tls_inspector", "typed_config": {"@type": inspector}}
        ]
    return made


def routes(name: str, virtual_hosts: Sequence[Json]) -> Json:
    """The route table of a site."""
    return {
        "@type": f"{TYPES}envoy.config.route.v3.RouteConfiguration",
        "name": name,
        # Clients name the local port in the host header; a route's host names have none.
        "ignore_port_in_host_matching": True,
        "virtual_hosts": list(virtual_hosts),
    }


def cluster(upstream: Upstream) -> Json:
    """How the pods of a service are reached, and found out to be dead."""
    return {
        "@type": f"{TYPES}envoy.config.cluster.v3.Cluster",
        "name": upstream.name,
        "type": "EDS",
        "connect_timeout": "1s",
        "eds_cluster_config": {"eds_config": _source(file_for("endpoints", upstream.name))},
        "lb_policy": "LEAST_REQUEST",
        # A pod that leaves the service gets no more requests, however healthy it looks.
        "ignore_health_on_host_removal": True,
        # As in a cluster, a service none of whose pods is ready answers 503.
        "common_lb_config": {"healthy_panic_threshold": {"value": 0}},
        "health_checks": [_health_check(upstream)],
    }


def endpoints(upstream: Upstream) -> Json:
    """The addresses of the pods of a service."""
    made: Json = {
        "@type": f"{TYPES}envoy.config.endpoint.v3.ClusterLoadAssignment",
        "cluster_name": upstream.name,
        "endpoints": [],
    }
    if upstream.endpoints:
        hosts = [{"endpoint": {"address": _socket(*endpoint)}} for endpoint in sorted(upstream.endpoints)]
        made["endpoints"] = [{"lb_endpoints": hosts}]
    return made


def secret(name: str, certificate: Certificate) -> Json:
    """A certificate that listeners refer to by name."""
    return {
        "@type": f"{TYPES}envoy.extensions.transport_sockets.tls.v3.Secret",
        "name": name,
        "tls_certificate": {
            "certificate_chain": {"inline_string": certificate.chain},
            "private_key": {"inline_string": certificate.key},
        },
    }


def _filter_chain(site: Site) -> Json:
    router = {
        "name": "envoy.filters.http.router",
        "typed_config": {"@type": f"{TYPES}envoy.extensions.filters.http.router.v3.Router"},
    }
    manager: Json = {
        "@type": f"{TYPES}envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": site.name,
        "rds": {"route_config_name": site.name, "config_source": _source(file_for("routes", site.name))},
        "http_filters": [router],
        "use_remote_address": True,
        "normalize_path": True,
        "merge_slashes": True,
    }
    chain: Json = {
        "name": site.name,
        "filters": [{"name": "envoy.filters.network.http_connection_manager", "typed_config": manager}],
    }
    if site.secret:
        chain["transport_socket"] = _tls(site.secret)
        if site.hostname:
            chain["filter_chain_match"] = {"server_names": [site.hostname]}
    return chain


def _tls(secret_name: str) -> Json:
    return {
        "name": "envoy.transport_sockets.tls",
        "typed_config": {
            "@type": f"{TYPES}envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext",
            "common_tls_context": {
                "alpn_protocols": ["h2", "http/1.1"],
                "tls_params": {"tls_minimum_protocol_version": "TLSv1_2"},
                "tls_certificate_sds_secret_configs": [
                    {"name": secret_name, "sds_config": _source(file_for("secret", secret_name))}
                ],
            },
        },
    }


def _health_check(upstream: Upstream) -> Json:
    check: Json = {
        "timeout": f"{upstream.timeout_seconds}s",
        "interval": "2s",
        # A pod that came back is used again soon, also where nobody has asked for it yet.
        "unhealthy_interval": "0.5s",
        "no_traffic_interval": "0.5s",
        "no_traffic_healthy_interval": "2s",
        "unhealthy_threshold": 2,
        "healthy_threshold": 1,
    }
    if upstream.probe is None:
        return check | {"tcp_health_check": {}}
    made: Json = {"path": upstream.probe.get("path") or "/", "expected_statuses": [{"start": 200, "end": 400}]}
    headers = {header["name"]: header["value"] for header in upstream.probe.get("httpHeaders") or ()}
    host = next((value for name, value in headers.items() if name.lower() == "host"), None)
    if host:
        made["host"] = host
    return check | {"http_health_check": made}


def _source(file: str) -> Json:
    return {"path_config_source": {"path": f"./{file}"}, "resource_api_version": "V3"}


def _socket(address: str, port: int) -> dict[str, Any]:
    return {"socket_address": {"address": address, "port_value": port}}
