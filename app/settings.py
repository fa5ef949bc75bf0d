"""What the app is told by its environment: variables named FORTRESS_…, each with a type and a range."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, TypeVar

from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from app.topology import Cloud

PREFIX = "FORTRESS_"


class WrongSetting(Exception):
    """A variable is absent or refused; one line for each, naming the variable, its value and what is allowed."""


class CommonSettings(BaseSettings):
    """What every command of the app needs."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, extra="ignore", frozen=True)

    environment: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,30}$")] = "local"
    """Name of the environment; a label of metrics and logs."""
    cloud: Cloud
    """The cloud that this process runs in; shards at home there are its home shards."""
    directory: Path = Path("/etc/fortress/directory.json")
    """Where slots, shards and their databases are listed."""
    version: Annotated[str, Field(min_length=1)] = "unreleased"
    """What was released; set in the image."""
    log_level: Literal["debug", "info", "warning", "error"] = "info"


class SealingSettings(CommonSettings):
    """What whoever seals or opens personal data needs besides."""

    master_key: Annotated[str, Field(min_length=1, pattern=r"^[a-z-]+:")]
    """As `app.personal_data.master_key` takes it, such as file:/path or aws-kms:<arn>."""


class ServeSettings(SealingSettings):
    """What the HTTP server needs besides."""

    host: Annotated[str, Field(min_length=1)] = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65535)] = 8440
    """Port to listen on; 0 takes a free one."""
    oidc_issuer: Annotated[str, Field(pattern=r"^https://")]
    """Issuer of bearer tokens, compared with their `iss` as it is written here."""
    oidc_audience: Annotated[str, Field(min_length=1)]
    oidc_jwks_uri: Annotated[str, Field(pattern=r"^($|https://|file:///)")] = ""
    """Where the issuer's public keys are read; empty asks the issuer's discovery document."""
    pool_size: Annotated[int, Field(ge=1, le=50)] = 4
    """Most connections that each of the three pools of this process holds to one shard."""
    processes: Annotated[int, Field(ge=1, le=1000)] = 1
    """Most processes like this one, in all clouds together: they share what a server has room for."""
    database_seconds: Annotated[float, Field(gt=0, le=60)] = 3.0
    """Longest that one request waits for its database, all attempts together."""
    rate_limit: Annotated[str, Field(pattern=r"^[1-9][0-9]{0,8}/([1-9][0-9]{0,3} ?)?(second|minute|hour)$")] = (
        "1000/second"
    )
    """Requests that one caller may send to one process, such as 1000/second or 20/10 second."""
    drain_seconds: Annotated[float, Field(ge=0, le=300)] = 2.0
    """How long a stopping process still takes requests while it reports that it is not ready."""
    canary_key: Path | None = None
    """File of the operator's key of decoys: with it, canary tokens that somebody presents are known and recorded."""


AnySettings = TypeVar("AnySettings", bound=BaseSettings)


def load(kind: type[AnySettings], **chosen: object) -> AnySettings:
    """Settings from the environment, overridden by what is `chosen` and not None; raises WrongSetting."""
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
