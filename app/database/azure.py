"""Logging in to Azure Database for PostgreSQL by Entra token."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from app.database.login import LoginRefused, Token
from app.topology import Shard

if TYPE_CHECKING:
    from azure.identity import WorkloadIdentityCredential

SCOPE = "https://ossrdbms-aad.database.windows.net/.default"


def token(shard: Shard) -> Token:
    """A token for the identity that this process has; the database knows which role that is."""
    from azure.core.exceptions import AzureError

    try:
        answer = _credential().get_token(SCOPE)
    except (AzureError, ValueError) as error:
        raise LoginRefused(f"Azure gives no token for {shard.name}: {error}") from None
    return Token(answer.token, answer.expires_on)


admin_token = token


@cache
def _credential() -> WorkloadIdentityCredential:
    from azure.identity import WorkloadIdentityCredential

    return WorkloadIdentityCredential()
