"""A master key in Google Cloud KMS: a symmetric key; the identity needs to encrypt, decrypt and get it."""

from __future__ import annotations

import re
from base64 import b64decode, b64encode
from datetime import UTC

from app.personal_data.errors import MasterKeyFailed
from app.personal_data.master_key import Wrapped
from app.personal_data.rest import CloudService, Login

SCOPE = "https://www.googleapis.com/auth/cloudkms"
SERVICE = "https://cloudkms.googleapis.com"
_NAME = re.compile(r"projects/[^/]+/locations/[^/]+/keyRings/[^/]+/cryptoKeys/[^/]+")


class GcpMasterKey:
    """A key by its resource name; its primary version wraps, and every version unwraps what it wrapped."""

    def __init__(self, name: str, *, login: Login | None = None, service: str = SERVICE) -> None:
        if not _NAME.fullmatch(name):
            raise MasterKeyFailed(f"{name!r} is not projects/…/locations/…/keyRings/…/cryptoKeys/…")
        self._name = name
        self._url = f"{service}/v1/{name}"
        self._service = CloudService("Google Cloud KMS", login or login_for(SCOPE))

    def current(self) -> str:
        """Name of the primary version."""
        primary: str = self._service.ask("GET", self._url, None, lambda answer: self._ours(answer["primary"]["name"]))
        return primary

    def wrap(self, secret: bytes, context: bytes) -> Wrapped:
        """Cloud KMS API, cryptoKeys.encrypt."""
        body = {"plaintext": _encoded(secret), "additionalAuthenticatedData": _encoded(context)}
        wrapped: Wrapped = self._service.ask(
            "POST",
            f"{self._url}:encrypt",
            body,
            lambda answer: Wrapped(self._ours(answer["name"]), b64decode(answer["ciphertext"])),
        )
        return wrapped

    def unwrap(self, wrapped: Wrapped, context: bytes) -> bytes:
        """Cloud KMS API, cryptoKeys.decrypt; the service finds the version itself."""
        self._ours(wrapped.key_id)
        body = {"ciphertext": _encoded(wrapped.value), "additionalAuthenticatedData": _encoded(context)}
        secret: bytes = self._service.ask(
            "POST", f"{self._url}:decrypt", body, lambda answer: b64decode(answer["plaintext"])
        )
        return secret

    def _ours(self, key_id: str) -> str:
        if not key_id.startswith(f"{self._name}/cryptoKeyVersions/"):
            raise MasterKeyFailed(f"{key_id!r} is not a version of {self._name}")
        return key_id


def login_for(scope: str) -> Login:
    """Return the login of this process's identity for one kind of service."""
    from app.database.cloud_tokens import LoginRefused, Token
    from app.database.login import TokenLogin

    def fetch() -> Token:
        import google.auth
        from google.auth.exceptions import GoogleAuthError
        from google.auth.transport.requests import Request

        try:
            credentials, _ = google.auth.default(scopes=[scope])
            credentials.refresh(Request())  # type: ignore[no-untyped-call]
        except GoogleAuthError as error:
            raise LoginRefused(f"Google Cloud gives no token: {error}") from None
        if credentials.token is None or credentials.expiry is None:
            raise LoginRefused("Google Cloud gives no token: its answer holds none")
        return Token(credentials.token, credentials.expiry.replace(tzinfo=UTC).timestamp())

    return TokenLogin(fetch)


def _encoded(value: bytes) -> str:
    return b64encode(value).decode()
