"""Middleware that looks for canary tokens in requests; the response is not changed."""

from __future__ import annotations

import asyncio
import re
from collections import OrderedDict
from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote_to_bytes

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.canaries import credentials
from app.canaries.detections import Detection, DetectionLog
from app.canaries.tokens import Canaries, Canary
from app.tokens import KnownCallers

LARGEST_BODY = 64 * 1024
"""Bytes; the API refuses larger bodies, so the detector skips them."""
SHORTEST_TOKEN = 12
"""Characters; header values up to this length hold no token."""
REMEMBERED = 4096
AUTHORIZATION = b"authorization"

_ESCAPED = re.compile(rb"\\u00([0-7][0-9a-fA-F])")


class CanaryDetector:
    """Logs every canary token in the path, query, headers or body of a request."""

    def __init__(self, app: ASGIApp, canaries: Canaries, log: DetectionLog, callers: KnownCallers) -> None:
        self._app = app
        self._canaries = canaries
        self._log = log
        self._callers = callers
        self._cache: OrderedDict[bytes, tuple[Canary, ...]] = OrderedDict()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        found = list(self._find_in_head(scope))
        if not _has_body(scope):
            await self._app(scope, receive, send)
        else:
            body: list[bytes] = []
            await self._app(scope, _record_body(receive, body), send)
            found += (("body", canary) for canary in self._find(_unescape(b"".join(body))))
        if found:
            # Later: the event loop sends what was written at the end of this turn, so the response would wait.
            asyncio.get_running_loop().call_soon(self._record, scope, found)

    def _find_in_head(self, scope: Scope) -> Iterator[tuple[str, Canary]]:
        path: str = scope["path"]
        for canary in self._find_cached(path.encode("utf-8", "surrogateescape")):
            yield "path", canary
        for canary in self._find(unquote_to_bytes(scope["query_string"])):
            yield "query", canary
        for canary in self._find_in_headers(scope):
            yield "header", canary

    def _find_in_headers(self, scope: Scope) -> Iterator[Canary]:
        others = []
        for name, value in scope["headers"]:
            if name == AUTHORIZATION:
                yield from self._find_cached(value)
            elif len(value) > SHORTEST_TOKEN:
                others.append(value)
        yield from self._find(b"\n".join(others))

    def _find_cached(self, text: bytes) -> tuple[Canary, ...]:
        """Return the tokens in a text that recurs: a path or a bearer token."""
        found = self._cache.get(text)
        if found is None:
            found = self._cache[text] = tuple(self._find(text))
            if len(self._cache) > REMEMBERED:
                self._cache.popitem(last=False)
        return found

    def _find(self, text: bytes) -> Iterator[Canary]:
        yield from self._canaries.find(text)
        if b"eyJ" in text:
            yield from credentials.find(self._canaries, text)

    def _record(self, scope: Scope, found: list[tuple[str, Canary]]) -> None:
        query = scope["query_string"].decode("latin-1")
        line = f"{scope['method']} {scope['path']}{'?' if query else ''}{query}"
        caller = self._caller(scope)
        client, at = _client(scope), self._log.clock()
        request = str(scope.get("request_id", ""))
        for where, canary in found:
            self._log.add(Detection(canary, where, line, caller, client, request, at))

    def _caller(self, scope: Scope) -> str | None:
        kind, _, token = _header(scope, AUTHORIZATION).partition(" ")
        known = self._callers.remembered(token) if kind.lower() == "bearer" else None
        return known.subject if known else None


def _has_body(scope: Scope) -> bool:
    return any(
        (name == b"content-length" and value != b"0") or name == b"transfer-encoding"
        for name, value in scope["headers"]
    )


def _record_body(receive: Receive, body: list[bytes]) -> Receive:
    """Wrap `receive` so that the first LARGEST_BODY bytes are also appended to `body`."""
    size = 0

    async def receive_and_record() -> Message:
        nonlocal size
        message = await receive()
        part: Any = message.get("body", b"")
        size += len(part)
        if size <= LARGEST_BODY:
            body.append(part)
        return message

    return receive_and_record


def _unescape(body: bytes) -> bytes:
    """Replace JSON escapes of ASCII characters, which could hide a token."""
    if b"\\u" not in body:
        return body
    return _ESCAPED.sub(lambda match: bytes.fromhex(match[1].decode()), body)


def _client(scope: Scope) -> str:
    """Return the client's address as the gateway forwarded it, else the peer of the connection."""
    forwarded = _header(scope, b"x-forwarded-for")
    client = scope.get("client")
    return forwarded[:200] or (str(client[0]) if client else "")


def _header(scope: Scope, wanted: bytes) -> str:
    for name, value in scope["headers"]:
        if name == wanted:
            text: str = value.decode("latin-1")
            return text
    return ""
