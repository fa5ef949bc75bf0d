"""Bearer tokens: authenticating callers and their scopes."""

from app.tokens.jwks import JwksCache, KeysUnavailable, UnknownKey, key_source
from app.tokens.known import KnownCallers
from app.tokens.verifier import Caller, InvalidToken, Keys, Verifier

__all__ = [
    "Caller",
    "InvalidToken",
    "JwksCache",
    "Keys",
    "KeysUnavailable",
    "KnownCallers",
    "UnknownKey",
    "Verifier",
    "key_source",
]
