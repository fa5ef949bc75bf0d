"""PostgreSQL on Azure Database for PostgreSQL, flexible server."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
from pulumi_azure_native import authorization, dbforpostgresql, monitor

from components import naming
from components.common import Cloud, child_of
from components.database.endpoint import Endpoint, Login, ReplicaEndpoint
from components.database.settings import ADMIN_ROLE, APP_ROLE, DATABASE, PostgresSettings, Tier, list_azure_parameters


@dataclass(frozen=True, kw_only=True)
class AzureSize:
    sku: str
    tier: str


SIZES: Mapping[Tier, AzureSize] = {
    Tier.SMALL: AzureSize(sku="Standard_B2ms", tier="Burstable"),
    Tier.MEDIUM: AzureSize(sku="Standard_D4ds_v5", tier="GeneralPurpose"),
    Tier.LARGE: AzureSize(sku="Standard_E16ds_v5", tier="MemoryOptimized"),
}


@dataclass(frozen=True, kw_only=True)
class AzureHome:
    """A place for databases on Azure."""

    region: str
    resource_group_name: pulumi.Input[str]
    subnet_id: pulumi.Input[str]
    """Delegated to flexible servers."""
    dns_zone_id: pulumi.Input[str]
    """Private zone for the servers' names, already linked to the network."""
    key_uri: pulumi.Input[str]
    """Encrypts the storage; without a version, so the server follows a rotation."""
    key_identity_id: pulumi.Input[str]
    """Identity through which the server reaches the key."""
    tenant_id: pulumi.Input[str]
    app_principal_id: pulumi.Input[str]
    """Object id of the app's managed identity."""
    admin_principal_id: pulumi.Input[str]
    """Object id of the migrator's managed identity."""
    workspace_id: pulumi.Input[str]
    """Log Analytics workspace for the audit log."""
    salt: str = ""
    """Makes server names globally unique."""
    cloud: Cloud = "azure"

    def place(
        self, name: str, settings: PostgresSettings, tags: Mapping[str, str], opts: pulumi.ResourceOptions
    ) -> AzureDatabase:
        """Create a database here."""
        return AzureDatabase(name, AzureDatabaseArgs(home=self, settings=settings, tags=tags), opts)


@dataclass(frozen=True, kw_only=True)
class AzureDatabaseArgs:
    home: AzureHome
    settings: PostgresSettings
    tags: Mapping[str, str]


class AzureDatabase(pulumi.ComponentResource):
    """A flexible server inside the network that accepts only Entra tokens."""

    endpoint: Endpoint

    def __init__(self, name: str, args: AzureDatabaseArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("livingfortress:database:AzureDatabase", name, None, opts)
        self._name, self._args, self._child = name, args, child_of(self, opts)
        self._identifier = naming.fit(naming.AZURE_POSTGRES, name, salt=args.home.salt)
        server = self._create_server(name, self._identifier, None)
        last: pulumi.Resource = AzureServerContents(name, self._describe_contents(server, database=True), parent=self)
        self._lock(name, server)
        self._export_logs(name, server)
        replicas = []
        for number in range(1, args.settings.replicas + 1):
            replica = self._create_replica(number, server, last)
            last = AzureServerContents(
                f"{name}-replica-{number}", self._describe_contents(replica, database=False), parent=self
            )
            self._export_logs(f"{name}-replica-{number}", replica)
            replicas.append(replica)
        self.endpoint = Endpoint(
            home=args.home.cloud,
            region=args.home.region,
            identifier=server.name,
            host=server.fully_qualified_domain_name,
            port=None,
            database=DATABASE,
            app=Login(user=APP_ROLE, login="azure-entra", principal=args.home.app_principal_id),
            admin=Login(user=ADMIN_ROLE, login="azure-entra", principal=args.home.admin_principal_id),
            replicas=[ReplicaEndpoint(host=replica.fully_qualified_domain_name) for replica in replicas],
        )
        self.register_outputs({"identifier": server.name, "host": server.fully_qualified_domain_name})

    def _create_server(
        self, name: str, server_name: str, source: dbforpostgresql.Server | None, after: pulumi.Resource | None = None
    ) -> dbforpostgresql.Server:
        settings, home = self._args.settings, self._args.home
        size, standby = SIZES[settings.tier], settings.zone_redundant and source is None
        return dbforpostgresql.Server(
            name,
            server_name=server_name,
            resource_group_name=home.resource_group_name,
            location=home.region,
            version=str(settings.major_version),
            create_mode="Replica" if source else "Create",
            source_server_resource_id=source.id if source else None,
            sku=dbforpostgresql.SkuArgs(name=size.sku, tier=size.tier),
            storage=dbforpostgresql.StorageArgs(storage_size_gb=settings.storage_gb, auto_grow="Enabled"),
            high_availability=dbforpostgresql.HighAvailabilityArgs(mode="ZoneRedundant" if standby else "Disabled"),
            backup=None
            if source
            else dbforpostgresql.BackupArgs(
                backup_retention_days=settings.backup_retention_days, geo_redundant_backup="Disabled"
            ),
            maintenance_window=dbforpostgresql.MaintenanceWindowArgs(
                custom_window="Enabled",
                # Azure counts from Sunday, 0.
                day_of_week=settings.maintenance.day.number % 7,
                start_hour=settings.maintenance.hour,
                start_minute=0,
            ),
            **self._build_access_inputs(),
            tags=self._args.tags,
            opts=child_of(
                self, self._child, protect=settings.protect and source is None, after=[after] if after else []
            ),
        )

    def _build_access_inputs(self) -> dict[str, object]:
        """Return login, network and encryption, the same for primary and replicas."""
        home = self._args.home
        return {
            "auth_config": dbforpostgresql.AuthConfigArgs(
                active_directory_auth=dbforpostgresql.MicrosoftEntraAuth.ENABLED,
                password_auth=dbforpostgresql.PasswordBasedAuth.DISABLED,
                tenant_id=home.tenant_id,
            ),
            "identity": dbforpostgresql.UserAssignedIdentityArgs(
                type="UserAssigned",
                user_assigned_identities=pulumi.Output.from_input(home.key_identity_id).apply(
                    lambda identity: {identity: {}}
                ),
            ),
            "data_encryption": dbforpostgresql.DataEncryptionArgs(
                type="AzureKeyVault",
                primary_key_uri=home.key_uri,
                primary_user_assigned_identity_id=home.key_identity_id,
            ),
            "network": dbforpostgresql.NetworkArgs(
                delegated_subnet_resource_id=home.subnet_id,
                private_dns_zone_arm_resource_id=home.dns_zone_id,
                public_network_access="Disabled",
            ),
        }

    def _create_replica(
        self, number: int, source: dbforpostgresql.Server, after: pulumi.Resource
    ) -> dbforpostgresql.Server:
        label = f"{self._name}-replica-{number}"
        server_name = naming.fit(naming.AZURE_POSTGRES, label, salt=self._args.home.salt)
        return self._create_server(label, server_name, source, after)

    def _describe_contents(self, server: dbforpostgresql.Server, *, database: bool) -> ServerContents:
        return ServerContents(server=server, args=self._args, database=database)

    def _lock(self, name: str, server: dbforpostgresql.Server) -> None:
        """Lock the server against deletion; flexible servers have no deletion protection of their own."""
        if not self._args.settings.deletion_protection:
            return
        authorization.ManagementLockByScope(
            name,
            lock_name="keep",
            scope=server.id,
            level="CanNotDelete",
            notes="Holds the ledger. Removing this lock is the decision to lose it.",
            opts=self._child,
        )

    def _export_logs(self, name: str, server: dbforpostgresql.Server) -> None:
        monitor.DiagnosticSetting(
            name,
            name="audit",
            resource_uri=server.id,
            workspace_id=self._args.home.workspace_id,
            logs=[monitor.DiagnosticsLogSettingsArgs(category_group="allLogs", enabled=True)],
            metrics=[monitor.DiagnosticsMetricSettingsArgs(category="AllMetrics", enabled=True)],
            opts=self._child,
        )


@dataclass(frozen=True, kw_only=True)
class ServerContents:
    """The contents of one server."""

    server: dbforpostgresql.Server
    args: AzureDatabaseArgs
    database: bool
    """Whether to create the database and its administrator; a replica has them from its source."""


class AzureServerContents(pulumi.ComponentResource):
    """Parameters, database and administrator, one by one: Azure refuses a change while another one runs."""

    def __init__(self, name: str, contents: ServerContents, *, parent: pulumi.Resource) -> None:
        super().__init__(
            "livingfortress:database:AzureServerContents", name, None, pulumi.ResourceOptions(parent=parent)
        )
        home, server = contents.args.home, contents.server
        self._last: pulumi.Resource = server
        place = {"server_name": server.name, "resource_group_name": home.resource_group_name}
        for parameter, value in list_azure_parameters(contents.args.settings).items():
            self._last = dbforpostgresql.Configuration(
                f"{name}-{parameter}",
                configuration_name=parameter,
                value=value,
                source="user-override",
                **place,
                opts=self._depend_on_last(),
            )
        if contents.database:
            self._last = dbforpostgresql.Database(
                name,
                database_name=DATABASE,
                charset="UTF8",
                collation="en_US.utf8",
                **place,
                opts=self._depend_on_last(protect=contents.args.settings.protect),
            )
            self._last = dbforpostgresql.AdministratorsMicrosoftEntra(
                name,
                object_id=home.admin_principal_id,
                principal_name=ADMIN_ROLE,
                principal_type="ServicePrincipal",
                tenant_id=home.tenant_id,
                **place,
                opts=self._depend_on_last(),
            )
        self.register_outputs({})

    def _depend_on_last(self, *, protect: bool = False) -> pulumi.ResourceOptions:
        return child_of(self, None, protect=protect, after=[self._last])
