"""Sealing single fields of a document under the key of the person whom they are about.

A sealed value is an object with one member, and stands where the plain value stood:

    {"email": {"$sealed": {"subject": "acct-7", "value": "<base64>", "version": 1}}}

The value is nonce, ciphertext and tag of AES-256-GCM (NIST SP 800-38D) over the plain value as JSON, filled up with
blanks to a multiple of 16 bytes. Form, subject and the name of the field are bound as associated data: what is moved
to another field or said to be another subject's does not open. Stream and version are not bound, so a read model or a
snapshot may carry a sealed value under the same name.
"""

from __future__ import annotations

import hmac
import os
from base64 import b64decode, b64encode
from binascii import Error as NotBase64
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import orjson
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

from app.personal_data.errors import InvalidPersonalData, SealBroken

SECRET_BYTES = 32
SEALED = "$sealed"
VERSION = 1

_NONCE_BYTES = 12
_TAG_BYTES = 16
_BLOCK_BYTES = 16

Random = Callable[[int], bytes]


@dataclass(frozen=True, slots=True)
class Erased:
    """Stands where a personal value was whose key is destroyed."""

    subject: str


class SubjectKey:
    """The data key of one subject, ready for use."""

    __slots__ = ("_cipher", "_content", "subject")

    def __init__(self, subject: str, secret: bytes) -> None:
        if len(secret) != SECRET_BYTES:
            raise SealBroken(f"the key of {subject} has {len(secret)} bytes, not {SECRET_BYTES}")
        self.subject = subject
        # Two uses, two keys: neither tells anything about the other.
        self._cipher = AESGCM(_derived(secret, b"fortress: sealing"))
        self._content = _derived(secret, b"fortress: content")

    def __repr__(self) -> str:
        return f"SubjectKey({self.subject!r})"

    def seal(self, name: str, value: Any, *, random: Random = os.urandom) -> dict[str, Any]:
        """Return the sealed form of the field `name`; raise InvalidPersonalData."""
        try:
            plain = orjson.dumps(value, None, orjson.OPT_SORT_KEYS)
        except TypeError as error:
            raise InvalidPersonalData(f"{name} of {self.subject} is not JSON: {error}") from None
        filled = plain.ljust(-(-len(plain) // _BLOCK_BYTES) * _BLOCK_BYTES)
        nonce = random(_NONCE_BYTES)
        secret = nonce + self._cipher.encrypt(nonce, filled, _context(self.subject, name))
        return {SEALED: {"subject": self.subject, "value": b64encode(secret).decode(), "version": VERSION}}

    def open(self, name: str, value: bytes) -> Any:
        """Return the plain value of the field `name`; raise SealBroken."""
        try:
            plain = self._cipher.decrypt(value[:_NONCE_BYTES], value[_NONCE_BYTES:], _context(self.subject, name))
        except InvalidTag:
            raise SealBroken(f"the sealed {name} of {self.subject} is not what was sealed there") from None
        return orjson.loads(plain)

    def digest(self, content: bytes) -> bytes:
        """Return the HMAC-SHA256 (RFC 2104) of content: meaningless once the key is destroyed."""
        return hmac.digest(self._content, content, "sha256")


Keys = Mapping[str, SubjectKey | None]
"""Keys by subject; None where the key is destroyed."""


def seal(
    document: Mapping[str, Any], fields: Collection[str], key: SubjectKey, *, random: Random = os.urandom
) -> dict[str, Any]:
    """Return the document with its personal fields sealed; absent fields are skipped.

    A field is named by its path, as in `holder.email`; lists on the way are passed through. Raises InvalidPersonalData.
    """
    sealed: dict[str, Any] = _sealed(
        document, "", frozenset(fields), lambda name, value: key.seal(name, value, random=random)
    )
    return sealed


def has_any(document: Mapping[str, Any], fields: Collection[str]) -> bool:
    """Return whether the document has any of the personal fields."""
    return any(path in fields for path in _paths(document, ""))


def unseal(document: Any, keys: Keys, *, withheld: Any = None) -> Any:
    """Return the document with every sealed value opened, or `Erased` in its place.

    Where `keys` does not name the subject, `withheld` stands there; without it that is a KeyError. Raises SealBroken.
    """
    return _unsealed("", document, keys, withheld)


def subjects_of(document: Any) -> set[str]:
    """Whose sealed values the document holds; raises SealBroken."""
    return {subject for _, subject, _ in _sealed_values("", document)}


def _sealed(document: Any, path: str, fields: Collection[str], seal_one: Callable[[str, Any], Any]) -> Any:
    if isinstance(document, Mapping):
        result = {}
        for name, value in document.items():
            if name == SEALED:
                raise InvalidPersonalData(f"{SEALED} marks sealed values, and cannot be the name of a field")
            here = f"{path}.{name}" if path else name
            result[name] = seal_one(name, value) if here in fields else _sealed(value, here, fields, seal_one)
        return result
    if isinstance(document, list | tuple):
        return [_sealed(element, path, fields, seal_one) for element in document]
    return document


def _paths(document: Any, path: str) -> Iterator[str]:
    if isinstance(document, Mapping):
        for name, value in document.items():
            here = f"{path}.{name}" if path else name
            yield here
            yield from _paths(value, here)
    elif isinstance(document, list | tuple):
        for element in document:
            yield from _paths(element, path)


def _unsealed(name: str, document: Any, keys: Keys, withheld: Any) -> Any:
    if isinstance(document, Mapping):
        if SEALED in document:
            return _opened(name, document, keys, withheld)
        return {inner: _unsealed(inner, more, keys, withheld) for inner, more in document.items()}
    if isinstance(document, list):
        return [_unsealed(name, element, keys, withheld) for element in document]
    return document


def _opened(name: str, envelope: Mapping[str, Any], keys: Keys, withheld: Any) -> Any:
    subject, value = _parts(envelope)
    if withheld is not None and subject not in keys:
        return withheld
    key = keys[subject]
    return Erased(subject) if key is None else key.open(name, value)


def _sealed_values(name: str, document: Any) -> Iterator[tuple[str, str, bytes]]:
    if isinstance(document, Mapping):
        if SEALED in document:
            yield (name, *_parts(document))
            return
        for inner, more in document.items():
            yield from _sealed_values(inner, more)
    elif isinstance(document, list):
        for element in document:
            yield from _sealed_values(name, element)


def _parts(envelope: Mapping[str, Any]) -> tuple[str, bytes]:
    match envelope:
        case {"$sealed": {"subject": str(subject), "value": str(value), "version": 1, **more}} if (
            len(envelope) == 1 and not more
        ):
            try:
                secret = b64decode(value, validate=True)
            except (NotBase64, ValueError):
                secret = b""
            if len(secret) >= _NONCE_BYTES + _TAG_BYTES:
                return subject, secret
    raise SealBroken(f"a sealed value is not of the form of version {VERSION}")


def _context(subject: str, name: str) -> bytes:
    # As JSON: no two pairs of texts have the same bytes.
    return orjson.dumps(["fortress sealed value", VERSION, subject, name])


def _derived(secret: bytes, purpose: bytes) -> bytes:
    return HKDFExpand(SHA256(), SECRET_BYTES, purpose).derive(secret)
