"""The settings of one environment: typed, validated, read from the stack's configuration file."""

from __future__ import annotations

import datetime
import ipaddress
import json
import re
from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, field_validator, model_validator
from pydantic.alias_generators import to_camel

from components.common import Cloud
from stacks.invalid_settings import InvalidSettings, explain

PROJECT = "living-fortress"
Size = Literal["small", "medium", "large"]
Text = Annotated[str, StringConstraints(min_length=1, max_length=63)]
Label = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{0,62}$")]
Uuid = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")]
NAME = re.compile(r"^(local|preview-[1-9][0-9]{0,5}|dev|staging|production)$")
REHEARSAL_PREFIX = "rehearsal-"
BUCKET = "bucket"
"""Value of `erasureLog` for a bucket that the stack creates."""


class ExecutionMode(StrEnum):
    """What answers for the clouds: the clouds, emulators with real servers, or emulators that only record."""

    REAL = "real"
    LOCAL = "local"
    REHEARSAL = "rehearsal"


class Settings(BaseModel):
    """Base of every settings group: camelCase keys, no unknown keys, immutable."""

    model_config = ConfigDict(alias_generator=to_camel, extra="forbid", frozen=True)


class AzureAccount(Settings):
    """The Azure subscription and tenant."""

    subscription: Uuid
    tenant: Uuid


class Accounts(Settings):
    """The account of each cloud. The emulators accept only the two sets of fake accounts below."""

    aws: Annotated[str, StringConstraints(pattern=r"^[0-9]{12}$")]
    azure: AzureAccount
    gcp: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{4,28}[a-z0-9]$")]


LOCAL_ACCOUNTS = Accounts(
    aws="000000000000",
    azure=AzureAccount(
        subscription="00000000-0000-0000-0000-000000000000", tenant="00000000-0000-0000-0000-000000000000"
    ),
    gcp="living-fortress-local",
)
REHEARSAL_ACCOUNTS = Accounts(
    aws="000000000001",
    azure=AzureAccount(
        subscription="00000000-0000-0000-0000-000000000001", tenant="00000000-0000-0000-0000-000000000001"
    ),
    gcp="living-fortress-rehearsal",
)


class Region(Settings):
    """One cloud's region, its three zones, and the address range of its network."""

    region: Text
    zones: Annotated[tuple[Text, ...], Field(min_length=3, max_length=3)]
    cidr: str
    """A /16 of a private range (RFC 1918); the networks of an environment must not overlap."""

    @field_validator("cidr")
    @classmethod
    def _check_cidr(cls, value: str) -> str:
        network = ipaddress.IPv4Network(value)
        if network.prefixlen != 16 or not network.is_private:
            raise ValueError("must be a private /16, such as 10.16.0.0/16")
        return value


class Regions(Settings):
    """The region of each cloud."""

    aws: Region
    azure: Region
    gcp: Region

    @model_validator(mode="after")
    def _check_ranges(self) -> Self:
        ranges = [ipaddress.IPv4Network(part.cidr) for part in (self.aws, self.azure, self.gcp)]
        if len({*ranges}) < len(ranges):
            raise ValueError("cidr ranges of the clouds must differ")
        return self


class Database(Settings):
    """Settings of every database server."""

    size: Size
    zone_redundant: bool
    backup_retention_days: Annotated[int, Field(ge=7, le=35)]
    read_replicas: Annotated[int, Field(ge=0, le=5)]


class Cluster(Settings):
    """Settings of every Kubernetes cluster."""

    size: Size
    min_nodes: Annotated[int, Field(ge=1, le=100)]
    max_nodes: Annotated[int, Field(ge=1, le=100)]

    @model_validator(mode="after")
    def _check_order(self) -> Self:
        if self.max_nodes < self.min_nodes:
            raise ValueError(f"maxNodes {self.max_nodes} is below minNodes {self.min_nodes}")
        return self


class App(Settings):
    """Image, domain and size of the app."""

    image: Annotated[str, StringConstraints(pattern=r"^[a-z0-9./_-]+(:[0-9]+)?[a-z0-9./_-]*@sha256:[0-9a-f]{64}$")]
    domain: Annotated[str, StringConstraints(pattern=r"^[a-z0-9]([a-z0-9.-]{0,200}[a-z0-9])?$")]
    """Each cloud serves `<cloud>.<domain>`."""
    min_replicas: Annotated[int, Field(ge=1, le=100)] = 3
    max_replicas: Annotated[int, Field(ge=1, le=100)] = 20
    min_available: Annotated[int, Field(ge=0, le=99)] = 2
    cpu: Annotated[str, StringConstraints(pattern=r"^[0-9]+m?$")] = "500m"
    memory: Annotated[str, StringConstraints(pattern=r"^[0-9]+[MG]i$")] = "256Mi"
    pool_size: Annotated[int, Field(ge=1, le=50)] = 4
    """Connections to each shard that a process uses for one purpose."""
    exposure: Literal["internal", "public"] = "internal"
    """Whether the gateways' addresses are reachable from the internet."""

    @model_validator(mode="after")
    def _check_order(self) -> Self:
        if not self.min_available < self.min_replicas <= self.max_replicas:
            raise ValueError(
                "must hold: minAvailable < minReplicas <= maxReplicas,"
                f" got {self.min_available}, {self.min_replicas}, {self.max_replicas}"
            )
        return self


class Oidc(Settings):
    """The issuer of bearer tokens that the app accepts."""

    issuer: Annotated[str, StringConstraints(pattern=r"^https://[^\s]+$")]
    audience: Text
    jwks_config_map: Label | None = None
    """A ConfigMap beside the app that holds the issuer's `jwks.json`; absent: the app asks the issuer."""


class PersonalData(Settings):
    """Where subject keys are wrapped and erasures are logged."""

    keeper: Literal["aws", "gcp"] | None = None
    """The cloud that keeps master key and erasure log; absent: the first of these two that is in use. Azure's vault is
    closed to the networks of the clusters."""
    key_secret: Label | None = None
    """A Secret beside the app with a master key, `master-key.json`, instead of a keeper; only for `local`."""
    erasure_log: (
        Annotated[
            str,
            StringConstraints(
                pattern=r"^(bucket$|databases$|file:/.|aws-s3:[a-z0-9-]+/[a-z0-9.-]+|gcp-storage:[a-z0-9._-]+)"
            ),
        ]
        | None
    ) = None
    """`bucket`, the default with a keeper: a bucket that the stack creates in the keeper's cloud. Otherwise `databases`
    (a table in every home), `file:<path>`, or an existing bucket: `aws-s3:<region>/<bucket>/<prefix>` or
    `gcp-storage:<bucket>/<prefix>`."""
    copy_region: Text | None = None
    """Another region of the keeper's cloud, on the same continent, for a copy of the bucket; absent: no copy."""


class Camouflage(Settings):
    """Detection of decoys by the ledger."""

    notices_tokens: bool = False
    """Whether the ledger records and counts canary tokens. If so, each cloud's secret manager must hold the key that
    recognises them: `<environment>/canary-key` on AWS, `<environment>-canary-key` elsewhere."""


class Environment(Settings):
    """All settings of one environment."""

    name: Annotated[str, StringConstraints(pattern=NAME.pattern)]
    owner: Label
    cost_centre: Label
    data_classification: Literal["public", "internal", "confidential", "restricted"]
    expires: datetime.date | None = None
    """The day after which a preview environment may be destroyed."""
    clouds: Annotated[tuple[Cloud, ...], Field(min_length=1, max_length=3)] = ("aws", "azure", "gcp")
    accounts: Accounts
    regions: Regions
    shards_per_home: Annotated[int, Field(ge=1, le=64)] = 1
    protect: bool
    """Whether resources that hold data refuse deletion."""
    database: Database
    cluster: Cluster
    app: App
    oidc: Oidc
    personal_data: PersonalData = PersonalData()
    camouflage: Camouflage = Camouflage()

    @field_validator("clouds")
    @classmethod
    def _check_clouds(cls, value: tuple[Cloud, ...]) -> tuple[Cloud, ...]:
        if len(set(value)) < len(value):
            raise ValueError("names a cloud twice")
        return value

    @model_validator(mode="after")
    def _check_expiry(self) -> Self:
        if (self.expires is not None) != self.name.startswith("preview-"):
            raise ValueError("expires is required for preview environments, and allowed only there")
        return self

    @model_validator(mode="after")
    def _check_keeper(self) -> Self:
        keeper, secret = self.personal_data.keeper, self.personal_data.key_secret
        if secret is not None:
            if keeper is not None or self.mode is ExecutionMode.REAL:
                raise ValueError("personalData.keySecret is for the local environment only, without a keeper")
        elif keeper is not None and keeper not in self.clouds:
            raise ValueError(f"personalData.keeper {keeper} is not among the clouds in use: {', '.join(self.clouds)}")
        elif keeper is None and not {"aws", "gcp"} & {*self.clouds}:
            raise ValueError("personalData: clouds must include aws or gcp, which keep the master key")
        return self

    @model_validator(mode="after")
    def _check_erasure_log(self) -> Self:
        settings = self.personal_data
        if settings.erasure_log == BUCKET and settings.key_secret is not None:
            raise ValueError("personalData.erasureLog bucket needs a keeper, which personalData.keySecret excludes")
        if settings.copy_region is None:
            return self
        if self.erasure_log != BUCKET:
            raise ValueError("personalData.copyRegion needs erasureLog bucket")
        home = getattr(self.regions, self.key_keeper).region
        if settings.copy_region == home or settings.copy_region.split("-")[0] != home.split("-")[0]:
            raise ValueError(
                f"personalData.copyRegion {settings.copy_region} must be another region of {self.key_keeper} on the"
                f" continent of {home}"
            )
        return self

    @property
    def erasure_log(self) -> str:
        """The place of the erasure log; `bucket` if the stack creates one."""
        return self.personal_data.erasure_log or (BUCKET if self.personal_data.key_secret is None else "databases")

    @property
    def key_keeper(self) -> Cloud:
        """The cloud that keeps the master key; meaningless with a key secret."""
        first: Cloud = next(cloud for cloud in self.clouds if cloud != "azure")
        return self.personal_data.keeper or first

    def canary_secret(self, cloud: Cloud) -> str | None:
        """Return the name of the canary key, which the add-ons may read; only AWS allows slashes in names."""
        if not self.camouflage.notices_tokens:
            return None
        return f"{self.name}{'/' if cloud == 'aws' else '-'}canary-key"

    @property
    def mode(self) -> ExecutionMode:
        """The execution mode; derived from the accounts, so settings and emulators cannot disagree."""
        if self.accounts == LOCAL_ACCOUNTS:
            return ExecutionMode.LOCAL
        return ExecutionMode.REHEARSAL if self.accounts == REHEARSAL_ACCOUNTS else ExecutionMode.REAL

    def peers(self, cloud: Cloud) -> dict[str, str]:
        """Return the address ranges of the other clouds in use."""
        return {other: getattr(self.regions, other).cidr for other in self.clouds if other != cloud}

    @property
    def tags(self) -> dict[str, str]:
        """Tags of every resource; keys and values are valid AWS tags, Azure tags and GCP labels."""
        tags = {
            "environment": self.name,
            "owner": self.owner,
            "cost-centre": self.cost_centre,
            "data-classification": self.data_classification,
        }
        return tags if self.expires is None else tags | {"expires": self.expires.isoformat()}


def read_environment(stack: str, configuration: Mapping[str, Any], source: str) -> Environment:
    """Return the environment of `stack` from its configuration (`living-fortress:key` to a value or its JSON text).

    Raises InvalidSettings with a line per fault that names `source`, key, value and what is allowed.
    """
    prefix = f"{PROJECT}:"
    settings = {
        key.removeprefix(prefix): _parse(value) for key, value in configuration.items() if key.startswith(prefix)
    }
    if "name" in settings:
        raise InvalidSettings(f"{source}: {prefix}name is the stack's name and cannot be set")
    name = stack.removeprefix(REHEARSAL_PREFIX)
    if not NAME.match(name):
        raise InvalidSettings(f"stack {stack}: not an environment: local, preview-<number>, dev, staging or production")
    try:
        environment = Environment.model_validate(settings | {"name": name})
    except ValidationError as error:
        raise InvalidSettings(explain(error, source, prefix, Environment)) from None
    _check_accounts(stack, environment, source)
    return environment


def _parse(value: Any) -> Any:
    """Parse lists and objects, which Pulumi passes as JSON text."""
    if isinstance(value, str) and value[:1] in ("{", "["):
        try:
            return json.loads(value)
        except ValueError:
            return value
    return value


def _check_accounts(stack: str, environment: Environment, source: str) -> None:
    rehearsed = stack.startswith(REHEARSAL_PREFIX)
    expected = ExecutionMode.REHEARSAL if rehearsed else ExecutionMode.LOCAL if stack == "local" else ExecutionMode.REAL
    if environment.mode is not expected:
        raise InvalidSettings(
            f"{source}: {PROJECT}:accounts name a {environment.mode} environment, but stack {stack} is {expected}:"
            " local and rehearsal stacks take the accounts that no cloud has, every other stack its own"
        )
