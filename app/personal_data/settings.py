"""Where the master key and the erasure log are, and how each is opened."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated

from pydantic import Field

from app.personal_data.aws_bucket import AwsBucket
from app.personal_data.erasure_log import DatabaseErasureLog, ErasureLog, FileErasureLog
from app.personal_data.errors import MasterKeyFailed
from app.personal_data.gcp_bucket import GcpBucket
from app.personal_data.master_key import MasterKey
from app.personal_data.object_log import ObjectErasureLog
from app.queries import Reads
from app.settings import SealingSettings
from app.topology import Directory

DATABASES = "databases"


class PersonalDataSettings(SealingSettings):
    """Further settings of commands that erase."""

    erasure_log: Annotated[
        str, Field(pattern=r"^(databases$|file:/.|aws-s3:[a-z0-9-]+/[a-z0-9.-]+(/|$)|gcp-storage:[a-z0-9._-]+(/|$))")
    ] = DATABASES
    """databases: a table in a database of every home; or file:/path, aws-s3:region/bucket/prefix,
    gcp-storage:bucket/prefix."""


def open_erasure_log(where: str, directory: Directory, databases: Mapping[str, Reads]) -> ErasureLog:
    """Return the log that a setting names. `databases`: one database of each home, each of which has all of it."""
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


def open_master_key(where: str) -> MasterKey:
    """Return the master key that a setting names; raise MasterKeyFailed.

    One of `file:<path>`, `aws-kms:<arn>[,<earlier arn>…]`, `azure-key-vault:https://<vault>/keys/<name>` and
    `gcp-kms:projects/<…>/cryptoKeys/<name>`.
    """
    kind, _, rest = where.partition(":")
    if kind not in _KINDS or not rest:
        raise MasterKeyFailed(f"{where!r} names no master key: it begins with one of {', '.join(_KINDS)}, and a colon")
    return _KINDS[kind](rest)


def _file(path: str) -> MasterKey:
    from app.personal_data.key_file import FileMasterKey

    return FileMasterKey(Path(path))


def _aws(arns: str) -> MasterKey:
    from app.personal_data.aws import AwsMasterKey

    current, *earlier = arns.split(",")
    return AwsMasterKey(current, earlier=earlier)


def _azure(url: str) -> MasterKey:
    from app.personal_data.azure import AzureMasterKey

    return AzureMasterKey(url)


def _gcp(name: str) -> MasterKey:
    from app.personal_data.gcp import GcpMasterKey

    return GcpMasterKey(name)


# Each imports its keeper only when it is asked for: the clouds' libraries are heavy.
_KINDS: dict[str, Callable[[str], MasterKey]] = {
    "file": _file,
    "aws-kms": _aws,
    "azure-key-vault": _azure,
    "gcp-kms": _gcp,
}
