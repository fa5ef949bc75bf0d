"""The names under which people reach servers."""

from __future__ import annotations

import pytest

from localcloud.postgres.server_registry import ServerRecord, without_passwords
from localcloud.postgres.services import certificate_name, named


def record(identifier: str, cloud: str = "aws", **facts: str) -> ServerRecord:
    return ServerRecord(
        key=f"{cloud}-{identifier}",
        cloud=cloud,
        identifier=identifier,
        urn="urn",
        address="127.0.0.2",
        port=5432,
        **facts,
    )


@pytest.mark.parametrize(
    ("identifier", "name"),
    [
        ("local-aws-0", "aws-0"),
        ("preview-17-azure-1", "azure-1"),
        ("production-gcp-2-replica-0", "gcp-2-replica-0"),
        ("aws-0", "aws-0"),
        ("ledger", "ledger"),
        ("aws-ledger", "aws-ledger"),
    ],
)
def test_a_service_name_leaves_the_environment_out(identifier: str, name: str) -> None:
    assert list(named([record(identifier)])) == [name]


def test_two_servers_never_share_a_service_name() -> None:
    servers = [record("dev-aws-0"), record("local-aws-0"), record("local-aws-0", cloud="gcp")]
    assert list(named(servers)) == ["aws-0", "local-aws-0", "gcp-local-aws-0"]


def test_whose_certificate_logs_in() -> None:
    assert certificate_name(record("x", operator="migrator")) == "migrator"
    assert certificate_name(record("x", operator="migrator@p.iam", iam_domain="p.iam")) == "migrator"


def test_passwords_are_not_written_down() -> None:
    inputs = {"password": "x", "rootPassword": "y", "manageMasterUserPassword": True}
    assert without_passwords(inputs) == {"manageMasterUserPassword": True}
