"""How a process logs in to a database: by client certificate, or by a short-lived token of the shard's cloud.

No password is configured anywhere. If libpq has a client certificate (PGSSLCERT), that is the login. Otherwise a token
is fetched for a new connection, and reused until shortly before it expires.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Mapping
from typing import Protocol

from app.database import cloud_tokens
from app.database.cloud_tokens import Token
from app.topology import Shard

RENEW_BEFORE_SECONDS = 120.0
"""A token that expires sooner than this is not used for a new connection."""

FetchToken = Callable[[Shard], Token]


class Login(Protocol):
    """The way of one role into one database."""

    def password(self) -> str | None:
        """Return the password for a connection made now, or None for no password; may block to fetch a token."""
        ...


class CertificateLogin:
    """Login by the client certificate that libpq finds in PGSSLCERT and PGSSLKEY."""

    def password(self) -> None:
        """Return None: a certificate needs no password."""


class TokenLogin:
    """Login by a token, fetched again shortly before it expires. Safe for use by several threads."""

    def __init__(self, fetch: Callable[[], Token], *, now: Callable[[], float] = time.time) -> None:
        self._fetch = fetch
        self._now = now
        self._lock = threading.Lock()
        self._token: Token | None = None

    def password(self) -> str:
        """Return the token; raise LoginRefused."""
        with self._lock:
            if self._token is None or self._token.expires_at - self._now() < RENEW_BEFORE_SECONDS:
                self._token = self._fetch()
            return self._token.value


APP_TOKENS: Mapping[str, FetchToken] = {
    "aws-iam": cloud_tokens.rds_token,
    "azure-entra": cloud_tokens.entra_token,
    "gcp-iam": cloud_tokens.cloud_sql_token,
}
ADMIN_TOKENS: Mapping[str, FetchToken] = {
    "aws-secret": cloud_tokens.rds_admin_password,
    "azure-entra": cloud_tokens.entra_token,
    "gcp-iam": cloud_tokens.cloud_sql_token,
}


def app_login(shard: Shard) -> Login:
    """Return the app's login to a shard."""
    return _login(shard, APP_TOKENS[shard.app.login])


def admin_login(shard: Shard) -> Login:
    """Return the login for migrations of a shard."""
    return _login(shard, ADMIN_TOKENS[shard.admin.login])


def _login(shard: Shard, fetch: FetchToken) -> Login:
    if os.environ.get("PGSSLCERT"):
        return CertificateLogin()
    return TokenLogin(lambda: fetch(shard))
