"""`fortress dev`: tools for work on this machine."""

from __future__ import annotations

import os
import sys
from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer

from app.scopes import Scope
from cli.shared.options import LOCAL, Environment, check_local

AUDIENCE = "ledger"
SCOPES = (Scope.GRANT, Scope.READ)
LONGEST_MINUTES = 24 * 60
PASSED_ON = {
    "allow_extra_args": True,
    "ignore_unknown_options": True,
    "allow_interspersed_args": False,
    "help_option_names": ["--help"],
}
"""Pass everything after the name of the database to psql, `--verbose` and `-h` too."""

app = typer.Typer(no_args_is_help=True, help="Tools for work on this machine.")


class NoIssuer(Exception):
    """There is no local environment on this machine to issue tokens."""


@app.command(context_settings=PASSED_ON)
def psql(
    context: typer.Context,
    where: Annotated[
        str, typer.Argument(metavar="NAME", help="Service such as aws-0, or an account, whose shard is then used.")
    ],
    env: Environment = None,
) -> None:
    """Open psql on a local server by service or by account; all further arguments go to psql."""
    check_local(env, "psql", f"log in to a server of {env} with its own host name and credentials")
    from cli.dev.psql import run_psql

    run_psql(where, context.args)


@app.command()
def shell(
    lines: Annotated[bool, typer.Option("--print", help="Print lines to source instead of starting a shell.")] = False,
    env: Environment = None,
) -> None:
    """Start a shell in which `pulumi` uses this project's engine, emulators and backend."""
    from cli.engine.session import open_session, shell_lines

    session = open_session(env or LOCAL)
    session.prepare()
    if lines:
        print(shell_lines(session.variables()))
        return
    command = os.environ.get("SHELL", "/bin/sh")
    print("`pulumi` now means this project's engine; leave with `exit`.", file=sys.stderr)
    os.execvpe(command, [command], {**os.environ, **session.variables()})  # noqa: S606 (the user's own shell)


@app.command()
def token(
    scope: Annotated[list[Scope] | None, typer.Option(help=f"May be repeated; default {' and '.join(SCOPES)}.")] = None,
    subject: Annotated[str, typer.Option(help="Person or program that the token identifies.")] = "developer",
    audience: Annotated[str, typer.Option(help="Audience that the token is for.")] = AUDIENCE,
    lifetime: Annotated[int, typer.Option(min=1, max=LONGEST_MINUTES, help="Minutes until it expires.")] = 60,
    env: Environment = None,
) -> None:
    """Print a bearer token for the app of the local environment, and nothing else."""
    check_local(env, "token", f"the identity provider of {env} issues its tokens")
    try:
        from localcloud.identity import Authority
        from localcloud.sandbox import Sandbox, default_root
    except ModuleNotFoundError:
        raise NoIssuer("the local environment issues these tokens, and it is not part of this installation") from None
    sandbox = Sandbox(default_root())
    if not (sandbox.root / "identity").is_dir():
        raise NoIssuer("the local environment is not up, and it issues the tokens: run `make up` first")
    authority = Authority.of(sandbox)
    scopes = [chosen.value for chosen in scope or SCOPES]
    print(authority.mint(subject, audience, scopes, timedelta(minutes=lifetime), datetime.now(UTC)))
