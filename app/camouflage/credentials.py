"""Canary credentials: bearer tokens like those of the issuer, signed by a key that the issuer does not have.

The key follows from the operator's, and its id looks like one that the issuer once had. So nobody can check the
signature by the issuer's public keys, and several tokens agree on who signed them.
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

from app.camouflage.canaries import Canaries, Canary, Kind
from app.camouflage.key import CamouflageKey
from app.tokens import Keys

ALGORITHM = "ES256"
LIFETIME = timedelta(days=3 * 365)
TOKEN_TEXT = re.compile(rb"eyJ[A-Za-z0-9_-]+\.(eyJ[A-Za-z0-9_-]+)\.")
_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
"""Of the curve P-256 (SEC 2)."""


@dataclass(frozen=True)
class Bearer:
    """Whose credentials are imitated."""

    issuer: str
    audience: str
    scopes: Sequence[str]


class Credentials:
    """Makes canary credentials, and has the key that they are checked by."""

    def __init__(self, key: CamouflageKey) -> None:
        self._canaries = Canaries(key)
        number = int.from_bytes(key.of("signatures of canaries"))
        self._private = ec.derive_private_key(number % (_ORDER - 1) + 1, ec.SECP256R1())
        public = self._private.public_key()
        der = public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        self.key_id = hashlib.sha256(der).hexdigest()[:16]
        self.public_key = PyJWK(json.loads(ECAlgorithm.to_jwk(public)) | {"kid": self.key_id, "alg": ALGORITHM})

    def mint(self, bearer: Bearer, subject: str, place: int, index: int, issued_at: datetime) -> str:
        """The credential of the `index`th row of a place; raises ImpossibleBundle."""
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


class WithCanaries:
    """The keys of the issuer, and that of the canary credentials."""

    def __init__(self, keys: Keys, credentials: Credentials) -> None:
        self._keys = keys
        self._credentials = credentials

    async def key(self, identity: str | None) -> PyJWK:
        """The key of this id; raises what the issuer's do."""
        if identity == self._credentials.key_id:
            return self._credentials.public_key
        return await self._keys.key(identity)


def found(canaries: Canaries, text: bytes) -> Iterator[Canary]:
    """The canary credentials in a text, whether or not anybody would take them."""
    for match in TOKEN_TEXT.finditer(text):
        if (canary := _read(canaries, match[1])) is not None:
            yield canary


def _read(canaries: Canaries, payload: bytes) -> Canary | None:
    try:
        claims = json.loads(urlsafe_b64decode(payload + b"=" * (-len(payload) % 4)))
        return canaries.read(UUID(claims["jti"]))
    except (ValueError, LookupError, TypeError, AttributeError):
        return None
