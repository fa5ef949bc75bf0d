"""Where the master key and the erasure log are."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

from pydantic import Field

from app.personal_data.aws_bucket import AwsBucket
from app.personal_data.erasure_log import DatabaseErasureLog, ErasureLog, FileErasureLog
from app.personal_data.gcp_bucket import GcpBucket
from app.personal_data.object_log import ObjectErasureLog
from app.queries import Reads
from app.settings import SealingSettings
from app.topology import Directory

DATABASES = "databases"


class PersonalDataSettings(SealingSettings):
    """What whoever erases needs besides."""

    erasure_log: Annotated[
        str, Field(pattern=r"^(databases$|file:/.|aws-s3:[a-z0-9-]+/[a-z0-9.-]+(/|$)|gcp-storage:[a-z0-9._-]+(/|$))")
    ] = DATABASES
    """databases: a table in a database of every home; or file:/path, aws-s3:region/bucket/prefix,
    gcp-storage:bucket/prefix."""


def erasure_log(where: str, directory: Directory, databases: Mapping[str, Reads]) -> ErasureLog:
    """The log that a setting names: in the databases, one of each home has all of it."""
    kind, _, place = where.partition(":")
    match kind:
        case "file":
            return FileErasureLog(Path(place))
        case "aws-s3":
            region, _, place = place.partition("/")
            bucket, _, prefix = place.partition("/")
            return ObjectErasureLog(AwsBucket(bucket, region=region), prefix)
        case "gcp-storage":
            bucket, _, prefix = place.partition("/")
            return ObjectErasureLog(GcpBucket(bucket), prefix)
    first_of_home = {shard.home: shard.name for shard in reversed(directory.shards)}
    return DatabaseErasureLog([databases[name] for name in first_of_home.values()])
