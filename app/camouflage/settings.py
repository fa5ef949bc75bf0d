"""Settings of the camouflage API, from variables FORTRESS_CAMOUFLAGE_… only.

It shares no variable with the ledger, so none can lead the decoy to the ledger's databases.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from app.settings import PREFIX, ServeSettings

CAMOUFLAGE_PREFIX = f"{PREFIX}CAMOUFLAGE_"


class BundleSettings(BaseSettings):
    """Settings of a bundle, which needs no database."""

    model_config = SettingsConfigDict(env_prefix=CAMOUFLAGE_PREFIX, extra="ignore", frozen=True)

    canary_key: Path
    oidc_issuer: Annotated[str, Field(pattern=r"^https://")]
    """Issuer claim of the credentials, as the decoy verifies it."""
    oidc_audience: Annotated[str, Field(min_length=1)]


class CamouflageSettings(ServeSettings):
    """The settings of `fortress serve` under another prefix."""

    model_config = SettingsConfigDict(env_prefix=CAMOUFLAGE_PREFIX, extra="ignore", frozen=True)

    port: Annotated[int, Field(ge=0, le=65535)] = 8441
    canary_key: Path
    """The operator's key file, as `fortress decoy key` writes it."""
    profile: Path | None = None
    """Latencies and failures of the ledger, as `fortress decoy profile` measures them; none adds no delay."""
