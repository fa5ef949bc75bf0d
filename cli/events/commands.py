"""`fortress events`: moving the events of closed streams out of the way."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from cli.shared.commands import shards_command
from cli.shared.options import AsJson
from cli.shared.output import show

if TYPE_CHECKING:
    from cli.shared.operator_context import OperatorContext

app = typer.Typer(no_args_is_help=True, help="Manage stored events.")


@app.callback()
def events() -> None:
    """Manage stored events."""


@shards_command(app)
async def archive(
    context: OperatorContext,
    days: Annotated[int, typer.Option(min=0, help="Archive streams that were closed more days ago than this.")] = 30,
    as_json: AsJson = False,
) -> None:
    """Move the events of closed streams to the archive of their shard, where readers still find them."""
    from app.events.archive import archive as archive_shard
    from cli.shared.progress import progress

    closed_before = datetime.now(UTC) - timedelta(days=days)
    for name, database in context.databases.items():
        with progress(f"{name}: streams") as report:
            moved = await archive_shard(
                database,
                closed_before=closed_before,
                progress=lambda so_far, report=report: report(so_far.streams, None),  # type: ignore[misc]
            )
        line = f"{name}: {moved.events} events of {moved.streams} streams are archived"
        show({"shard": name, **moved._asdict()}, line, as_json=as_json)
