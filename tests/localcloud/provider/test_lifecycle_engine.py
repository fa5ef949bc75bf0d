"""The stand-ins under the real engine: what a user of Pulumi expects of any provider."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

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
    assert len(record_files(project.home.root, "Vpc")) == 1

    assert summary_of_destroy(project) == 3
    assert record_files(project.home.root, "") == []


def summary_of_destroy(project) -> int:
    from re import search

    found = search(r"(\d+) deleted", project.ok("destroy", "--yes", "--skip-preview"))
    return int(found.group(1)) if found else 0


def test_refresh_sees_an_edited_record_and_the_next_up_mends_it(project):
    project.program(VPC % ("10.0.0.0/16", "platform"))
    project.up()
    [path] = record_files(project.home.root, "Vpc")
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
    [path] = record_files(project.home.root, "Vpc")
    path.unlink()

    project.ok("refresh", "--yes", "--skip-preview")
    assert "main" not in project.resources()
    assert project.up() == {"created": 1, "unchanged": 2}


@pytest.mark.parametrize("content", ["", '{"urn": "urn:pul', "[]", '{"urn": 1}'])
def test_a_damaged_record_never_stops_the_next_up(project, content):
    project.program(VPC % ("10.0.0.0/16", "platform"))
    project.up()
    [path] = record_files(project.home.root, "Vpc")
    path.write_text(content)

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
