"""Where the master key and the erasure log are."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

from pydantic import Field

from app.personal_data.erasure_log import DatabaseErasureLog, ErasureLog, FileErasureLog
from app.settings import SealingSettings
from app.sharding import Directory
from app.statements import Reads

DATABASES = "databases"
FILE = "file:"


class PersonalDataSettings(SealingSettings):
    """What whoever erases needs besides."""

    erasure_log: Annotated[str, Field(pattern=r"^(databases$|file:/.)")] = DATABASES
    """databases: a table in a database of every home; or file:/path."""


def erasure_log(where: str, directory: Directory, databases: Mapping[str, Reads]) -> ErasureLog:
    """The log that a setting names: in the databases, one of each home has all of it."""
    if where.startswith(FILE):
        return FileErasureLog(Path(where.removeprefix(FILE)))
    first_of_home = {shard.home: shard.name for shard in reversed(directory.shards)}
    return DatabaseErasureLog([databases[name] for name in first_of_home.values()])
