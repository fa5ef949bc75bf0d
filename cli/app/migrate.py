"""`fortress migrate`: the database schema of the shards of one home cloud."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

if TYPE_CHECKING:
    from app.provisioning.migrate import Migrator

app = typer.Typer(no_args_is_help=True, help="Move the database schema of a home cloud's shards up or down.")

Home = Annotated[Literal["aws", "azure", "gcp"] | None, typer.Option(help="Whose shards; default FORTRESS_CLOUD.")]
DirectoryFile = Annotated[Path | None, typer.Option(help="File that lists the shards; default FORTRESS_DIRECTORY.")]


@app.command()
def up(home: Home = None, directory: DirectoryFile = None) -> None:
    """Apply what is missing, and let the app's role in. Waits for databases that do not answer yet."""
    for migrator in _migrators(home, directory):
        migrator.up(_report)


@app.command()
def down(
    home: Home = None,
    directory: DirectoryFile = None,
    steps: Annotated[int, typer.Option(min=1, help="How many migrations to roll back.")] = 1,
    every: Annotated[bool, typer.Option("--all", help="Roll all of them back.")] = False,
) -> None:
    """Roll the last migrations back. The database refuses where events would be lost."""
    for migrator in _migrators(home, directory):
        migrator.down(_report, steps=None if every else steps)


@app.command()
def status(home: Home = None, directory: DirectoryFile = None) -> None:
    """List the migrations, and which of them each shard has."""
    for migrator in _migrators(home, directory):
        for state in migrator.status(_report):
            _report(f"{migrator.shard.name}: {state.name} {'applied' if state.applied else 'missing'}")


def _migrators(home: str | None, directory: Path | None) -> list[Migrator]:
    import stamina.instrumentation

    from app.provisioning.migrate import Migrator
    from app.settings import CommonSettings, load
    from app.topology import read_directory

    stamina.instrumentation.set_on_retry_hooks(())  # waiting is reported once, not at every attempt
    settings = load(CommonSettings, cloud=home, directory=directory)
    directory_of_all = read_directory(settings.directory)
    shards = directory_of_all.at_home(settings.cloud)
    if not shards:
        _report(f"no shard is at home in {settings.cloud}: nothing to do")
    return [Migrator(shard, directory=directory_of_all) for shard in shards]


def _report(line: str) -> None:
    print(line, flush=True)
