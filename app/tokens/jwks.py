"""The public keys of the token issuer, and a cache that limits how often they are read."""

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
"""Age from which keys are read again."""
RETRY_SECONDS = 10.0
"""Shortest time between two reads, whatever key ids callers present."""
FETCH_SECONDS = 3.0
"""Time limit of one HTTPS request."""
LARGEST_DOCUMENT = 1024 * 1024

log = structlog.get_logger(__name__)

Source = Callable[[], str]
"""Reads the key set; blocks, and raises KeysUnavailable."""


class KeysUnavailable(Exception):
    """The issuer's keys cannot be read. The message says from where and why."""


class UnknownKey(Exception):
    """The issuer has no key with this id."""


class JwksCache:
    """Keys by id, read again when they are old or an id is unknown, but not more often than RETRY_SECONDS."""

    def __init__(self, source: Source, *, now: Callable[[], float] = time.monotonic) -> None:
        self._source = source
        self._now = now
        self._lock = asyncio.Lock()
        self._keys: dict[str | None, PyJWK] = {}
        self._read_at: float | None = None
        self._tried_at: float | None = None
        self._failure = "they have not been read yet"

    async def key(self, identity: str | None) -> PyJWK:
        """Return the key with this id; raise UnknownKey, or KeysUnavailable if no key was ever read."""
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
                self._keys = _parse_keys(await asyncio.to_thread(self._source))
                self._read_at = self._now()
            except KeysUnavailable as error:
                # Keep using the old keys: an issuer that is down for a while must not lock callers out.
                self._failure = str(error)
                log.warning("cannot read the keys of the issuer", reason=self._failure)

    def _older_than(self, seconds: float, moment: float | None) -> bool:
        return moment is None or self._now() - moment >= seconds


def key_source(issuer: str, jwks_uri: str) -> Source:
    """Return a source that reads `jwks_uri` (https or file), or if empty the URL in the discovery document."""
    if jwks_uri:
        return lambda: _read(jwks_uri)
    return lambda: _read(_discover(issuer))


def _discover(issuer: str) -> str:
    url = issuer.rstrip("/") + "/.well-known/openid-configuration"
    document = _json(_read(url), url)
    if document.get("issuer") != issuer:
        raise KeysUnavailable(f"{url} speaks for the issuer {document.get('issuer')!r}, not for {issuer}")
    uri = document.get("jwks_uri")
    if not isinstance(uri, str) or not uri.startswith("https://"):
        raise KeysUnavailable(f"{url} names no https jwks_uri")
    return uri


def _parse_keys(text: str) -> dict[str | None, PyJWK]:
    entries = _json(text, "the key set").get("keys")
    keys = [key for key in map(_parse_key, entries if isinstance(entries, list) else []) if key is not None]
    if not keys:
        raise KeysUnavailable("the key set holds no usable key")
    return {key.key_id: key for key in keys}


def _parse_key(entry: Any) -> PyJWK | None:
    """Return a key for verifying signatures; None for other uses and unknown kinds."""
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
        raise KeysUnavailable(f"{where} is not a JSON object")
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
