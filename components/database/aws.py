"""PostgreSQL on Amazon RDS."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import pulumi
from pulumi_aws import cloudwatch, iam, rds

from components import naming
from components.common import Cloud, add_name, child_of, make_trust_document
from components.database.credential import AwsMasterCredential
from components.database.endpoint import Endpoint, Login, ReplicaEndpoint
from components.database.settings import (
    ADMIN_ROLE,
    APP_ROLE,
    DATABASE,
    Maintenance,
    PostgresSettings,
    Tier,
    list_rds_parameters,
)

INSTANCE_CLASSES: Mapping[Tier, str] = {
    Tier.SMALL: "db.t4g.medium",
    Tier.MEDIUM: "db.m7g.xlarge",
    Tier.LARGE: "db.r7g.4xlarge",
}
_EXPORTED_LOGS = ("postgresql", "upgrade", "iam-db-auth-error")
_CERTIFICATE_AUTHORITY = "rds-ca-rsa2048-g1"
_MONITORING_POLICY = "arn:aws:iam::aws:policy/service-role/AmazonRDSEnhancedMonitoringRole"


@dataclass(frozen=True, kw_only=True)
class AwsHome:
    """A place for databases on AWS."""

    region: str
    subnet_ids: Sequence[pulumi.Input[str]]
    """Isolated subnets in at least two zones."""
    security_group_id: pulumi.Input[str]
    """Allows clients to reach PostgreSQL, and no egress."""
    key_arn: pulumi.Input[str]
    """Encrypts storage, logs, insights and the master credential."""
    cloud: Cloud = "aws"

    def place(
        self, name: str, settings: PostgresSettings, tags: Mapping[str, str], opts: pulumi.ResourceOptions
    ) -> AwsDatabase:
        """Create a database here."""
        return AwsDatabase(name, AwsDatabaseArgs(home=self, settings=settings, tags=tags), opts)


@dataclass(frozen=True, kw_only=True)
class AwsDatabaseArgs:
    home: AwsHome
    settings: PostgresSettings
    tags: Mapping[str, str]


class AwsDatabase(pulumi.ComponentResource):
    """An encrypted RDS instance without a public address or a password that we know."""

    endpoint: Endpoint

    def __init__(self, name: str, args: AwsDatabaseArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("livingfortress:database:AwsDatabase", name, None, opts)
        self._name, self._args = name, args
        self._identifier = naming.fit(naming.RDS_INSTANCE, name)
        self._child = child_of(self, opts)
        subnets = rds.SubnetGroup(
            name,
            name=naming.fit(naming.RDS_GROUP, name),
            description="Isolated subnets for PostgreSQL",
            subnet_ids=args.home.subnet_ids,
            tags=args.tags,
            opts=self._child,
        )
        self._parameters = _create_parameter_group(name, args, self._child)
        self._monitoring = _create_monitoring_role(name, args, self._child)
        self._credential = self._create_credential()
        primary = self._create_primary(subnets, _create_log_groups(name, self._identifier, args, self._child))
        replicas = [self._create_replica(number, primary) for number in range(1, args.settings.replicas + 1)]
        self.endpoint = Endpoint(
            home=args.home.cloud,
            region=args.home.region,
            identifier=primary.identifier,
            host=primary.address,
            port=primary.port,
            database=DATABASE,
            app=Login(user=APP_ROLE, login="aws-iam"),
            admin=Login(user=ADMIN_ROLE, login="aws-secret", secret=self._find_secret(primary)),
            arn=primary.arn,
            resource_id=primary.resource_id,
            replicas=[
                ReplicaEndpoint(host=replica.address, port=replica.port, resource_id=replica.resource_id)
                for replica in replicas
            ],
        )
        self.register_outputs({"identifier": primary.identifier, "host": primary.address})

    def _create_credential(self) -> AwsMasterCredential | None:
        # RDS creates no read replica of a server whose master credential it manages.
        if not self._args.settings.replicas:
            return None
        return AwsMasterCredential(
            self._name,
            ADMIN_ROLE,
            self._args.home.key_arn,
            self._args.tags,
            self._child,
            recovery_days=30 if self._args.settings.protect else 0,
        )

    def _find_secret(self, primary: rds.Instance) -> pulumi.Output[str]:
        if self._credential:
            return self._credential.arn
        arn: pulumi.Output[str] = primary.master_user_secrets.apply(lambda secrets: secrets[0].secret_arn)
        return arn

    def _create_primary(self, subnets: rds.SubnetGroup, logs: list[pulumi.Resource]) -> rds.Instance:
        settings, home, own = self._args.settings, self._args.home, self._credential
        return rds.Instance(
            self._name,
            identifier=self._identifier,
            engine="postgres",
            engine_version=str(settings.major_version),
            engine_lifecycle_support="open-source-rds-extended-support-disabled",
            db_name=DATABASE,
            username=ADMIN_ROLE,
            manage_master_user_password=None if own else True,
            master_user_secret_kms_key_id=None if own else home.key_arn,
            password=own.password if own else None,
            allocated_storage=settings.storage_gb,
            max_allocated_storage=settings.storage_gb * 2,
            storage_type="gp3",
            kms_key_id=home.key_arn,
            multi_az=settings.zone_redundant,
            db_subnet_group_name=subnets.name,
            backup_retention_period=settings.backup_retention_days,
            backup_window=format_backup_window(settings.maintenance),
            maintenance_window=format_maintenance_window(settings.maintenance),
            skip_final_snapshot=not settings.protect,
            final_snapshot_identifier=f"{self._identifier}-final" if settings.protect else None,
            delete_automated_backups=not settings.protect,
            **self._build_shared_inputs(),
            opts=child_of(self, self._child, protect=settings.protect, after=logs),
        )

    def _create_replica(self, number: int, primary: rds.Instance) -> rds.Instance:
        """Create a read replica with its own logs; storage, key, credential and network are the primary's."""
        label = f"{self._name}-replica-{number}"
        identifier = naming.fit(naming.RDS_INSTANCE, self._name, "replica", str(number))
        return rds.Instance(
            label,
            identifier=identifier,
            replicate_source_db=primary.identifier,
            skip_final_snapshot=True,
            backup_retention_period=0,
            **self._build_shared_inputs(),
            opts=child_of(self, self._child, after=_create_log_groups(label, identifier, self._args, self._child)),
        )

    def _build_shared_inputs(self) -> dict[str, object]:
        settings, home = self._args.settings, self._args.home
        return {
            "instance_class": INSTANCE_CLASSES[settings.tier],
            "storage_encrypted": True,
            "publicly_accessible": False,
            "vpc_security_group_ids": [home.security_group_id],
            "parameter_group_name": self._parameters.name,
            "ca_cert_identifier": _CERTIFICATE_AUTHORITY,
            "iam_database_authentication_enabled": True,
            "auto_minor_version_upgrade": True,
            "allow_major_version_upgrade": False,
            "apply_immediately": False,
            "copy_tags_to_snapshot": True,
            "deletion_protection": settings.deletion_protection,
            "performance_insights_enabled": True,
            "performance_insights_kms_key_id": home.key_arn,
            "performance_insights_retention_period": 7,
            "enabled_cloudwatch_logs_exports": list(_EXPORTED_LOGS),
            "monitoring_interval": 60,
            "monitoring_role_arn": self._monitoring.arn,
            "tags": add_name(self._args.tags, self._name),
        }


def format_maintenance_window(when: Maintenance) -> str:
    """Return the hour in RDS notation, `sun:02:00-sun:03:00`, UTC."""
    ends = replace(when, hour=(when.hour + 1) % 24, day=when.day if when.hour < 23 else when.day.next)
    return f"{when.day[:3]}:{when.hour:02}:00-{ends.day[:3]}:{ends.hour:02}:00"


def format_backup_window(when: Maintenance) -> str:
    """Return an hour that ends an hour before the maintenance; RDS refuses windows that touch."""
    start = (when.hour - 2) % 24
    return f"{start:02}:00-{(start + 1) % 24:02}:00"


def _create_parameter_group(name: str, args: AwsDatabaseArgs, opts: pulumi.ResourceOptions) -> rds.ParameterGroup:
    family = f"postgres{args.settings.major_version}"
    return rds.ParameterGroup(
        name,
        name=naming.fit(naming.RDS_GROUP, name, family),
        family=family,
        description="TLS, audit, logical replication and limits",
        parameters=[
            rds.ParameterGroupParameterArgs(
                name=parameter.name, value=parameter.value, apply_method=parameter.apply_method
            )
            for parameter in list_rds_parameters(args.settings)
        ],
        tags=args.tags,
        opts=opts,
    )


def _create_log_groups(
    name: str, identifier: str, args: AwsDatabaseArgs, opts: pulumi.ResourceOptions
) -> list[pulumi.Resource]:
    """Create the log groups before the server: groups that RDS creates never expire and do not use our key."""
    return [
        cloudwatch.LogGroup(
            f"{name}-{kind}",
            name=f"/aws/rds/instance/{identifier}/{kind}",
            retention_in_days=args.settings.log_retention_days,
            kms_key_id=args.home.key_arn,
            deletion_protection_enabled=args.settings.deletion_protection,
            tags=args.tags,
            opts=opts,
        )
        for kind in _EXPORTED_LOGS
    ]


def _create_monitoring_role(name: str, args: AwsDatabaseArgs, opts: pulumi.ResourceOptions) -> iam.Role:
    role = iam.Role(
        name,
        name=naming.fit(naming.IAM_ROLE, name, "monitoring"),
        assume_role_policy=make_trust_document("monitoring.rds.amazonaws.com"),
        tags=args.tags,
        opts=opts,
    )
    iam.RolePolicyAttachment(name, role=role.name, policy_arn=_MONITORING_POLICY, opts=opts)
    return role
