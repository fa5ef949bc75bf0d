"""Looks for canary tokens in requests. The answer stays what it would be."""

from __future__ import annotations

import asyncio
import re
from collections import OrderedDict
from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote_to_bytes

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.camouflage import credentials
from app.camouflage.canaries import Canaries, Canary
from app.camouflage.sightings import Sighting, Sightings
from app.tokens import KnownCallers

LARGEST_BODY = 64 * 1024
"""More is not taken by the API, and not looked at."""
REMEMBERED = 4096
AUTHORIZATION = b"authorization"

_ESCAPED = re.compile(rb"\\u00([0-7][0-9a-fA-F])")


class CanaryWatch:
    """Notes every canary token in the path, the query, the headers and the body of a request."""

    def __init__(self, app: ASGIApp, canaries: Canaries, sightings: Sightings, callers: KnownCallers) -> None:
        self._app = app
        self._canaries = canaries
        self._sightings = sightings
        self._callers = callers
        self._read: OrderedDict[bytes, tuple[Canary, ...]] = OrderedDict()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        found = list(self._in_head(scope))
        if not _has_body(scope):
            await self._app(scope, receive, send)
        else:
            body: list[bytes] = []
            await self._app(scope, _keeping(receive, body), send)
            found += (("body", canary) for canary in self._in(_unescaped(b"".join(body))))
        if found:
            # Not at once: what is written in a turn of the loop goes out at its end, and the answer would wait for it.
            asyncio.get_running_loop().call_soon(self._note, scope, found)

    def _in_head(self, scope: Scope) -> Iterator[tuple[str, Canary]]:
        path: str = scope["path"]
        for canary in self._remembered(path.encode("utf-8", "surrogateescape")):
            yield "path", canary
        for canary in self._in(unquote_to_bytes(scope["query_string"])):
            yield "query", canary
        for canary in self._in_headers(scope):
            yield "header", canary

    def _in_headers(self, scope: Scope) -> Iterator[Canary]:
        others = []
        for name, value in scope["headers"]:
            if name == AUTHORIZATION:
                yield from self._remembered(value)
            elif len(value) > _SHORTEST:
                others.append(value)
        yield from self._in(b"\n".join(others))

    def _remembered(self, text: bytes) -> tuple[Canary, ...]:
        """What is in a text that comes again and again: a path, a bearer token."""
        found = self._read.get(text)
        if found is None:
            found = self._read[text] = tuple(self._in(text))
            if len(self._read) > REMEMBERED:
                self._read.popitem(last=False)
        return found

    def _in(self, text: bytes) -> Iterator[Canary]:
        yield from self._canaries.found(text)
        if b"eyJ" in text:
            yield from credentials.found(self._canaries, text)

    def _note(self, scope: Scope, found: list[tuple[str, Canary]]) -> None:
        query = scope["query_string"].decode("latin-1")
        line = f"{scope['method']} {scope['path']}{'?' if query else ''}{query}"
        caller = self._caller(scope)
        client, at = _client(scope), self._sightings.clock()
        request = str(scope.get("request_id", ""))
        for where, canary in found:
            self._sightings.note(Sighting(canary, where, line, caller, client, request, at))

    def _caller(self, scope: Scope) -> str | None:
        kind, _, token = _header(scope, AUTHORIZATION).partition(" ")
        known = self._callers.remembered(token) if kind.lower() == "bearer" else None
        return known.subject if known else None


_SHORTEST = 12
"""No token is as short as this."""


def _has_body(scope: Scope) -> bool:
    return any(
        (name == b"content-length" and value != b"0") or name == b"transfer-encoding"
        for name, value in scope["headers"]
    )


def _keeping(receive: Receive, body: list[bytes]) -> Receive:
    size = 0

    async def kept() -> Message:
        nonlocal size
        message = await receive()
        part: Any = message.get("body", b"")
        size += len(part)
        if size <= LARGEST_BODY:
            body.append(part)
        return message

    return kept


def _unescaped(body: bytes) -> bytes:
    """JSON with its letters and digits as they are, however they were written."""
    if b"\\u" not in body:
        return body
    return _ESCAPED.sub(lambda match: bytes.fromhex(match[1].decode()), body)


def _client(scope: Scope) -> str:
    """Where the request came from, by the gateway before this process, or by the connection."""
    forwarded = _header(scope, b"x-forwarded-for")
    client = scope.get("client")
    return forwarded[:200] or (str(client[0]) if client else "")


def _header(scope: Scope, wanted: bytes) -> str:
    for name, value in scope["headers"]:
        if name == wanted:
            text: str = value.decode("latin-1")
            return text
    return ""
