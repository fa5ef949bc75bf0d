"""Azure Database for PostgreSQL, flexible server: servers, their configurations, databases and Entra administrators."""

# ruff: noqa: ARG002 - the signatures are those of every emulator
from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import psycopg

from localcloud.emulator import EmulatorError, Made, Properties, Resource
from localcloud.postgres import binaries, fleet, server_registry
from localcloud.postgres.binaries import Setting
from localcloud.postgres.fleet import forget_operator, is_there, make_database, make_operator, remove_database, tell
from localcloud.postgres.parameters import is_known, is_static
from localcloud.postgres.server import Server
from localcloud.postgres.server_registry import ServerRecord
from localcloud.postgres.sessions import (
    ADMINISTRATES,
    Session,
    drop_role,
    ensure_role,
    grant_roles,
    has_database,
    has_role,
)
from localcloud.sandbox import Sandbox

CLOUD = "azure"
SUBSCRIPTION = "00000000-0000-0000-0000-000000000000"
SERVERS = "Microsoft.DBforPostgreSQL/flexibleServers"
REPLICA = "Replica"
MAX_REPLICAS = 5

ADMIN = "azure_pg_admin"
ADMIN_HAS = (
    "pg_checkpoint",
    "pg_create_subscription",
    "pg_maintain",
    "pg_monitor",
    "pg_read_all_data",
    "pg_signal_backend",
    "pg_use_reserved_connections",
    "pg_write_all_data",
)
"""Azure Database for PostgreSQL, "Access management", the predefined roles that come with azure_pg_admin."""

PRINCIPALS = """
create or replace function pgaadauth_create_principal_with_oid(
    role_name text, object_id text, object_type text, is_admin boolean, is_mfa boolean
) returns text language plpgsql security definer set search_path = pg_catalog as $$
begin
    execute format('create role %I login', role_name);
    execute format('comment on role %I is %L', role_name, format('aadauth,oid=%s,type=%s', object_id, object_type));
    if is_admin then
        execute format('grant azure_pg_admin to %I with admin option', role_name);
        execute format('alter role %I createdb createrole replication', role_name);
    end if;
    return format('Created role for %I', role_name);
end $$;
create or replace function pgaadauth_create_principal(role_name text, is_admin boolean, is_mfa boolean)
returns text language sql security definer set search_path = pg_catalog as $$
    select public.pgaadauth_create_principal_with_oid(role_name, '', 'service', is_admin, is_mfa)
$$;
revoke execute on function
    pgaadauth_create_principal_with_oid(text, text, text, boolean, boolean),
    pgaadauth_create_principal(text, boolean, boolean)
from public;
grant execute on function
    pgaadauth_create_principal_with_oid(text, text, text, boolean, boolean),
    pgaadauth_create_principal(text, boolean, boolean)
to azure_pg_admin;
"""
"""Azure Database for PostgreSQL, "Manage Microsoft Entra roles": they lie in the database postgres."""


class FlexibleServer:
    """`azure-native:dbforpostgresql:Server`"""

    def create(self, sandbox: Sandbox, resource: Resource) -> Made:
        inputs = resource.inputs
        source = _source(sandbox, inputs)
        name = inputs.get("serverName") or resource.name.lower()
        record = fleet.create(
            sandbox,
            CLOUD,
            name,
            resource,
            _set_up,
            port=fleet.port(sandbox, None),
            major=source.major if source else _major(inputs),
            source=source.key if source else None,
        )
        return Made(_server_id(inputs, resource, name), _server_outputs(sandbox, record))

    def read(self, sandbox: Sandbox, identity: str, state: Properties) -> Properties | None:
        record = server_registry.find(sandbox, CLOUD, _last(identity))
        if record is None or not Server(sandbox, record).data.exists():
            return None
        return {**record.inputs, **state, **_server_outputs(sandbox, record)}

    def update(self, sandbox: Sandbox, identity: str, old: Properties, resource: Resource) -> Properties:
        record = fleet.existing(sandbox, CLOUD, _last(identity))
        if resource.inputs.get("replicationRole") == "None":
            record = fleet.promote(sandbox, record)
        changed = fleet.apply(
            sandbox, record, urn=resource.urn, inputs=server_registry.without_passwords(resource.inputs)
        )
        return _server_outputs(sandbox, changed)

    def delete(self, sandbox: Sandbox, identity: str, state: Properties) -> None:
        record = server_registry.find(sandbox, CLOUD, _last(identity))
        if record is not None:
            fleet.remove(sandbox, record)


class Configuration:
    """`azure-native:dbforpostgresql:Configuration`, one parameter of a server; a static one restarts it."""

    def create(self, sandbox: Sandbox, resource: Resource) -> Made:
        name = str(resource.inputs.get("configurationName") or resource.name)
        record = self._set(sandbox, resource, name)
        return Made(_child_id(resource, record, "configurations", name), self._outputs(name))

    def read(self, sandbox: Sandbox, identity: str, state: Properties) -> Properties | None:
        record, name = server_registry.find(sandbox, CLOUD, _server_of(identity)), _last(identity)
        if record is None or name not in record.parameters:
            return None
        return {**state, "value": record.parameters[name], **self._outputs(name)}

    def update(self, sandbox: Sandbox, identity: str, old: Properties, resource: Resource) -> Properties:
        self._set(sandbox, resource, _last(identity))
        return self._outputs(_last(identity))

    def delete(self, sandbox: Sandbox, identity: str, state: Properties) -> None:
        """The parameter goes back to its default."""
        record, name = server_registry.find(sandbox, CLOUD, _server_of(identity)), _last(identity)
        if record is not None and name in record.parameters:
            fleet.edit(sandbox, record, lambda now: replace(now, parameters=_without(now.parameters, name)))

    def _set(self, sandbox: Sandbox, resource: Resource, name: str) -> ServerRecord:
        server = str(resource.inputs["serverName"])
        if not is_known(name, binaries.find()):
            raise EmulatorError(f"server {server}: there is no parameter {name!r}")
        value = str(resource.inputs.get("value", ""))
        record = fleet.existing(sandbox, CLOUD, server)
        return fleet.edit(sandbox, record, lambda now: replace(now, parameters={**now.parameters, name: value}))

    def _outputs(self, name: str) -> dict[str, Any]:
        known = binaries.find()
        setting = known.settings.get(name, Setting(name, "user", "STRING", "", "", "", ""))
        return {
            "allowedValues": f"{setting.least}-{setting.most}" if setting.least else "",
            "dataType": setting.kind.capitalize(),
            "defaultValue": setting.default,
            "description": setting.description,
            "isConfigPendingRestart": False,
            "isDynamicConfig": not is_static(name, known),
            "isReadOnly": False,
            "name": name,
            "type": f"{SERVERS}/configurations",
        }


class Database:
    """`azure-native:dbforpostgresql:Database`"""

    def create(self, sandbox: Sandbox, resource: Resource) -> Made:
        record = fleet.existing(sandbox, CLOUD, str(resource.inputs["serverName"]))
        name = str(resource.inputs.get("databaseName") or resource.name)
        make_database(sandbox, record, name, ADMIN)
        return Made(_child_id(resource, record, "databases", name), self._outputs(name))

    def read(self, sandbox: Sandbox, identity: str, state: Properties) -> Properties | None:
        record, name = server_registry.find(sandbox, CLOUD, _server_of(identity)), _last(identity)
        if not is_there(sandbox, record, lambda session: has_database(session, name)):
            return None
        return {**state, **self._outputs(name)}

    def update(self, sandbox: Sandbox, identity: str, old: Properties, resource: Resource) -> Properties:
        return self._outputs(_last(identity))

    def delete(self, sandbox: Sandbox, identity: str, state: Properties) -> None:
        record = server_registry.find(sandbox, CLOUD, _server_of(identity))
        if record is not None:
            remove_database(sandbox, record, _last(identity))

    def _outputs(self, name: str) -> dict[str, Any]:
        return {"name": name, "type": f"{SERVERS}/databases"}


class EntraAdministrator:
    """`azure-native:dbforpostgresql:AdministratorsMicrosoftEntra`"""

    def create(self, sandbox: Sandbox, resource: Resource) -> Made:
        record = fleet.existing(sandbox, CLOUD, str(resource.inputs["serverName"]))
        name = str(resource.inputs.get("principalName") or resource.inputs["objectId"])

        def make(session: Session) -> None:
            ensure_role(session, name, ADMINISTRATES)
            grant_roles(session, [ADMIN], name, "with admin option")

        tell(sandbox, record, make)
        make_operator(sandbox, record, name)
        identity = _child_id(resource, record, "administrators", str(resource.inputs["objectId"]))
        return Made(identity, self._outputs(identity))

    def read(self, sandbox: Sandbox, identity: str, state: Properties) -> Properties | None:
        record, name = server_registry.find(sandbox, CLOUD, _server_of(identity)), str(state.get("principalName"))
        if not is_there(sandbox, record, lambda session: has_role(session, name)):
            return None
        return {**state, **self._outputs(identity)}

    def update(self, sandbox: Sandbox, identity: str, old: Properties, resource: Resource) -> Properties:
        return self._outputs(identity)

    def delete(self, sandbox: Sandbox, identity: str, state: Properties) -> None:
        """The administrator's role goes; where it owns something, it stays without a way to log in."""
        record, name = server_registry.find(sandbox, CLOUD, _server_of(identity)), str(state.get("principalName"))
        if record is None:
            return

        def unmake(session: Session) -> None:
            try:
                drop_role(session, name)
            except psycopg.errors.DependentObjectsStillExist:
                ensure_role(session, name, "nologin nocreatedb nocreaterole noreplication")

        tell(sandbox, record, unmake)
        forget_operator(sandbox, record, name)

    def _outputs(self, identity: str) -> dict[str, Any]:
        return {"name": _last(identity), "type": f"{SERVERS}/administrators"}


def _set_up(session: Session) -> None:
    ensure_role(session, ADMIN)
    grant_roles(session, ADMIN_HAS, ADMIN, "with admin option")
    session.execute(PRINCIPALS)


def _server_outputs(sandbox: Sandbox, record: ServerRecord) -> dict[str, Any]:
    version = server_registry.binaries_of(record).version
    outputs = {
        "fullyQualifiedDomainName": record.address,
        "minorVersion": version.partition(".")[2],
        "name": record.identifier,
        "privateEndpointConnections": [],
        "replicaCapacity": 0 if record.source else MAX_REPLICAS,
        "state": "Ready" if Server(sandbox, record).running else "Stopped",
        "type": SERVERS,
    }
    defaults = {
        "replicationRole": "AsyncReplica" if record.source else "Primary",
        "version": str(record.major),
    }
    return {**{name: value for name, value in defaults.items() if name not in record.inputs}, **outputs}


def _source(sandbox: Sandbox, inputs: Properties) -> ServerRecord | None:
    if inputs.get("createMode") != REPLICA:
        return None
    return fleet.existing(sandbox, CLOUD, _last(str(inputs.get("sourceServerResourceId", ""))))


def _major(inputs: Properties) -> int | None:
    return int(inputs["version"]) if inputs.get("version") else None


def _server_id(inputs: Properties, resource: Resource, name: str) -> str:
    subscription = resource.provider.get("subscriptionId") or SUBSCRIPTION
    group = inputs["resourceGroupName"]
    return f"/subscriptions/{subscription}/resourceGroups/{group}/providers/{SERVERS}/{name}"


def _child_id(resource: Resource, record: ServerRecord, kind: str, name: str) -> str:
    return f"{_server_id(resource.inputs, resource, record.identifier)}/{kind}/{name}"


def _last(identity: str) -> str:
    """The name of what an Azure resource id names."""
    return identity.rpartition("/")[2]


def _server_of(identity: str) -> str:
    """The name of the server in a child's id."""
    return _last(identity.rpartition("/")[0].rpartition("/")[0])


def _without(parameters: Mapping[str, str], name: str) -> dict[str, str]:
    return {key: value for key, value in parameters.items() if key != name}
