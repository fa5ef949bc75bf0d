"""Clusters: closed API servers, encrypted secrets, complete logs, enforced policies, on all three clouds alike."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from components.cluster.azure import read_kubeconfig
from components.cluster.kubeconfig import make_kubeconfig
from components.cluster.settings import KUBERNETES_VERSION, ClusterSettings, InvalidCluster, NodeSize

CLOUDS = ("aws", "azure", "gcp")
EKS, AKS, GKE = (
    "aws:eks/cluster:Cluster",
    "azure-native:containerservice:ManagedCluster",
    "gcp:container/cluster:Cluster",
)
OPEN = ("198.51.100.0/24", "203.0.113.7/32")


@pytest.fixture(scope="module")
def restricted(compute_engine: Any, make_clusters: Any) -> Any:
    """Clusters whose API servers have a public address, for two networks only."""
    settings = ClusterSettings(
        size=NodeSize.LARGE, min_nodes=1, max_nodes=2, deletion_protection=False, allowed_cidrs=OPEN
    )
    engine = compute_engine()
    engine.run(lambda: make_clusters(engine, settings) and None)
    return engine


def test_every_cluster_is_made_of_well_formed_components(clusters: Any) -> None:
    clusters.engine.assert_well_formed()


def test_all_three_run_the_same_pinned_version(clusters: Any) -> None:
    engine = clusters.engine
    versions = {
        engine.only(EKS)["version"],
        engine.only(AKS)["kubernetesVersion"],
        engine.only(GKE)["minMasterVersion"],
    }
    assert versions == {KUBERNETES_VERSION}


def test_no_api_server_answers_outside_the_network(clusters: Any) -> None:
    engine = clusters.engine
    network = engine.only(EKS)["vpcConfig"]
    assert network["endpointPrivateAccess"] is True
    assert network["endpointPublicAccess"] is False
    access = engine.only(AKS)["apiServerAccessProfile"]
    assert access["enablePrivateCluster"] is True
    assert access["enableVnetIntegration"] is True
    gke = engine.only(GKE)
    assert gke["privateClusterConfig"]["enablePrivateEndpoint"] is True
    assert gke["privateClusterConfig"]["enablePrivateNodes"] is True
    assert gke["masterAuthorizedNetworksConfig"]["cidrBlocks"] == []


def test_a_public_api_server_answers_the_named_networks_only(restricted: Any) -> None:
    network = restricted.only(EKS)["vpcConfig"]
    assert network["endpointPublicAccess"] is True
    assert network["publicAccessCidrs"] == list(OPEN)
    access = restricted.only(AKS)["apiServerAccessProfile"]
    assert access["enablePrivateCluster"] is False
    assert access["authorizedIPRanges"] == list(OPEN)
    gke = restricted.only(GKE)
    assert gke["privateClusterConfig"]["enablePrivateEndpoint"] is False
    assert gke["privateClusterConfig"]["enablePrivateNodes"] is True
    named = gke["masterAuthorizedNetworksConfig"]
    assert [block["cidrBlock"] for block in named["cidrBlocks"]] == list(OPEN)
    assert named["gcpPublicCidrsAccessEnabled"] is False


def test_secrets_are_encrypted_with_our_own_key(clusters: Any) -> None:
    engine = clusters.engine
    eks = engine.only(EKS)["encryptionConfig"]
    assert eks == {"provider": {"keyArn": "arn:aws:kms:eu-central-1:1:key/k"}, "resources": ["secrets"]}
    kms = engine.only(AKS)["securityProfile"]["azureKeyVaultKms"]
    assert kms["enabled"] is True
    assert kms["keyId"] == "https://v.vault.azure.net/keys/k/1"
    assert kms["keyVaultNetworkAccess"] == "Private"
    assert engine.only(GKE)["databaseEncryption"] == {"state": "ENCRYPTED", "keyName": "key"}


def test_the_azure_control_plane_may_use_the_key_before_the_cluster_is_made(clusters: Any) -> None:
    engine = clusters.engine
    grants = engine.all("azure-native:authorization:RoleAssignment")
    on_vault = [grant for grant in grants if grant["scope"] == "/vaults/v"]
    assert {grant["roleDefinitionId"].rpartition("/")[2] for grant in on_vault} == {
        "12338af0-0e69-4776-bea7-57ae8d297424",  # Key Vault Crypto User
        "f25e0fa2-a7c8-4377-a976-54943a77a395",  # Key Vault Contributor, for the private link
    }
    assert {grant.urn for grant in grants} <= set(engine.only(AKS).depends_on)


def test_the_aws_control_plane_may_use_the_key_and_no_other(clusters: Any) -> None:
    policy = clusters.engine.named("aws:iam/rolePolicy:RolePolicy", "test-aws-roles-key")["policy"]
    [statement] = json.loads(policy)["Statement"]
    assert statement["Resource"] == "arn:aws:kms:eu-central-1:1:key/k"
    assert set(statement["Action"]) == {"kms:Encrypt", "kms:Decrypt", "kms:DescribeKey", "kms:ListGrants"}


def test_control_planes_log_everything_and_logs_are_kept_for_a_while(clusters: Any) -> None:
    engine = clusters.engine
    assert set(engine.only(EKS)["enabledClusterLogTypes"]) == {
        "api",
        "audit",
        "authenticator",
        "controllerManager",
        "scheduler",
    }
    group = engine.only("aws:cloudwatch/logGroup:LogGroup")
    assert (group["name"], group["retentionInDays"]) == ("/aws/eks/test-aws/cluster", 365)
    assert group["kmsKeyId"] == "arn:aws:kms:eu-central-1:1:key/logs"
    assert group.urn in engine.only(EKS).depends_on
    sent = engine.only("azure-native:monitor:DiagnosticSetting")
    enabled = {log["category"] for log in sent["logs"] if log["enabled"]}
    assert {"kube-apiserver", "kube-audit-admin", "kube-controller-manager", "kube-scheduler", "guard"} <= enabled
    assert sent["workspaceId"] == "workspace"
    logged = set(engine.only(GKE)["loggingConfig"]["enableComponents"])
    assert {"APISERVER", "SCHEDULER", "CONTROLLER_MANAGER", "SYSTEM_COMPONENTS", "WORKLOADS"} <= logged


def test_network_policies_are_enforced_on_the_nodes(clusters: Any) -> None:
    engine = clusters.engine
    controller = engine.only("kubernetes:core/v1:ConfigMap")
    assert (controller["metadata"]["name"], controller["metadata"]["namespace"]) == ("amazon-vpc-cni", "kube-system")
    assert controller["data"] == {"enable-network-policy-controller": "true"}
    assert engine.only("kubernetes:eks.amazonaws.com/v1:NodeClass")["spec"]["networkPolicy"] == "DefaultAllow"
    pools = engine.only(EKS)["computeConfig"]["nodePools"]
    assert "general-purpose" not in pools, "its nodes have no policy agent"
    aks = engine.only(AKS)["networkProfile"]
    assert (aks["networkPolicy"], aks["networkDataplane"]) == ("cilium", "cilium")
    assert engine.only(GKE)["datapathProvider"] == "ADVANCED_DATAPATH"


def test_objects_of_the_nodes_carry_labels(clusters: Any) -> None:
    custom = ("kubernetes:eks.amazonaws.com/v1:NodeClass", "kubernetes:karpenter.sh/v1:NodePool")
    for token in ("kubernetes:core/v1:ConfigMap", *custom):
        assert clusters.engine.only(token)["metadata"]["labels"] == {"owner": "platform", "environment": "test"}


def test_pods_can_prove_who_they_are(clusters: Any) -> None:
    assert {cloud: one["issuer"] for cloud, one in clusters.outputs.items()} == {
        "aws": "https://issuer.aws.example",
        "azure": "https://issuer.azure.example",
        "gcp": "https://container.googleapis.com/v1/projects/fortress-test/locations/europe-west3/clusters/c",
    }
    aks = clusters.engine.only(AKS)
    assert aks["oidcIssuerProfile"] == {"enabled": True}
    assert aks["securityProfile"]["workloadIdentity"] == {"enabled": True}
    gke = clusters.engine.only(GKE)
    assert gke["workloadIdentityConfig"] == {"workloadPool": "fortress-test.svc.id.goog"}
    pool = clusters.engine.only("gcp:container/nodePool:NodePool")
    assert pool["nodeConfig"]["workloadMetadataConfig"] == {"mode": "GKE_METADATA"}


@pytest.mark.parametrize(
    ("cloud", "server", "authority", "command"),
    [
        ("aws", "https://c.eks.example", "RUtT", "aws"),
        ("azure", "https://c.azure.example:443", "QUs=", "kubelogin"),
        ("gcp", "https://10.18.192.2", "R0tF", "gke-gcloud-auth-plugin"),
    ],
)
def test_a_kubeconfig_finds_the_cluster_and_holds_no_secret(
    clusters: Any, cloud: str, server: str, authority: str, command: str
) -> None:
    text = clusters.outputs[cloud]["kubeconfig"]
    config = json.loads(text)
    assert config["clusters"][0]["cluster"] == {"server": server, "certificate-authority-data": authority}
    [user] = config["users"]
    assert list(user["user"]) == ["exec"]
    assert user["user"]["exec"]["command"] == command
    assert user["user"]["exec"]["interactiveMode"] == "IfAvailable", "a deploy has no terminal"
    assert "not-to-be-kept" not in text


def test_the_kubernetes_provider_is_the_clusters_own(clusters: Any) -> None:
    made = {resource.name: resource for resource in clusters.engine.all("pulumi:providers:kubernetes")}
    for cloud in CLOUDS:
        assert made[f"test-{cloud}"]["kubeconfig"] == clusters.outputs[cloud]["kubeconfig"]
    assert "kubernetes::test-aws::" in clusters.engine.only("kubernetes:karpenter.sh/v1:NodePool").provider


def test_nobody_logs_in_without_a_token_of_the_cloud(clusters: Any) -> None:
    engine = clusters.engine
    assert engine.only(EKS)["accessConfig"]["authenticationMode"] == "API"
    aks = engine.only(AKS)
    assert aks["disableLocalAccounts"] is True
    assert aks["aadProfile"]["enableAzureRBAC"] is True
    assert aks["apiServerAccessProfile"]["disableRunCommand"] is True
    gke = engine.only(GKE)
    assert gke["enableLegacyAbac"] is False
    assert gke["masterAuth"]["clientCertificateConfig"]["issueClientCertificate"] is False


def test_people_who_look_get_a_group_and_operators_a_policy(clusters: Any) -> None:
    viewer = clusters.engine.named("aws:eks/accessEntry:AccessEntry", "test-aws-viewer-0")
    assert viewer["kubernetesGroups"] == ["living-fortress-viewers"]
    policy = clusters.engine.only("aws:eks/accessPolicyAssociation:AccessPolicyAssociation")
    assert policy["principalArn"] == "arn:aws:iam::1:role/operators"
    assert policy["policyArn"].endswith("/AmazonEKSClusterAdminPolicy")


def test_nodes_are_bounded_spread_over_zones_and_kept_by_the_cloud(clusters: Any) -> None:
    engine = clusters.engine
    assert engine.only("kubernetes:karpenter.sh/v1:NodePool")["spec"]["limits"] == {"cpu": "18"}
    subnets = engine.only("kubernetes:eks.amazonaws.com/v1:NodeClass")["spec"]["subnetSelectorTerms"]
    assert [term["id"] for term in subnets] == ["subnet-a", "subnet-b", "subnet-c"]
    work = engine.only("azure-native:containerservice:AgentPool")
    assert (work["minCount"], work["maxCount"], work["enableAutoScaling"]) == (3, 9, True)
    assert work["availabilityZones"] == ["1", "2", "3"]
    assert work["enableNodePublicIP"] is False
    assert work.ignore_changes == ("count",)
    assert engine.only(AKS)["autoUpgradeProfile"] == {"upgradeChannel": "patch", "nodeOSUpgradeChannel": "NodeImage"}
    pool = engine.only("gcp:container/nodePool:NodePool")
    assert pool["autoscaling"]["totalMinNodeCount"] == 3
    assert pool["autoscaling"]["totalMaxNodeCount"] == 9
    assert pool["management"] == {"autoRepair": True, "autoUpgrade": True}
    assert len(pool["nodeLocations"]) == 3
    assert engine.only(GKE)["releaseChannel"] == {"channel": "REGULAR"}
    assert engine.only(EKS)["upgradePolicy"] == {"supportType": "STANDARD"}


def test_aws_nodes_may_join_and_pull_images_and_nothing_else(clusters: Any) -> None:
    attached = clusters.engine.all("aws:iam/rolePolicyAttachment:RolePolicyAttachment")
    of_nodes = {one["policyArn"].rpartition("/")[2] for one in attached if one["role"].endswith("-node")}
    assert of_nodes == {"AmazonEKSWorkerNodeMinimalPolicy", "AmazonEC2ContainerRegistryPullOnly"}


def test_aws_nodes_enforce_policies_from_the_first_on_and_are_not_taken_away(clusters: Any) -> None:
    engine = clusters.engine
    controller = engine.only("kubernetes:core/v1:ConfigMap")
    assert controller.urn in engine.only("kubernetes:eks.amazonaws.com/v1:NodeClass").depends_on
    template = engine.only("kubernetes:karpenter.sh/v1:NodePool")["spec"]["template"]["spec"]
    wanted = {requirement["key"]: requirement["values"] for requirement in template["requirements"]}
    assert wanted["karpenter.sh/capacity-type"] == ["on-demand"]


def test_azure_nodes_go_out_by_the_gateway_and_encrypt_what_they_hold(clusters: Any) -> None:
    aks = clusters.engine.only(AKS)
    assert aks["networkProfile"]["outboundType"] == "userAssignedNATGateway"
    [system] = aks["agentPoolProfiles"]
    assert system["nodeTaints"] == ["CriticalAddonsOnly=true:NoSchedule"]
    for pool in (system, clusters.engine.only("azure-native:containerservice:AgentPool")):
        assert pool["enableEncryptionAtHost"] is True


def test_gke_has_our_node_pool_only_and_leaves_the_gateway_api_to_envoy(clusters: Any) -> None:
    gke = clusters.engine.only(GKE)
    assert gke["removeDefaultNodePool"] is True
    assert gke["gatewayApiConfig"] == {"channel": "CHANNEL_DISABLED"}
    pool = clusters.engine.only("gcp:container/nodePool:NodePool")["nodeConfig"]
    assert pool["metadata"] == {"disable-legacy-endpoints": "true"}


def test_gke_nodes_have_an_account_of_their_own_with_little_rights(clusters: Any) -> None:
    engine = clusters.engine
    pool = engine.only("gcp:container/nodePool:NodePool")["nodeConfig"]
    assert pool["serviceAccount"] == "test-gcp-nodes@fortress-test.iam.gserviceaccount.com"
    assert pool["shieldedInstanceConfig"] == {"enableSecureBoot": True, "enableIntegrityMonitoring": True}
    roles = {grant["role"] for grant in engine.all("gcp:projects/iAMMember:IAMMember")}
    assert roles == {"roles/container.defaultNodeServiceAccount", "roles/artifactregistry.reader"}


def test_clusters_are_protected_where_the_environment_says_so(clusters: Any, restricted: Any) -> None:
    for engine, wanted in ((clusters.engine, True), (restricted, False)):
        assert engine.only(EKS)["deletionProtection"] is wanted
        assert engine.only(GKE)["deletionProtection"] is wanted


def test_the_size_of_nodes_is_the_environments(clusters: Any, restricted: Any) -> None:
    small, large = clusters.engine, restricted
    assert small.only("azure-native:containerservice:AgentPool")["vmSize"] == "Standard_D2s_v5"
    assert large.only("azure-native:containerservice:AgentPool")["vmSize"] == "Standard_D8s_v5"
    assert small.only("gcp:container/nodePool:NodePool")["nodeConfig"]["machineType"] == "n2-standard-2"
    assert large.only("gcp:container/nodePool:NodePool")["nodeConfig"]["machineType"] == "n2-standard-8"
    assert large.only("kubernetes:karpenter.sh/v1:NodePool")["spec"]["limits"] == {"cpu": "16"}


def test_everything_carries_the_tags(clusters: Any) -> None:
    engine = clusters.engine
    for one in (engine.only(EKS), engine.only(AKS)):
        assert one["tags"] == {"owner": "platform", "environment": "test"}
    assert engine.only(GKE)["resourceLabels"] == {"owner": "platform", "environment": "test"}


def test_a_first_preview_works_with_addresses_and_issuers_unknown(compute_engine: Any, make_clusters: Any) -> None:
    engine = compute_engine()
    engine.answers.update({EKS: {}, GKE: {}, AKS: {"identity": {"type": "UserAssigned", "userAssignedIdentities": {}}}})
    settings = ClusterSettings(size=NodeSize.SMALL, min_nodes=1, max_nodes=1, deletion_protection=False)
    engine.run(lambda: make_clusters(engine, settings) and None, preview=True)
    assert len(engine.all("pulumi:providers:kubernetes")) == 3


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"min_nodes": 0}, "min_nodes"),
        ({"max_nodes": 2}, "got 3, 2"),
        ({"allowed_cidrs": ("0.0.0.0/0",)}, "0.0.0.0/0 is too wide"),
        ({"allowed_cidrs": ("::/0",)}, "::/0 is too wide"),
        ({"allowed_cidrs": ("10.0.0.1/8",)}, "10.0.0.1/8"),
        ({"allowed_cidrs": ("office",)}, "office"),
    ],
)
def test_settings_that_no_cloud_should_get_are_refused(changes: dict[str, Any], message: str) -> None:
    settings = ClusterSettings(size=NodeSize.SMALL, min_nodes=3, max_nodes=9, deletion_protection=True)
    with pytest.raises(InvalidCluster) as refused:
        replace(settings, **changes)
    assert message in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_kubeconfig_without_scheme_gets_one() -> None:
    config = json.loads(make_kubeconfig("c", "10.0.0.1", "QQ==", "login"))
    assert config["clusters"][0]["cluster"]["server"] == "https://10.0.0.1"


def test_an_azure_kubeconfig_is_read_for_address_and_authority_only() -> None:
    given = "Y2x1c3RlcnM6IFt7Y2x1c3Rlcjoge3NlcnZlcjogJ2h0dHBzOi8veCcsIGNlcnRpZmljYXRlLWF1dGhvcml0eS1kYXRhOiBRUT09fX1d"
    config = json.loads(read_kubeconfig("c", [{"value": given}]))
    assert config["clusters"][0]["cluster"]["server"] == "https://x"


def test_azures_nodes_are_watched_and_what_is_seen_goes_to_the_workspace(clusters: Any) -> None:
    watch = clusters.engine.only(AKS)["securityProfile"]["defender"]
    assert watch["securityMonitoring"] == {"enabled": True}
    assert watch["logAnalyticsWorkspaceResourceId"]
