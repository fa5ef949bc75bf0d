"""The `fortress` command: groups of commands, whose work is imported only when they run."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from cli.app import commands as service
from cli.compliance import commands as compliance
from cli.data import commands as data
from cli.decoy import commands as decoy
from cli.dev import commands as dev
from cli.env import commands as environments
from cli.events import commands as events
from cli.ledger import commands as ledger
from cli.privacy import commands as privacy
from cli.shards import commands as shards
from cli.spellings import OLD, describe_old, find_old

EPILOG = "Examples: `fortress up` | `fortress psql aws-0 -c 'select 1'` | `fortress preview --env production`"
GLOBAL = "Global options"
UNRELEASED = "unreleased"


@dataclass
class Run:
    """What the global options of one run say."""

    verbose: bool = False


class Root(TyperGroup):
    """The whole command: knows other spellings, and takes `--verbose` after every command too."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        [verbose] = [option for option in self.params if option.name == "verbose"]
        for command in _leaves(self.commands):
            command.params.append(verbose)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Find a command by its name or its old one; then a hint tells the new one."""
        old = find_old(args)
        if old is None:
            return super().resolve_command(ctx, args)
        if not ctx.resilient_parsing:
            print(f"hint: {describe_old(old)}", file=sys.stderr)
        return super().resolve_command(ctx, [*OLD[old], *args[len(old) :]])


def _leaves(commands: Mapping[str, Any]) -> Iterator[Any]:
    for command in commands.values():
        if isinstance(command, TyperGroup):
            yield from _leaves(command.commands)
        else:
            yield command


app = typer.Typer(
    name="fortress",
    cls=Root,
    help="Operate the three-cloud PostgreSQL platform and the app on it.",
    epilog=EPILOG,
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    pretty_exceptions_enable=False,
)
EVERY_DAY = "Every day"
for verb in (environments.up, environments.down, environments.status, environments.preview):
    app.command(rich_help_panel=EVERY_DAY)(verb)
app.command(rich_help_panel=EVERY_DAY, context_settings=dev.PASSED_ON)(dev.psql)
app.command(rich_help_panel=EVERY_DAY)(dev.token)
# Containers run these two. An image and the manifest that starts it may be of different releases: the names stay.
app.command(hidden=True)(service.serve)
app.add_typer(service.migrate, name="migrate", hidden=True)
ENVIRONMENTS, SERVICE, DATA = "Environments", "The app and its data", "Data for tests and decoys"
app.add_typer(environments.app, name="env", rich_help_panel=ENVIRONMENTS)
app.add_typer(compliance.app, name="compliance", rich_help_panel=ENVIRONMENTS)
app.add_typer(dev.app, name="dev", rich_help_panel=ENVIRONMENTS)
app.add_typer(service.app, name="app", rich_help_panel=SERVICE)
app.add_typer(ledger.app, name="ledger", rich_help_panel=SERVICE)
app.add_typer(shards.app, name="shards", rich_help_panel=SERVICE)
app.add_typer(events.app, name="events", rich_help_panel=SERVICE)
app.add_typer(privacy.app, name="privacy", rich_help_panel=SERVICE)
app.add_typer(data.app, name="data", rich_help_panel=DATA)
app.add_typer(decoy.app, name="decoy", rich_help_panel=DATA)


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
    """Run the command line; an error is one line a fault, with --verbose its traceback too."""
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
