"""Add-ons: pinned, in restricted namespaces, in order, with rights of their own in each cloud and not one more."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import Any

import pytest

from components.addons import charts, values
from components.addons.addons import AddonsArgs, build_issuer_spec, build_proxy_spec
from components.addons.bindings import AddonBindings
from components.addons.network import Surroundings, policies

CLOUDS = ("aws", "azure", "gcp")
RELEASE = "kubernetes:helm.sh/v3:Release"
ALWAYS = ("envoy-gateway", "cert-manager", "external-dns", "external-secrets")
POLICY = "kubernetes:networking.k8s.io/v1:NetworkPolicy"
SURROUNDINGS = Surroundings(
    dns_cidrs=["172.20.0.10/32"],
    token_endpoint="169.254.170.23/32",
    app_namespace="living-fortress",
    app_port=8440,
)
PINNED = [value for value in vars(charts).values() if isinstance(value, charts.Chart)]


def reached(spec: dict[str, Any]) -> set[tuple[str, int]]:
    """The addresses that a policy lets pods reach, each with a port."""
    return {
        (peer["ipBlock"]["cidr"], port["port"])
        for rule in spec["egress"]
        for peer in rule["to"]
        for port in rule.get("ports", ())
        if "ipBlock" in peer
    }


def reached_by(chart: charts.Chart, cluster: Surroundings) -> set[tuple[str, int]]:
    return reached(policies(chart, cluster)["allow-needed"])


def test_the_components_are_well_formed(addons: Any) -> None:
    addons.engine.assert_well_formed()


@pytest.mark.parametrize("chart", PINNED, ids=lambda chart: chart.name)
def test_every_chart_is_pinned_to_one_version_with_a_source(chart: charts.Chart) -> None:
    assert re.fullmatch(r"v?\d+\.\d+\.\d+", chart.version)
    assert chart.repository.startswith(("https://", "oci://"))
    assert chart.source


@pytest.mark.parametrize("cloud", CLOUDS)
def test_a_cluster_gets_gateway_certificates_names_and_secrets(addons: Any, cloud: str) -> None:
    for chart in ALWAYS:
        release = addons.engine.named(RELEASE, f"test-{cloud}-{chart}")
        assert release["version"]
        assert release["atomic"] is True
        assert release["name"] == chart


def test_only_aws_needs_a_metrics_server_of_ours(addons: Any) -> None:
    found = [resource.name for resource in addons.engine.all(RELEASE) if resource.name.endswith("metrics-server")]
    assert found == ["test-aws-metrics-server"]


def test_every_add_on_lives_in_a_restricted_namespace_that_exists_first(addons: Any) -> None:
    spaces = {resource.urn: resource for resource in addons.engine.all("kubernetes:core/v1:Namespace")}
    for release in addons.engine.all(RELEASE):
        [space] = [spaces[urn] for urn in release.depends_on if urn in spaces]
        assert space["metadata"]["name"] == release["namespace"]
        labels = space["metadata"]["labels"]
        assert labels["pod-security.kubernetes.io/enforce"] == "restricted"
        assert labels["pod-security.kubernetes.io/enforce-version"] == "v1.35"


def test_every_add_on_comes_into_a_namespace_that_is_closed_but_for_what_it_needs(addons: Any) -> None:
    by_urn = {resource.urn: resource for resource in addons.engine.all(POLICY)}
    for release in addons.engine.all(RELEASE):
        first = {one["metadata"]["name"]: one for urn in release.depends_on if (one := by_urn.get(urn))}
        assert first.keys() == {"default-deny", "allow-needed"}
        for one in first.values():
            assert one["metadata"]["namespace"] == release["namespace"]
            assert one["spec"]["podSelector"] == {}
            assert one["spec"]["policyTypes"] == ["Ingress", "Egress"]
        assert not first["default-deny"]["spec"].keys() & {"ingress", "egress"}
        rules = first["allow-needed"]["spec"]
        inside = [{"podSelector": {}}]
        assert all(rule.get("from") == inside or rule["ports"] for rule in rules["ingress"])
        assert all(rule["to"] == inside or rule["ports"] for rule in rules["egress"])


CALLED_AT = {
    charts.ENVOY_GATEWAY: {10080, 10443, 9443},
    charts.CERT_MANAGER: {10250},
    charts.EXTERNAL_DNS: set(),
    charts.EXTERNAL_SECRETS: {10250},
    charts.METRICS_SERVER: {10250},
}


@pytest.mark.parametrize("chart", PINNED, ids=lambda chart: chart.name)
def test_add_ons_are_called_where_they_listen_and_from_their_own_namespace(chart: charts.Chart) -> None:
    [from_inside, *called] = policies(chart, SURROUNDINGS)["allow-needed"]["ingress"]
    assert from_inside == {"from": [{"podSelector": {}}]}
    assert {port["port"] for rule in called for port in rule["ports"]} == CALLED_AT[chart]


@pytest.mark.parametrize("chart", PINNED, ids=lambda chart: chart.name)
def test_add_ons_reach_names_https_and_what_each_needs(chart: charts.Chart) -> None:
    reached = reached_by(chart, SURROUNDINGS)
    expected = {("0.0.0.0/0", 443), ("172.20.0.10/32", 53)}
    if chart in (charts.CERT_MANAGER, charts.EXTERNAL_DNS, charts.EXTERNAL_SECRETS):
        expected.add(("169.254.170.23/32", 80))
        assert reached_by(chart, replace(SURROUNDINGS, token_endpoint=None)) == reached - {("169.254.170.23/32", 80)}
    if chart is charts.CERT_MANAGER:
        expected.add(("0.0.0.0/0", 53))
    if chart is charts.METRICS_SERVER:
        expected.add(("0.0.0.0/0", 10250))
    assert reached == expected


def test_only_the_gateway_sends_requests_into_the_apps_namespace() -> None:
    app = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "living-fortress"}}}
    sent = {
        chart: [rule["ports"] for rule in policies(chart, SURROUNDINGS)["allow-needed"]["egress"] if app in rule["to"]]
        for chart in PINNED
    }
    assert sent.pop(charts.ENVOY_GATEWAY) == [[{"port": 8440, "protocol": "TCP"}]]
    assert not any(sent.values())


@pytest.mark.parametrize("cloud", CLOUDS)
def test_add_ons_get_tokens_where_their_cloud_hands_them_out(addons: Any, cloud: str) -> None:
    policy = addons.engine.named(POLICY, f"test-{cloud}-external-dns-allow-needed")
    endpoints = {"aws": ["169.254.170.23/32"], "azure": [], "gcp": ["169.254.169.254/32"]}
    assert [cidr for cidr, port in reached(policy["spec"]) if port == 80] == endpoints[cloud]


@pytest.mark.parametrize("cloud", CLOUDS)
def test_the_clouds_secrets_are_for_the_app_alone(addons: Any, cloud: str) -> None:
    store = addons.engine.named("kubernetes:external-secrets.io/v1:ClusterSecretStore", f"test-{cloud}-cloud-secrets")
    assert store["spec"]["conditions"] == [{"namespaces": ["living-fortress"]}]


@pytest.mark.parametrize("cloud", CLOUDS)
def test_objects_wait_for_the_charts_that_define_them(addons: Any, cloud: str) -> None:
    engine = addons.engine

    def release(chart: str) -> str:
        urn: str = engine.named(RELEASE, f"test-{cloud}-{chart}").urn
        return urn

    issuer = engine.named("kubernetes:cert-manager.io/v1:ClusterIssuer", f"test-{cloud}-acme")
    assert release("cert-manager") in issuer.depends_on
    store = engine.named("kubernetes:external-secrets.io/v1:ClusterSecretStore", f"test-{cloud}-cloud-secrets")
    assert release("external-secrets") in store.depends_on
    proxies = engine.named("kubernetes:gateway.envoyproxy.io/v1alpha1:EnvoyProxy", f"test-{cloud}-envoy")
    assert release("envoy-gateway") in proxies.depends_on
    gateways = engine.named("kubernetes:gateway.networking.k8s.io/v1:GatewayClass", f"test-{cloud}-envoy")
    assert proxies.urn in gateways.depends_on
    assert release("envoy-gateway") in engine.named(RELEASE, f"test-{cloud}-external-dns").depends_on


@pytest.mark.parametrize(
    ("cloud", "provider", "solver"),
    [
        ("aws", "aws", {"route53": {"region": "eu-central-1", "hostedZoneID": "Z1"}}),
        (
            "azure",
            "azure",
            {
                "azureDNS": {
                    "environment": "AzurePublicCloud",
                    "subscriptionID": "sub",
                    "resourceGroupName": "group",
                    "hostedZoneName": "azure.example.org",
                }
            },
        ),
        ("gcp", "google", {"cloudDNS": {"project": "fortress-test", "hostedZoneName": "test-gcp"}}),
    ],
)
def test_names_are_written_into_the_clusters_own_zone_only(
    addons: Any, cloud: str, provider: str, solver: dict[str, Any]
) -> None:
    given = addons.engine.named(RELEASE, f"test-{cloud}-external-dns")["values"]
    assert given["provider"] == {"name": provider}
    assert given["domainFilters"] == [f"{cloud}.example.org"]
    assert (given["registry"], given["txtOwnerId"]) == ("txt", f"test-{cloud}")
    issuer = addons.engine.named("kubernetes:cert-manager.io/v1:ClusterIssuer", f"test-{cloud}-acme")
    [used] = issuer["spec"]["acme"]["solvers"]
    assert used["selector"] == {"dnsZones": [f"{cloud}.example.org"]}
    [(kind, wanted)] = solver.items()
    assert wanted.items() <= used["dns01"][kind].items()


def test_aws_add_ons_become_roles_by_pod_identity(addons: Any) -> None:
    engine = addons.engine
    associations = engine.all("aws:eks/podIdentityAssociation:PodIdentityAssociation")
    assert {
        (association["namespace"], association["serviceAccount"], association["roleArn"])
        for association in associations
    } == {
        ("cert-manager", "cert-manager", "arn:mock:test-aws-dns"),
        ("external-dns", "external-dns", "arn:mock:test-aws-dns"),
        ("external-secrets", "external-secrets", "arn:mock:test-aws-secrets"),
    }


def test_aws_add_ons_write_one_zone_and_read_one_prefix_of_secrets(addons: Any) -> None:
    write, find = _statements(addons, "test-aws-dns")
    assert write["Resource"] == "arn:mock:test-aws"
    assert not any("Change" in action for action in find["Action"] if action != "route53:GetChange")
    read, decrypt = _statements(addons, "test-aws-secrets")
    assert read["Resource"] == "arn:aws:secretsmanager:eu-central-1:000000000001:secret:test/*"
    assert decrypt["Resource"] == "arn:aws:kms:eu-central-1:000000000001:key/k"


def test_every_public_zone_is_signed(addons: Any) -> None:
    engine = addons.engine
    signing = engine.only("aws:route53/hostedZoneDnsSec:HostedZoneDnsSec")
    assert signing["signingStatus"] == "SIGNING"
    assert signing["hostedZoneId"] == engine.only("aws:route53/keySigningKey:KeySigningKey")["hostedZoneId"]
    assert {resource.urn for resource in engine.all("aws:route53/keySigningKey:KeySigningKey")} <= set(
        signing.depends_on
    )
    assert engine.only("azure-native:dns:DnssecConfig")["zoneName"] == "test-azure"
    assert engine.only("gcp:dns/managedZone:ManagedZone")["dnssecConfig"] == {"state": "on"}


def test_the_signing_key_is_in_the_region_of_route_53_and_serves_it_alone(addons: Any) -> None:
    key = addons.engine.only("aws:kms/key:Key")
    assert (key["region"], key["keyUsage"], key.protect) == ("us-east-1", "SIGN_VERIFY", True)
    administers, signs, grants = json.loads(key["policy"])["Statement"]
    assert administers["Principal"] == {"AWS": "arn:aws:iam::000000000001:root"}
    assert signs["Principal"] == grants["Principal"] == {"Service": "dnssec-route53.amazonaws.com"}
    assert signs["Condition"]["StringEquals"] == {"aws:SourceAccount": "000000000001"}


def test_azure_add_ons_are_trusted_by_account_and_granted_by_zone_and_vault(addons: Any) -> None:
    engine = addons.engine
    trusted = engine.all("azure-native:managedidentity:FederatedIdentityCredential")
    assert {(one["resourceName"], one["subject"]) for one in trusted} == {
        ("test-azure-dns", "system:serviceaccount:cert-manager:cert-manager"),
        ("test-azure-dns", "system:serviceaccount:external-dns:external-dns"),
        ("test-azure-secrets", "system:serviceaccount:external-secrets:external-secrets"),
    }
    grants = engine.all("azure-native:authorization:RoleAssignment")
    assert {(grant["scope"], grant["roleDefinitionId"].rpartition("/")[2]) for grant in grants} == {
        ("test-azure-id", "befefa01-2a29-4197-83a8-272ff33ce314"),  # DNS Zone Contributor, on the zone
        ("/vaults/v", "4633458b-17de-408a-b874-0445c86b69e6"),  # Key Vault Secrets User
    }
    for chart in ("cert-manager", "external-dns", "external-secrets"):
        given = engine.named(RELEASE, f"test-azure-{chart}")["values"]
        assert given["podLabels"] == {"azure.workload.identity/use": "true"}
        assert given["serviceAccount"]["annotations"]["azure.workload.identity/client-id"]


def test_google_add_ons_are_lent_to_their_accounts_and_bound_to_zone_and_prefix(addons: Any) -> None:
    engine = addons.engine
    lent = engine.all("gcp:serviceaccount/iAMMember:IAMMember")
    assert {one["member"] for one in lent} == {
        f"serviceAccount:fortress-test.svc.id.goog[{one}/{one}]"
        for one in ("cert-manager", "external-dns", "external-secrets")
    }
    zone = engine.only("gcp:dns/dnsManagedZoneIamMember:DnsManagedZoneIamMember")
    assert (zone["managedZone"], zone["role"]) == ("test-gcp", "roles/dns.admin")
    grants = {resource["role"]: resource for resource in engine.all("gcp:projects/iAMMember:IAMMember")}
    assert set(grants) == {"roles/dns.reader", "roles/secretmanager.secretAccessor"}
    condition = grants["roles/secretmanager.secretAccessor"]["condition"]["expression"]
    assert condition == 'resource.name.extract("secrets/{name}/").startsWith("test-")'
    assert engine.only("gcp:dns/managedZone:ManagedZone")["dnssecConfig"] == {"state": "on"}


@pytest.mark.parametrize(
    ("cloud", "service"),
    [
        (
            "aws",
            {
                "type": "LoadBalancer",
                "loadBalancerClass": "eks.amazonaws.com/nlb",
                "annotations": {
                    "service.beta.kubernetes.io/aws-load-balancer-scheme": "internal",
                    "service.beta.kubernetes.io/aws-load-balancer-nlb-target-type": "ip",
                },
            },
        ),
        (
            "azure",
            {
                "type": "LoadBalancer",
                "annotations": {"service.beta.kubernetes.io/azure-load-balancer-internal": "true"},
            },
        ),
        (
            "gcp",
            {"type": "LoadBalancer", "annotations": {"networking.gke.io/load-balancer-type": "Internal"}},
        ),
    ],
)
def test_a_gateway_is_internal_unless_asked_otherwise(addons: Any, cloud: str, service: dict[str, Any]) -> None:
    proxies = addons.engine.named("kubernetes:gateway.envoyproxy.io/v1alpha1:EnvoyProxy", f"test-{cloud}-envoy")
    assert proxies["spec"]["provider"]["kubernetes"]["envoyService"] == service


@pytest.fixture
def args() -> AddonsArgs:
    bindings = AddonBindings(
        external_dns={},
        dns_solver={"cloudDNS": {}},
        secret_store={},
        load_balancer={"public": {"annotations": {"scheme": "public"}}, "internal": {}},
        brings_metrics=True,
        name_servers=None,  # type: ignore[arg-type]
    )
    return AddonsArgs(bindings=bindings, domain="x.example", owner="x", labels={})


def test_a_public_gateway_gets_the_public_address(args: AddonsArgs) -> None:
    service = build_proxy_spec(replace(args, exposure="public"))["provider"]["kubernetes"]["envoyService"]
    assert service == {"type": "LoadBalancer", "annotations": {"scheme": "public"}}


def test_one_proxy_may_be_drained_and_two_not_at_once(args: AddonsArgs) -> None:
    def guard(replicas: int) -> int:
        found: int = build_proxy_spec(replace(args, replicas=replicas))["provider"]["kubernetes"]["envoyPDB"][
            "minAvailable"
        ]
        return found

    assert guard(2) == 1
    assert guard(1) == 0
    assert values.envoy_gateway(1)["podDisruptionBudget"] == {"minAvailable": 0}


def test_the_certificate_authority_is_told_whom_to_write_to(args: AddonsArgs) -> None:
    assert "email" not in build_issuer_spec(args)["acme"]
    assert build_issuer_spec(replace(args, acme_email="ops@x.example"))["acme"]["email"] == "ops@x.example"


def _statements(addons: Any, name: str) -> list[dict[str, Any]]:
    policy = addons.engine.named("aws:iam/rolePolicy:RolePolicy", name)["policy"]
    found: list[dict[str, Any]] = json.loads(policy)["Statement"]
    return found
