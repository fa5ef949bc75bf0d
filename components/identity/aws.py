"""AWS roles that pods of all clusters may assume with their service account token."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi
from pulumi_aws import iam

from components.common import Cloud, child_of, make_iam_document
from components.identity.workloads import (
    AWS_AUDIENCE,
    LEDGER,
    MIGRATOR,
    NAMESPACE,
    WORKLOADS,
    AwsLogin,
    ClusterIssuer,
    Workload,
    subject,
)
from components.naming import IAM_ROLE, fit


@dataclass(frozen=True, kw_only=True)
class AwsDatabaseAccess:
    """One RDS server that the workloads log in to."""

    name: str
    """Name of the shard or server; makes policy statements readable."""
    arn: pulumi.Input[str]
    """ARN of the server, which contains partition, region and account."""
    resource_id: pulumi.Input[str]
    """The server's immutable `db-…` id, which IAM database logins are bound to."""
    master_secret_arn: pulumi.Input[str]
    """The secret in which RDS keeps and rotates the master credentials."""
    replica_resource_ids: Sequence[pulumi.Input[str]] = ()
    """Ids of its read replicas, which are in the server's region and account."""


@dataclass(frozen=True, kw_only=True)
class AwsErasureAccess:
    """The erasure log, in which `migrator` adds and lists entries."""

    bucket_arn: pulumi.Input[str]
    prefix: str
    """Folder of the entries."""
    key_arn: pulumi.Input[str]
    """Key that encrypts the entries."""


@dataclass(frozen=True, kw_only=True)
class AwsFederationArgs:
    """Clusters that AWS trusts, and what their pods may use."""

    clusters: Sequence[ClusterIssuer]
    """Every cluster whose pods may log in, in any cloud."""
    databases: Sequence[AwsDatabaseAccess]
    secret_key_arn: pulumi.Input[str]
    """The customer-managed key that encrypts the master secrets."""
    person_key_arn: pulumi.Input[str] | None = None
    """The key that wraps the subject keys; absent if another cloud keeps it."""
    erasures: AwsErasureAccess | None = None
    """The erasure log; absent if it is elsewhere."""
    tags: Mapping[str, str]
    namespace: str = NAMESPACE
    """Namespace of the workloads' service accounts."""


class AwsFederation(pulumi.ComponentResource):
    """One role per workload: `ledger` may log in to the databases, `migrator` may read their master credentials.

    Both may wrap and unwrap subject keys; `migrator` may log erasures.
    """

    logins: Mapping[Workload, AwsLogin]

    def __init__(self, name: str, args: AwsFederationArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("livingfortress:identity:AwsFederation", name, None, opts)
        self._child = child_of(self, opts)
        providers = {cluster.home: self._trust(name, cluster, args) for cluster in args.clusters}
        policies = {LEDGER: _allow_connect(args), MIGRATOR: _allow_master(args)}
        roles = {workload: self._create_role(name, workload, providers, args) for workload in WORKLOADS}
        for workload, role in roles.items():
            iam.RolePolicy(
                f"{name}-{workload}",
                role=role.name,
                policy=policies[workload],
                opts=self._child,
            )
        self.logins = {workload: AwsLogin(role_arn=role.arn) for workload, role in roles.items()}
        self.register_outputs({f"{workload}_role_arn": role.arn for workload, role in roles.items()})

    def _trust(self, name: str, cluster: ClusterIssuer, args: AwsFederationArgs) -> iam.OpenIdConnectProvider:
        return iam.OpenIdConnectProvider(
            f"{name}-{cluster.home}",
            url=cluster.issuer,
            client_id_lists=[AWS_AUDIENCE],
            tags=args.tags,
            opts=self._child,
        )

    def _create_role(
        self,
        name: str,
        workload: Workload,
        providers: Mapping[Cloud, iam.OpenIdConnectProvider],
        args: AwsFederationArgs,
    ) -> iam.Role:
        return iam.Role(
            f"{name}-{workload}",
            name=fit(IAM_ROLE, name, workload),
            description=f"Pods of {workload} in every cluster of the platform",
            max_session_duration=3600,
            assume_role_policy=pulumi.Output.all(
                *[pulumi.Output.all(cluster.issuer, providers[cluster.home].arn) for cluster in args.clusters]
            ).apply(lambda pairs: build_trust_policy(pairs, subject(workload, args.namespace))),
            tags=args.tags,
            opts=self._child,
        )


def build_trust_policy(clusters: Sequence[Sequence[str]], token_subject: str) -> str:
    """Return a policy that admits the subject of each (issuer URL, provider ARN) with a token for AWS."""
    return make_iam_document(
        [
            {
                "Effect": "Allow",
                "Principal": {"Federated": provider_arn},
                "Action": "sts:AssumeRoleWithWebIdentity",
                "Condition": {
                    "StringEquals": {
                        f"{issuer.removeprefix('https://')}:aud": AWS_AUDIENCE,
                        f"{issuer.removeprefix('https://')}:sub": token_subject,
                    }
                },
            }
            for issuer, provider_arn in clusters
        ]
    )


def _allow_connect(args: AwsFederationArgs) -> pulumi.Output[str]:
    users = [
        pulumi.Output.all(database.arn, identity).apply(lambda pair: to_database_user_arn(*pair))
        for database in args.databases
        for identity in (database.resource_id, *database.replica_resource_ids)
    ]
    return pulumi.Output.all(pulumi.Output.all(*users), args.person_key_arn).apply(
        lambda known: make_iam_document(
            [
                {"Effect": "Allow", "Action": "rds-db:connect", "Resource": sorted(known[0])},
                *_allow_person_key(known[1]),
            ]
        )
    )


def to_database_user_arn(server_arn: str, resource_id: str) -> str:
    """Return the ARN of database user `ledger` on a server, from the server's ARN."""
    _, partition, _, region, account, *_ = server_arn.split(":")
    return f"arn:{partition}:rds-db:{region}:{account}:dbuser:{resource_id}/{LEDGER}"


def _allow_master(args: AwsFederationArgs) -> pulumi.Output[str]:
    secrets = pulumi.Output.all(*[database.master_secret_arn for database in args.databases])
    return pulumi.Output.all(secrets, args.secret_key_arn, args.person_key_arn, _allow_erasures(args.erasures)).apply(
        lambda known: make_iam_document(
            [
                {"Effect": "Allow", "Action": "secretsmanager:GetSecretValue", "Resource": sorted(known[0])},
                {
                    "Effect": "Allow",
                    "Action": "kms:Decrypt",
                    "Resource": known[1],
                    "Condition": {"StringLike": {"kms:ViaService": "secretsmanager.*.amazonaws.com"}},
                },
                *_allow_person_key(known[2]),
                *known[3],
            ]
        )
    )


def _allow_person_key(key_arn: str | None) -> list[dict[str, object]]:
    """Return the right to use the key, only with the encryption context of a person."""
    if key_arn is None:
        return []
    return [
        {
            "Effect": "Allow",
            "Action": ["kms:Encrypt", "kms:Decrypt"],
            "Resource": key_arn,
            "Condition": {"Null": {"kms:EncryptionContext:context": "false"}},
        }
    ]


def _allow_erasures(log: AwsErasureAccess | None) -> pulumi.Output[list[dict[str, object]]]:
    """Return the rights to add and list entries; nobody may read, change or delete one."""
    if log is None:
        return pulumi.Output.from_input([])
    return pulumi.Output.all(log.bucket_arn, log.key_arn).apply(
        lambda arns: list_erasure_statements(bucket_arn=arns[0], key_arn=arns[1], prefix=log.prefix)
    )


def list_erasure_statements(*, bucket_arn: str, key_arn: str, prefix: str) -> list[dict[str, object]]:
    """Return the statements for the writer of the erasure log; it needs a data key to write, and never decrypts."""
    return [
        {"Effect": "Allow", "Action": "s3:PutObject", "Resource": f"{bucket_arn}/{prefix}/*"},
        {
            "Effect": "Allow",
            "Action": "s3:ListBucket",
            "Resource": bucket_arn,
            "Condition": {"StringEquals": {"s3:prefix": f"{prefix}/"}},
        },
        {
            "Effect": "Allow",
            "Action": "kms:GenerateDataKey",
            "Resource": key_arn,
            "Condition": {"StringLike": {"kms:ViaService": "s3.*.amazonaws.com"}},
        },
    ]
