"""The public keys of the token issuer: where they are read, and a cache of them that a stranger cannot wear out."""

from __future__ import annotations

import asyncio
import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn
from urllib.parse import unquote, urlsplit

import structlog
from jwt import PyJWK, PyJWTError

FRESH_SECONDS = 300.0
"""How long keys are used before they are read again."""
RETRY_SECONDS = 10.0
"""Shortest time between two readings, whatever key ids are asked for."""
FETCH_SECONDS = 3.0
LARGEST_DOCUMENT = 1024 * 1024

log = structlog.get_logger(__name__)

Source = Callable[[], str]
"""Reads the key set; blocks, and raises KeysUnavailable."""


class KeysUnavailable(Exception):
    """The issuer's keys cannot be read; says from where and why."""


class UnknownKey(Exception):
    """The issuer has no key of that id."""


class JwksCache:
    """Keys by id, read again when they are old or when an unknown id is asked for, but never too often."""

    def __init__(self, source: Source, *, now: Callable[[], float] = time.monotonic) -> None:
        self._source = source
        self._now = now
        self._lock = asyncio.Lock()
        self._keys: dict[str | None, PyJWK] = {}
        self._read_at: float | None = None
        self._tried_at: float | None = None
        self._failure = "they were not read yet"

    async def key(self, identity: str | None) -> PyJWK:
        """The key of this id; raises UnknownKey, or KeysUnavailable where no key was ever read."""
        if identity not in self._keys or self._older_than(FRESH_SECONDS, self._read_at):
            await self._refresh(identity)
        if identity in self._keys:
            return self._keys[identity]
        if not self._keys:
            raise KeysUnavailable(self._failure)
        raise UnknownKey("the issuer has no key of the token's key id")

    async def _refresh(self, identity: str | None) -> None:
        async with self._lock:
            fresh = identity in self._keys and not self._older_than(FRESH_SECONDS, self._read_at)
            if fresh or not self._older_than(RETRY_SECONDS, self._tried_at):
                return
            self._tried_at = self._now()
            try:
                self._keys = _keys_in(await asyncio.to_thread(self._source))
                self._read_at = self._now()
            except KeysUnavailable as error:
                # Keys that were once good stay in use: an issuer that is down for a while locks nobody out.
                self._failure = str(error)
                log.warning("keys of the issuer were not read", reason=self._failure)

    def _older_than(self, seconds: float, moment: float | None) -> bool:
        return moment is None or self._now() - moment >= seconds


def key_source(issuer: str, jwks_uri: str) -> Source:
    """Reads keys at `jwks_uri` (https or file), or where the issuer's discovery document says when that is empty."""
    if jwks_uri:
        return lambda: _read(jwks_uri)
    return lambda: _read(_discovered(issuer))


def _discovered(issuer: str) -> str:
    url = issuer.rstrip("/") + "/.well-known/openid-configuration"
    document = _json(_read(url), url)
    if document.get("issuer") != issuer:
        raise KeysUnavailable(f"{url} speaks for the issuer {document.get('issuer')!r}, not for {issuer}")
    found = document.get("jwks_uri")
    if not isinstance(found, str) or not found.startswith("https://"):
        raise KeysUnavailable(f"{url} names no https jwks_uri")
    return found


def _keys_in(text: str) -> dict[str | None, PyJWK]:
    entries = _json(text, "the key set").get("keys")
    keys = [key for key in map(_usable, entries if isinstance(entries, list) else []) if key is not None]
    if not keys:
        raise KeysUnavailable("the key set holds no usable key")
    return {key.key_id: key for key in keys}


def _usable(entry: Any) -> PyJWK | None:
    """A key for checking signatures; None for one that is of another use or of a kind that is not known here."""
    try:
        key = PyJWK(entry)
    except (PyJWTError, LookupError, TypeError, ValueError, AttributeError):
        return None
    return key if key.public_key_use in (None, "sig") else None


def _json(text: str, where: str) -> dict[str, Any]:
    try:
        document = json.loads(text)
    except ValueError as error:
        raise KeysUnavailable(f"{where} is not JSON: {error}") from None
    if not isinstance(document, dict):
        raise KeysUnavailable(f"{where} is no JSON object")
    return document


def _read(url: str) -> str:
    try:
        return _read_file(url) if url.startswith("file://") else _read_https(url)
    except (OSError, ValueError) as error:
        raise KeysUnavailable(f"{url} cannot be read: {error}") from None


def _read_file(url: str) -> str:
    return Path(unquote(urlsplit(url).path)).read_text()


def _read_https(url: str) -> str:
    if not url.startswith("https://"):
        raise ValueError("only https is used")
    opener = urllib.request.build_opener(_NoRedirect)
    with opener.open(url, timeout=FETCH_SECONDS) as answer:
        body: bytes = answer.read(LARGEST_DOCUMENT + 1)
    if len(body) > LARGEST_DOCUMENT:
        raise ValueError(f"the document is larger than {LARGEST_DOCUMENT} bytes")
    return body.decode()


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: object, **__: object) -> NoReturn:
        raise urllib.error.URLError("it redirects")
