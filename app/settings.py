"""Settings of the app from environment variables FORTRESS_…, each with a type and a range."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, TypeVar

from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from app.topology import Cloud

PREFIX = "FORTRESS_"


class WrongSetting(Exception):
    """Variables are missing or invalid. The message has a line for each: its name, its value, what is allowed."""


class CommonSettings(BaseSettings):
    """Settings that every command of the app needs."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, extra="ignore", frozen=True)

    environment: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,30}$")] = "local"
    """Name of the environment; a label in metrics and logs."""
    cloud: Cloud
    """The cloud that this process runs in; shards whose home it is are its home shards."""
    directory: Path = Path("/etc/fortress/directory.json")
    """File that lists the shards, their first slots and their databases."""
    version: Annotated[str, Field(min_length=1)] = "unreleased"
    """The release; set in the image."""
    log_level: Literal["debug", "info", "warning", "error"] = "info"


class SealingSettings(CommonSettings):
    """Further settings of commands that seal or open personal data."""

    master_key: Annotated[str, Field(min_length=1, pattern=r"^[a-z-]+:")]
    """The master key, as `app.personal_data.open_master_key` takes it: file:/path, aws-kms:<arn>, …"""


class ServeSettings(SealingSettings):
    """Further settings of the HTTP server."""

    host: Annotated[str, Field(min_length=1)] = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65535)] = 8440
    """Port to listen on; 0 takes a free one."""
    oidc_issuer: Annotated[str, Field(pattern=r"^https://")]
    """Issuer of bearer tokens; must equal their `iss` exactly."""
    oidc_audience: Annotated[str, Field(min_length=1)]
    oidc_jwks_uri: Annotated[str, Field(pattern=r"^($|https://|file:///)")] = ""
    """URL of the issuer's public keys; if empty, the issuer's discovery document names it."""
    pool_size: Annotated[int, Field(ge=1, le=50)] = 4
    """Largest size of each of the three pools of this process per shard."""
    processes: Annotated[int, Field(ge=1, le=1000)] = 1
    """Most processes like this one, in all clouds together: they share the connections of a server."""
    database_seconds: Annotated[float, Field(gt=0, le=60)] = 3.0
    """Longest time that a request waits for its database, all attempts together."""
    rate_limit: Annotated[str, Field(pattern=r"^[1-9][0-9]{0,8}/([1-9][0-9]{0,3} ?)?(second|minute|hour)$")] = (
        "1000/second"
    )
    """Requests that one caller may send to one process: 1000/second, 20/10 second."""
    drain_seconds: Annotated[float, Field(ge=0, le=300)] = 2.0
    """How long a stopping process still accepts requests while it reports not ready."""
    canary_key: Path | None = None
    """File of the operator's key of decoys. With it, canary tokens in requests are detected and recorded."""


AnySettings = TypeVar("AnySettings", bound=BaseSettings)


def load(kind: type[AnySettings], **chosen: object) -> AnySettings:
    """Load settings from the environment; `chosen` values other than None take precedence. Raises WrongSetting."""
    given = {name: value for name, value in chosen.items() if value is not None}
    try:
        return kind(**given)  # type: ignore[arg-type]  # pydantic checks what the signature cannot say
    except ValidationError as error:
        prefix = kind.model_config.get("env_prefix", PREFIX)
        raise WrongSetting("\n".join(_line(prefix, problem["loc"], problem) for problem in error.errors())) from None


def _line(prefix: str, location: tuple[int | str, ...], problem: object) -> str:
    details = dict(problem)  # type: ignore[call-overload]
    name = prefix + "_".join(str(part) for part in location).upper()
    if details["type"] == "missing":
        return f"{name} is not set"
    message = str(details["msg"])
    return f"{name}={details['input']}: {message[0].lower()}{message[1:]}"
