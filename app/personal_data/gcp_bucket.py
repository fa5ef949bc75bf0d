"""A bucket in Google Cloud Storage; the identity needs storage.objects.create and storage.objects.list."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlencode

from app.personal_data.errors import ErasureLogUnavailable
from app.personal_data.gcp import login_for
from app.personal_data.rest import CloudService, Login

SCOPE = "https://www.googleapis.com/auth/devstorage.read_write"
SERVICE = "https://storage.googleapis.com"
PRECONDITION_FAILED = 412


class GcpBucket:
    """A bucket by its name; one with a retention policy keeps what is written whatever its writers do."""

    def __init__(self, name: str, *, login: Login | None = None, service: str = SERVICE) -> None:
        self._objects = f"/storage/v1/b/{name}/o"
        self._service = service
        self._http = CloudService(
            f"Google Cloud Storage bucket {name}", login or login_for(SCOPE), ErasureLogUnavailable
        )

    def create(self, name: str, content: Mapping[str, Any]) -> None:
        """Cloud Storage JSON API, objects.insert where there is no generation of the name."""
        query = urlencode({"uploadType": "media", "name": name, "ifGenerationMatch": 0})
        url = f"{self._service}/upload{self._objects}?{query}"
        self._http.ask("POST", url, content, lambda _: None, done_before=PRECONDITION_FAILED)

    def names(self, prefix: str) -> Iterator[str]:
        """Cloud Storage JSON API, objects.list."""
        more: dict[str, str] = {}
        while True:
            query = urlencode({"prefix": prefix, "fields": "items(name),nextPageToken", **more})
            page = self._http.ask("GET", f"{self._service}{self._objects}?{query}", None, dict)
            yield from (entry["name"] for entry in page.get("items", ()))
            if "nextPageToken" not in page:
                return
            more = {"pageToken": page["nextPageToken"]}
