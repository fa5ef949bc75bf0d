"""What the camouflage API is told by its environment: FORTRESS_CAMOUFLAGE_… for everything, and nothing is shared.

So no variable that is meant for the ledger can lead the decoy to the ledger's databases.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from app.settings import PREFIX, ServeSettings

CAMOUFLAGE_PREFIX = f"{PREFIX}CAMOUFLAGE_"


class BundleSettings(BaseSettings):
    """What a bundle is made of: no database, so nothing of one."""

    model_config = SettingsConfigDict(env_prefix=CAMOUFLAGE_PREFIX, extra="ignore", frozen=True)

    canary_key: Path
    oidc_issuer: Annotated[str, Field(pattern=r"^https://")]
    """What the credentials say who issued them, as the decoy wants it."""
    oidc_audience: Annotated[str, Field(min_length=1)]


class CamouflageSettings(ServeSettings):
    """The settings of `fortress serve`, each under a name of its own."""

    model_config = SettingsConfigDict(env_prefix=CAMOUFLAGE_PREFIX, extra="ignore", frozen=True)

    port: Annotated[int, Field(ge=0, le=65535)] = 8441
    canary_key: Path
    """File of the operator's key, as `fortress camouflage key` makes it."""
    profile: Path | None = None
    """Times and failures of the ledger, as `fortress camouflage profile` measures them; none adds nothing."""
