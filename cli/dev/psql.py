"""`fortress psql`: a psql session on one of the local servers."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from localcloud.sandbox import Sandbox

PASSED_ON = {"allow_extra_args": True, "ignore_unknown_options": True}


class NoSuchDatabase(Exception):
    """Neither a service nor a shard answers to the name."""


def psql(
    context: typer.Context,
    where: Annotated[str, typer.Argument(help="A service name, such as aws-0, or an account: its home is taken.")],
) -> None:
    """Open psql on a local server by service name or by account; everything behind it goes to psql."""
    from localcloud.postgres.binaries import find
    from localcloud.postgres.services import FILE
    from localcloud.sandbox import Sandbox, default_root

    sandbox = Sandbox(default_root())
    service = service_of(sandbox, where)
    program = shutil.which("psql") or find().tool("psql")
    os.environ["PGSERVICEFILE"] = str(sandbox.root / FILE)
    os.execv(program, [program, f"service={service}", *context.args])  # noqa: S606 (psql takes this process over)


def service_of(sandbox: Sandbox, where: str) -> str:
    """The service of that name, else that of the shard where the account of that name lives now."""
    from cli.shared.operator_context import holder_of, local_directory
    from localcloud.postgres import services

    if where in services.by_name(sandbox):
        return where
    directory = local_directory(sandbox)
    if directory is None:
        raise NoSuchDatabase(
            f"no database {where}, and no app that knows the account; `fortress status` shows what runs"
        )
    return holder_of(sandbox, directory, where)
