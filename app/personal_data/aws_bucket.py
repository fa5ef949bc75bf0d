"""A bucket in Amazon S3; the identity needs s3:PutObject on what is under the prefix, and s3:ListBucket for it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Any

import orjson

from app.personal_data.errors import ErasureLogUnavailable

EXISTS = "PreconditionFailed"
RACES = "ConditionalRequestConflict"
"""Somebody else makes an object of the same name at the moment."""
ATTEMPTS = 5


class AwsBucket:
    """A bucket by its name; one with versions and a lock keeps what is written whatever its writers do."""

    def __init__(self, name: str, *, region: str, endpoint: str | None = None) -> None:
        self._name = name
        self._region = region
        self._endpoint = endpoint

    def create(self, name: str, content: Mapping[str, Any]) -> None:
        """Create an object unless it exists (S3 API, PutObject with If-None-Match)."""
        from botocore.exceptions import ClientError

        for _ in range(ATTEMPTS):
            try:
                self._call("put_object", Key=name, Body=orjson.dumps(content), IfNoneMatch="*")
            except ErasureLogUnavailable as error:
                cause = error.__cause__
                code = cause.response["Error"]["Code"] if isinstance(cause, ClientError) else None
                if code == EXISTS:
                    return
                if code != RACES:
                    raise
            else:
                return
        raise ErasureLogUnavailable(f"S3 bucket {self._name}: others write {name} all the time")

    def names(self, prefix: str) -> Iterator[str]:
        """Yield the names of objects under a prefix (S3 API, ListObjectsV2)."""
        more: dict[str, str] = {}
        while True:
            page = self._call("list_objects_v2", Prefix=prefix, **more)
            yield from (entry["Key"] for entry in page.get("Contents", ()))
            if not page.get("IsTruncated"):
                return
            more = {"ContinuationToken": page["NextContinuationToken"]}

    def _call(self, operation: str, **parameters: Any) -> dict[str, Any]:
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            answer: dict[str, Any] = getattr(self._client, operation)(Bucket=self._name, **parameters)
        except (BotoCoreError, ClientError) as error:
            raise ErasureLogUnavailable(f"S3 bucket {self._name} does not {operation}: {error}") from error
        return answer

    @cached_property
    def _client(self) -> Any:
        from botocore.config import Config
        from botocore.session import Session

        limits = Config(
            connect_timeout=5,
            read_timeout=5,
            retries={"total_max_attempts": 3, "mode": "standard"},
            s3={"addressing_style": "path" if self._endpoint else "virtual"},
        )
        return Session().create_client("s3", region_name=self._region, endpoint_url=self._endpoint, config=limits)
