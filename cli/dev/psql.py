"""psql on a server of the local environment."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence

from cli.shared.operator_context import find_holder
from cli.shared.target import Target, local_directory
from localcloud.postgres import services
from localcloud.postgres.binaries import find
from localcloud.sandbox import Sandbox, default_root


class NoSuchDatabase(Exception):
    """No service has the name, and no app is deployed that could have an account of that name."""


def run_psql(name: str, arguments: Sequence[str]) -> None:
    """Replace this process by psql on the server that a service or an account names; raises NoSuchDatabase."""
    sandbox = Sandbox(default_root())
    service = find_service(sandbox, name)
    program = shutil.which("psql") or find().tool("psql")
    os.environ["PGSERVICEFILE"] = str(sandbox.root / services.FILE)
    os.execv(program, [program, f"service={service}", *arguments])  # noqa: S606 (psql takes this process over)


def find_service(sandbox: Sandbox, name: str) -> str:
    """Return the service of that name, else the service of the shard that holds the account of that name."""
    if name in services.by_name(sandbox):
        return name
    directory = local_directory(sandbox)
    if directory is None:
        raise NoSuchDatabase(
            f"no database {name}, and no app that knows the account; `fortress status` lists what runs"
        )
    return find_holder(Target(directory, sandbox=sandbox), name)
