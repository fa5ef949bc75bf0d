"""An object store of a cloud, played on loopback: conditional creation, lists in pages, refusals, busy spells."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape

BUCKET = "erasures-of-test"
PAGE = 3


@dataclass
class ObjectStore:
    """What it holds and how it behaves; there is no way to change or delete an object."""

    objects: dict[str, bytes] = field(default_factory=dict)
    busy: int = 0
    """Requests that it answers by 503 first."""
    racing: int = 0
    """Creations that it refuses once, since somebody else makes the same object."""
    refuses: bool = False
    requests: list[str] = field(default_factory=list)
    url: str = ""

    def create(self, name: str, content: bytes) -> bool:
        if name in self.objects:
            return False
        self.objects[name] = content
        return True

    def page(self, prefix: str, after: str) -> tuple[list[str], str | None]:
        names = sorted(name for name in self.objects if name.startswith(prefix) and name > after)
        return names[:PAGE], names[PAGE - 1] if len(names) > PAGE else None


class Handler(BaseHTTPRequestHandler):
    store: ObjectStore

    def answer(self) -> None:
        url = urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(url.query).items()}
        content = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.store.requests.append(self.command)
        if self.store.busy:
            self.store.busy -= 1
            self.give(503, self.error("SlowDown"))
        elif self.store.refuses:
            self.give(403, self.error("AccessDenied"))
        else:
            self.give(*self.made(url.path, query, content))

    do_GET = do_PUT = do_POST = answer  # noqa: N815

    def made(self, path: str, query: dict[str, str], content: bytes) -> tuple[int, bytes]:
        raise NotImplementedError

    def error(self, code: str) -> bytes:
        raise NotImplementedError

    def give(self, status: int, text: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_: Any) -> None: ...


class S3(Handler):
    """Amazon S3, as far as the log uses it."""

    def made(self, path: str, query: dict[str, str], content: bytes) -> tuple[int, bytes]:
        assert "eu-central-1/s3/aws4_request" in self.headers["Authorization"]
        if self.command == "GET":
            assert (path, query["list-type"]) == (f"/{BUCKET}", "2")
            names, more = self.store.page(query.get("prefix", ""), query.get("continuation-token", ""))
            items = "".join(f"<Contents><Key>{escape(name)}</Key></Contents>" for name in names)
            token = f"<NextContinuationToken>{escape(more)}</NextContinuationToken>" if more else ""
            cut = str(more is not None).lower()
            return 200, f"<ListBucketResult><IsTruncated>{cut}</IsTruncated>{token}{items}</ListBucketResult>".encode()
        assert self.headers["If-None-Match"] == "*", "an object may be made, never changed"
        assert any(name.startswith("x-amz-checksum-") for name in map(str.lower, self.headers)), "a locked bucket asks"
        if self.store.racing:
            self.store.racing -= 1
            return 409, self.error("ConditionalRequestConflict")
        name = unquote(path).removeprefix(f"/{BUCKET}/")
        return (200, b"") if self.store.create(name, content) else (412, self.error("PreconditionFailed"))

    def error(self, code: str) -> bytes:
        return f"<Error><Code>{code}</Code><Message>no</Message></Error>".encode()


class Gcs(Handler):
    """Google Cloud Storage, as far as the log uses it."""

    def made(self, path: str, query: dict[str, str], content: bytes) -> tuple[int, bytes]:
        assert self.headers["Authorization"] == "Bearer token-of-this-process"
        if self.command == "GET":
            assert path == f"/storage/v1/b/{BUCKET}/o"
            names, more = self.store.page(query.get("prefix", ""), query.get("pageToken", ""))
            listed: dict[str, Any] = {"items": [{"name": name} for name in names]} if names else {}
            return 200, json.dumps(listed | ({"nextPageToken": more} if more else {})).encode()
        assert path == f"/upload/storage/v1/b/{BUCKET}/o"
        assert (query["uploadType"], query["ifGenerationMatch"]) == ("media", "0")
        made = self.store.create(query["name"], content)
        return (200, b"{}") if made else (412, self.error("conditionNotMet"))

    def error(self, code: str) -> bytes:
        return json.dumps({"error": {"message": code}}).encode()


@contextmanager
def played(kind: type[Handler]) -> Iterator[ObjectStore]:
    """The store of one cloud, until the end of the block."""
    store = ObjectStore()
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Played", (kind,), {"store": store}))
    store.url = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    try:
        yield store
    finally:
        server.shutdown()
        server.server_close()
