"""`fortress erase`, `export`, `erasures`, `keys`: what persons may ask for, and what keeps their keys."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from app.database import ShardDatabase
    from app.personal_data import ErasureLog, SubjectKeys
    from app.personal_data.settings import PersonalDataSettings

Subject = Annotated[str, typer.Argument(help="The person's pseudonym, such as the name of the account.")]
DirectoryFile = Annotated[
    Path | None, typer.Option(help="File that lists the shards; default FORTRESS_DIRECTORY, else `make up`'s.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
KeyFile = Annotated[Path, typer.Argument(help="File of the master key.")]

erasures = typer.Typer(no_args_is_help=True, help="Look at the log of erasures, and repeat them after a restore.")
keys = typer.Typer(no_args_is_help=True, help="Care for the master key that wraps the keys of persons.")


def mount(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(erase)
    app.command()(export)
    app.add_typer(erasures, name="erasures")
    app.add_typer(keys, name="keys")


def erase(subject: Subject, yes: Yes = False, directory: DirectoryFile = None, as_json: AsJson = False) -> None:
    """Make all personal data of somebody unreadable, for ever and everywhere. Their events stay, without it."""
    if not yes:
        typer.confirm(f"Destroy the key of {subject}? Nothing brings their personal data back.", abort=True)

    async def run() -> bool:
        from app import personal_data

        async with _world(directory) as world:
            return await personal_data.erase(subject, at=datetime.now(UTC), log=world.log, shards=world.keys)

    destroyed = _await(run())
    _say(
        {"subject": subject, "destroyed": destroyed},
        f"{subject} is erased: {'the key is destroyed' if destroyed else 'there was no key any more'}",
        as_json=as_json,
    )


def export(
    subject: Subject,
    output: Annotated[
        Path | None, typer.Option(help="File to write, for its owner only; default standard output.")
    ] = None,
    everywhere: Annotated[
        bool, typer.Option("--everywhere", help="Also look for what others than the ledger wrote; reads every event.")
    ] = False,
    directory: DirectoryFile = None,
) -> None:
    """Print everything that the ledger holds about somebody, as JSON."""

    async def run(write: Any) -> None:
        from app import personal_data

        async with _world(directory) as world:
            pieces = personal_data.export(
                subject, at=datetime.now(UTC), databases=world.databases, keys=world.keys, everywhere=everywhere
            )
            async for piece in pieces:
                write(piece)

    if output is None:
        _await(run(sys.stdout.buffer.write))
        return
    # A file that is there is not overwritten: others may be able to read it.
    with os.fdopen(os.open(output, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        try:
            _await(run(file.write))
        except BaseException:
            output.unlink()
            raise


@erasures.command()
def replay(directory: DirectoryFile = None, as_json: AsJson = False) -> None:
    """Erase again whom a restore brought back: after every restore, before anything reads."""

    async def run() -> Any:
        from app.personal_data import replay_erasures
        from cli.shared.progress import progress

        async with _world(directory) as world:
            with progress("erasing again") as report:
                return await replay_erasures(world.log, world.keys, progress=report)

    done = _await(run())
    _say(
        done._asdict(), f"{done.erasures} erasures, {done.destroyed} keys were back and are destroyed", as_json=as_json
    )


@erasures.command("list")
def list_erasures(directory: DirectoryFile = None, as_json: AsJson = False) -> None:
    """List whom was erased, and when."""

    async def run() -> Any:
        async with _world(directory) as world:
            return await world.log.entries()

    for entry in _await(run()):
        document = {"subject": entry.subject, "erased_at": entry.erased_at.isoformat()}
        _say(document, f"{document['erased_at']} {entry.subject}", as_json=as_json)


@keys.command()
def create(file: KeyFile) -> None:
    """Make a master key in a file, where there is none: for one machine, never for production."""
    from app.personal_data.key_file import FileMasterKey

    print(f"{file} holds the master key {FileMasterKey.create(file).current()}")


@keys.command()
def rotate(file: KeyFile) -> None:
    """Add a new current master key to a file; `fortress keys rewrap` then moves everybody to it."""
    from app.personal_data.key_file import FileMasterKey

    print(f"{file} holds the master key {FileMasterKey.rotate(file).current()}")


@keys.command()
def rewrap(directory: DirectoryFile = None, as_json: AsJson = False) -> None:
    """Wrap the keys of persons with the current master key, where an earlier one did."""

    async def run() -> int:
        from cli.shared.progress import progress

        async with _world(directory) as world:
            done = 0
            with progress("wrapping") as report:
                for each in world.keys.values():
                    before = done
                    done += await each.rewrap(progress=lambda more, before=before: report(before + more, None))  # type: ignore[misc]
            return done

    done = _await(run())
    _say({"rewrapped": done}, f"{done} keys are wrapped anew", as_json=as_json)


@dataclass(frozen=True)
class _World:
    databases: dict[str, ShardDatabase]
    keys: dict[str, SubjectKeys]
    log: ErasureLog


@asynccontextmanager
async def _world(directory_file: Path | None) -> AsyncIterator[_World]:
    from app.personal_data import SubjectKeys, open_master_key
    from app.personal_data.settings import open_erasure_log
    from cli.shared.operator_context import shard_world

    settings = _settings(directory_file)
    master = open_master_key(settings.master_key)
    async with shard_world(directory_file) as world:
        databases = world.databases
        keys = {name: SubjectKeys(database, master) for name, database in databases.items()}
        yield _World(databases, keys, open_erasure_log(settings.erasure_log, world.directory, databases))


def _settings(directory_file: Path | None) -> PersonalDataSettings:
    """What the environment says; where it names no directory, that of the local environment."""
    from app.personal_data.settings import PersonalDataSettings
    from app.settings import PREFIX, load

    if directory_file is not None or f"{PREFIX}DIRECTORY" in os.environ:
        return load(PersonalDataSettings, directory=directory_file)
    from cli.shared.operator_context import NoShards
    from localcloud.master_key import master_key_of
    from localcloud.sandbox import Sandbox, default_root

    sandbox = Sandbox(default_root())
    if not sandbox.root.is_dir():
        raise NoShards(f"no shards: name a directory file (--directory, {PREFIX}DIRECTORY), or bring up `make up`")
    # The cloud that this process runs in does not matter here.
    return load(PersonalDataSettings, cloud="aws", master_key=f"file:{master_key_of(sandbox)}")


def _await(run: Coroutine[Any, Any, Any]) -> Any:
    import asyncio

    return asyncio.run(run)


def _say(document: dict[str, Any], line: str, *, as_json: bool) -> None:
    print(json.dumps(document) if as_json else line, flush=True)
