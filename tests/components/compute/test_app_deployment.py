"""The app on a cluster: what runs, what it may, who reaches it, and when it rolls."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pulumi
import pulumi_aws as aws
import pulumi_kubernetes as kubernetes
import pytest

from components.app_deployment import (
    Entry,
    InvalidDeployment,
    Oidc,
    PersonalData,
    Replicas,
    Resources,
    SecretReference,
)
from components.app_deployment.deployment import AppDeployment
from components.app_deployment.network import policies
from components.app_deployment.pods import build_migration_pod, build_server_pod
from components.identity.workloads import WORKLOADS, GcpLogin, WorkloadLogins

Args = Callable[..., Any]
DEPLOYMENT, JOB = "kubernetes:apps/v1:Deployment", "kubernetes:batch/v1:Job"
POLICY = "kubernetes:networking.k8s.io/v1:NetworkPolicy"
ROUTE = "kubernetes:gateway.networking.k8s.io/v1:HTTPRoute"
SECRETS = (
    SecretReference(variable="PARTNER_KEY", remote_key="test/partner"),
    SecretReference(variable="PARTNER_USER", remote_key="test/partner-login", property="user"),
)


@pytest.fixture(scope="module")
def deploy(compute_engine: Callable[[], Any]) -> Callable[[Any], Any]:
    """Runs one deployment on an engine of its own."""

    def run(args: Any) -> Any:
        engine = compute_engine()
        engine.run(lambda: AppDeployment("test-app", args, engine.on("kubernetes")) and None)
        return engine

    return run


@pytest.fixture(scope="module")
def app(deploy: Callable[[Any], Any], app_args: Args) -> Any:
    return deploy(app_args(secrets=SECRETS))


def container(pod: dict[str, Any]) -> dict[str, Any]:
    [only] = pod["containers"]
    return dict(only)


def environment(pod: dict[str, Any]) -> dict[str, Any]:
    return {one["name"]: one.get("value", one.get("valueFrom")) for one in container(pod)["env"]}


def test_the_components_are_well_formed(app: Any) -> None:
    app.assert_well_formed()


def test_the_namespace_refuses_every_pod_outside_the_restricted_profile(app: Any) -> None:
    labels = app.only("kubernetes:core/v1:Namespace")["metadata"]["labels"]
    for mode in ("enforce", "audit", "warn"):
        assert labels[f"pod-security.kubernetes.io/{mode}"] == "restricted"
        assert labels[f"pod-security.kubernetes.io/{mode}-version"] == "v1.35"
    assert labels["owner"] == "platform"


def test_what_the_app_waits_for_its_namespace_waits_for(compute_engine: Any, app_args: Args) -> None:
    engine = compute_engine()

    def program() -> None:
        addon = kubernetes.core.v1.Namespace("addon", opts=engine.on("kubernetes"))
        options = pulumi.ResourceOptions(provider=engine.provider("kubernetes", "other"), depends_on=[addon])
        AppDeployment("test-app", app_args(), options)

    engine.run(program)
    addon = engine.named("kubernetes:core/v1:Namespace", "addon")
    assert addon.urn in engine.named("kubernetes:core/v1:Namespace", "test-app-access").depends_on


def test_accounts_hold_a_workload_identity_and_no_right_in_the_cluster(app: Any) -> None:
    accounts = {resource["metadata"]["name"]: resource for resource in app.all("kubernetes:core/v1:ServiceAccount")}
    assert set(accounts) == {"ledger", "migrator"}
    for account in accounts.values():
        assert account["automountServiceAccountToken"] is False
        assert account["metadata"]["annotations"] == {"eks.amazonaws.com/role-arn": "arn:aws:iam::1:role/r"}
    [binding] = app.all("kubernetes:rbac.authorization.k8s.io/v1:RoleBinding")
    assert {subject["kind"] for subject in binding["subjects"]} == {"Group"}


def test_people_may_look_and_change_nothing_and_see_no_secret(app: Any) -> None:
    role = app.only("kubernetes:rbac.authorization.k8s.io/v1:Role")
    for rule in role["rules"]:
        assert set(rule["verbs"]) <= {"get", "list", "watch"}
        assert not {"secrets", "configmaps", "*"} & set(rule["resources"])
    assert not app.has("kubernetes:rbac.authorization.k8s.io/v1:ClusterRoleBinding")


def test_the_autoscaler_alone_decides_how_many_pods_there_are(app: Any) -> None:
    assert "replicas" not in app.only(DEPLOYMENT)["spec"]
    scaler = app.only("kubernetes:autoscaling/v2:HorizontalPodAutoscaler")["spec"]
    assert (scaler["minReplicas"], scaler["maxReplicas"]) == (3, 20)
    assert scaler["scaleTargetRef"] == {"apiVersion": "apps/v1", "kind": "Deployment", "name": "ledger"}
    assert scaler["metrics"][0]["resource"]["name"] == "cpu"


def test_pods_share_servers_with_those_of_other_clusters_and_of_the_release_before(
    deploy: Callable[[Any], Any], app_args: Args
) -> None:
    assert Replicas(minimum=3, maximum=20).most == 20 + 5 + 5
    assert Replicas(minimum=1, maximum=3, min_available=0).most == 3 + 1 + 1
    pod = build_server_pod(app_args(pool_size=7, processes=90))
    assert environment(pod)["FORTRESS_POOL_SIZE"] == "7"
    assert environment(pod)["FORTRESS_PROCESSES"] == "90"


def test_two_pods_stay_while_nodes_are_drained(app: Any) -> None:
    budget = app.only("kubernetes:policy/v1:PodDisruptionBudget")["spec"]
    assert budget["minAvailable"] == 2
    assert budget["selector"] == app.only(DEPLOYMENT)["spec"]["selector"]


def test_no_pod_goes_before_its_successor_serves(app: Any) -> None:
    spec = app.only(DEPLOYMENT)["spec"]
    assert spec["strategy"]["rollingUpdate"]["maxUnavailable"] == 0
    one = container(spec["template"]["spec"])
    assert one["readinessProbe"]["httpGet"] == {"path": "/readyz", "port": "http"}
    assert one["livenessProbe"]["httpGet"] == {"path": "/healthz", "port": "http"}
    assert one["startupProbe"]["httpGet"] == {"path": "/healthz", "port": "http"}
    drain = one["lifecycle"]["preStop"]["sleep"]["seconds"]
    assert 0 < drain < spec["template"]["spec"]["terminationGracePeriodSeconds"]


def test_pods_are_spread_over_zones_and_hosts(app: Any) -> None:
    spec = app.only(DEPLOYMENT)["spec"]["template"]["spec"]
    spread = {constraint["topologyKey"]: constraint for constraint in spec["topologySpreadConstraints"]}
    assert spread["topology.kubernetes.io/zone"]["whenUnsatisfiable"] == "DoNotSchedule"
    assert set(spread) == {"topology.kubernetes.io/zone", "kubernetes.io/hostname"}
    pods = app.only(DEPLOYMENT)["spec"]["template"]["metadata"]["labels"]
    for one in spread.values():
        assert one["labelSelector"]["matchLabels"].items() <= pods.items()


def test_the_server_gets_what_its_contract_says(app_args: Args) -> None:
    pod = build_server_pod(app_args())
    one = container(pod)
    assert [*one["command"], *one["args"]] == ["fortress", "serve"]
    assert one["ports"] == [{"name": "http", "containerPort": 8440, "protocol": "TCP"}]
    given = environment(pod)
    assert (
        given.items()
        >= {
            "FORTRESS_ENVIRONMENT": "test",
            "FORTRESS_CLOUD": "aws",
            "FORTRESS_HOST": {"fieldRef": {"fieldPath": "status.podIP"}},
            "FORTRESS_PORT": "8440",
            "FORTRESS_DIRECTORY": "/etc/fortress/directory.json",
            "FORTRESS_POOL_SIZE": "4",
            "FORTRESS_PROCESSES": "30",
            "FORTRESS_OIDC_ISSUER": "https://login.example",
            "FORTRESS_OIDC_AUDIENCE": "ledger",
            "FORTRESS_OIDC_JWKS_URI": "",
            "FORTRESS_LOG_LEVEL": "info",
            "FORTRESS_MASTER_KEY": "aws-kms:arn:aws:kms:eu-central-1:1:key/persons",
            "FORTRESS_ERASURE_LOG": "databases",
        }.items()
    )
    assert {"name": "directory", "configMap": {"name": "ledger-directory"}} in pod["volumes"]
    assert {"name": "directory", "mountPath": "/etc/fortress", "readOnly": True} in one["volumeMounts"]


def test_no_address_of_another_service_leaks_into_the_environment(app_args: Args) -> None:
    assert build_server_pod(app_args())["enableServiceLinks"] is False


def test_sizes_are_the_environments(app_args: Args) -> None:
    one = container(build_server_pod(app_args(resources=Resources(cpu="2", memory="1Gi"))))
    assert one["resources"] == {"requests": {"cpu": "2", "memory": "1Gi"}, "limits": {"memory": "1Gi"}}


def test_issuer_keys_may_come_from_a_config_map(app_args: Args) -> None:
    pod = build_server_pod(app_args(oidc=Oidc(issuer="https://i", audience="a", jwks_config_map="issuer-keys")))
    assert environment(pod)["FORTRESS_OIDC_JWKS_URI"] == "file:///etc/fortress-issuer/jwks.json"
    assert {"name": "issuer", "configMap": {"name": "issuer-keys"}} in pod["volumes"]
    mount = {"name": "issuer", "mountPath": "/etc/fortress-issuer", "readOnly": True}
    assert mount in container(pod)["volumeMounts"]


@pytest.mark.parametrize("make", [build_server_pod, build_migration_pod])
def test_a_master_key_may_come_from_a_secret_that_only_its_user_reads(
    app_args: Args, make: Callable[[Any], Any]
) -> None:
    pod = make(app_args(personal_data=PersonalData(key_secret="key-of-persons", erasure_log="file:/log/erasures")))
    assert environment(pod)["FORTRESS_MASTER_KEY"] == "file:/etc/fortress-key/master-key.json"
    assert environment(pod)["FORTRESS_ERASURE_LOG"] == "file:/log/erasures"
    assert {"name": "key", "secret": {"secretName": "key-of-persons", "defaultMode": 0o400}} in pod["volumes"]
    mount = {"name": "key", "mountPath": "/etc/fortress-key", "readOnly": True}
    assert mount in container(pod)["volumeMounts"]
    assert "/etc/fortress-key" not in [one["mountPath"] for one in container(make(app_args()))["volumeMounts"]]


@pytest.mark.parametrize("given", [{}, {"master_key": "aws-kms:arn", "key_secret": "key"}])
def test_there_is_one_master_key(given: dict[str, str]) -> None:
    with pytest.raises(InvalidDeployment, match="personal_data: needs master_key or key_secret, and not both"):
        PersonalData(**given)


@pytest.mark.parametrize("make", [build_server_pod, build_migration_pod])
def test_a_pod_carries_a_token_for_each_cloud_and_no_other(app_args: Args, make: Callable[[Any], Any]) -> None:
    pod = make(app_args())
    assert pod["automountServiceAccountToken"] is False
    [volume] = [one["projected"] for one in pod["volumes"] if "projected" in one]
    assert volume["defaultMode"] == 0o440
    tokens = volume["sources"]
    assert {token["serviceAccountToken"]["expirationSeconds"] for token in tokens} == {3600}
    carried = {token["serviceAccountToken"]["path"]: token["serviceAccountToken"]["audience"] for token in tokens}
    assert carried == {
        "aws/token": "sts.amazonaws.com",
        "azure/token": "api://AzureADTokenExchange",
        "gcp/token": "https://iam.googleapis.com/provider",
    }
    assert (
        environment(pod).items()
        >= {
            "AWS_ROLE_ARN": "arn:aws:iam::1:role/r",
            "AWS_WEB_IDENTITY_TOKEN_FILE": "/var/run/secrets/fortress/aws/token",
            "AZURE_CLIENT_ID": "client",
            "AZURE_TENANT_ID": "tenant",
            "AZURE_FEDERATED_TOKEN_FILE": "/var/run/secrets/fortress/azure/token",
            "GOOGLE_APPLICATION_CREDENTIALS": "/etc/fortress-gcp/credentials.json",
        }.items()
    )
    mounts = {mount["name"]: mount["mountPath"] for mount in container(pod)["volumeMounts"]}
    assert mounts["tokens"] == "/var/run/secrets/fortress"
    assert mounts["gcp-login"] == "/etc/fortress-gcp"


def test_a_pod_of_google_has_no_credential_file_and_may_ask_the_metadata_server(app_args: Args) -> None:
    inside = WorkloadLogins(gcp=GcpLogin(service_account="ledger@p"))
    args = app_args(cloud="gcp", logins=dict.fromkeys(WORKLOADS, inside))
    pod = build_server_pod(args)
    assert "GOOGLE_APPLICATION_CREDENTIALS" not in environment(pod)
    assert not [volume for volume in pod["volumes"] if "projected" in volume]
    [rule] = policies(args)["allow-metadata-server"]["egress"]
    assert rule["to"] == [{"ipBlock": {"cidr": "169.254.169.254/32"}}]
    assert "allow-metadata-server" not in policies(app_args())


def test_the_credential_files_are_beside_the_pods(app: Any) -> None:
    maps = {resource["metadata"]["name"]: resource["data"] for resource in app.all("kubernetes:core/v1:ConfigMap")}
    assert maps == {
        "ledger-directory": {"directory.json": '{"shards": []}'},
        "ledger-gcp-login": {"credentials.json": '{"type": "external_account"}'},
        "migrator-gcp-login": {"credentials.json": '{"type": "external_account"}'},
    }


def test_the_schema_is_brought_up_by_a_job_before_pods_roll(app: Any) -> None:
    job = app.only(JOB)
    pod = job["spec"]["template"]["spec"]
    one = container(pod)
    assert [*one["command"], *one["args"]] == ["fortress", "migrate", "up", "--home", "aws"]
    assert pod["serviceAccountName"] == "migrator"
    assert pod["restartPolicy"] == "Never"
    assert job["spec"]["ttlSecondsAfterFinished"] > 0
    assert job.urn in app.only(DEPLOYMENT).depends_on
    assert environment(pod)["FORTRESS_DIRECTORY"] == "/etc/fortress/directory.json"


def test_a_new_image_or_directory_makes_a_new_job_and_rolls_the_pods(
    deploy: Callable[[Any], Any], app_args: Args
) -> None:
    first = deploy(app_args())
    again = deploy(app_args())
    image = deploy(app_args(image="registry.example/app@sha256:" + "1" * 64))
    directory = deploy(app_args(directory='{"shards": [1]}'))

    def job(engine: Any) -> str:
        return str(engine.only(JOB)["metadata"]["name"])

    def template(engine: Any) -> Any:
        return engine.only(DEPLOYMENT)["spec"]["template"]

    assert job(first) == job(again)
    assert len({job(first), job(image), job(directory)}) == 3
    assert template(first) == template(again)
    assert template(first) != template(directory)
    assert template(first)["metadata"]["annotations"] != template(directory)["metadata"]["annotations"]


def test_a_directory_that_is_not_known_yet_previews(compute_engine: Any, app_args: Args) -> None:
    engine = compute_engine()

    def program() -> None:
        database = aws.rds.Instance("database", instance_class="db.t4g.small", opts=engine.on("aws"))
        AppDeployment("test-app", app_args(directory=database.address), engine.on("kubernetes"))

    engine.run(program, preview=True)
    assert engine.only(JOB)["spec"]["template"]["spec"]["serviceAccountName"] == "migrator"


def test_everything_is_denied_and_then_the_needed_allowed(app: Any) -> None:
    specs = {resource["metadata"]["name"]: resource["spec"] for resource in app.all(POLICY)}
    assert specs["default-deny"] == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    assert set(specs) == {
        "default-deny",
        "allow-dns",
        "allow-databases",
        "allow-token-endpoints",
        "allow-gateway",
    }


def test_pods_reach_the_databases_of_all_clouds_on_their_port_only(app: Any) -> None:
    [rule] = app.named(POLICY, "test-app-network-allow-databases")["spec"]["egress"]
    assert [one["ipBlock"]["cidr"] for one in rule["to"]] == ["10.16.224.0/22", "10.17.128.0/20"]
    assert rule["ports"] == [{"port": 5432, "protocol": "TCP"}]


def test_pods_reach_token_endpoints_by_https_and_never_the_nodes_metadata(app: Any) -> None:
    [rule] = app.named(POLICY, "test-app-network-allow-token-endpoints")["spec"]["egress"]
    assert rule["ports"] == [{"port": 443, "protocol": "TCP"}]
    assert rule["to"] == [{"ipBlock": {"cidr": "0.0.0.0/0", "except": ["169.254.0.0/16"]}}]


def test_only_the_gateways_proxies_reach_the_app(app: Any) -> None:
    spec = app.named(POLICY, "test-app-network-allow-gateway")["spec"]
    [rule] = spec["ingress"]
    assert rule["from"] == [
        {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "envoy-gateway-system"}}}
    ]
    assert rule["ports"] == [{"port": 8440, "protocol": "TCP"}]
    pods = app.only(DEPLOYMENT)["spec"]["template"]["metadata"]["labels"]
    assert spec["podSelector"]["matchLabels"].items() <= pods.items()


def test_dns_goes_to_the_cluster_resolver_and_to_the_node_addresses(app_args: Args) -> None:
    [plain] = policies(app_args())["allow-dns"]["egress"]
    assert len(plain["to"]) == 1
    [with_node] = policies(app_args(dns_cidrs=["172.20.0.10/32"]))["allow-dns"]["egress"]
    assert with_node["to"][1:] == [{"ipBlock": {"cidr": "172.20.0.10/32"}}]
    assert {port["port"] for port in with_node["ports"]} == {53}


def test_every_pod_is_under_the_policies_that_name_it(app: Any) -> None:
    job = app.only(JOB)["spec"]["template"]["metadata"]["labels"]
    server = app.only(DEPLOYMENT)["spec"]["template"]["metadata"]["labels"]
    for name in ("allow-dns", "allow-databases", "allow-token-endpoints"):
        [wanted] = app.named(POLICY, f"test-app-network-{name}")["spec"]["podSelector"]["matchExpressions"]
        assert {job[wanted["key"]], server[wanted["key"]]} == set(wanted["values"])


def test_requests_come_by_tls_and_plain_ones_are_sent_there(app: Any) -> None:
    gateway = app.only("kubernetes:gateway.networking.k8s.io/v1:Gateway")["spec"]
    listeners = {listener["name"]: listener for listener in gateway["listeners"]}
    assert (listeners["https"]["port"], listeners["https"]["protocol"]) == (443, "HTTPS")
    assert listeners["https"]["tls"]["mode"] == "Terminate"
    certificate = app.only("kubernetes:cert-manager.io/v1:Certificate")["spec"]
    assert listeners["https"]["tls"]["certificateRefs"] == [{"kind": "Secret", "name": certificate["secretName"]}]
    assert certificate["dnsNames"] == ["aws.example.org"]
    assert certificate["issuerRef"]["name"] == "acme"
    redirect = app.named(ROUTE, "test-app-entrance-ledger-to-https")["spec"]
    assert redirect["parentRefs"] == [{"name": "ledger", "sectionName": "http"}]
    [rule] = redirect["rules"]
    assert "backendRefs" not in rule
    assert rule["filters"][0]["requestRedirect"] == {"scheme": "https", "statusCode": 301}


def test_the_route_serves_the_hostnames_and_keeps_metrics_inside(app: Any) -> None:
    route = app.named(ROUTE, "test-app-entrance-ledger")["spec"]
    assert route["hostnames"] == ["aws.example.org"]
    assert route["parentRefs"] == [{"name": "ledger", "sectionName": "https"}]
    [rule] = route["rules"]
    paths = [match["path"]["value"] for match in rule["matches"]]
    assert "/accounts" in paths
    assert not any("/metrics".startswith(path) for path in paths)
    assert rule["backendRefs"] == [{"kind": "Service", "name": "ledger", "port": 80, "weight": 1}]


def test_the_service_finds_the_pods(app: Any) -> None:
    service = app.only("kubernetes:core/v1:Service")["spec"]
    assert service["selector"].items() <= app.only(DEPLOYMENT)["spec"]["template"]["metadata"]["labels"].items()
    assert service["ports"] == [{"name": "http", "port": 80, "targetPort": "http", "protocol": "TCP"}]
    assert service["type"] == "ClusterIP"


def test_secrets_come_by_reference(app: Any) -> None:
    assert not app.has("kubernetes:core/v1:Secret")
    spec = app.only("kubernetes:external-secrets.io/v1:ExternalSecret")["spec"]
    assert spec["secretStoreRef"] == {"kind": "ClusterSecretStore", "name": "cloud-secrets"}
    assert spec["data"] == [
        {"secretKey": "PARTNER_KEY", "remoteRef": {"key": "test/partner"}},
        {"secretKey": "PARTNER_USER", "remoteRef": {"key": "test/partner-login", "property": "user"}},
    ]
    given = environment(app.only(DEPLOYMENT)["spec"]["template"]["spec"])
    assert given["PARTNER_KEY"] == {"secretKeyRef": {"name": spec["target"]["name"], "key": "PARTNER_KEY"}}


def test_the_key_of_decoys_is_a_file_of_the_server_alone(deploy: Callable[[Any], Any], app_args: Args) -> None:
    app = deploy(app_args(canary_secret="test/canary-key"))
    spec = app.only("kubernetes:external-secrets.io/v1:ExternalSecret")["spec"]
    assert spec["data"] == [{"secretKey": "key.json", "remoteRef": {"key": "test/canary-key"}}]
    pod = app.only(DEPLOYMENT)["spec"]["template"]["spec"]
    [volume] = [one for one in pod["volumes"] if one.get("secret", {}).get("secretName") == spec["target"]["name"]]
    [mount] = [one for one in container(pod)["volumeMounts"] if one["name"] == volume["name"]]
    assert environment(pod)["FORTRESS_CANARY_KEY"] == f"{mount['mountPath']}/key.json"
    assert mount["readOnly"]
    job = build_migration_pod(app_args(canary_secret="test/canary-key"))
    assert "FORTRESS_CANARY_KEY" not in environment(job)
    assert volume not in job["volumes"]


def test_without_secrets_there_is_no_external_secret(deploy: Callable[[Any], Any], app_args: Args) -> None:
    assert not deploy(app_args()).has("kubernetes:external-secrets.io/v1:ExternalSecret")


@pytest.mark.parametrize(
    "image", ["registry.example/app:1.2", "registry.example/app", "app@sha256:abc", "", "a b@sha256:" + "0" * 64]
)
def test_an_image_without_digest_is_refused(app_args: Args, image: str) -> None:
    with pytest.raises(InvalidDeployment, match="digest"):
        app_args(image=image)


@pytest.mark.parametrize(
    ("minimum", "maximum", "available"), [(3, 20, 3), (3, 2, 1), (0, 1, 0), (3, 20, -1), (2, 2, 2)]
)
def test_replicas_that_could_not_be_drained_or_scaled_are_refused(minimum: int, maximum: int, available: int) -> None:
    with pytest.raises(InvalidDeployment, match="min_available < minimum <= maximum"):
        Replicas(minimum=minimum, maximum=maximum, min_available=available)


def test_a_target_outside_of_percent_is_refused() -> None:
    with pytest.raises(InvalidDeployment, match="cpu_target_percent 0"):
        Replicas(cpu_target_percent=0)


def test_an_entry_without_hostnames_is_refused() -> None:
    with pytest.raises(InvalidDeployment, match="hostnames"):
        Entry(hostnames=[])


def test_a_workload_without_logins_is_refused(app_args: Args) -> None:
    logins = {"ledger": app_args().logins["ledger"]}
    with pytest.raises(InvalidDeployment, match="logins: none for migrator"):
        app_args(logins=logins)


def test_two_secrets_under_one_name_are_refused(app_args: Args) -> None:
    with pytest.raises(InvalidDeployment, match="same environment variable"):
        app_args(secrets=[SECRETS[0], replace(SECRETS[1], variable="PARTNER_KEY")])
