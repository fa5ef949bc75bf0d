"""The `fortress` command: its global options, its old spellings, and how it reports errors."""

from __future__ import annotations

import os
import sys
import traceback
from dataclasses import dataclass
from typing import Annotated, Any

import typer

from cli.spellings import OLD, describe_old, find_old
from cli.tree import LazyGroup

EPILOG = "Examples: `fortress up` | `fortress psql aws-0 -c 'select 1'` | `fortress preview --env production`"
GLOBAL = "Global options"
UNRELEASED = "unreleased"


@dataclass
class Run:
    """The global options of one run."""

    verbose: bool = False


class Root(LazyGroup):
    """The whole command, which also knows old names of commands."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Find a command by its name, or by its old one and print a hint."""
        old = find_old(args)
        if old is None:
            return super().resolve_command(ctx, args)
        if not ctx.resilient_parsing:
            print(f"hint: {describe_old(old)}", file=sys.stderr)
        return super().resolve_command(ctx, [*OLD[old], *args[len(old) :]])


app = typer.Typer(
    name="fortress",
    cls=Root,
    help="Operate the three-cloud PostgreSQL platform and the app on it.",
    epilog=EPILOG,
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    pretty_exceptions_enable=False,
)


def _set_verbose(context: typer.Context, verbose: bool) -> None:
    if verbose:
        context.ensure_object(Run).verbose = True


def _print_version(wanted: bool) -> None:
    """Print the version of the image, else that of the installed package."""
    if not wanted:
        return
    from importlib.metadata import PackageNotFoundError, version

    try:
        installed = version("living-fortress")
    except PackageNotFoundError:
        installed = UNRELEASED
    print(f"fortress {os.environ.get('FORTRESS_VERSION', installed)}")
    raise typer.Exit


@app.callback()
def root(
    verbose: Annotated[
        bool,
        typer.Option(
            "--verbose",
            callback=_set_verbose,
            expose_value=False,
            rich_help_panel=GLOBAL,
            help="Show the traceback of an error too.",
        ),
    ] = False,
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, expose_value=False, is_eager=True, help="Print the version."
        ),
    ] = False,
) -> None:
    """Operate the three-cloud PostgreSQL platform and the app on it."""


def main() -> None:
    """Run the command line; print an error as a line per fault, with --verbose its traceback too."""
    run = Run()
    try:
        app(obj=run)
    except KeyboardInterrupt:
        sys.exit(130)
    except Exception as error:
        if run.verbose:
            traceback.print_exc()
        for line in str(error).splitlines() or [type(error).__name__]:
            print(f"error: {line}", file=sys.stderr)
        sys.exit(getattr(error, "status", 1))
