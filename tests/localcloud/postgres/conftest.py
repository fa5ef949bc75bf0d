"""Sandboxes with database servers in them, made through the emulators as the engine would make them."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest

from localcloud.emulator import Made, Resource, emulator_for
from localcloud.identity import Authority
from localcloud.postgres import server_registry
from localcloud.postgres.server_registry import ServerRecord
from localcloud.sandbox import Sandbox
from localcloud.supervision import Supervisor

PROJECT = "living-fortress-local"
PROVIDERS: Mapping[str, Mapping[str, Any]] = {
    "aws": {"region": "eu-central-1", "allowedAccountIds": ["000000000000"]},
    "azure-native": {"subscriptionId": "00000000-0000-0000-0000-000000000000"},
    "gcp": {"project": PROJECT, "region": "europe-west3"},
}
INSTANCE = "aws:rds/instance:Instance"
GROUP = "aws:rds/parameterGroup:ParameterGroup"
FLEXIBLE = "azure-native:dbforpostgresql:Server"
CLOUD_SQL = "gcp:sql/databaseInstance:DatabaseInstance"
SERVERS = {"aws": INSTANCE, "azure": FLEXIBLE, "gcp": CLOUD_SQL}
SECONDS = 30.0

PARAMETERS = {"max_connections": "60", "statement_timeout": "12345"}
"""What every server of these tests is asked for, each in its cloud's own way."""


@dataclass
class DatabaseSandbox:
    """A sandbox, and the calls that the provider would make in it."""

    sandbox: Sandbox

    @property
    def supervisor(self) -> Supervisor:
        return Supervisor(self.sandbox)

    def resource(self, token: str, name: str, inputs: Mapping[str, Any]) -> Resource:
        urn = f"urn:pulumi:local::living-fortress::{token}::{name}"
        return Resource(urn, token, name, inputs, PROVIDERS[token.partition(":")[0]])

    def make(self, token: str, logical: str, /, **inputs: Any) -> Made:
        return emulator_for(token).create(self.sandbox, self.resource(token, logical, inputs))

    def read(self, token: str, made: Made, **state: Any) -> dict[str, Any] | None:
        now = emulator_for(token).read(self.sandbox, made.id, {**made.outputs, **state})
        return None if now is None else dict(now)

    def update(self, token: str, logical: str, made: Made, /, **inputs: Any) -> dict[str, Any]:
        return dict(emulator_for(token).update(self.sandbox, made.id, {}, self.resource(token, logical, inputs)))

    def delete(self, token: str, made: Made, **state: Any) -> None:
        emulator_for(token).delete(self.sandbox, made.id, {**made.outputs, **state})

    def server(self, cloud: str, name: str = "one") -> ServerRecord:
        """A server of that cloud with PARAMETERS, database `ledger` and administrator `migrator`."""
        return getattr(self, f"_{cloud}")(f"local-{cloud}-{name}")

    def replica(self, record: ServerRecord, name: str) -> Made:
        """A standby of that server, made the cloud's own way."""
        if record.cloud == "aws":
            return self.make(INSTANCE, name, identifier=name, replicateSourceDb=record.identifier)
        if record.cloud == "azure":
            source = f"/subscriptions/x/resourceGroups/data/providers/y/flexibleServers/{record.identifier}"
            inputs = {"resourceGroupName": "data", "createMode": "Replica", "sourceServerResourceId": source}
            return self.make(FLEXIBLE, name, serverName=name, **inputs)
        return self.make(CLOUD_SQL, name, name=name, masterInstanceName=record.identifier)

    def type_of(self, record: ServerRecord) -> str:
        """The type token of the server itself."""
        return SERVERS[record.cloud]

    def record(self, cloud: str, identifier: str) -> ServerRecord:
        found = server_registry.find(self.sandbox, cloud, identifier)
        assert found is not None
        return found

    def login(
        self, record: ServerRecord, certificate: str, role: str | None = None, **options: Any
    ) -> psycopg.Connection:
        """A session by client certificate."""
        authority = Authority.of(self.sandbox)
        pair = authority.client_certificate(certificate)
        return psycopg.connect(
            **{
                "host": record.address,
                "port": record.port,
                "dbname": record.database,
                "user": role or certificate,
                "sslmode": "verify-full",
                "sslrootcert": str(authority.ca_certificate),
                "sslcert": str(pair.certificate),
                "sslkey": str(pair.key),
                "autocommit": True,
                "connect_timeout": 5,
                **options,
            }
        )

    def migrator(self, record: ServerRecord, **options: Any) -> psycopg.Connection:
        return self.login(record, "migrator", record.operator, **options)

    def ask(self, record: ServerRecord, question: str) -> Any:
        """The first value that the question answers, asked as administrator."""
        with self.migrator(record) as session:
            row = session.execute(question).fetchone()
        return row[0] if row else None

    def _aws(self, name: str) -> ServerRecord:
        parameters = [{"name": key, "value": value} for key, value in PARAMETERS.items()]
        self.make(GROUP, name, name=name, family="postgres17", parameters=parameters)
        self.make(
            INSTANCE,
            name,
            identifier=name,
            engine="postgres",
            engineVersion="17",
            dbName="ledger",
            username="migrator",
            parameterGroupName=name,
            manageMasterUserPassword=True,
            skipFinalSnapshot=True,
        )
        return self.record("aws", name)

    def _azure(self, name: str) -> ServerRecord:
        where = {"resourceGroupName": "data", "serverName": name}
        self.make(FLEXIBLE, name, **where, version="17", createMode="Default")
        for key, value in PARAMETERS.items():
            token = "azure-native:dbforpostgresql:Configuration"
            self.make(token, f"{name}-{key}", **where, configurationName=key, value=value, source="user-override")
        admin = {"objectId": "11111111-2222-3333-4444-555555555555", "principalName": "migrator"}
        self.make("azure-native:dbforpostgresql:AdministratorsMicrosoftEntra", name, **where, **admin)
        self.make("azure-native:dbforpostgresql:Database", name, **where, databaseName="ledger")
        return self.record("azure", name)

    def _gcp(self, name: str) -> ServerRecord:
        flags = [{"name": key, "value": value} for key, value in PARAMETERS.items()]
        settings = {"tier": "db-f1-micro", "databaseFlags": flags, "activationPolicy": "ALWAYS"}
        self.make(
            CLOUD_SQL, name, name=name, databaseVersion="POSTGRES_17", settings=settings, deletionProtection=False
        )
        self.make(
            "gcp:sql/user:User",
            name,
            instance=name,
            name=f"migrator@{PROJECT}.iam",
            type="CLOUD_IAM_SERVICE_ACCOUNT",
            databaseRoles=["cloudsqlsuperuser"],
        )
        self.make("gcp:sql/database:Database", name, instance=name, name="ledger")
        return self.record("gcp", name)


def _fresh() -> Iterator[DatabaseSandbox]:
    root = Path(tempfile.mkdtemp(prefix="lf-", dir="/tmp"))
    sandbox = Sandbox.open(root)
    try:
        yield DatabaseSandbox(sandbox)
    finally:
        Supervisor(sandbox).shutdown()
        shutil.rmtree(root)


@pytest.fixture(scope="module")
def cloud_sandbox() -> Iterator[DatabaseSandbox]:
    """Shared by the tests of a module, which leave its servers as they found them."""
    yield from _fresh()


@pytest.fixture
def own_sandbox() -> Iterator[DatabaseSandbox]:
    """For a test that breaks things."""
    yield from _fresh()


@pytest.fixture(scope="module", params=["aws", "azure", "gcp"])
def server(request: pytest.FixtureRequest, cloud_sandbox: DatabaseSandbox) -> ServerRecord:
    """One server of each cloud."""
    return cloud_sandbox.server(request.param)


def processes_of(sandbox: Sandbox) -> list[int]:
    """The processes that have this sandbox's folder in their command line."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            line = (folder / "cmdline").read_bytes().decode(errors="replace")
        except OSError:
            continue
        if str(sandbox.root) in line and int(folder.name) != os.getpid():
            found.append(int(folder.name))
    return found


@pytest.fixture(name="processes_of")
def _processes_of() -> Callable[[Sandbox], list[int]]:
    return processes_of
