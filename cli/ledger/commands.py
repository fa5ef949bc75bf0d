"""`fortress credits`: accounts by hand, as the app itself works on them."""

from __future__ import annotations

import csv
import getpass
import hashlib
import json
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple, TypeVar

import typer

if TYPE_CHECKING:
    from app.credits import AccountId, Balance, Origin, Posted, ReservationLine, StatementLine
    from app.data_plane import DataPlane

SECONDS = 30.0
CONNECTIONS = 4
AT_ONCE = 64

Result = TypeVar("Result")

app = typer.Typer(no_args_is_help=True, help="Look at accounts and change them. Logs in as the app does.")

AccountName = Annotated[str, typer.Argument(help="Name of the account.")]
Amount = Annotated[int, typer.Argument(min=1, help="Whole credits.")]
Reason = Annotated[str | None, typer.Option(help="Why; stays in the account's history.")]
Key = Annotated[str | None, typer.Option(help="Idempotency key: the same command with the same key counts once.")]
Page = Annotated[int, typer.Option("--limit", min=1, max=500, help="Most lines, the latest first.")]
DirectoryFile = Annotated[Path | None, typer.Option(help="File that lists the shards; default FORTRESS_DIRECTORY.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]


class WrongLine(ValueError):
    """A line of a file of grants cannot be read; nothing of the file was granted."""

    def __init__(self, file: Path, number: int, why: object) -> None:
        super().__init__(f"{file}:{number}: {why}; a line is account,amount or account,amount,reason")


@app.command()
def grant(
    account: AccountName,
    amount: Amount,
    reason: Reason = None,
    expires_at: Annotated[str | None, typer.Option(help="When they end, such as 2036-01-31T00:00:00Z.")] = None,
    key: Key = None,
    directory: DirectoryFile = None,
    as_json: AsJson = False,
) -> None:
    """Give credits to an account; it comes into being with its first grant."""

    async def run(plane: DataPlane) -> Posted:
        ends = None if expires_at is None else datetime.fromisoformat(expires_at)
        return await plane.ledger.grant(_account(account), amount, origin=_origin(key), reason=reason, expires_at=ends)

    _posted(account, _await(run, directory), as_json=as_json)


@app.command()
def spend(
    account: AccountName,
    amount: Amount,
    reason: Reason = None,
    key: Key = None,
    directory: DirectoryFile = None,
    as_json: AsJson = False,
) -> None:
    """Use available credits of an account."""

    async def run(plane: DataPlane) -> Posted:
        return await plane.ledger.spend(_account(account), amount, origin=_origin(key), reason=reason)

    _posted(account, _await(run, directory), as_json=as_json)


@app.command()
def transfer(
    source: AccountName,
    target: AccountName,
    amount: Amount,
    reason: Reason = None,
    key: Key = None,
    directory: DirectoryFile = None,
    as_json: AsJson = False,
) -> None:
    """Move available credits to another account."""

    async def run(plane: DataPlane) -> list[Posted]:
        moved = await plane.ledger.transfer(
            _account(source), _account(target), amount, origin=_origin(key), reason=reason
        )
        return [moved.source, moved.target]

    for account, posted in zip((source, target), _await(run, directory), strict=True):
        _posted(account, posted, as_json=as_json)


@app.command()
def close(
    account: AccountName, reason: Reason = None, directory: DirectoryFile = None, as_json: AsJson = False
) -> None:
    """End an empty account, for good."""

    async def run(plane: DataPlane) -> Posted:
        return await plane.ledger.close(_account(account), origin=_origin(None), reason=reason)

    _posted(account, _await(run, directory), as_json=as_json)


@app.command()
def show(account: AccountName, directory: DirectoryFile = None, as_json: AsJson = False) -> None:
    """Print the balance of an account, and where it lives."""

    async def run(plane: DataPlane) -> Balance:
        return await plane.ledger.balance(_account(account))

    balance = _await(run, directory)
    shown = {
        "account": account,
        "available": balance.available,
        "reserved": balance.reserved,
        "version": balance.version,
        "closed": balance.closed,
        "shard": balance.place.shard,
        "home": balance.place.home,
    }
    closed = ", closed" if balance.closed else ""
    _say(
        shown,
        f"{account} on {balance.place.shard}: {balance.available} available, {balance.reserved} reserved{closed}",
        as_json=as_json,
    )


@app.command()
def statement(account: AccountName, limit: Page = 50, directory: DirectoryFile = None, as_json: AsJson = False) -> None:
    """Print what happened to an account, the latest first."""

    async def run(plane: DataPlane) -> Sequence[StatementLine]:
        return await plane.ledger.statement(_account(account), limit=limit)

    for line in _await(run, directory):
        _say(
            {**line._asdict(), "recorded_at": line.recorded_at.isoformat()},
            f"{line.recorded_at:%Y-%m-%d %H:%M:%S}  {line.type:<18}  {line.change:>+12}  {line.balance:>12}",
            as_json=as_json,
        )


@app.command()
def reservations(
    account: AccountName, limit: Page = 50, directory: DirectoryFile = None, as_json: AsJson = False
) -> None:
    """Print the reservations of an account, the latest first."""

    async def run(plane: DataPlane) -> Sequence[ReservationLine]:
        return await plane.ledger.reservations(_account(account), limit=limit)

    for line in _await(run, directory):
        ends = line.expires_at and line.expires_at.isoformat()
        _say(
            {**line._asdict(), "opened_at": line.opened_at.isoformat(), "expires_at": ends},
            f"{line.reservation}  {line.state:<8}  {line.held:>12} of {line.reserved}",
            as_json=as_json,
        )


@app.command()
def expire(
    account: Annotated[str | None, typer.Argument(help="Only this account; default all that are due.")] = None,
    directory: DirectoryFile = None,
    as_json: AsJson = False,
) -> None:
    """Record what ran out now, grants and reservations; by itself the app does so within seconds."""

    async def run(plane: DataPlane) -> int:
        if account is not None:
            return await plane.ledger.expire(_account(account), origin=_origin(None))
        from cli.shared.progress import progress

        with progress("shards") as report:
            events = 0
            expiries = plane.expiries()
            for done, one in enumerate(expiries, start=1):
                events += await one.look()
                report(done, len(expiries))
            return events

    events = _await(run, directory)
    _say({"account": account, "events": events}, f"{events} grants and reservations had run out", as_json=as_json)


@app.command("grant-all")
def grant_all(
    file: Annotated[Path, typer.Argument(help="CSV without a head: account,amount or account,amount,reason.")],
    directory: DirectoryFile = None,
    as_json: AsJson = False,
) -> None:
    """Grant every line of a file. A run that was broken off is simply repeated: what is granted already counts once."""
    grants = list(_read_grants(file))

    async def run(plane: DataPlane) -> int:
        return await _grant_all(plane, grants, hashlib.sha256(file.read_bytes()).hexdigest())

    repeated = _await(run, directory)
    _say(
        {"grants": len(grants), "repeated": repeated},
        f"{len(grants)} grants are stored, {repeated} of them by an earlier run",
        as_json=as_json,
    )


class _Grant(NamedTuple):
    number: int
    account: str
    amount: int
    reason: str | None


async def _grant_all(plane: DataPlane, grants: Sequence[_Grant], file: str) -> int:
    import asyncio

    from cli.shared.progress import progress

    left = iter(grants)
    done = repeated = 0
    with progress("grants") as report:

        async def work() -> None:
            nonlocal done, repeated
            for each in left:
                origin = _origin(f"{file}:{each.number}")
                posted = await plane.ledger.grant(
                    _account(each.account), each.amount, origin=origin, reason=each.reason
                )
                done, repeated = done + 1, repeated + posted.repeated
                report(done, len(grants))

        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(AT_ONCE):
                    group.create_task(work())
        except ExceptionGroup as failed:
            raise failed.exceptions[0] from None
    return repeated


def _read_grants(file: Path) -> Iterator[_Grant]:
    from app.credits import Granted, account_id

    with file.open(newline="") as lines:
        for number, row in enumerate(csv.reader(lines), start=1):
            try:
                name, amount, *reason = row
                [text] = reason or [""]
                granted = Granted(int(amount), text or None)
                yield _Grant(number, account_id(name), granted.amount, text or None)
            except ValueError as error:
                raise WrongLine(file, number, error) from None


def _await(run: Callable[[DataPlane], Awaitable[Result]], directory: Path | None) -> Result:
    import asyncio

    async def connected() -> Result:
        async with _plane(directory) as plane:
            return await run(plane)

    return asyncio.run(connected())


@asynccontextmanager
async def _plane(directory: Path | None) -> AsyncIterator[DataPlane]:
    from app.data_plane import DataPlane
    from app.personal_data import open_master_key
    from app.settings import SealingSettings, load
    from app.topology import read_directory

    settings = load(SealingSettings, directory=directory)
    plane = DataPlane(
        read_directory(settings.directory),
        cloud=settings.cloud,
        pool_size=CONNECTIONS,
        database_seconds=SECONDS,
        master_key=open_master_key(settings.master_key),
    )
    await plane.open()
    try:
        await plane.router.refresh()
        yield plane
    finally:
        await plane.close()


def _account(name: str) -> AccountId:
    from app.credits import account_id

    return account_id(name)


def _origin(key: str | None) -> Origin:
    from app.credits import Origin

    return Origin.of(f"operator:{getpass.getuser()}", key)


def _posted(account: str, posted: Posted, *, as_json: bool) -> None:
    document = {
        "account": account,
        "balance": posted.balance,
        "version": posted.version,
        "repeated": posted.repeated,
        "shard": posted.place.shard,
    }
    again = " (an earlier request with this key had done it)" if posted.repeated else ""
    _say(document, f"{account} on {posted.place.shard}: {posted.balance} available{again}", as_json=as_json)


def _say(document: Mapping[str, Any], line: str, *, as_json: bool) -> None:
    print(json.dumps(document) if as_json else line, file=sys.stdout, flush=True)
