"""Logging in to Cloud SQL by IAM token."""

from __future__ import annotations

from datetime import UTC

from app.database.login import LoginRefused, Token
from app.topology import Shard

SCOPE = "https://www.googleapis.com/auth/sqlservice.login"


def token(shard: Shard) -> Token:
    """A token for the service account that this process acts as."""
    import google.auth
    from google.auth.exceptions import GoogleAuthError
    from google.auth.transport.requests import Request

    try:
        credentials, _ = google.auth.default(scopes=[SCOPE])
        credentials.refresh(Request())  # type: ignore[no-untyped-call]
    except GoogleAuthError as error:
        raise LoginRefused(f"Google Cloud gives no token for {shard.name}: {error}") from None
    if credentials.token is None or credentials.expiry is None:
        raise LoginRefused(f"Google Cloud gives no token for {shard.name}: its answer holds none")
    return Token(credentials.token, credentials.expiry.replace(tzinfo=UTC).timestamp())


admin_token = token
