"""Amazon RDS: instances as real servers, with the settings of their parameter groups."""

# ruff: noqa: ARG002 - the signatures are those of every emulator
from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from localcloud.emulator import EmulatorError, Made, Properties, Resource
from localcloud.postgres import fleet, parameters, server_registry
from localcloud.postgres.server import Server, Setup
from localcloud.postgres.server_registry import ServerRecord
from localcloud.postgres.sessions import ADMINISTRATES, Session, ensure_database, ensure_role, grant_roles
from localcloud.sandbox import Sandbox

CLOUD = "aws"
ACCOUNT = "000000000000"
DEFAULT_REGION = "eu-central-1"
DEFAULT_MASTER = "postgres"

ADMIN = "rds_superuser"
ADMIN_HAS = (
    "pg_checkpoint",
    "pg_create_subscription",
    "pg_maintain",
    "pg_monitor",
    "pg_signal_backend",
    "pg_use_reserved_connections",
    "rds_iam",
    "rds_password",
    "rds_replication",
)
"""Amazon RDS User Guide, "Understanding the rds_superuser role"."""


class Instance:
    """`aws:rds/instance:Instance`"""

    def create(self, sandbox: Sandbox, resource: Resource) -> Made:
        inputs = resource.inputs
        source = _source(sandbox, inputs)
        group = inputs.get("parameterGroupName") or (source.inputs.get("parameterGroupName") if source else None)
        if source is None and inputs.get("engine") != "postgres":
            raise EmulatorError(f"engine {inputs.get('engine')!r}: only postgres has a real server on this machine")
        username = source.operator if source else inputs.get("username", DEFAULT_MASTER)
        record = fleet.create(
            sandbox,
            CLOUD,
            identifier(resource),
            resource,
            _setup(username, inputs.get("dbName")),
            port=fleet.port(sandbox, inputs.get("port")),
            major=source.major if source else _major(inputs),
            parameters=parameters.of_group(sandbox, group),
            source=source.key if source else None,
            database=source.database if source else inputs.get("dbName", "postgres"),
            operator=username,
        )
        return Made(_resource_id(record), self._outputs(sandbox, record, resource.provider))

    def read(self, sandbox: Sandbox, identity: str, state: Properties) -> Properties | None:
        record = _by_identity(sandbox, identity)
        if record is None or not Server(sandbox, record).data.exists():
            return None
        return {**record.inputs, **state, **self._outputs(sandbox, record, {"region": _region_of(state)})}

    def update(self, sandbox: Sandbox, identity: str, old: Properties, resource: Resource) -> Properties:
        record = _by_identity(sandbox, identity)
        if record is None:
            raise EmulatorError(f"DB instance {identity} does not exist")
        if not resource.inputs.get("replicateSourceDb"):
            record = fleet.promote(sandbox, record)
        if identifier(resource) != record.identifier and server_registry.find(sandbox, CLOUD, identifier(resource)):
            raise EmulatorError(f"DB instance {identifier(resource)} exists already")
        group = resource.inputs.get("parameterGroupName")
        record = fleet.apply(
            sandbox,
            record,
            identifier=identifier(resource),
            urn=resource.urn,
            inputs=server_registry.without_passwords(resource.inputs),
            parameters=parameters.of_group(sandbox, group) if group else record.parameters,
        )
        return self._outputs(sandbox, record, resource.provider)

    def delete(self, sandbox: Sandbox, identity: str, state: Properties) -> None:
        record = _by_identity(sandbox, identity)
        if record is None:
            return
        if state.get("deletionProtection"):
            raise EmulatorError(f"DB instance {record.identifier} is protected: set deletionProtection to false first")
        if not state.get("skipFinalSnapshot") and not state.get("finalSnapshotIdentifier") and not record.source:
            raise EmulatorError(
                f"DB instance {record.identifier}: finalSnapshotIdentifier is required unless skipFinalSnapshot"
            )
        fleet.remove(sandbox, record)

    def _outputs(self, sandbox: Sandbox, record: ServerRecord, provider: Mapping[str, Any]) -> dict[str, Any]:
        region = _region_of(record.inputs) or _region_of(provider) or DEFAULT_REGION
        version = server_registry.binaries_of(record).version
        outputs = {
            "address": record.address,
            "arn": f"arn:aws:rds:{region}:{ACCOUNT}:db:{record.identifier}",
            "endpoint": f"{record.address}:{record.port}",
            "engine": "postgres",
            "engineVersionActual": version,
            "hostedZoneId": f"Z{_digest(region, 13)}",
            "identifier": record.identifier,
            "port": record.port,
            "resourceId": _resource_id(record),
            "status": "available" if Server(sandbox, record).running else "stopped",
            "username": record.operator,
        }
        defaults = {
            "availabilityZone": f"{region}a",
            "caCertIdentifier": "rds-ca-rsa2048-g1",
            "dbName": record.database,
            "engineVersion": version,
            "parameterGroupName": f"default.postgres{record.major}",
        }
        return {**_absent(defaults, record.inputs), **outputs, "masterUserSecrets": _secrets(record, region)}


class ParameterGroup:
    """`aws:rds/parameterGroup:ParameterGroup`; its values reach the instances that use it at once."""

    def create(self, sandbox: Sandbox, resource: Resource) -> Made:
        name = resource.inputs.get("name") or resource.name.lower()
        parameters.write_group(sandbox, name, resource.inputs)
        return Made(name, self._outputs(name, resource.provider))

    def read(self, sandbox: Sandbox, identity: str, state: Properties) -> Properties | None:
        now = parameters.read_group(sandbox, identity)
        return None if now is None else {**state, **now, "name": identity}

    def update(self, sandbox: Sandbox, identity: str, old: Properties, resource: Resource) -> Properties:
        before = parameters.read_group(sandbox, identity)
        parameters.write_group(sandbox, identity, resource.inputs)
        wanted = parameters.of_group(sandbox, identity)
        try:
            for record in parameters.users_of_group(sandbox, identity):
                fleet.apply(sandbox, record, parameters=wanted)
        except EmulatorError:
            parameters.write_group(sandbox, identity, before or {})
            raise
        return self._outputs(identity, resource.provider)

    def delete(self, sandbox: Sandbox, identity: str, state: Properties) -> None:
        members = ", ".join(record.identifier for record in parameters.users_of_group(sandbox, identity))
        if members:
            raise EmulatorError(f"parameter group {identity} is in use by {members}")
        parameters.remove_group(sandbox, identity)

    def _outputs(self, name: str, provider: Mapping[str, Any]) -> dict[str, Any]:
        region = _region_of(provider) or DEFAULT_REGION
        return {"arn": f"arn:aws:rds:{region}:{ACCOUNT}:pg:{name}", "name": name}


def identifier(resource: Resource) -> str:
    """The instance's name, generated from its prefix or logical name where it has none."""
    inputs = resource.inputs
    prefix = inputs.get("identifierPrefix") or f"{resource.name.lower()}-"
    return str(inputs.get("identifier") or f"{prefix}{_digest(resource.urn, 7).lower()}")


def _setup(username: str, database: str | None) -> Setup:
    def setup(session: Session) -> None:
        for role in (ADMIN, "rds_iam", "rds_password", "rds_replication"):
            ensure_role(session, role)
        grant_roles(session, ADMIN_HAS, ADMIN, "with admin option")
        ensure_role(session, username, ADMINISTRATES)
        grant_roles(session, [ADMIN], username)
        if database:
            ensure_database(session, database, username)

    return setup


def _source(sandbox: Sandbox, inputs: Properties) -> ServerRecord | None:
    """The instance to follow, which is named by its identifier or ARN."""
    named = inputs.get("replicateSourceDb")
    return fleet.existing(sandbox, CLOUD, str(named).rpartition(":")[2]) if named else None


def _by_identity(sandbox: Sandbox, identity: str) -> ServerRecord | None:
    """By resource id; an import may name the identifier."""
    servers = [record for record in server_registry.every(sandbox) if record.cloud == CLOUD]
    return next((record for record in servers if identity in (_resource_id(record), record.identifier)), None)


def _major(inputs: Properties) -> int | None:
    version = str(inputs.get("engineVersion") or "")
    return int(version.partition(".")[0]) if version else None


def _region_of(properties: Properties) -> str | None:
    region = properties.get("region")
    return str(region) if region else None


def _resource_id(record: ServerRecord) -> str:
    return f"db-{_digest(record.key, 26)}"


def _secrets(record: ServerRecord, region: str) -> list[dict[str, str]]:
    """Where Secrets Manager would keep the master's password; here none exists."""
    if not record.inputs.get("manageMasterUserPassword"):
        return []
    name = f"rds!{_resource_id(record).lower()}"
    secret = {"secretArn": f"arn:aws:secretsmanager:{region}:{ACCOUNT}:secret:{name}", "secretStatus": "active"}
    key = record.inputs.get("masterUserSecretKmsKeyId")
    return [{**secret, "kmsKeyId": key} if key else secret]


def _absent(defaults: Mapping[str, Any], inputs: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in defaults.items() if name not in inputs}


def _digest(text: str, length: int) -> str:
    return hashlib.sha256(text.encode()).hexdigest().upper()[:length]
