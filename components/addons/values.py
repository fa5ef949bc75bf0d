"""Values of the charts, only where their defaults do not fit."""

from __future__ import annotations

from typing import Any

from components.addons.bindings import AddonBindings, Duty

Values = dict[str, Any]


def envoy_gateway(replicas: int) -> Values:
    return {"deployment": {"replicas": replicas}, "podDisruptionBudget": {"minAvailable": min(1, replicas - 1)}}


def cert_manager(bindings: AddonBindings, replicas: int) -> Values:
    return {
        "crds": {"enabled": True, "keep": True},
        "replicaCount": replicas,
        "webhook": {"replicaCount": replicas},
        "cainjector": {"replicaCount": replicas},
        "podLabels": dict(bindings.pod_labels),
        **_annotate_account(bindings, "dns"),
    }


def external_dns(bindings: AddonBindings, domain: str, owner: str) -> Values:
    return {
        "sources": ["gateway-httproute"],
        "domainFilters": [domain],
        "policy": "sync",
        "registry": "txt",
        "txtOwnerId": owner,  # leave records of other owners alone
        "podLabels": dict(bindings.pod_labels),
        **_annotate_account(bindings, "dns"),
        **bindings.external_dns,
    }


def external_secrets(bindings: AddonBindings, replicas: int) -> Values:
    return {
        "installCRDs": True,
        "replicaCount": replicas,
        "leaderElect": True,
        "webhook": {"replicaCount": replicas},
        "podLabels": dict(bindings.pod_labels),
        **_annotate_account(bindings, "secrets"),
    }


def metrics_server(replicas: int) -> Values:
    return {"replicas": replicas, "podDisruptionBudget": {"enabled": replicas > 1, "minAvailable": 1}}


def _annotate_account(bindings: AddonBindings, duty: Duty) -> Values:
    return {"serviceAccount": {"annotations": dict(bindings.annotations.get(duty, {}))}}
