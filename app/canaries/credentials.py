"""Canary credentials: bearer tokens like the issuer's, signed by a key that the issuer does not have.

The signing key is derived from the operator's key, and its id looks like an old one of the issuer. So nobody can
check a signature with the issuer's public keys, and all canary credentials agree on their signer.
"""

from __future__ import annotations

import hashlib
import json
import re
from base64 import urlsafe_b64decode
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import jwt
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jwt import PyJWK
from jwt.algorithms import ECAlgorithm

from app.canaries.key import CamouflageKey
from app.canaries.tokens import Canaries, Canary, Kind
from app.tokens import Keys

ALGORITHM = "ES256"
LIFETIME = timedelta(days=3 * 365)
TOKEN_TEXT = re.compile(rb"eyJ[A-Za-z0-9_-]+\.(eyJ[A-Za-z0-9_-]+)\.")
_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
"""Order of the curve P-256 (SEC 2)."""


@dataclass(frozen=True)
class Bearer:
    """Issuer, audience and scopes that the credentials claim."""

    issuer: str
    audience: str
    scopes: Sequence[str]


class Credentials:
    """Mints canary credentials, and holds the key that verifies them."""

    def __init__(self, key: CamouflageKey) -> None:
        self._canaries = Canaries(key)
        number = int.from_bytes(key.of("signatures of canaries"))
        self._private = ec.derive_private_key(number % (_ORDER - 1) + 1, ec.SECP256R1())
        public = self._private.public_key()
        der = public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        self.key_id = hashlib.sha256(der).hexdigest()[:16]
        self.public_key = PyJWK(json.loads(ECAlgorithm.to_jwk(public)) | {"kid": self.key_id, "alg": ALGORITHM})

    def mint(self, bearer: Bearer, subject: str, place: int, index: int, issued_at: datetime) -> str:
        """Return the credential of row `index` of a place; raises ImpossibleBundle."""
        claims = {
            "iss": bearer.issuer,
            "sub": subject,
            "aud": bearer.audience,
            "iat": issued_at,
            "nbf": issued_at,
            "exp": issued_at + LIFETIME,
            "jti": str(self._canaries.token(Kind.CREDENTIAL, place, index)),
            "scope": " ".join(bearer.scopes),
        }
        return jwt.encode(claims, self._private, algorithm=ALGORITHM, headers={"kid": self.key_id})


class KeysWithCanaries:
    """The issuer's keys, and the key of the canary credentials."""

    def __init__(self, keys: Keys, credentials: Credentials) -> None:
        self._keys = keys
        self._credentials = credentials

    async def key(self, identity: str | None) -> PyJWK:
        """Return the key of this id; raises the errors of the issuer's keys."""
        if identity == self._credentials.key_id:
            return self._credentials.public_key
        return await self._keys.key(identity)


def find(canaries: Canaries, text: bytes) -> Iterator[Canary]:
    """Find the canary credentials in a text, also expired or badly signed ones."""
    for match in TOKEN_TEXT.finditer(text):
        if (canary := _read(canaries, match[1])) is not None:
            yield canary


def _read(canaries: Canaries, payload: bytes) -> Canary | None:
    try:
        claims = json.loads(urlsafe_b64decode(payload + b"=" * (-len(payload) % 4)))
        return canaries.read(UUID(claims["jti"]))
    except (ValueError, LookupError, TypeError, AttributeError):
        return None
