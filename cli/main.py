"""The `fortress` command: every group is imported only when it is called."""

from __future__ import annotations

import sys
import traceback

import typer

from cli import (
    archive,
    camouflage,
    compliance,
    credits,
    environments,
    migrate,
    personal_data,
    psql,
    serve,
    shards,
    synth,
    token,
)

app = typer.Typer(
    name="fortress",
    help="Operate the three-cloud PostgreSQL platform and the app on it.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
environments.mount(app)
app.command()(token.token)
app.command(context_settings=psql.PASSED_ON)(psql.psql)
app.command()(serve.serve)
app.add_typer(camouflage.app, name="camouflage")
app.add_typer(compliance.app, name="compliance")
app.add_typer(migrate.app, name="migrate")
app.add_typer(credits.app, name="credits")
app.add_typer(shards.app, name="shards")
app.command()(archive.archive)
app.add_typer(synth.app, name="synth")
personal_data.mount(app)


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
