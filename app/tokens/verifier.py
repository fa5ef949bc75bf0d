"""Checking a bearer token."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import jwt
from jwt import PyJWK

from app.tokens.jwks import UnknownKey

ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
"""Signatures by public key only: a shared secret would let the app forge tokens."""
CLOCK_SKEW_SECONDS = 30
LONGEST_TOKEN = 8192


class Keys(Protocol):
    """The public keys of an issuer."""

    async def key(self, identity: str | None) -> PyJWK:
        """The key of this id; raises UnknownKey and KeysUnavailable."""
        ...


class InvalidToken(Exception):
    """The token proves nothing; says why, without any part of it."""


@dataclass(frozen=True)
class Caller:
    """Who asks."""

    subject: str
    scopes: frozenset[str]
    expires_at: float
    """End of the token, in seconds since 1970; it is taken for CLOCK_SKEW_SECONDS longer."""


class Verifier:
    """Takes tokens of one issuer, made for one audience."""

    def __init__(self, keys: Keys, *, issuer: str, audience: str) -> None:
        self._keys = keys
        self._issuer = issuer
        self._audience = audience

    async def caller(self, token: str) -> Caller:
        """Who holds the token; raises InvalidToken, and KeysUnavailable where it cannot be told."""
        if len(token) > LONGEST_TOKEN:
            raise InvalidToken("the token is too long")
        try:
            header = jwt.get_unverified_header(token)
            if header.get("alg") not in ALGORITHMS:
                raise InvalidToken("the token is not signed by a public key algorithm that is taken here")
            key = await self._keys.key(header.get("kid"))
            claims = jwt.decode(
                token,
                key,
                algorithms=ALGORITHMS,
                issuer=self._issuer,
                audience=self._audience,
                leeway=CLOCK_SKEW_SECONDS,
                options={"require": ["exp", "iss", "aud", "sub"]},
            )
        except UnknownKey as error:
            raise InvalidToken(str(error)) from None
        except jwt.PyJWTError as error:
            raise InvalidToken(_reason(error)) from None
        return Caller(claims["sub"], _scopes(claims), float(claims["exp"]))


def _reason(error: jwt.PyJWTError) -> str:
    reasons: dict[type[jwt.PyJWTError], str] = {
        jwt.ExpiredSignatureError: "the token has expired",
        jwt.InvalidAudienceError: "the token is made for another audience",
        jwt.InvalidIssuerError: "the token is from another issuer",
        jwt.ImmatureSignatureError: "the token is not valid yet",
        jwt.MissingRequiredClaimError: "the token lacks one of exp, iss, aud, sub",
        jwt.InvalidSignatureError: "the token's signature is wrong",
    }
    return reasons.get(type(error), "the token is malformed")


def _scopes(claims: Mapping[str, Any]) -> frozenset[str]:
    """Scopes as RFC 8693 writes them (`scope`), or as Entra does (`scp`)."""
    granted = claims.get("scope", claims.get("scp", ""))
    if isinstance(granted, str):
        return frozenset(granted.split())
    return frozenset(str(scope) for scope in granted) if isinstance(granted, list) else frozenset()
