"""A database as its clients see it: addresses and logins, never a secret."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import pulumi

from components.common import Cloud
from components.database.settings import PostgresSettings


@dataclass(frozen=True, kw_only=True)
class Login:
    """A role and its authentication."""

    user: pulumi.Input[str]
    login: str
    """aws-iam, aws-secret, azure-entra or gcp-iam."""
    secret: pulumi.Input[str] | None = None
    """For aws-secret, the ARN of the credential in Secrets Manager; the credential itself is nowhere here."""
    principal: pulumi.Input[str] | None = None
    """For azure-entra, the object id of the principal behind the role."""

    def facts(self) -> dict[str, Any]:
        optional = {"secret": self.secret, "principal": self.principal}
        return {"user": self.user, "login": self.login, **_drop_missing(optional)}


@dataclass(frozen=True, kw_only=True)
class ReplicaEndpoint:
    """A read replica as its clients see it; it has its primary's database and roles."""

    host: pulumi.Output[str]
    """The name in the server's certificate."""
    address: pulumi.Output[str] | None = None
    """As for the primary."""
    authority: pulumi.Output[str] | None = None
    port: pulumi.Output[int] | None = None
    resource_id: pulumi.Output[str] | None = None
    """As for the primary, but with its own value."""

    def facts(self, home: Cloud, region: str) -> dict[str, Any]:
        """Return the replica as the directory lists it."""
        optional = {"address": self.address, "authority": self.authority, "port": self.port}
        return {"host": self.host, "home": home, "region": region, **_drop_missing(optional)}


@dataclass(frozen=True, kw_only=True)
class Endpoint:
    """One database server as its clients see it."""

    home: Cloud
    region: str
    identifier: pulumi.Output[str]
    host: pulumi.Output[str]
    """The name in the server's certificate."""
    port: pulumi.Output[int] | None
    """None if the service uses only PostgreSQL's default port."""
    database: str
    app: Login
    admin: Login
    address: pulumi.Output[str] | None = None
    """Private address, if not every network's DNS can resolve the host."""
    authority: pulumi.Output[str] | None = None
    """CA certificates (PEM) of the server, if it has its own authority."""
    arn: pulumi.Output[str] | None = None
    """Only for RDS servers."""
    resource_id: pulumi.Output[str] | None = None
    """The immutable id that IAM database logins to an RDS server are bound to."""
    replicas: list[ReplicaEndpoint] = field(default_factory=list)

    def facts(self) -> dict[str, Any]:
        """Return the endpoint as an entry of the directory that the app reads."""
        return {
            "home": self.home,
            "region": self.region,
            "host": self.host,
            **_drop_missing({"address": self.address, "authority": self.authority}),
            "port": self.port,
            "database": self.database,
            "app": self.app.facts(),
            "admin": self.admin.facts(),
            "replicas": [replica.facts(self.home, self.region) for replica in self.replicas],
        }


def _drop_missing(facts: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in facts.items() if value is not None}


class PlacedDatabase(Protocol):
    """Any of the three database components."""

    @property
    def endpoint(self) -> Endpoint: ...


class Home(Protocol):
    """A cloud region that databases can be placed in."""

    @property
    def cloud(self) -> Cloud: ...

    def place(
        self, name: str, settings: PostgresSettings, tags: Mapping[str, str], opts: pulumi.ResourceOptions
    ) -> PlacedDatabase:
        """Create a database here."""
        ...
