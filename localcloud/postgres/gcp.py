"""Cloud SQL for PostgreSQL: instances with their database flags, databases and users."""

# ruff: noqa: ARG002 - the signatures are those of every emulator
from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.x509.oid import NameOID

from localcloud.emulator import EmulatorError, Made, Properties, Resource
from localcloud.identity import Authority
from localcloud.postgres import fleet, server_registry
from localcloud.postgres.fleet import forget_operator, is_there, make_database, make_operator, remove_database, tell
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

CLOUD = "gcp"
PROJECT = "living-fortress-local"
DEFAULT_REGION = "europe-west3"
ABANDON = "ABANDON"
NEVER = "NEVER"
API = "https://sqladmin.googleapis.com/sql/v1beta4"

ADMIN = "cloudsqlsuperuser"
ADMIN_HAS = (
    "pg_checkpoint",
    "pg_create_subscription",
    "pg_maintain",
    "pg_monitor",
    "pg_signal_backend",
    "pg_use_reserved_connections",
)
"""Cloud SQL, "PostgreSQL users and roles": what the cloudsqlsuperuser role may do."""

IAM_GROUPS: Mapping[str, str] = {
    "CLOUD_IAM_USER": "cloudsqliamuser",
    "CLOUD_IAM_SERVICE_ACCOUNT": "cloudsqliamserviceaccount",
    "CLOUD_IAM_GROUP": "cloudsqliamgroup",
}


class DatabaseInstance:
    """`gcp:sql/databaseInstance:DatabaseInstance`"""

    def create(self, sandbox: Sandbox, resource: Resource) -> Made:
        inputs = resource.inputs
        name = inputs.get("name") or resource.name.lower()
        project = _project(inputs, resource.provider)
        master = inputs.get("masterInstanceName")
        source = fleet.existing(sandbox, CLOUD, _last(str(master))) if master else None
        record = fleet.create(
            sandbox,
            CLOUD,
            name,
            resource,
            _set_up,
            port=fleet.port(sandbox, None),
            major=source.major if source else _major(inputs),
            parameters=_flags(inputs),
            source=source.key if source else None,
            iam_domain=f"{project}.iam",
        )
        if _is_off(inputs):
            Server(sandbox, record).stop()
        return Made(name, self._outputs(sandbox, record, resource.provider))

    def read(self, sandbox: Sandbox, identity: str, state: Properties) -> Properties | None:
        record = server_registry.find(sandbox, CLOUD, _last(identity))
        if record is None or not Server(sandbox, record).data.exists():
            return None
        now = {**record.inputs, **state}
        policy = "ALWAYS" if Server(sandbox, record).running else NEVER
        settings = dict(now.get("settings", {}))
        if settings.get("activationPolicy", "ALWAYS") != policy:
            now["settings"] = {**settings, "activationPolicy": policy}
        return {**now, **self._outputs(sandbox, record, {})}

    def update(self, sandbox: Sandbox, identity: str, old: Properties, resource: Resource) -> Properties:
        record = fleet.existing(sandbox, CLOUD, _last(identity))
        inputs = server_registry.without_passwords(resource.inputs)
        changes = {"urn": resource.urn, "inputs": inputs, "parameters": _flags(inputs)}
        if _is_off(inputs):
            record = fleet.note(sandbox, record, **changes)
            Server(sandbox, record).stop()
        else:
            record = fleet.apply(sandbox, record, **changes)
        return self._outputs(sandbox, record, resource.provider)

    def delete(self, sandbox: Sandbox, identity: str, state: Properties) -> None:
        record = server_registry.find(sandbox, CLOUD, _last(identity))
        if record is None or state.get("deletionPolicy") == ABANDON:
            return
        name = record.identifier
        if state.get("deletionProtection", True):
            raise EmulatorError(f"instance {name} is protected: set deletionProtection to false and run up first")
        if state.get("settings", {}).get("deletionProtectionEnabled"):
            raise EmulatorError(f"instance {name} is protected: set settings.deletionProtectionEnabled to false first")
        standbys = ", ".join(standby.identifier for standby in Server(sandbox, record).standbys())
        if standbys:
            raise EmulatorError(f"instance {name} has read replicas: delete {standbys} first")
        fleet.remove(sandbox, record)

    def _outputs(self, sandbox: Sandbox, record: ServerRecord, provider: Mapping[str, Any]) -> dict[str, Any]:
        inputs, name, address = record.inputs, record.identifier, record.address
        project = (record.iam_domain or "").removesuffix(".iam") or PROJECT
        region = inputs.get("region") or provider.get("region") or DEFAULT_REGION
        public = bool(_ip_configuration(inputs).get("ipv4Enabled", False))
        kinds = ["PRIMARY", "PRIVATE"] if public else ["PRIVATE"]
        outputs = {
            "connectionName": f"{project}:{region}:{name}",
            "firstIpAddress": address,
            "instanceType": "READ_REPLICA_INSTANCE" if record.source else "CLOUD_SQL_INSTANCE",
            "ipAddresses": [{"type": kind, "ipAddress": address} for kind in kinds],
            "maintenanceVersion": f"POSTGRES_{server_registry.binaries_of(record).version.replace('.', '_')}",
            "privateIpAddress": address,
            "publicIpAddress": address if public else "",
            "selfLink": f"{API}/projects/{project}/instances/{name}",
            "serverCaCerts": [_authority(sandbox)],
            "serviceAccountEmailAddress": f"p000000000000-{_letters(name)}@gcp-sa-cloud-sql.iam.gserviceaccount.com",
        }
        defaults = {"name": name, "project": project, "region": region}
        return {**{key: value for key, value in defaults.items() if key not in inputs}, **outputs}


class Database:
    """`gcp:sql/database:Database`"""

    def create(self, sandbox: Sandbox, resource: Resource) -> Made:
        record = _instance(sandbox, resource)
        name = str(resource.inputs.get("name") or resource.name)
        make_database(sandbox, record, name, ADMIN)
        project = _project(resource.inputs, resource.provider)
        identity = f"projects/{project}/instances/{record.identifier}/databases/{name}"
        return Made(identity, self._outputs(identity))

    def read(self, sandbox: Sandbox, identity: str, state: Properties) -> Properties | None:
        record, name = server_registry.find(sandbox, CLOUD, _instance_of(identity)), _last(identity)
        if not is_there(sandbox, record, lambda session: has_database(session, name)):
            return None
        return {**state, **self._outputs(identity)}

    def update(self, sandbox: Sandbox, identity: str, old: Properties, resource: Resource) -> Properties:
        return self._outputs(identity)

    def delete(self, sandbox: Sandbox, identity: str, state: Properties) -> None:
        record = server_registry.find(sandbox, CLOUD, _instance_of(identity))
        if record is not None and state.get("deletionPolicy") != ABANDON:
            remove_database(sandbox, record, _last(identity))

    def _outputs(self, identity: str) -> dict[str, Any]:
        return {"name": _last(identity), "selfLink": f"{API}/{identity}"}


class User:
    """`gcp:sql/user:User`; an IAM user logs in by its own identity, any other one has no way in here."""

    def create(self, sandbox: Sandbox, resource: Resource) -> Made:
        record, name = _instance(sandbox, resource), _user_name(resource)
        self._grant(sandbox, record, resource, name)
        if ADMIN in resource.inputs.get("databaseRoles", []) and name.endswith(f"@{record.iam_domain}"):
            make_operator(sandbox, record, name)
        return Made(f"{name}//{record.identifier}", {"name": name})

    def read(self, sandbox: Sandbox, identity: str, state: Properties) -> Properties | None:
        name, record = identity.partition("/")[0], server_registry.find(sandbox, CLOUD, _last(identity))
        if record is None or not is_there(sandbox, record, lambda session: has_role(session, name)):
            return None
        return {**state, "name": name, "instance": record.identifier}

    def update(self, sandbox: Sandbox, identity: str, old: Properties, resource: Resource) -> Properties:
        name = _user_name(resource)
        self._grant(sandbox, _instance(sandbox, resource), resource, name)
        return {"name": name}

    def delete(self, sandbox: Sandbox, identity: str, state: Properties) -> None:
        name, record = identity.partition("/")[0], server_registry.find(sandbox, CLOUD, _last(identity))
        if record is not None and state.get("deletionPolicy") != ABANDON:
            tell(sandbox, record, lambda session: drop_role(session, name))
            forget_operator(sandbox, record, name)

    def _grant(self, sandbox: Sandbox, record: ServerRecord, resource: Resource, name: str) -> None:
        group = IAM_GROUPS.get(str(resource.inputs.get("type")))
        # As in the service: of users made without a word on roles, an IAM user may nothing, any other one all.
        roles = resource.inputs.get("databaseRoles", [] if group else [ADMIN])

        def grant(session: Session) -> None:
            for role in roles:
                if not has_role(session, role):
                    raise EmulatorError(f"user {name}: there is no role {role}")
            ensure_role(session, name, ADMINISTRATES if ADMIN in roles else "login")
            grant_roles(session, [*([group] if group else []), *roles], name)

        tell(sandbox, record, grant)


def _set_up(session: Session) -> None:
    ensure_role(session, ADMIN)
    grant_roles(session, ADMIN_HAS, ADMIN, "with admin option")
    for group in IAM_GROUPS.values():
        ensure_role(session, group)


def _instance(sandbox: Sandbox, resource: Resource) -> ServerRecord:
    return fleet.existing(sandbox, CLOUD, _last(str(resource.inputs["instance"])))


def _flags(inputs: Properties) -> dict[str, str]:
    flags = inputs.get("settings", {}).get("databaseFlags", [])
    return {flag["name"]: str(flag["value"]) for flag in flags}


def _is_off(inputs: Properties) -> bool:
    return bool(inputs.get("settings", {}).get("activationPolicy") == NEVER)


def _ip_configuration(inputs: Properties) -> Mapping[str, Any]:
    found: Mapping[str, Any] = inputs.get("settings", {}).get("ipConfiguration", {})
    return found


def _major(inputs: Properties) -> int:
    version = str(inputs.get("databaseVersion"))
    found = re.fullmatch(r"POSTGRES_(\d+)", version)
    if found is None:
        raise EmulatorError(f"databaseVersion {version!r}: only POSTGRES_<n> has a real server on this machine")
    return int(found[1])


def _user_name(resource: Resource) -> str:
    name = str(resource.inputs.get("name") or resource.name)
    if name.endswith(".gserviceaccount.com"):
        raise EmulatorError(f"user {name}: PostgreSQL names a service account without .gserviceaccount.com")
    return name


def _project(inputs: Properties, provider: Mapping[str, Any]) -> str:
    return str(inputs.get("project") or provider.get("project") or PROJECT)


def _authority(sandbox: Sandbox) -> dict[str, str]:
    text = Authority.of(sandbox).ca_certificate.read_text()
    certificate = x509.load_pem_x509_certificate(text.encode())
    (name,) = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    return {
        "cert": text,
        "commonName": str(name.value),
        "createTime": certificate.not_valid_before_utc.isoformat(),
        "expirationTime": certificate.not_valid_after_utc.isoformat(),
        "sha1Fingerprint": certificate.fingerprint(hashes.SHA1()).hex(),  # noqa: S303 - the API's own field
    }


def _letters(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()[:6]


def _last(path: str) -> str:
    return path.rpartition("/")[2]


def _instance_of(identity: str) -> str:
    """The instance in `projects/<project>/instances/<instance>/databases/<name>`."""
    return _last(identity.rpartition("/databases/")[0])
