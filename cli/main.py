"""The `fortress` command: every group is imported only when it is called."""

from __future__ import annotations

import sys
import traceback

import typer

import cli.app.migrate
import cli.compliance.commands
import cli.data.commands
import cli.decoy.commands
import cli.env.commands
import cli.ledger.commands
import cli.shards.commands
from cli.app.serve import serve
from cli.dev import psql
from cli.dev.token import token
from cli.events.commands import archive
from cli.privacy import commands as privacy

app = typer.Typer(
    name="fortress",
    help="Operate the three-cloud PostgreSQL platform and the app on it.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
cli.env.commands.mount(app)
app.command()(token)
app.command(context_settings=psql.PASSED_ON)(psql.psql)
app.command()(serve)
app.add_typer(cli.decoy.commands.app, name="camouflage")
app.add_typer(cli.compliance.commands.app, name="compliance")
app.add_typer(cli.app.migrate.app, name="migrate")
app.add_typer(cli.ledger.commands.app, name="credits")
app.add_typer(cli.shards.commands.app, name="shards")
app.command()(archive)
app.add_typer(cli.data.commands.app, name="synth")
privacy.mount(app)


def main() -> None:
    """Run the command line; an error is one line, with --verbose (before or after the command) its traceback too."""
    verbose = "--verbose" in sys.argv
    arguments = [argument for argument in sys.argv[1:] if argument != "--verbose"]
    try:
        app(args=arguments, standalone_mode=True)
    except KeyboardInterrupt:
        sys.exit(130)
    except Exception as error:
        if verbose:
            traceback.print_exc()
        for line in str(error).splitlines() or [type(error).__name__]:
            print(f"error: {line}", file=sys.stderr)
        sys.exit(getattr(error, "status", 1))
