"""PostgreSQL on Cloud SQL."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pulumi
from pulumi_gcp import sql

from components import naming
from components.common import Cloud, child_of, to_labels
from components.database.endpoint import Endpoint, Login, ReplicaEndpoint
from components.database.settings import DATABASE, PostgresSettings, Tier, list_cloud_sql_flags


@dataclass(frozen=True, kw_only=True)
class CloudSqlSize:
    tier: str
    edition: str
    log_days: int
    """Most days of transaction logs that the edition keeps: the limit of point-in-time recovery."""


SIZES: Mapping[Tier, CloudSqlSize] = {
    Tier.SMALL: CloudSqlSize(tier="db-custom-2-8192", edition="ENTERPRISE", log_days=7),
    Tier.MEDIUM: CloudSqlSize(tier="db-perf-optimized-N-4", edition="ENTERPRISE_PLUS", log_days=35),
    Tier.LARGE: CloudSqlSize(tier="db-perf-optimized-N-16", edition="ENTERPRISE_PLUS", log_days=35),
}
_ADMINISTRATOR = "cloudsqlsuperuser"
_EMAIL_SUFFIX = ".gserviceaccount.com"


@dataclass(frozen=True, kw_only=True)
class GcpHome:
    """A place for databases on Google Cloud."""

    region: str
    project: str
    network_id: pulumi.Input[str]
    """Network peered with Cloud SQL's."""
    address_range_name: pulumi.Input[str]
    """Range of the servers' addresses."""
    key_id: pulumi.Input[str]
    """Encrypts the storage; Cloud SQL's service identity may already use it."""
    app_service_account: pulumi.Input[str]
    """E-mail address of the app's service account."""
    admin_service_account: pulumi.Input[str]
    """E-mail address of the migrator's service account."""
    after: Sequence[pulumi.Resource] = ()
    """What must exist first: the peering with Cloud SQL's network."""
    salt: str = ""
    """Changes names, because a deleted instance's name stays taken for a week."""
    cloud: Cloud = "gcp"

    def place(
        self, name: str, settings: PostgresSettings, tags: Mapping[str, str], opts: pulumi.ResourceOptions
    ) -> GcpDatabase:
        """Create a database here."""
        return GcpDatabase(name, GcpDatabaseArgs(home=self, settings=settings, tags=tags), opts)


@dataclass(frozen=True, kw_only=True)
class GcpDatabaseArgs:
    home: GcpHome
    settings: PostgresSettings
    tags: Mapping[str, str]


class GcpDatabase(pulumi.ComponentResource):
    """A Cloud SQL instance with a private address, whose users are service accounts."""

    endpoint: Endpoint

    def __init__(self, name: str, args: GcpDatabaseArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("livingfortress:database:GcpDatabase", name, None, opts)
        self._name, self._args, self._child = name, args, child_of(self, opts)
        primary = self._create_instance(name, None)
        database = sql.Database(
            name,
            name=DATABASE,
            instance=primary.name,
            project=args.home.project,
            charset="UTF8",
            collation="en_US.UTF8",
            # Cloud SQL cannot drop a database in which users own objects; deleting the instance removes it.
            deletion_policy="ABANDON",
            opts=child_of(self, opts, protect=args.settings.protect),
        )
        app = self._create_user("app", primary, args.home.app_service_account, database)
        admin = self._create_user("admin", primary, args.home.admin_service_account, app, roles=[_ADMINISTRATOR])
        replicas = [self._create_replica(number, primary, admin) for number in range(1, args.settings.replicas + 1)]
        self.endpoint = Endpoint(
            home=args.home.cloud,
            region=args.home.region,
            identifier=primary.name,
            host=_read_host(primary),
            address=primary.private_ip_address,
            authority=_read_authority(primary),
            port=None,
            database=DATABASE,
            app=Login(user=app.name, login="gcp-iam"),
            admin=Login(user=admin.name, login="gcp-iam"),
            replicas=[
                ReplicaEndpoint(
                    host=_read_host(replica), address=replica.private_ip_address, authority=_read_authority(replica)
                )
                for replica in replicas
            ],
        )
        self.register_outputs({"identifier": primary.name, "host": self.endpoint.host})

    def _create_instance(
        self, name: str, source: sql.DatabaseInstance | None, after: Sequence[pulumi.Resource] = ()
    ) -> sql.DatabaseInstance:
        settings, home = self._args.settings, self._args.home
        return sql.DatabaseInstance(
            name,
            name=naming.fit(naming.CLOUD_SQL, name, salt=home.salt),
            project=home.project,
            region=home.region,
            database_version=f"POSTGRES_{settings.major_version}",
            master_instance_name=source.name if source else None,
            encryption_key_name=home.key_id,
            deletion_protection=settings.deletion_protection,
            settings=self._build_settings(primary=source is None),
            opts=child_of(self, self._child, protect=settings.protect and source is None, after=[*home.after, *after]),
        )

    def _create_replica(
        self, number: int, primary: sql.DatabaseInstance, after: pulumi.Resource
    ) -> sql.DatabaseInstance:
        return self._create_instance(f"{self._name}-replica-{number}", primary, [after])

    def _build_settings(self, *, primary: bool) -> sql.DatabaseInstanceSettingsArgs:
        settings, home = self._args.settings, self._args.home
        size = SIZES[settings.tier]
        return sql.DatabaseInstanceSettingsArgs(
            tier=size.tier,
            edition=size.edition,
            availability_type="REGIONAL" if primary and settings.zone_redundant else "ZONAL",
            disk_type="PD_SSD",
            disk_size=settings.storage_gb,
            disk_autoresize=True,
            deletion_protection_enabled=settings.deletion_protection,
            retain_backups_on_delete=settings.protect if primary else None,
            ip_configuration=_configure_addresses(home),
            backup_configuration=_configure_backups(settings, size, home) if primary else None,
            maintenance_window=sql.DatabaseInstanceSettingsMaintenanceWindowArgs(
                day=settings.maintenance.day.number, hour=settings.maintenance.hour, update_track="stable"
            ),
            insights_config=sql.DatabaseInstanceSettingsInsightsConfigArgs(
                query_insights_enabled=True,
                # Client addresses and app tags would be personal data outside its protection.
                record_client_address=False,
                record_application_tags=False,
                query_string_length=1024,
            ),
            database_flags=[
                sql.DatabaseInstanceSettingsDatabaseFlagArgs(name=name, value=value)
                for name, value in list_cloud_sql_flags(settings).items()
            ],
            user_labels=to_labels(self._args.tags),
        )

    def _create_user(
        self,
        key: str,
        primary: sql.DatabaseInstance,
        email: pulumi.Input[str],
        after: pulumi.Resource,
        *,
        roles: list[str] | None = None,
    ) -> sql.User:
        return sql.User(
            f"{self._name}-{key}",
            name=pulumi.Output.from_input(email).apply(to_user_name),
            type="CLOUD_IAM_SERVICE_ACCOUNT",
            instance=primary.name,
            project=self._args.home.project,
            database_roles=roles,
            # Cloud SQL cannot drop a user that owns objects; deleting the instance removes it.
            deletion_policy="ABANDON",
            # Cloud SQL runs one operation at a time on an instance.
            opts=child_of(self, self._child, after=[after]),
        )


def to_user_name(email: str) -> str:
    """Return the database role of a service account; the full address is too long for PostgreSQL."""
    return email.removesuffix(_EMAIL_SUFFIX)


def find_private_name(dns_names: Sequence[Any] | None) -> str | None:
    """Return the DNS name that the server's certificate holds for its private address."""
    for dns_name in dns_names or ():
        if dns_name.connection_type == "PRIVATE_SERVICES_ACCESS" and dns_name.dns_scope == "INSTANCE" and dns_name.name:
            return str(dns_name.name).rstrip(".")
    return None


def _read_host(instance: sql.DatabaseInstance) -> pulumi.Output[str]:
    # Read the names in a separate apply: combined with other outputs they would lose their type.
    name: pulumi.Output[str | None] = instance.dns_names.apply(find_private_name)
    return pulumi.Output.all(name, instance.private_ip_address).apply(lambda both: both[0] or both[1])


def _read_authority(instance: sql.DatabaseInstance) -> pulumi.Output[str]:
    """Return the CA certificates; the SDK marks them secret, but every client needs them."""
    certificates: pulumi.Output[Any] = pulumi.Output.unsecret(instance.server_ca_certs)
    return certificates.apply(
        lambda all_: "\n".join(authority.cert.strip() for authority in all_ or () if authority.cert)
    )


def _configure_addresses(home: GcpHome) -> sql.DatabaseInstanceSettingsIpConfigurationArgs:
    return sql.DatabaseInstanceSettingsIpConfigurationArgs(
        ipv4_enabled=False,
        private_network=home.network_id,
        allocated_ip_range=home.address_range_name,
        ssl_mode="ENCRYPTED_ONLY",
        # Only certificates of the shared CA contain the server's name, which clients verify.
        server_ca_mode="GOOGLE_MANAGED_CAS_CA",
        server_certificate_rotation_mode="AUTOMATIC_ROTATION_DURING_MAINTENANCE",
    )


def _configure_backups(
    settings: PostgresSettings, size: CloudSqlSize, home: GcpHome
) -> sql.DatabaseInstanceSettingsBackupConfigurationArgs:
    return sql.DatabaseInstanceSettingsBackupConfigurationArgs(
        enabled=True,
        point_in_time_recovery_enabled=True,
        transaction_log_retention_days=min(settings.backup_retention_days, size.log_days),
        start_time=f"{(settings.maintenance.hour - 4) % 24:02}:00",
        location=home.region,
        backup_retention_settings=sql.DatabaseInstanceSettingsBackupConfigurationBackupRetentionSettingsArgs(
            retained_backups=settings.backup_retention_days, retention_unit="COUNT"
        ),
    )
