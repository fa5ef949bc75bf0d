"""The packs under the real engine, on emulators that only record."""

from __future__ import annotations

import datetime
import json
from pathlib import Path
from typing import Any

import pytest

from localcloud.sandbox import CHECKOUT, Sandbox
from policies import Status
from policies.evaluation import evaluate
from policies.registry import everything
from policies.sources import read_state
from tests.engine.conftest import Project

pytestmark = pytest.mark.engine

PROVIDERS = """
import pulumi
import pulumi_aws as aws
import pulumi_gcp as gcp

on_aws = aws.Provider("aws", region="eu-central-1", allowed_account_ids=["000000000001"])
on_gcp = gcp.Provider("gcp", project="living-fortress-rehearsal", region="europe-west3")

def group(name, value, **options):
    return aws.rds.ParameterGroup(
        name, family="postgres17", parameters=[{"name": "rds.force_ssl", "value": value}],
        opts=pulumi.ResourceOptions(provider=on_aws, **options),
    )

def server(name, mode):
    return gcp.sql.DatabaseInstance(
        name, database_version="POSTGRES_17", region="europe-west3", deletion_protection=False,
        root_password=pulumi.Output.secret("known to nobody"),
        settings={"tier": "db-f1-micro", "ip_configuration": {"ipv4_enabled": False, "ssl_mode": mode}},
        opts=pulumi.ResourceOptions(provider=on_gcp),
    )
"""
UNKNOWN_UNTIL_UP = """
from pulumi_aws import kms
group("late", kms.Key("key", description="x", opts=pulumi.ResourceOptions(provider=on_aws)).key_id)
"""
TWO_CLUSTERS = """
import json
import pulumi_kubernetes as kubernetes

DENIED = {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}

def cluster(name, closed):
    server = {"name": name, "cluster": {"server": f"https://{name}.rehearsal.localcloud.invalid"}}
    context = {"name": name, "context": {"cluster": name}}
    kubeconfig = json.dumps({"current-context": name, "clusters": [server], "contexts": [context]})
    on = pulumi.ResourceOptions(provider=kubernetes.Provider(name, kubeconfig=kubeconfig))
    kubernetes.core.v1.Namespace(f"shop-on-{name}", metadata={"name": "shop"}, opts=on)
    if closed:
        kubernetes.networking.v1.NetworkPolicy(f"deny-on-{name}", metadata={"namespace": "shop"}, spec=DENIED, opts=on)

cluster("one", closed=True)
cluster("two", closed=False)
"""
NOTE = "exempt TLS-004; expires {}; owner platform; ticket LF-1; reason the old clients speak no TLS"


class Packed(Project):
    """A project with the emulators and a policy pack."""

    def __init__(self, folder: Path, sandbox: Sandbox) -> None:
        super().__init__(folder)
        self.environment |= {
            "PATH": f"{CHECKOUT / 'localcloud' / 'bin'}:{self.environment['PATH']}",
            "LOCALCLOUD_HOME": str(sandbox.root),
        }
        runtime = f"{{name: python, options: {{virtualenv: {CHECKOUT / '.venv'}}}}}"
        self.write("Pulumi.yaml", f"name: tiny\nruntime: {runtime}\n")

    def resources_of(self, text: str) -> None:
        self.program(PROVIDERS + text)

    def pack(self, name: str = "fortress", **configuration: Any) -> list[str]:
        """The options that turn a pack on; no other control than those of these tests blocks."""
        levels = {"all": {"enforcementLevel": "advisory", **configuration.pop("all", {})}, "TLS-004": "mandatory"}
        own = {control.replace("_", "-"): one for control, one in configuration.items()}
        path = self.write("policies.json", json.dumps(levels | own))
        return [f"--policy-pack={CHECKOUT / 'policies' / name}", f"--policy-pack-config={path}"]


@pytest.fixture
def packed(tmp_path: Path, sandbox: Sandbox) -> Packed:
    project = Packed(tmp_path, sandbox)
    project.ok("stack", "init", "test")
    return project


def test_a_preview_stops_at_a_violation_and_names_it(packed: Packed) -> None:
    packed.resources_of('group("open", "0")\ngroup("closed", "1")\n')
    answer = packed.run("preview", *packed.pack())
    assert answer.returncode != 0
    assert "[mandatory] [severity: high]  TLS-004  (aws:rds:ParameterGroup: open)" in answer.stdout
    assert "Database connections require TLS: rds.force_ssl is 0" in answer.stdout
    assert "TLS-004  (aws:rds:ParameterGroup: closed)" not in answer.stdout

    assert packed.run("preview", *packed.pack(TLS_004="advisory")).returncode == 0
    assert packed.run("preview", *packed.pack(TLS_004="disabled")).returncode == 0
    assert packed.run("preview", *packed.pack("soc2")).returncode != 0


def test_an_option_for_all_reaches_its_control_and_an_option_of_its_own_goes_before(packed: Packed) -> None:
    packed.resources_of("""
aws.cloudwatch.LogGroup("short", retention_in_days=90, opts=pulumi.ResourceOptions(provider=on_aws))
""")
    assert packed.run("preview", *packed.pack(LOG_006="mandatory")).returncode != 0
    assert packed.run("preview", *packed.pack(all={"minimumLogDays": 30}, LOG_006="mandatory")).returncode == 0
    own = {"enforcementLevel": "mandatory", "minimumLogDays": 365}
    assert packed.run("preview", *packed.pack(all={"minimumLogDays": 30}, LOG_006=own)).returncode != 0


def test_unknown_values_count_at_preview_and_settle_before_creation(packed: Packed) -> None:
    packed.resources_of(UNKNOWN_UNTIL_UP)
    preview = packed.run("preview", *packed.pack())
    assert preview.returncode == 0, preview.stdout
    assert "[advisory] [severity: high]  TLS-004" in preview.stdout
    assert "1 not determinable yet (late): parameters[0].value is not known yet" in preview.stdout

    strict = packed.run("preview", *packed.pack(all={"strict": True}))
    assert strict.returncode != 0
    assert "cannot be determined: parameters[0].value is not known yet" in strict.stdout

    up = packed.run("up", "--yes", "--skip-preview", *packed.pack())
    assert up.returncode != 0
    assert "TLS-004  (aws:rds:ParameterGroup: late)" in up.stdout
    assert "key" in packed.resources()
    assert "late" not in packed.resources()


def test_up_fixes_what_it_is_told_to_fix_and_keeps_secrets_secret(packed: Packed) -> None:
    packed.resources_of('server("db", "ALLOW_UNENCRYPTED_AND_ENCRYPTED")\n')
    assert packed.run("preview", *packed.pack()).returncode != 0
    output = packed.ok("up", "--yes", "--skip-preview", *packed.pack(TLS_004="remediate"))
    assert "[remediate]  TLS-004" in output
    inputs = packed.resources()["db"]["inputs"]
    assert (
        inputs["settings"]["ipConfiguration"] | {"sslMode": "ENCRYPTED_ONLY", "ipv4Enabled": False}
        == (inputs["settings"]["ipConfiguration"])
    )
    assert "ciphertext" in inputs["rootPassword"]

    packed.ok("policy", "analyze", "--stack", "test", *packed.pack())


def test_a_policy_closes_the_namespace_of_its_own_cluster_only(packed: Packed) -> None:
    packed.resources_of(TWO_CLUSTERS)
    answer = packed.run("preview", *packed.pack(K8S_007="mandatory"))
    assert answer.returncode != 0
    assert "K8S-007  (kubernetes:core/v1:Namespace: shop-on-two)" in answer.stdout
    assert "K8S-007  (kubernetes:core/v1:Namespace: shop-on-one)" not in answer.stdout


def test_an_exemption_on_the_resource_is_seen_at_preview_and_in_the_state(packed: Packed) -> None:
    packed.resources_of(f'group("open", "0", additional_secret_outputs=["{NOTE.format("2999-01-01")}"])\n')
    output = packed.ok("up", "--yes", "--skip-preview", *packed.pack())
    assert "1 exempt: TLS-004 on open" in output
    assert "1 exempt: TLS-004 on open" in packed.ok("policy", "analyze", "--stack", "test", *packed.pack())
    packed.ok("preview", "--expect-no-changes", *packed.pack())

    packed.resources_of(f'group("open", "0", additional_secret_outputs=["{NOTE.format("2020-01-01")}"])\n')
    expired = packed.run("preview", *packed.pack())
    assert expired.returncode != 0
    assert "expired on 2020-01-01" in expired.stdout


def test_an_exemptions_file_is_named_in_the_configuration(packed: Packed) -> None:
    packed.resources_of('group("open", "0")\n')
    entry = {"check": "TLS-004", "urn": "*::open", "owner": "platform", "ticket": "LF-1", "expires": "2999-01-01"}
    path = packed.write("exempt.yaml", json.dumps([{**entry, "reason": "the old clients speak no TLS"}, entry]))
    output = packed.ok("preview", *packed.pack(all={"exemptions": str(path)}))
    assert "1 exempt: TLS-004 on open" in output
    assert "exempt.yaml, entry 2: reason: Field required" in output


@pytest.mark.parametrize(
    ("configuration", "fault"),
    [
        ({"TLS_004": {"days": 1}}, "TLS-004: days: Extra inputs are not permitted; it has no options"),
        ({"TLS_4": "mandatory"}, "TLS-4 is no control of any pack"),
        ({"all": {"strict": "maybe"}}, "all: strict: Input should be a valid boolean"),
        ({"all": {"regions": []}}, "all: regions is no option of any control of any pack"),
    ],
)
def test_a_wrong_configuration_is_refused_with_its_place(packed: Packed, configuration: Any, fault: str) -> None:
    packed.resources_of("")
    answer = packed.run("preview", *packed.pack(**configuration))
    assert answer.returncode != 0
    assert fault in answer.stdout


def test_a_stack_and_its_exported_file_are_analysed_alike_and_reported_alike(packed: Packed) -> None:
    packed.resources_of('group("open", "0")\ngroup("closed", "1")\nserver("db", "ENCRYPTED_ONLY")\n')
    packed.ok("up", "--yes", "--skip-preview")
    file = packed.write("state.json", packed.ok("stack", "export"))
    for of_what in (("--stack", "test"), ("--file", str(file))):
        answer = packed.run("policy", "analyze", *of_what, *packed.pack())
        assert answer.returncode != 0
        assert "TLS-004  (aws:rds:ParameterGroup: open)" in answer.stdout
        assert "TLS-004  (aws:rds:ParameterGroup: closed)" not in answer.stdout

    judged = evaluate(read_state(json.loads(file.read_text())), everything(), today=datetime.date.today())
    told = {one.resource.name: one.status for one in judged if one.control.id == "TLS-004"}
    assert told == {"open": Status.FAIL, "closed": Status.PASS, "db": Status.PASS}
