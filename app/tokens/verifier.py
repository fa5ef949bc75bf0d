"""Verification of bearer tokens."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import jwt
from jwt import PyJWK

from app.tokens.jwks import UnknownKey

ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
"""Public key signatures only: with a shared secret the app could forge tokens."""
CLOCK_SKEW_SECONDS = 30
LONGEST_TOKEN = 8192


class Keys(Protocol):
    """The public keys of an issuer."""

    async def key(self, identity: str | None) -> PyJWK:
        """Return the key with this id; raise UnknownKey and KeysUnavailable."""
        ...


class InvalidToken(Exception):
    """The token is invalid. The message says why and contains no part of the token."""


@dataclass(frozen=True)
class Caller:
    """The sender of a request, as its token says."""

    subject: str
    scopes: frozenset[str]
    expires_at: float
    """Expiry of the token, in seconds since 1970; it is accepted for CLOCK_SKEW_SECONDS longer."""


class Verifier:
    """Verifies tokens of one issuer for one audience."""

    def __init__(self, keys: Keys, *, issuer: str, audience: str) -> None:
        self._keys = keys
        self._issuer = issuer
        self._audience = audience

    async def caller(self, token: str) -> Caller:
        """Return the caller with this token; raise InvalidToken, or KeysUnavailable if it cannot be verified."""
        if len(token) > LONGEST_TOKEN:
            raise InvalidToken("the token is too long")
        try:
            header = jwt.get_unverified_header(token)
            if header.get("alg") not in ALGORITHMS:
                raise InvalidToken("the token is not signed with an accepted public key algorithm")
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
    """Return the scopes of a token, in the claim of RFC 8693 (`scope`) or of Entra (`scp`)."""
    granted = claims.get("scope", claims.get("scp", ""))
    if isinstance(granted, str):
        return frozenset(granted.split())
    return frozenset(str(scope) for scope in granted) if isinstance(granted, list) else frozenset()
