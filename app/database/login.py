"""How a process proves to a database who it is: by client certificate, or by a short-lived token of a cloud.

No password is configured anywhere. Where libpq is given a client certificate (PGSSLCERT) that is the login; elsewhere a
token is fetched from the cloud of the shard for each new connection, and used again until shortly before it expires.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib import import_module
from typing import Protocol

from app.topology import Shard

RENEW_BEFORE_SECONDS = 120.0
"""A token this close to its end is not used for a new connection."""


class LoginRefused(Exception):
    """The cloud gave no token; the text names the cloud and its reason, never a secret."""


@dataclass(frozen=True)
class Token:
    """A secret that a database takes as password until it expires."""

    value: str = field(repr=False)
    expires_at: float
    """Seconds since the epoch."""


class Login(Protocol):
    """One role's way into one database."""

    def password(self) -> str | None:
        """What to give as password for a connection that is made now; may block while a token is fetched."""
        ...


class CertificateLogin:
    """The client certificate that libpq finds in PGSSLCERT and PGSSLKEY is enough."""

    def password(self) -> None:
        """None: nothing is given."""


class TokenLogin:
    """A token, fetched again shortly before the last one expires; safe for use by several threads."""

    def __init__(self, fetch: Callable[[], Token], *, now: Callable[[], float] = time.time) -> None:
        self._fetch = fetch
        self._now = now
        self._lock = threading.Lock()
        self._token: Token | None = None

    def password(self) -> str:
        """The token; raises LoginRefused."""
        with self._lock:
            if self._token is None or self._token.expires_at - self._now() < RENEW_BEFORE_SECONDS:
                self._token = self._fetch()
            return self._token.value


TOKENS = {
    "aws-iam": "app.database.aws",
    "aws-secret": "app.database.aws",
    "azure-entra": "app.database.azure",
    "gcp-iam": "app.database.gcp",
}
"""Modules with a function `token(shard)`, or `admin_token(shard)`; imported where needed only, since they are heavy."""


def app_login(shard: Shard) -> Login:
    """How the app logs in to a shard."""
    return _login(shard, shard.app.login, "token")


def admin_login(shard: Shard) -> Login:
    """How migrations log in to a shard."""
    return _login(shard, shard.admin.login, "admin_token")


def _login(shard: Shard, login: str, function: str) -> Login:
    if os.environ.get("PGSSLCERT"):
        return CertificateLogin()
    fetch: Callable[[Shard], Token] = getattr(import_module(TOKENS[login]), function)
    return TokenLogin(lambda: fetch(shard))
