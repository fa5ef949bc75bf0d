"""`fortress privacy`: what persons may ask for, the log of erasures, and the keys that seal personal data."""

from __future__ import annotations

import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.shared.commands import target_command
from cli.shared.options import AsJson, Yes
from cli.shared.output import show

if TYPE_CHECKING:
    from app.database import ShardDatabase
    from app.personal_data import ErasureLog, SubjectKeys
    from cli.shared.target import Target

Subject = Annotated[str, typer.Argument(help="Pseudonym of the person, such as the name of the account.")]
KeyFile = Annotated[Path, typer.Argument(help="File of the master key.")]

app = typer.Typer(no_args_is_help=True, help="Erase and export personal data, and manage the keys that seal it.")
erasures = typer.Typer(no_args_is_help=True, help="Look at the log of erasures, and repeat them after a restore.")
keys = typer.Typer(no_args_is_help=True, help="Manage the master key that wraps the keys of persons.")
app.add_typer(erasures, name="erasures")
app.add_typer(keys, name="keys")


@dataclass(frozen=True)
class PrivacyContext:
    """The databases of all shards, the keys of persons in them, and the log of erasures."""

    databases: dict[str, ShardDatabase]
    keys: dict[str, SubjectKeys]
    log: ErasureLog


@asynccontextmanager
async def open_privacy_context(target: Target) -> AsyncIterator[PrivacyContext]:
    """Connect to the shards as their administrators; raises WrongSetting."""
    from app.personal_data import SubjectKeys, open_master_key
    from app.personal_data.settings import PersonalDataSettings, open_erasure_log
    from cli.shared.operator_context import open_operator_context

    settings = target.settings(PersonalDataSettings)
    master = open_master_key(settings.master_key)
    async with open_operator_context(target) as context:
        databases = context.databases
        subject_keys = {name: SubjectKeys(database, master) for name, database in databases.items()}
        yield PrivacyContext(
            databases, subject_keys, open_erasure_log(settings.erasure_log, target.directory, databases)
        )


@target_command(app, open_privacy_context)
async def erase(context: PrivacyContext, subject: Subject, yes: Yes = False, as_json: AsJson = False) -> None:
    """Make all personal data of a person unreadable everywhere, for ever. Their events stay, without it."""
    from app import personal_data

    if not yes:
        typer.confirm(f"Destroy the key of {subject}? Nothing brings their personal data back.", abort=True)
    destroyed = await personal_data.erase(subject, at=datetime.now(UTC), log=context.log, shards=context.keys)
    outcome = "the key is destroyed" if destroyed else "there was no key any more"
    show({"subject": subject, "destroyed": destroyed}, f"{subject} is erased: {outcome}", as_json=as_json)


@target_command(app, open_privacy_context)
async def export(
    context: PrivacyContext,
    subject: Subject,
    output: Annotated[
        Path | None, typer.Option(help="File to write, readable by its owner only; standard output if not given.")
    ] = None,
    everywhere: Annotated[
        bool, typer.Option("--everywhere", help="Also find what others than the ledger wrote; reads every event.")
    ] = False,
) -> None:
    """Print everything that the ledger holds about a person, as JSON."""
    from app import personal_data

    pieces = personal_data.export(
        subject, at=datetime.now(UTC), databases=context.databases, keys=context.keys, everywhere=everywhere
    )
    if output is None:
        async for piece in pieces:
            sys.stdout.buffer.write(piece)
        return
    # An existing file is not overwritten: others may be able to read it.
    with os.fdopen(os.open(output, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        try:
            async for piece in pieces:
                file.write(piece)
        except BaseException:
            output.unlink()
            raise


@target_command(erasures, open_privacy_context)
async def replay(context: PrivacyContext, as_json: AsJson = False) -> None:
    """Erase again the persons whom a restore brought back: after every restore, before any read."""
    from app.personal_data import replay_erasures
    from cli.shared.progress import progress

    with progress("erasing again") as report:
        done = await replay_erasures(context.log, context.keys, progress=report)
    line = f"{done.erasures} erasures, {done.destroyed} keys were back and are destroyed"
    show(done._asdict(), line, as_json=as_json)


@target_command(erasures, open_privacy_context, "list")
async def list_erasures(context: PrivacyContext, as_json: AsJson = False) -> None:
    """List who was erased, and when."""
    for entry in await context.log.entries():
        document = {"subject": entry.subject, "erased_at": entry.erased_at.isoformat()}
        show(document, f"{document['erased_at']} {entry.subject}", as_json=as_json)


@target_command(keys, open_privacy_context)
async def rewrap(context: PrivacyContext, as_json: AsJson = False) -> None:
    """Wrap the keys of persons with the current master key where an earlier one still does."""
    from cli.shared.progress import progress

    done = 0
    with progress("wrapping") as report:
        for subject_keys in context.keys.values():
            before = done
            done += await subject_keys.rewrap(progress=lambda more, before=before: report(before + more, None))  # type: ignore[misc]
    show({"rewrapped": done}, f"{done} keys are wrapped with the current master key", as_json=as_json)


@keys.command()
def create(file: KeyFile) -> None:
    """Create a master key in a new file: for one machine, never for production."""
    from app.personal_data.key_file import FileMasterKey

    print(f"{file} holds the master key {FileMasterKey.create(file).current()}")


@keys.command()
def rotate(file: KeyFile) -> None:
    """Add a new current master key to a file; `fortress privacy keys rewrap` then moves every person to it."""
    from app.personal_data.key_file import FileMasterKey

    print(f"{file} holds the master key {FileMasterKey.rotate(file).current()}")
