"""The emulators under the real engine: what a user of Pulumi expects of any provider."""

from __future__ import annotations

import json
import re
import signal
from pathlib import Path

import pytest

from localcloud.sandbox import Sandbox
from tests.combinations import covering
from tests.waiting import wait_until

pytestmark = pytest.mark.engine

VPC = """
    aws = provider("aws")
    vpc = Thing("aws:ec2/vpc:Vpc", "main", {"cidrBlock": "%s", "tags": {"owner": "%s"}}, aws)
    pulumi.export("id", vpc.id)
"""


def record_files(root: Path, kind: str) -> list[Path]:
    return sorted((root / "records").glob(f"*/*/*/*{kind}*/*.json"))


def test_a_resource_lives_from_up_to_destroy(project):
    project.program(VPC % ("10.0.0.0/16", "platform"))
    assert project.up() == {"created": 3}
    assert project.up() == {"unchanged": 3}

    project.program(VPC % ("10.0.0.0/16", "ledger"))
    assert project.up() == {"updated": 1, "unchanged": 2}
    assert project.resources()["main"]["outputs"]["tags"] == {"owner": "ledger"}

    before = project.resources()["main"]["id"]
    project.program(VPC % ("10.1.0.0/16", "ledger"))
    assert project.up() == {"replaced": 1, "unchanged": 2}
    assert project.resources()["main"]["id"] != before
    assert len(record_files(project.sandbox.root, "Vpc")) == 1

    assert deleted(project.ok("destroy", "--yes", "--skip-preview")) == 3
    assert record_files(project.sandbox.root, "") == []


def deleted(output: str) -> int:
    found = re.search(r"(\d+) deleted", output)
    return int(found.group(1)) if found else 0


def records_by_urn(sandbox: Sandbox) -> dict[str, list[Path]]:
    """The record files of each URN."""
    files: dict[str, list[Path]] = {}
    for path in record_files(sandbox.root, ""):
        files.setdefault(json.loads(path.read_text())["urn"], []).append(path)
    return files


def test_refresh_sees_an_edited_record_and_the_next_up_mends_it(project):
    project.program(VPC % ("10.0.0.0/16", "platform"))
    project.up()
    [path] = record_files(project.sandbox.root, "Vpc")
    record = json.loads(path.read_text())
    record["inputs"]["tags"]["owner"] = "somebody else"
    path.write_text(json.dumps(record))

    project.ok("refresh", "--yes", "--skip-preview")
    assert project.resources()["main"]["outputs"]["tags"] == {"owner": "somebody else"}
    assert project.up() == {"updated": 1, "unchanged": 2}
    assert project.resources()["main"]["outputs"]["tags"] == {"owner": "platform"}
    assert json.loads(path.read_text())["inputs"]["tags"] == {"owner": "platform"}


def test_refresh_drops_what_is_gone_and_the_next_up_makes_it_again(project):
    project.program(VPC % ("10.0.0.0/16", "platform"))
    project.up()
    [path] = record_files(project.sandbox.root, "Vpc")
    path.unlink()

    project.ok("refresh", "--yes", "--skip-preview")
    assert "main" not in project.resources()
    assert project.up() == {"created": 1, "unchanged": 2}


def test_a_half_written_record_never_stops_the_next_up(project):
    project.program(VPC % ("10.0.0.0/16", "platform"))
    project.up()
    [path] = record_files(project.sandbox.root, "Vpc")
    path.write_text('{"urn": "urn:pul')

    assert project.up() == {"unchanged": 3}
    output = project.ok("refresh", "--yes", "--skip-preview")
    assert f"{path} is damaged" in output
    assert project.up() == {"created": 1, "unchanged": 2}
    assert json.loads(path.read_text())["inputs"]["cidrBlock"] == "10.0.0.0/16"


def test_an_existing_resource_is_imported(project):
    project.program(VPC % ("10.0.0.0/16", "platform"))
    project.up()
    identity = project.resources()["main"]["id"]
    provider = project.resources()["aws"]["urn"]
    project.ok("state", "delete", "--yes", project.resources()["main"]["urn"])

    project.ok(
        *("import", "aws:ec2/vpc:Vpc", "main", identity, "--yes", "--skip-preview"),
        *("--generate-code=false", "--protect=false", "--provider", f"aws={provider}"),
    )
    assert project.resources()["main"]["inputs"]["cidrBlock"] == "10.0.0.0/16"
    assert project.up() == {"unchanged": 3}


GROUPS = """
    aws = provider("aws")
    before = None
    for number in range({count}):
        options = {{"depends_on": [before]}} if before else {{}}
        before = Thing(
            "aws:cloudwatch/logGroup:LogGroup", f"logs-{{number}}", {inputs}, aws, **options
        )
"""


@pytest.mark.parametrize(
    ("blow", "saving"), covering([signal.SIGINT, signal.SIGKILL], ["after every step", "at the end"], together=1)
)
def test_after_an_interrupted_up_the_next_one_completes(project, blow, saving):
    if saving == "at the end":
        project.environment |= {"PULUMI_EXPERIMENTAL": "true", "PULUMI_SKIP_CHECKPOINTS": "true"}
    project.program(GROUPS.format(count=30, inputs={}))
    with project.start("up", "--yes", "--skip-preview") as running:
        wait_until(lambda: len(record_files(project.sandbox.root, "LogGroup")) > 4, "five log groups")
        running.send_signal(blow)
        output, _ = running.communicate(timeout=60)
    assert len(record_files(project.sandbox.root, "LogGroup")) < 30, output
    assert "Traceback" not in output
    if blow == signal.SIGKILL:
        project.ok("cancel", "--yes")

    project.up()
    assert project.up() == {"unchanged": 32}
    files = records_by_urn(project.sandbox)
    assert len(files) == 30
    assert all(len(paths) == 1 for paths in files.values())


def test_two_runs_at_once_do_not_disturb_one_another(project, twin):
    for each in (project, twin):
        each.program(GROUPS.format(count=12, inputs={"name": "given"}))
    running = [each.start("up", "--yes", "--skip-preview") for each in (project, twin)]
    outputs = [process.communicate(timeout=120)[0] for process in running]
    assert [process.returncode for process in running] == [0, 0], outputs
    assert project.up() == twin.up() == {"unchanged": 14}
    assert len(record_files(project.sandbox.root, "LogGroup")) == 12


@pytest.mark.parametrize(
    ("program", "told"),
    [
        (
            'Thing("aws:ec2/vpc:Vpc", "main", {"enableDnsSupport": "perhaps"}, provider("aws"))',
            ["enableDnsSupport", "expected true or false", "urn:pulumi:test::project::aws:ec2/vpc:Vpc::main"],
        ),
        ('Thing("aws:ec2/vpc:Vpc", "main", {})', ["give the resource an explicit provider"]),
        (
            """provider("aws", allowedAccountIds='["123456789012"]')""",
            ["allowedAccountIds", "123456789012", "never reaches a real account"],
        ),
    ],
)
def test_what_cannot_be_is_told_at_preview(project, program, told):
    project.program(program)
    code, output = project.run("preview")
    assert code != 0
    assert all(text in output for text in told), output
    assert "Traceback" not in output


CLUSTER = """
    aws = provider("aws")
    cluster = Thing(
        "aws:eks/cluster:Cluster",
        "main",
        {"name": "ledger", "roleArn": "arn:aws:iam::000000000000:role/a", "vpcConfig": {"subnetIds": ["a"]}},
        aws,
        ["endpoint"],
    )
    config = cluster.endpoint.apply(lambda host: '{"clusters": [{"name": "c", "cluster": {"server": "%s"}}]}' % host)
    inside = provider("kubernetes", kubeconfig=config)
    metadata = {"name": "settings", "namespace": "ledger"}
    settings = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "daat": {}}
    Thing("kubernetes:core/v1:ConfigMap", "settings", settings, inside)
"""


def test_what_lies_in_a_cluster_that_is_yet_to_come_is_checked_at_preview(project):
    project.program(CLUSTER)
    code, output = project.run("preview")
    assert code != 0
    assert "daat" in output
    assert "unknown property" in output


def test_a_forced_replacement_leaves_one_resource(project):
    project.program(VPC % ("10.0.0.0/16", "platform"))
    project.up()
    before = project.resources()["main"]
    assert project.up("--target-replace", before["urn"])["replaced"] == 1
    [path] = record_files(project.sandbox.root, "Vpc")
    assert json.loads(path.read_text())["id"] == project.resources()["main"]["id"]
    project.ok("refresh", "--yes", "--skip-preview")
    assert "main" in project.resources()


FIXED = """
    aws = provider("aws")
    Thing("aws:ec2/securityGroup:SecurityGroup", "web", {"name": "web", "description": "%s"}, aws)
"""


def test_a_resource_with_a_name_of_its_own_is_replaced_after_it_is_gone(project):
    project.program(FIXED % "one")
    project.up()
    project.program(FIXED % "two")
    output = project.ok("up", "--yes", "--skip-preview")
    assert "deleted original" in output
    [path] = record_files(project.sandbox.root, "SecurityGroup")
    assert json.loads(path.read_text())["inputs"]["description"] == "two"
