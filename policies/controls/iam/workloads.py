"""Workloads act as themselves, not as their node, their project or their namespace."""

from __future__ import annotations

from policies import (
    MEDIUM,
    PASS,
    Resource,
    Verdict,
    applies_to,
    fails,
    fixed_by,
    in_turn,
    passes_if,
    sets,
)
from policies.clouds.pods import in_pods, pod_of
from policies.clouds.scope import Namespaces, unless_exempt
from policies.controls.iam import control
from policies.property_checks import SET, Property, check_properties

own_identity = control(
    "IAM-008",
    title="Workloads have identities of their own",
    severity=MEDIUM,
    maps={
        "soc2": ["CC6.1", "CC6.3"],
        "iso27001": ["A.5.16", "A.8.2"],
        "gdpr": ["Art. 32(1)(b)"],
        "pci_dss": ["7.2.5", "8.6.1"],
    },
    remedy="Give each workload a role, a managed identity or a service account of its own, and no more tokens.",
    options=Namespaces,
)
DEFAULT = "default"


own_identity_properties = check_properties(
    own_identity,
    Property("aws:ec2/instance:Instance", "iamInstanceProfile", SET),
)


@own_identity
@applies_to("aws:eks/podIdentityAssociation:PodIdentityAssociation", reads=["serviceAccount"])
def pod_identity_is_for_one_account(association: Resource) -> Verdict:
    account = association.text("serviceAccount", DEFAULT)
    return passes_if(account not in ("", DEFAULT), "every pod of the namespace without an account gets the role")


_AKS = ("oidcIssuerProfile.enabled", "securityProfile.workloadIdentity.enabled")


@own_identity
@applies_to("azure-native:containerservice:ManagedCluster", reads=_AKS)
@fixed_by(in_turn(*(sets(path, True) for path in _AKS)))
def aks_knows_workload_identity(cluster: Resource) -> Verdict:
    missing = [path for path in _AKS if not cluster.flag(path)]
    return passes_if(not missing, f"{', '.join(missing)} not on")


@own_identity
@applies_to("azure-native:web:WebApp", reads=["identity.type"])
@fixed_by(sets("identity.type", "SystemAssigned"))
def web_app_has_identity(app: Resource) -> Verdict:
    kind = app.text("identity.type", "not set")
    return passes_if("Assigned" in kind, f"identity.type is {kind}")


@own_identity
@applies_to("gcp:container/cluster:Cluster", reads=["workloadIdentityConfig.workloadPool", "enableAutopilot"])
def gke_knows_workload_identity(cluster: Resource) -> Verdict:
    if cluster.has("workloadIdentityConfig.workloadPool"):
        return PASS
    return passes_if(cluster.flag("enableAutopilot"), "there is no workload pool")


_DEFAULT_ACCOUNT = "-compute@developer.gserviceaccount.com"


def _is_own(account: str) -> bool:
    """Tell whether it is not the account that every machine of the project has."""
    return bool(account) and account != DEFAULT and not account.endswith(_DEFAULT_ACCOUNT)


@own_identity
@applies_to(
    "gcp:compute/instance:Instance", "gcp:compute/instanceTemplate:InstanceTemplate", reads=["serviceAccount.email"]
)
def gcp_machine_has_account(machine: Resource) -> Verdict:
    email = machine.text("serviceAccount.email")
    return passes_if(_is_own(email), f"service account is {email or 'not set'}")


_METADATA = "nodeConfig.workloadMetadataConfig.mode"


@own_identity
@applies_to("gcp:container/nodePool:NodePool", reads=["nodeConfig.serviceAccount", _METADATA])
@fixed_by(sets(_METADATA, "GKE_METADATA"))
def gke_pods_are_not_their_node(pool: Resource) -> Verdict:
    account = pool.text("nodeConfig.serviceAccount")
    if not _is_own(account):
        return fails(f"the nodes' service account is {account or 'not set'}")
    mode = pool.text(_METADATA, "not set")
    return passes_if(mode == "GKE_METADATA", f"workloadMetadataConfig.mode is {mode}")


@own_identity
@applies_to("kubernetes:core/v1:ServiceAccount", reads=["automountServiceAccountToken", "metadata.namespace"])
@fixed_by(sets("automountServiceAccountToken", False))
def account_hands_no_token_out(account: Resource, options: Namespaces) -> Verdict:
    if not account.flag("automountServiceAccountToken", default=True):
        return PASS
    return unless_exempt(account, options, "automountServiceAccountToken is not off")


@own_identity
@in_pods("automountServiceAccountToken", "serviceAccountName", beside=["metadata.namespace"])
def pods_have_account(workload: Resource, options: Namespaces) -> Verdict:
    """A pod that gets no token is nobody, which is as good."""
    pod = pod_of(workload)
    if not pod.flag("automountServiceAccountToken", default=True):
        return PASS
    account = pod.text("serviceAccountName", DEFAULT)
    if account not in ("", DEFAULT):
        return PASS
    return unless_exempt(workload, options, "it acts as the default account of its namespace")
