"""The database servers of a sandbox, written down: which there are, where they listen, what they were asked for."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from localcloud.postgres import binaries
from localcloud.postgres.binaries import Binaries
from localcloud.sandbox import Sandbox, write_atomically

FILE = "server.json"
PASSWORDS = frozenset({"administratorLoginPassword", "password", "passwordWo", "rootPassword", "rootPasswordWo"})
OPERATOR = "localcloud"
"""The superuser of every local server, whom no cloud would give out."""


@dataclass(frozen=True, kw_only=True)
class ServerRecord:
    """One server."""

    key: str
    """Its folder's name under `<sandbox>/postgres`; stays when the server is renamed."""
    cloud: str
    """aws, azure or gcp."""
    identifier: str
    """Its name in that cloud."""
    urn: str
    address: str
    port: int
    major: int | None = None
    parameters: Mapping[str, str] = field(default_factory=dict)
    """As the cloud names them."""
    source: str | None = None
    """The key of the primary that it follows, None for a primary."""
    floors: Mapping[str, int] = field(default_factory=dict)
    """What a standby must not go below, for its primary had as much."""
    iam_domain: str | None = None
    """Certificate X also logs in as role `X@<iam_domain>`."""
    database: str = "postgres"
    """Which database people want first."""
    operator: str = OPERATOR
    """As which role they log in."""
    inputs: Mapping[str, Any] = field(default_factory=dict)
    """The resource's own, without passwords."""
    complete: bool = False
    """Whether a create has once come to its end."""

    @property
    def program(self) -> str:
        return f"postgres-{self.key}"

    @property
    def address_owner(self) -> str:
        return f"postgres/{self.key}"

    @property
    def service(self) -> str:
        """A short name, else the identifier: `production-aws-0` is `aws-0`, and so is `production-aws-0-3f9a2c`.

        Such a hash stands at the end of names that must be unique in the sandbox.
        """
        found = re.search(r"(?:^|-)((?:aws|azure|gcp)-\d+(?:-replica(?:-\d+)?)?)(?:-[0-9a-f]{6})?$", self.identifier)
        return found[1] if found else self.identifier


def load(sandbox: Sandbox, key: str) -> ServerRecord | None:
    """The server of that key, None where there is none (or its file is no longer readable)."""
    try:
        return ServerRecord(**json.loads(_path(sandbox, key).read_text()))
    except (FileNotFoundError, NotADirectoryError, ValueError, TypeError):
        return None


def save(sandbox: Sandbox, record: ServerRecord) -> None:
    write_atomically(_path(sandbox, record.key), json.dumps(asdict(record), indent=1, sort_keys=True))


def change(sandbox: Sandbox, record: ServerRecord, **changes: Any) -> ServerRecord:
    """Write the record with these changes."""
    changed = replace(record, **changes)
    save(sandbox, changed)
    return changed


def every(sandbox: Sandbox) -> Iterator[ServerRecord]:
    """All servers of the sandbox, in the order of their keys."""
    for path in sorted((sandbox.root / "postgres").glob(f"*/{FILE}")):
        record = load(sandbox, path.parent.name)
        if record is not None:
            yield record


def find(sandbox: Sandbox, cloud: str, identifier: str) -> ServerRecord | None:
    """The server of that name in that cloud."""
    return next((each for each in every(sandbox) if (each.cloud, each.identifier) == (cloud, identifier)), None)


def binaries_of(record: ServerRecord) -> Binaries:
    """The PostgreSQL that the server runs on."""
    return binaries.find(record.major)


def without_passwords(inputs: Mapping[str, Any]) -> dict[str, Any]:
    """Inputs that may be written down."""
    return {name: value for name, value in inputs.items() if name not in PASSWORDS}


def _path(sandbox: Sandbox, key: str) -> Path:
    return sandbox.root / "postgres" / key / FILE
