"""`fortress app`: the app's HTTP server, and the database schema of the shards."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

import typer

from cli.shared.options import AsJson, DirectoryFile, Environment
from cli.shared.output import show

if TYPE_CHECKING:
    from collections.abc import Iterator

    from app.provisioning.migrate import Migrator

WORKLOAD = "migrator"
"""Name of the workload whose login the migrations use in the local environment."""

app = typer.Typer(no_args_is_help=True, help="Run the app, and migrate its databases.")
migrate = typer.Typer(no_args_is_help=True, help="Move the database schema of a home cloud's shards up or down.")
app.add_typer(migrate, name="migrate")

Home = Annotated[
    Literal["aws", "azure", "gcp"] | None,
    typer.Option(help="Cloud whose shards are migrated; default FORTRESS_CLOUD, in the local environment all."),
]


@app.command()
def serve(
    host: Annotated[
        str | None, typer.Option(help="Address to listen on; default FORTRESS_HOST, else 127.0.0.1.")
    ] = None,
    port: Annotated[
        int | None, typer.Option(min=0, max=65535, help="Port to listen on; default FORTRESS_PORT, else 8440.")
    ] = None,
) -> None:
    """Serve the app over HTTP until SIGTERM. Variables named FORTRESS_… configure it."""
    from app import server
    from app.settings import ServeSettings, load

    server.run(load(ServeSettings, host=host, port=port))


@migrate.command()
def up(home: Home = None, env: Environment = None, directory: DirectoryFile = None) -> None:
    """Apply missing migrations and grant the app's role its rights. Waits for databases that do not answer yet."""
    for migrator in _migrators(home, env, directory):
        migrator.up(_report)


@migrate.command()
def down(
    home: Home = None,
    env: Environment = None,
    directory: DirectoryFile = None,
    steps: Annotated[int, typer.Option(min=1, help="How many migrations to roll back.")] = 1,
    every: Annotated[bool, typer.Option("--all", help="Roll all of them back.")] = False,
) -> None:
    """Roll the last migrations back. The database refuses where events would be lost."""
    for migrator in _migrators(home, env, directory):
        migrator.down(_report, steps=None if every else steps)


@migrate.command()
def status(
    home: Home = None, env: Environment = None, directory: DirectoryFile = None, as_json: AsJson = False
) -> None:
    """List the migrations, and whether each shard has them."""
    for migrator in _migrators(home, env, directory):
        name = migrator.shard.name
        for state in migrator.status(_report):
            document = {"shard": name, "migration": state.name, "applied": state.applied}
            show(document, f"{name}: {state.name} {'applied' if state.applied else 'missing'}", as_json=as_json)


def _migrators(home: str | None, env: str | None, file: DirectoryFile) -> Iterator[Migrator]:
    """Yield a migrator for each shard at home in a cloud, each logged in where it runs."""
    import stamina.instrumentation

    from app.provisioning.migrate import Migrator
    from app.settings import CommonSettings, load
    from cli.shared.target import find_target

    stamina.instrumentation.set_on_retry_hooks(())  # waiting is reported once, not at every attempt
    target = find_target(env, file)
    shards = target.directory.shards
    if home is not None or target.sandbox is None:
        cloud = load(CommonSettings, cloud=home, directory=target.file).cloud
        shards = target.directory.at_home(cloud)
        if not shards:
            _report(f"no shard is at home in {cloud}: nothing to do")
    for shard in shards:
        with target.logged_in_as(WORKLOAD):
            yield Migrator(shard, directory=target.directory)


def _report(line: str) -> None:
    print(line, flush=True)
