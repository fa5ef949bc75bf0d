"""A master key in Azure Key Vault: an RSA key; the identity needs get, wrapKey and unwrapKey on it.

Key Vault binds nothing to what an RSA key wraps, so the context goes in with the data key and is compared coming out.
"""

from __future__ import annotations

import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode

from app.personal_data.errors import MasterKeyFailed
from app.personal_data.master_key import Wrapped
from app.personal_data.rest import CloudService, Login
from app.personal_data.sealing import SECRET_BYTES

SCOPE = "https://vault.azure.net/.default"
API = "api-version=7.4"
ALGORITHM = "RSA-OAEP-256"


class AzureMasterKey:
    """A key by its URL without a version; its newest version wraps, earlier ones unwrap what they wrapped."""

    def __init__(self, url: str, *, login: Login | None = None) -> None:
        self._url = url.rstrip("/")
        if login is None and not self._url.startswith("https://"):
            raise MasterKeyFailed(f"{url!r} is not the https URL of a key")
        self._service = CloudService("Azure Key Vault", login or _login())

    def current(self) -> str:
        """Return the URL of the newest version."""
        newest: str = self._service.ask(
            "GET", f"{self._url}?{API}", None, lambda answer: self._ours(answer["key"]["kid"])
        )
        return newest

    def wrap(self, secret: bytes, context: bytes) -> Wrapped:
        """Wrap a data key (Key Vault REST API, Wrap Key)."""
        body = {"alg": ALGORITHM, "value": _encoded(secret + context)}
        wrapped: Wrapped = self._service.ask(
            "POST",
            f"{self._url}/wrapkey?{API}",
            body,
            lambda answer: Wrapped(self._ours(answer["kid"]), _decoded(answer["value"])),
        )
        return wrapped

    def unwrap(self, wrapped: Wrapped, context: bytes) -> bytes:
        """Unwrap a data key (Key Vault REST API, Unwrap Key)."""
        body = {"alg": ALGORITHM, "value": _encoded(wrapped.value)}
        url = f"{self._ours(wrapped.key_id)}/unwrapkey?{API}"
        both: bytes = self._service.ask("POST", url, body, lambda answer: _decoded(answer["value"]))
        if not hmac.compare_digest(both[SECRET_BYTES:], context):
            raise MasterKeyFailed(f"{wrapped.key_id} did not wrap this for this use")
        return both[:SECRET_BYTES]

    def _ours(self, key_id: str) -> str:
        # Whoever can write the table must not be able to have us send our token elsewhere, or use a key of theirs.
        version = key_id.removeprefix(f"{self._url}/")
        if version == key_id or not version.isalnum():
            raise MasterKeyFailed(f"{key_id!r} is not a version of {self._url}")
        return key_id


def _login() -> Login:
    from app.database.cloud_tokens import LoginRefused, Token
    from app.database.login import TokenLogin

    def fetch() -> Token:
        from azure.core.exceptions import AzureError
        from azure.identity import WorkloadIdentityCredential

        try:
            answer = WorkloadIdentityCredential().get_token(SCOPE)
        except (AzureError, ValueError) as error:
            raise LoginRefused(f"Azure gives no token for Key Vault: {error}") from None
        return Token(answer.token, answer.expires_on)

    return TokenLogin(fetch)


def _encoded(value: bytes) -> str:
    return urlsafe_b64encode(value).decode().rstrip("=")


def _decoded(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))
