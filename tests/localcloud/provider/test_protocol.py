"""Every call of the protocol, over gRPC, as the engine makes it."""

from __future__ import annotations

import json
import re

import grpc
import pytest
from google.protobuf.empty_pb2 import Empty

from localcloud.contract import UNKNOWN
from localcloud.provider.proto import provider_pb2
from localcloud.provider.wire import to_struct

VPC = "aws:ec2/vpc:Vpc"
GROUP = "aws:ec2/securityGroup:SecurityGroup"
CLUSTER = "aws:eks/cluster:Cluster"
CONFIG_MAP = "kubernetes:core/v1:ConfigMap"
CUSTOM = "kubernetes:monitoring.example.com/v1:Probe"


def kubeconfig(cluster: str) -> str:
    server = f"https://{cluster}.rehearsal.localcloud.invalid"
    return json.dumps(
        {
            "clusters": [{"name": "c", "cluster": {"server": server}}],
            "contexts": [{"name": "c", "context": {"cluster": "c"}}],
            "current-context": "c",
        }
    )


def custom(name: str) -> dict[str, object]:
    metadata = {"name": name, "namespace": "default"}
    return {"apiVersion": "monitoring.example.com/v1", "kind": "Probe", "metadata": metadata}


class TestConfiguration:
    def failures(self, plugin, name, **settings):
        request = provider_pb2.CheckRequest(
            urn=plugin.urn(f"pulumi:providers:{plugin.package}", name), news=to_struct(settings)
        )
        return [(failure.property, failure.reason) for failure in plugin.stub.CheckConfig(request).failures]

    def test_a_simulated_account_is_accepted(self, plugin):
        aws = plugin("aws", configured=False)
        given = {"allowedAccountIds": '["000000000000"]', "region": "eu-central-1", "version": "7.51.1"}
        assert self.failures(aws, "aws", **given) == []

    def test_a_real_account_is_refused_by_name(self, plugin):
        aws = plugin("aws", configured=False)
        [(place, reason)] = self.failures(aws, "aws", allowedAccountIds='["123456789012"]')
        assert place == "allowedAccountIds"
        assert '["123456789012"]' in reason
        assert "never reaches a real account" in reason

    @pytest.mark.parametrize("name", ["default", "default_7_51_1"])
    def test_a_default_provider_is_refused(self, plugin, name):
        aws = plugin("aws", configured=False)
        [(_, reason)] = self.failures(aws, name, allowedAccountIds='["000000000000"]')
        assert "give the resource an explicit provider" in reason

    def test_a_setting_that_the_provider_does_not_have_is_refused(self, plugin):
        gcp = plugin("gcp", configured=False)
        [(place, _)] = self.failures(gcp, "gcp", project="living-fortress-local", projekt="x")
        assert place == "projekt"

    def test_an_account_that_is_not_known_yet_is_accepted(self, plugin):
        kubernetes = plugin("kubernetes", configured=False)
        assert self.failures(kubernetes, "k", kubeconfig=UNKNOWN) == []

    def test_configuring_for_a_real_account_fails(self, plugin):
        with pytest.raises(grpc.RpcError, match="never reaches a real account"):
            plugin("gcp", project="customers-production")

    def test_nothing_can_be_done_before_the_kubeconfig_is_known(self, plugin):
        kubernetes = plugin("kubernetes", kubeconfig=UNKNOWN)
        with pytest.raises(grpc.RpcError, match="not known yet"):
            kubernetes.create(CUSTOM, "probe", custom("probe"))

    @pytest.mark.parametrize(
        ("package", "old", "new", "replaces"),
        [
            ("aws", {"region": "eu-central-1"}, {"region": "eu-west-1"}, ["region"]),
            ("aws", {"region": "eu-central-1"}, {"region": "eu-central-1", "maxRetries": "3"}, []),
            ("kubernetes", {"kubeconfig": kubeconfig("a")}, {"kubeconfig": kubeconfig("b")}, ["kubeconfig"]),
            ("kubernetes", {"kubeconfig": kubeconfig("a")}, {"kubeconfig": kubeconfig("a") + " "}, []),
        ],
    )
    def test_another_account_region_or_cluster_is_another_provider(self, plugin, package, old, new, replaces):
        stub = plugin(package, configured=False).stub
        account = {"allowedAccountIds": '["000000000000"]'} if package == "aws" else {}
        answer = stub.DiffConfig(
            provider_pb2.DiffRequest(old_inputs=to_struct(account | old), news=to_struct(account | new))
        )
        assert answer.changes == provider_pb2.DiffResponse.DIFF_SOME
        assert list(answer.replaces) == replaces


class TestCheck:
    def test_a_wrong_shape_is_told_with_urn_place_and_what_was_expected(self, plugin):
        aws = plugin("aws")
        _, failures = aws.check(VPC, "main", {"cidrBlock": ["10.0.0.0/16"], "enableDnsSupport": "maybe", "cidr": "x"})
        told = dict(failures)
        assert set(told) == {"cidrBlock", "enableDnsSupport", "cidr"}
        assert "expected text" in told["cidrBlock"]
        assert "expected true or false" in told["enableDnsSupport"]
        assert all(aws.urn(VPC, "main") in reason for reason in told.values())

    def test_a_type_that_the_sdk_does_not_have_is_told(self, plugin):
        _, [(place, reason)] = plugin("aws").check("aws:ec2/vpn:Nothing", "main", {})
        assert place == ""
        assert "aws:ec2/vpn:Nothing is no resource type" in reason

    def test_a_generated_name_stays_with_the_resource_and_a_replacement_gets_another(self, plugin):
        aws = plugin("aws")
        first, _ = aws.check(GROUP, "web", {"description": "x"}, seed=b"1")
        assert first["name"].startswith("web-")
        kept, _ = aws.check(GROUP, "web", {"description": "y"}, old=first, seed=b"2")
        assert kept["name"] == first["name"]
        replacement, _ = aws.check(GROUP, "web", {"description": "y"}, seed=b"3")
        assert replacement["name"] != first["name"]

    def test_a_given_name_is_left(self, plugin):
        aws = plugin("aws")
        assert aws.check(GROUP, "web", {"name": "mine"})[0] == {"name": "mine"}
        assert "name" not in aws.check(GROUP, "web", {"namePrefix": "mine-"})[0]

    @pytest.mark.parametrize(
        ("token", "inputs", "pattern"),
        [
            ("azure-native:resources:ResourceGroup", {}, r"Some Thing[0-9a-f]{7}"),
            ("azure-native:storage:StorageAccount", {"resourceGroupName": "g"}, r"something[0-9a-f]{7}"),
            ("azure-native:authorization:RoleAssignment", {"scope": "s"}, r"[0-9a-f]{8}-[0-9a-f-]{27}"),
        ],
    )
    def test_azure_names_keep_to_the_alphabet_of_the_service(self, plugin, token, inputs, pattern):
        checked, _ = plugin("azure-native").check(token, "Some Thing", inputs)
        generated = checked[checked["__defaults"][0]]
        assert re.fullmatch(pattern, generated)

    def test_google_names_are_host_names(self, plugin):
        checked, _ = plugin("gcp").check("gcp:compute/network:Network", "Some Thing", {})
        assert checked["name"].startswith("some-thing-")

    def test_kubernetes_objects_get_a_name_and_a_namespace(self, plugin):
        kubernetes = plugin("kubernetes")
        inputs = {"apiVersion": "v1", "kind": "ConfigMap", "data": {"a": "b"}}
        first, failures = kubernetes.check(CONFIG_MAP, "settings", inputs)
        assert failures == []
        assert first["metadata"]["namespace"] == "default"
        kept, _ = kubernetes.check(CONFIG_MAP, "settings", inputs, old=first, seed=b"2")
        assert kept["metadata"] == first["metadata"]
        named, _ = kubernetes.check(CONFIG_MAP, "settings", inputs | {"metadata": {"name": "x", "namespace": "y"}})
        assert named["metadata"] == {"name": "x", "namespace": "y"}

    @pytest.mark.parametrize("metadata", ["text", ["text"], 5, {"name": {"a": 1}}, {"annotations": "text"}])
    def test_metadata_of_a_wrong_shape_is_told(self, plugin, metadata):
        _, failures = plugin("kubernetes").check(CONFIG_MAP, "settings", {"metadata": metadata})
        assert failures
        assert all("expected" in reason for _, reason in failures)

    @pytest.mark.parametrize("metadata", [UNKNOWN, {"annotations": UNKNOWN}, {"name": UNKNOWN}, {"namespace": UNKNOWN}])
    def test_metadata_may_be_unknown(self, plugin, metadata):
        kubernetes = plugin("kubernetes")
        checked, failures = kubernetes.check(CONFIG_MAP, "settings", {"metadata": metadata})
        assert failures == []
        kubernetes.diff(CONFIG_MAP, "settings", "default/a", custom("a"), checked)
        assert kubernetes.create(CONFIG_MAP, "settings", checked, preview=True)[0] == ""

    def test_a_prefix_of_a_name_is_kept_to(self, plugin):
        checked, _ = plugin("kubernetes").check(CONFIG_MAP, "settings", {"metadata": {"generateName": "web-"}})
        assert re.fullmatch(r"web-[0-9a-f]{8}", checked["metadata"]["name"])

    def test_cluster_wide_objects_get_no_namespace(self, plugin):
        inputs = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "x"}}
        checked, _ = plugin("kubernetes").check("kubernetes:core/v1:Namespace", "x", inputs)
        assert checked["metadata"] == {"name": "x"}

    def test_the_providers_namespace_is_the_default(self, plugin):
        kubernetes = plugin("kubernetes", namespace="ledger")
        checked, _ = kubernetes.check(CUSTOM, "probe", custom("probe") | {"metadata": {"name": "probe"}})
        assert checked["metadata"]["namespace"] == "ledger"

    def test_a_helm_release_gets_a_name_of_its_own(self, plugin):
        kubernetes = plugin("kubernetes")
        token = "kubernetes:helm.sh/v3:Release"
        first, failures = kubernetes.check(token, "gateway", {"chart": "gateway-helm"})
        assert failures == []
        kept, _ = kubernetes.check(token, "gateway", {"chart": "gateway-helm"}, old=first, seed=b"2")
        assert kept["name"] == first["name"]
        identity, state = kubernetes.create(token, "gateway", first)
        assert identity == f"default/{first['name']}"
        assert state["status"]["status"] == "deployed"


class TestDiff:
    def test_equal_inputs_need_nothing(self, plugin):
        answer = plugin("aws").diff(VPC, "main", "vpc-1", {"cidrBlock": "10.0.0.0/16"}, {"cidrBlock": "10.0.0.0/16"})
        assert answer.changes == provider_pb2.DiffResponse.DIFF_NONE

    def test_a_change_is_told_place_by_place(self, plugin):
        old = {"cidrBlock": "10.0.0.0/16", "tags": {"a": "1"}}
        answer = plugin("aws").diff(VPC, "main", "vpc-1", old, {"cidrBlock": "10.1.0.0/16", "tags": {"b": "1"}})
        kinds = {place: provider_pb2.PropertyDiff.Kind.Name(diff.kind) for place, diff in answer.detailedDiff.items()}
        assert kinds == {"cidrBlock": "UPDATE_REPLACE", "tags.a": "DELETE", "tags.b": "ADD"}
        assert (sorted(answer.diffs), list(answer.replaces)) == (["cidrBlock", "tags"], ["cidrBlock"])

    def test_what_cannot_exist_twice_goes_before_its_replacement(self, plugin):
        aws = plugin("aws")
        old, new = {"name": "web", "vpcId": "vpc-1"}, {"name": "web", "vpcId": "vpc-2"}
        assert aws.diff(GROUP, "web", "sg-1", old, new).deleteBeforeReplace
        generated = {"__defaults": ["name"]}
        assert not aws.diff(GROUP, "web", "sg-1", old | generated, new | generated).deleteBeforeReplace
        assert not aws.diff(GROUP, "web", "sg-1", old, new | {"name": "other"}).deleteBeforeReplace

    def test_the_place_of_an_azure_resource_replaces_it(self, plugin):
        old = {"resourceGroupName": "a", "virtualNetworkName": "n"}
        answer = plugin("azure-native").diff(
            "azure-native:network:VirtualNetwork", "n", "id", old, old | {"resourceGroupName": "b"}
        )
        assert list(answer.replaces) == ["resourceGroupName"]

    def test_the_name_of_a_kubernetes_object_replaces_it(self, plugin):
        kubernetes = plugin("kubernetes")
        answer = kubernetes.diff(CUSTOM, "probe", "default/a", custom("a"), custom("b"))
        assert list(answer.replaces) == ["metadata"]
        assert not answer.deleteBeforeReplace

    def test_where_replacement_is_not_known_it_says_so(self, plugin, engine_log):
        aws = plugin("aws", engine=engine_log.address)
        token = "aws:appmesh/mesh:Mesh"
        answer = aws.diff(token, "m", "m", {"name": "a"}, {"name": "b"})
        assert answer.changes == provider_pb2.DiffResponse.DIFF_SOME
        assert engine_log.heard == [
            (aws.urn(token, "m"), f"it is not known whether a change of name replaces a {token}")
        ]


class TestPreview:
    def test_a_create_tells_inputs_and_leaves_outputs_unknown(self, plugin, sandbox):
        identity, state = plugin("aws").create(VPC, "main", {"cidrBlock": "10.0.0.0/16"}, preview=True)
        assert identity == ""
        assert state["cidrBlock"] == "10.0.0.0/16"
        assert state["arn"] is UNKNOWN
        assert not list(sandbox.root.glob("records/*/*/*/*/*.json"))

    def test_a_nested_output_is_unknown_beside_its_inputs(self, plugin):
        inputs = {"name": "a", "vpcConfig": {"subnetIds": ["s"]}}
        _, state = plugin("aws").create(CLUSTER, "a", inputs, preview=True)
        assert state["vpcConfig"]["subnetIds"] == ["s"]
        assert state["vpcConfig"]["clusterSecurityGroupId"] is UNKNOWN

    def test_the_address_of_a_cluster_is_known_early(self, plugin):
        identity, state = plugin("aws").create(CLUSTER, "a", {"name": "ledger-aws"}, preview=True)
        assert identity == "ledger-aws"
        assert state["endpoint"] == "https://ledger-aws.local.localcloud.invalid"

    def test_an_update_keeps_the_outputs(self, plugin):
        state = plugin("aws").update(
            VPC, "main", "vpc-1", {"arn": "x", "tags": {"a": "1"}}, {"tags": {"a": "1"}}, {}, preview=True
        )
        assert state == {"arn": "x"}


class TestLife:
    def test_a_resource_is_made_read_changed_and_removed(self, plugin):
        aws = plugin("aws")
        inputs = {"cidrBlock": "10.0.0.0/16", "tags": {"a": "1"}}
        identity, state = aws.create(VPC, "main", inputs)
        assert state["arn"].endswith(identity)
        assert aws.read(VPC, "main", identity, inputs, state) == (identity, inputs, state)

        changed = inputs | {"tags": {"a": "2"}}
        updated = aws.update(VPC, "main", identity, state, inputs, changed)
        assert updated == state | {"tags": {"a": "2"}, "tagsAll": {"a": "2"}}
        assert aws.read(VPC, "main", identity) == (identity, changed, updated)

        aws.delete(VPC, "main", identity)
        aws.delete(VPC, "main", identity)
        assert aws.read(VPC, "main", identity, changed, updated) == ("", {}, {})

    def test_ids_and_outputs_are_the_same_in_every_run(self, plugin):
        aws = plugin("aws")
        identity, state = aws.create(VPC, "main", {})
        aws.delete(VPC, "main", identity)
        assert plugin("aws").create(VPC, "main", {}) == (identity, state)

    def test_what_an_interrupted_run_left_is_taken_over(self, plugin, sandbox):
        identity, _ = plugin("aws").create(VPC, "main", {"cidrBlock": "10.0.0.0/16"})
        again = plugin("aws")
        again.check(VPC, "main", {"cidrBlock": "10.1.0.0/16"})
        assert again.create(VPC, "main", {"cidrBlock": "10.1.0.0/16"})[0] == identity
        [path] = sandbox.root.glob("records/*/*/*/*/*.json")
        assert json.loads(path.read_text())["inputs"] == {"cidrBlock": "10.1.0.0/16"}

    def test_what_an_interrupted_run_left_keeps_its_generated_name(self, plugin):
        first = plugin("aws")
        inputs, _ = first.check(GROUP, "web", {}, seed=b"1")
        identity, _ = first.create(GROUP, "web", inputs)
        again = plugin("aws")
        assert again.check(GROUP, "web", {}, seed=b"2")[0] == inputs
        assert again.create(GROUP, "web", inputs)[0] == identity

    def test_a_replacement_is_another_resource(self, plugin):
        aws = plugin("aws")
        old = {"cidrBlock": "10.0.0.0/16"}
        identity, _ = aws.create(VPC, "main", old)
        again = plugin("aws")
        new = {"cidrBlock": "10.1.0.0/16"}
        again.check(VPC, "main", new, old=old)
        replacement, _ = again.create(VPC, "main", new)
        assert replacement != identity
        again.delete(VPC, "main", identity)
        assert again.read(VPC, "main", replacement)[1] == new

    def test_a_forced_replacement_of_one_and_the_same_thing_keeps_it(self, plugin):
        inputs = custom("probe")
        identity, _ = plugin("kubernetes").create(CUSTOM, "probe", inputs)
        again = plugin("kubernetes")
        again.check(CUSTOM, "probe", inputs)
        assert again.create(CUSTOM, "probe", inputs)[0] == identity
        again.delete(CUSTOM, "probe", identity)
        assert again.read(CUSTOM, "probe", identity)[0] == identity
        again.delete(CUSTOM, "probe", identity)
        assert again.read(CUSTOM, "probe", identity)[0] == ""

    def test_two_stacks_never_mix(self, plugin):
        first, second = plugin("kubernetes"), plugin("kubernetes", stack="other")
        one, two = custom("probe") | {"spec": {"n": 1}}, custom("probe") | {"spec": {"n": 2}}
        identity, _ = first.create(CUSTOM, "probe", one)
        assert second.create(CUSTOM, "probe", two)[0] == identity
        assert first.read(CUSTOM, "probe", identity)[1] == one
        second.delete(CUSTOM, "probe", identity)
        assert first.read(CUSTOM, "probe", identity)[1] == one

    def test_two_clusters_never_mix(self, plugin):
        first, second = (plugin("kubernetes", kubeconfig=kubeconfig(name)) for name in ("a", "b"))
        identity, _ = first.create(CUSTOM, "probe", custom("probe"))
        assert second.read(CUSTOM, "probe", identity)[0] == ""

    def test_another_stack_imports_what_exists(self, plugin):
        inputs = {"cidrBlock": "10.0.0.0/16"}
        identity, state = plugin("aws").create(VPC, "main", inputs)
        assert plugin("aws", stack="other").read(VPC, "theirs", identity) == (identity, inputs, state)

    def test_a_cluster_adds_what_only_it_knows(self, plugin):
        identity, state = plugin("kubernetes").create(CUSTOM, "probe", custom("probe"))
        assert identity == "default/probe"
        assert state["metadata"]["name"] == "probe"
        assert {"uid", "creationTimestamp"} <= set(state["metadata"])

    @pytest.mark.parametrize("content", ["", '{"urn": "urn:pul', "[]", '{"urn": 1}', "\xff"])
    def test_a_damaged_record_counts_as_gone_with_a_warning_that_names_it(self, plugin, sandbox, engine_log, content):
        aws = plugin("aws", engine=engine_log.address)
        identity, _ = aws.create(VPC, "main", {})
        [path] = sandbox.root.glob("records/*/*/*/*/*.json")
        path.write_text(content, encoding="latin-1")
        assert aws.read(VPC, "main", identity)[0] == ""
        assert engine_log.heard[0][0] == aws.urn(VPC, "main")
        assert f"{path} is damaged" in engine_log.heard[0][1]
        assert aws.create(VPC, "main", {})[0] == identity
        assert aws.read(VPC, "main", identity)[0] == identity

    def test_an_update_after_a_lost_record_keeps_the_outputs(self, plugin, sandbox):
        aws = plugin("aws")
        inputs = {"cidrBlock": "10.0.0.0/16"}
        identity, state = aws.create(VPC, "main", inputs)
        [path] = sandbox.root.glob("records/*/*/*/*/*.json")
        path.write_text("{")
        state["arn"] = "of an earlier sandbox"
        assert aws.update(VPC, "main", identity, state, inputs, inputs)["arn"] == "of an earlier sandbox"
        assert aws.read(VPC, "main", identity)[1] == inputs

    def test_secrets_are_not_written_down_and_yet_read_back(self, plugin, sandbox):
        aws = plugin("aws")
        token = "aws:secretsmanager/secretVersion:SecretVersion"
        inputs = {"secretId": "s", "secretString": "correct horse"}
        identity, state = aws.create(token, "s", inputs)
        [path] = sandbox.root.glob("records/*/*/*/*/*.json")
        assert "correct horse" not in path.read_text()
        assert aws.read(token, "s", identity, inputs, state) == (identity, inputs, state)
        other = inputs | {"secretString": "battery staple"}
        assert "secretString" not in aws.read(token, "s", identity, other, other)[1]

    def test_records_belong_to_their_owner_alone(self, plugin, sandbox):
        plugin("aws").create(VPC, "main", {})
        [path] = sandbox.root.glob("records/*/*/*/*/*.json")
        assert path.stat().st_mode & 0o077 == 0
        assert path.parents[2].stat().st_mode & 0o077 == 0


class TestRefusals:
    def test_components_inside_the_provider_are_refused(self, plugin):
        request = provider_pb2.ConstructRequest(type="kubernetes:helm.sh/v4:Chart", name="x")
        with pytest.raises(grpc.RpcError, match=r"helm\.v3\.Release"):
            plugin("kubernetes").stub.Construct(request)

    def test_methods_are_refused(self, plugin):
        with pytest.raises(grpc.RpcError, match="have no methods"):
            plugin("aws").stub.Call(provider_pb2.CallRequest(tok="aws:x:y"))

    def test_an_unexpected_error_is_one_line_and_its_traceback_lies_in_the_log(self, plugin, sandbox):
        aws = plugin("aws")
        with pytest.raises(grpc.RpcError) as error:
            aws.stub.Create(provider_pb2.CreateRequest(urn="no urn"))
        log = sandbox.root / "logs" / "provider.log"
        assert error.value.details() == (
            "no urn: localcloud failed at it (ValueError: 'no urn' is not a URN: expected "
            f"urn:pulumi:<stack>::<project>::<type>::<name>); the traceback is in {log}"
        )
        assert "Traceback" in log.read_text()
        assert log.stat().st_mode & 0o077 == 0


def test_a_full_disk_is_told_even_where_the_log_cannot_be_written(plugin, monkeypatch):
    def full(*_: object) -> str:
        raise OSError(28, "No space left on device", "/a")

    monkeypatch.setattr("localcloud.provider.resource_store.write_atomically", full)
    monkeypatch.setattr("localcloud.provider.failures.written_down", full)
    with pytest.raises(grpc.RpcError, match="No space left on device: '/a'") as error:
        plugin("aws").create(VPC, "main", {})
    assert "\n" not in error.value.details()


def test_nothing_is_converted_and_the_schema_names_the_package(plugin):
    stub = plugin("gcp").stub
    assert stub.GetMapping(provider_pb2.GetMappingRequest(key="terraform")).provider == ""
    assert list(stub.GetMappings(provider_pb2.GetMappingsRequest(key="terraform")).providers) == []
    assert json.loads(stub.GetSchema(provider_pb2.GetSchemaRequest()).schema)["name"] == "gcp"
    assert not stub.Handshake(provider_pb2.ProviderHandshakeRequest(engine_address="127.0.0.1:1")).accept_secrets
    assert stub.Cancel(Empty()) == Empty()
