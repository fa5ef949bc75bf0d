"""The pull-request comment: lost data first, every change once."""

from __future__ import annotations

from typing import Any

import pytest

from cli.compliance.preview_comment import changes, render
from policies.clouds.data_stores import HOLDERS, STORES
from policies.resource import normalize_type

DATABASE = (
    "urn:pulumi:rehearsal-x::living-fortress::livingfortress:database:AwsDatabase$aws:rds/instance:Instance::aws-0"
)
ROLE = "urn:pulumi:rehearsal-x::living-fortress::aws:iam/role:Role::ledger"
OTHER_TOKENS = ("aws:s3/bucketV2:BucketV2", "azure-native:storage/v20240101:StorageAccount")


def step(op: str, urn: str, **more: Any) -> dict[str, Any]:
    return {"op": op, "urn": urn, **more}


def test_a_replaced_data_store_stands_before_everything_else() -> None:
    document = {
        "steps": [
            step("create", ROLE),
            step("create-replacement", DATABASE, replaceReasons=["engine"], detailedDiff={"engine": {}, "tags": {}}),
            step("replace", DATABASE, replaceReasons=["engine"], detailedDiff={"engine": {}, "tags": {}}),
            step("delete-replaced", DATABASE),
        ],
        "changeSummary": {"same": 12},
    }
    text = render("production", document)
    marker, title, alarm, *rest = text.split("\n\n")
    assert marker == "<!-- living-fortress preview of production -->"
    assert "production" in title
    assert "**replaced**: PostgreSQL server `aws-0` (`aws:rds/instance:Instance`): `engine`" in alarm
    assert rest[0] == "1 replaced, 1 created, 12 unchanged."
    assert text.count("**aws-0**") == 1


def test_a_deleted_data_store_raises_the_alarm_and_a_changed_one_does_not() -> None:
    assert "CAUTION" in render("dev", {"steps": [step("delete", DATABASE)]})
    assert "CAUTION" not in render("dev", {"steps": [step("update", DATABASE, detailedDiff={"instanceClass": {}})]})


@pytest.mark.parametrize("token", [*STORES, *OTHER_TOKENS])
def test_each_data_store_of_the_policies_raises_the_alarm(token: str) -> None:
    urn = f"urn:pulumi:rehearsal-x::living-fortress::livingfortress:personal_data:AwsBucket${token}::erasure-log"
    for op in ("delete", "replace"):
        text = render("production", {"steps": [step(op, urn)]})
        assert "Data stores would be lost" in text
        assert HOLDERS[normalize_type(token)] in text


def test_what_stays_is_not_listed() -> None:
    text = render("dev", {"steps": [step("same", ROLE), step("same", DATABASE)], "changeSummary": {"same": 2}})
    assert "No changes." in text
    assert "aws-0" not in text


def test_a_name_with_a_separator_is_kept_whole() -> None:
    (change,) = changes({"steps": [step("create", f"{ROLE}::v2")]})
    assert change.name == "ledger::v2"
    assert change.type == "aws:iam/role:Role"


def test_a_long_preview_fits_into_a_comment() -> None:
    steps = [step("create", f"{ROLE}-{number}", detailedDiff={}) for number in range(5_000)]
    text = render("production", {"steps": steps})
    assert len(text) < 65_536
    assert "and 4940 more" in text
    assert "5000 created" in text


def test_compliance_stands_between_the_counts_and_the_changes() -> None:
    text = render("dev", {"steps": [step("create", ROLE)]}, "### Compliance\n\n**No violations.**\n")
    assert text.index("1 created") < text.index("### Compliance") < text.index("<details>")


def test_whatever_a_preview_says_it_fits_into_a_comment_and_is_whole() -> None:
    long = "x" * 300
    steps = [
        step(
            op,
            f"{urn}-{op}-{number}-{long}",
            detailedDiff={f"{long}.{n}": {} for n in range(9)},
            replaceReasons=[long] * 9,
        )
        for op in ("delete", "replace", "update", "create", "import")
        for urn in (DATABASE, ROLE)
        for number in range(80)
    ]
    text = render("production", {"steps": steps}, "### Compliance\n\n" + "y" * 16_000)
    assert len(text) < 65_536
    assert text.count("<details") == text.count("</details>") == 5
    assert "160 deleted, 160 replaced, 160 changed, 160 created, 160 imported" in text
    assert "more data stores" in text
    for section in text.split("<details")[1:]:
        assert "- and " in section


def test_a_name_is_neither_markup_nor_a_call() -> None:
    steps = [step("delete", f"{DATABASE}-<img src=x>`@octocat` #1"), step("create", f"{ROLE}-<b>@octocat *x*")]
    text = render("dev", {"steps": steps})
    assert "``aws-0-<img src=x>`@octocat` #1``" in text.replace("`` ", "``").replace(" ``", "``")
    assert r"ledger-\<b\>\@" in text
    assert "@octocat \\*x" not in text
