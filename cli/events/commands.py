"""`fortress archive`: events of closed streams out of the way."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from app.events.archive import Archived


def archive(
    days: Annotated[int, typer.Option(min=0, help="Streams that were closed longer ago than this.")] = 30,
    directory: Annotated[
        Path | None, typer.Option(help="File that lists the shards; default FORTRESS_DIRECTORY.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for programs.")] = False,
) -> None:
    """Move the events of closed streams to the archive of their shard, where readers go on finding them."""
    import asyncio

    for shard, moved in asyncio.run(_archive(datetime.now(UTC) - timedelta(days=days), directory)).items():
        if as_json:
            print(json.dumps({"shard": shard, **moved._asdict()}), flush=True)
        else:
            print(f"{shard}: {moved.events} events of {moved.streams} streams are archived", flush=True)


async def _archive(closed_before: datetime, directory: Path | None) -> dict[str, Archived]:
    from app.events.archive import archive as archive_shard
    from app.settings import CommonSettings, load
    from app.topology import read_directory
    from cli.shared.operators import operator_databases
    from cli.shared.progress import progress

    settings = load(CommonSettings, directory=directory)
    async with operator_databases(read_directory(settings.directory)) as databases:
        done = {}
        for name, database in databases.items():
            with progress(f"{name}: streams") as report:
                done[name] = await archive_shard(
                    database, closed_before=closed_before, progress=lambda moved: report(moved.streams, None)
                )
        return done
