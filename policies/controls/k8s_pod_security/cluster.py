"""What the objects of a cluster open: ports of nodes, secret stores, settings that anybody reads."""

from __future__ import annotations

import re

from policies import (
    HIGH,
    MEDIUM,
    NOT_APPLICABLE,
    PASS,
    Resource,
    Verdict,
    View,
    applies_to,
    fails,
    passes_if,
)
from policies.clouds.credentials import has_credential, telling
from policies.controls.k8s_pod_security import control
from policies.property_checks import Property, check_properties

no_node_ports = control(
    "K8S-009",
    title="Services open no port on every node and take over no address",
    severity=MEDIUM,
    maps={
        "soc2": ["CC6.6"],
        "iso27001": ["A.8.20", "A.8.21"],
        "gdpr": ["Art. 32(1)(b)"],
        "pci_dss": ["1.3.1", "1.4.2"],
    },
    remedy="Publish it by a gateway or a load balancer, and name no externalIPs.",
)


@no_node_ports
@applies_to("kubernetes:core/v1:Service", reads=["spec.type", "spec.externalIPs"])
def service_opens_no_node_port(service: Resource) -> Verdict:
    kind = service.text("spec.type", "ClusterIP")
    if kind not in ("ClusterIP", "LoadBalancer", "ExternalName"):
        return fails(f"type is {kind}")
    return passes_if(not service.texts("spec.externalIPs"), "externalIPs are set")


enforced = control(
    "K8S-012",
    title="Clusters enforce network policies",
    severity=HIGH,
    maps={
        "soc2": ["CC6.1", "CC6.6"],
        "iso27001": ["A.8.20", "A.8.22"],
        "gdpr": ["Art. 32(1)(b)"],
        "pci_dss": ["1.2.1", "1.3.1", "1.3.2"],
    },
    remedy="Turn enforcement on: policies of a cluster without it are accepted, and do nothing.",
)


@enforced
@applies_to("aws:eks/addon:Addon", reads=["addonName", "configurationValues"])
def eks_addon_enforces_policies(addon: Resource) -> Verdict:
    if addon.text("addonName") != "vpc-cni":
        return NOT_APPLICABLE
    on = addon.document("configurationValues").flag("enableNetworkPolicy")
    return passes_if(on, "enableNetworkPolicy is not on")


enforced_properties = check_properties(
    enforced,
    Property(
        "kubernetes:eks.amazonaws.com/v1:NodeClass",
        "spec.networkPolicy",
        ("DefaultAllow", "DefaultDeny"),
        fix="DefaultAllow",
    ),
    Property(
        "azure-native:containerservice:ManagedCluster", "networkProfile.networkPolicy", ("cilium", "azure", "calico")
    ),
)


_GKE = ("networkPolicy.enabled", "addonsConfig.networkPolicyConfig.disabled")


@enforced
@applies_to("gcp:container/cluster:Cluster", reads=["enableAutopilot", "datapathProvider", *_GKE])
def gke_enforces_policies(cluster: Resource) -> Verdict:
    """Dataplane V2, which Autopilot always has, enforces by itself."""
    if cluster.text("datapathProvider") == "ADVANCED_DATAPATH" or cluster.flag("enableAutopilot"):
        return PASS
    enabled, disabled = cluster.flag(_GKE[0]), cluster.flag(_GKE[1], default=True)
    return passes_if(enabled and not disabled, "there is neither Dataplane V2 nor networkPolicy")


shared_store = control(
    "K8S-013",
    title="Secret stores of a whole cluster serve named namespaces only",
    severity=MEDIUM,
    maps={
        "soc2": ["CC6.1", "CC6.3"],
        "iso27001": ["A.5.15", "A.8.3"],
        "gdpr": ["Art. 32(1)(b)"],
        "pci_dss": ["7.2.1", "7.3.3"],
    },
    remedy="Name the namespaces in the store's conditions; without them every namespace reads what the store may read.",
    link="https://external-secrets.io/latest/api/clustersecretstore/",
)
NOBODY = "q7-nobody-0z"
"""A possible name of a namespace that no pattern means but those that mean all."""
_SELECTORS = ("namespaces", "namespaceRegexes")
_LABELLED = ("matchLabels", "matchExpressions")


@shared_store
@applies_to(
    "kubernetes:external-secrets.io/v1:ClusterSecretStore",
    reads=[
        *(f"spec.conditions.{selector}" for selector in _SELECTORS),
        *(f"spec.conditions.namespaceSelector.{name}" for name in _LABELLED),
    ],
)
def secret_store_serves_named(store: Resource) -> Verdict:
    conditions = store.objects("spec.conditions")
    if not conditions:
        return fails("it has no conditions")
    return passes_if(all(map(_names_namespaces, conditions)), "a condition is met by every namespace")


def _names_namespaces(condition: View) -> bool:
    """Each part of a condition admits by itself, so none of them may mean everybody."""
    if condition.exists("namespaceSelector"):
        selector = condition.object("namespaceSelector")
        if not selector.table("matchLabels") and not selector.objects("matchExpressions"):
            return False
    return not any(map(_matches_anything, condition.texts("namespaceRegexes")))


def _matches_anything(pattern: str) -> bool:
    """Tell whether it finds itself in a name that nobody meant; one that cannot be read is taken for such a one."""
    try:
        return re.search(pattern, NOBODY) is not None
    except re.error:
        return True


plain_settings = control(
    "K8S-014",
    title="ConfigMaps hold no credentials",
    severity=HIGH,
    maps={
        "soc2": ["CC6.1"],
        "iso27001": ["A.5.17", "A.8.24"],
        "gdpr": ["Art. 32(1)(b)"],
        "pci_dss": ["8.3.2", "8.6.2"],
    },
    remedy="Keep it in a secret store, and let an ExternalSecret bring it into the cluster.",
)
ITSELF = "value"


@plain_settings
@applies_to("kubernetes:core/v1:ConfigMap", reads=["data"])
def config_map_holds_no_credential(settings: Resource) -> Verdict:
    if settings.is_secret("data"):
        return fails("all of it is a secret")
    data = settings.object("data")
    entries = {name: View(value={ITSELF: value}, path=f"{data.path}[{name}]") for name, value in data.entries()}
    found = [name for name, one in entries.items() if one.is_secret(ITSELF) or _is_credential(name, one.text(ITSELF))]
    return passes_if(not found, f"in plain: {', '.join(sorted(found))}")


def _is_credential(name: str, text: str) -> bool:
    """A file is judged by what is in it; its name, which may well tell of credentials, proves nothing."""
    return has_credential(text) or ("." not in name and telling(name) and bool(text))
