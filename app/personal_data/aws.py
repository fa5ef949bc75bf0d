"""A master key in AWS KMS; the identity needs kms:Encrypt and kms:Decrypt on it."""

from __future__ import annotations

from collections.abc import Collection
from functools import cached_property
from typing import Any

from app.personal_data.errors import MasterKeyFailed
from app.personal_data.master_key import Wrapped

ARN_PARTS = 6
"""`arn:aws:kms:<region>:<account>:key/<id>`"""


class AwsMasterKey:
    """A symmetric key. AWS renews its material by itself; another key takes over by being named first."""

    def __init__(self, arn: str, *, earlier: Collection[str] = (), endpoint: str | None = None) -> None:
        parts = arn.split(":")
        if len(parts) != ARN_PARTS or parts[2] != "kms":
            raise MasterKeyFailed(f"{arn!r} is not the ARN of a KMS key")
        self._arn = arn
        self._known = {arn, *earlier}
        self._region = parts[3]
        self._endpoint = endpoint

    def current(self) -> str:
        """Return the key's ARN."""
        return self._arn

    def wrap(self, secret: bytes, context: bytes) -> Wrapped:
        """Wrap a data key (KMS API, Encrypt)."""
        answer = self._call("encrypt", KeyId=self._arn, Plaintext=secret, EncryptionContext=_context(context))
        return Wrapped(self._arn, answer["CiphertextBlob"])

    def unwrap(self, wrapped: Wrapped, context: bytes) -> bytes:
        """Unwrap a data key (KMS API, Decrypt)."""
        # Whoever can write the table must not be able to have us use a key of theirs.
        if wrapped.key_id not in self._known:
            raise MasterKeyFailed(f"a data key is wrapped by {wrapped.key_id!r}, which is not among our master keys")
        answer = self._call(
            "decrypt", KeyId=wrapped.key_id, CiphertextBlob=wrapped.value, EncryptionContext=_context(context)
        )
        secret: bytes = answer["Plaintext"]
        return secret

    def _call(self, operation: str, **parameters: Any) -> dict[str, Any]:
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            answer: dict[str, Any] = getattr(self._client, operation)(**parameters)
        except (BotoCoreError, ClientError) as error:
            raise MasterKeyFailed(f"AWS KMS does not {operation} with {parameters['KeyId']}: {error}") from None
        return answer

    @cached_property
    def _client(self) -> Any:
        from botocore.config import Config
        from botocore.session import Session

        limits = Config(connect_timeout=5, read_timeout=5, retries={"total_max_attempts": 3, "mode": "standard"})
        return Session().create_client("kms", region_name=self._region, endpoint_url=self._endpoint, config=limits)


def _context(context: bytes) -> dict[str, str]:
    return {"context": context.hex()}
