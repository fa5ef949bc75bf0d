"""`fortress ledger`: accounts by hand, as the app itself works on them."""

from __future__ import annotations

import getpass
import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.shared.commands import target_command
from cli.shared.options import AsJson
from cli.shared.output import show

if TYPE_CHECKING:
    from app.credits import Origin, Posted
    from app.data_plane import DataPlane
    from cli.shared.target import Target

SECONDS = 30.0
CONNECTIONS = 4
WORKLOAD = "ledger"
"""Name of the workload whose login the commands use in the local environment."""

app = typer.Typer(no_args_is_help=True, help="Look at accounts and change them. Logs in as the app does.")

AccountName = Annotated[str, typer.Argument(metavar="ACCOUNT", help="Name of the account.")]
Amount = Annotated[int, typer.Argument(min=1, help="Whole credits.")]
Reason = Annotated[str | None, typer.Option(help="Why; stays in the account's history.")]
Key = Annotated[str | None, typer.Option(help="Idempotency key: a command repeated with the same key counts once.")]
Limit = Annotated[int, typer.Option("--limit", min=1, max=500, help="Most lines to print, the latest first.")]


@asynccontextmanager
async def open_data_plane(target: Target) -> AsyncIterator[DataPlane]:
    """Connect to the shards as the app does; closes everything at the end."""
    from app.data_plane import DataPlane
    from app.personal_data import open_master_key
    from app.settings import SealingSettings

    settings = target.settings(SealingSettings)
    with target.logged_in_as(WORKLOAD):
        plane = DataPlane(
            target.directory,
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


ledger_command = target_command(app, open_data_plane)


@ledger_command
async def grant(
    plane: DataPlane,
    account: AccountName,
    amount: Amount,
    reason: Reason = None,
    expires_at: Annotated[str | None, typer.Option(help="When they expire, such as 2036-01-31T00:00:00Z.")] = None,
    key: Key = None,
    as_json: AsJson = False,
) -> None:
    """Give credits to an account; its first grant opens it."""
    from app.credits import account_id

    expiry = None if expires_at is None else datetime.fromisoformat(expires_at)
    posted = await plane.ledger.grant(
        account_id(account), amount, origin=_origin(key), reason=reason, expires_at=expiry
    )
    _show_posted(account, posted, as_json=as_json)


@ledger_command
async def spend(
    plane: DataPlane,
    account: AccountName,
    amount: Amount,
    reason: Reason = None,
    key: Key = None,
    as_json: AsJson = False,
) -> None:
    """Use available credits of an account."""
    from app.credits import account_id

    posted = await plane.ledger.spend(account_id(account), amount, origin=_origin(key), reason=reason)
    _show_posted(account, posted, as_json=as_json)


@ledger_command
async def transfer(
    plane: DataPlane,
    source: AccountName,
    target: AccountName,
    amount: Amount,
    reason: Reason = None,
    key: Key = None,
    as_json: AsJson = False,
) -> None:
    """Move available credits to another account."""
    from app.credits import account_id

    moved = await plane.ledger.transfer(
        account_id(source), account_id(target), amount, origin=_origin(key), reason=reason
    )
    _show_posted(source, moved.source, as_json=as_json)
    _show_posted(target, moved.target, as_json=as_json)


@ledger_command
async def close(plane: DataPlane, account: AccountName, reason: Reason = None, as_json: AsJson = False) -> None:
    """Close an empty account for good."""
    from app.credits import account_id

    posted = await plane.ledger.close(account_id(account), origin=_origin(None), reason=reason)
    _show_posted(account, posted, as_json=as_json)


@target_command(app, open_data_plane, "show")
async def show_balance(plane: DataPlane, account: AccountName, as_json: AsJson = False) -> None:
    """Print the balance of an account, and where it lives."""
    from app.credits import account_id

    balance = await plane.ledger.balance(account_id(account))
    document = {
        "account": account,
        "available": balance.available,
        "reserved": balance.reserved,
        "version": balance.version,
        "closed": balance.closed,
        "shard": balance.place.shard,
        "home": balance.place.home,
    }
    closed = ", closed" if balance.closed else ""
    line = f"{account} on {balance.place.shard}: {balance.available} available, {balance.reserved} reserved{closed}"
    show(document, line, as_json=as_json)


@ledger_command
async def statement(plane: DataPlane, account: AccountName, limit: Limit = 50, as_json: AsJson = False) -> None:
    """Print what happened to an account, the latest first."""
    from app.credits import account_id

    for line in await plane.ledger.statement(account_id(account), limit=limit):
        show(
            {**line._asdict(), "recorded_at": line.recorded_at.isoformat()},
            f"{line.recorded_at:%Y-%m-%d %H:%M:%S}  {line.type:<18}  {line.change:>+12}  {line.balance:>12}",
            as_json=as_json,
        )


@ledger_command
async def reservations(plane: DataPlane, account: AccountName, limit: Limit = 50, as_json: AsJson = False) -> None:
    """Print the reservations of an account, the latest first."""
    from app.credits import account_id

    for line in await plane.ledger.reservations(account_id(account), limit=limit):
        expiry = line.expires_at and line.expires_at.isoformat()
        show(
            {**line._asdict(), "opened_at": line.opened_at.isoformat(), "expires_at": expiry},
            f"{line.reservation}  {line.state:<8}  {line.held:>12} of {line.reserved}",
            as_json=as_json,
        )


@ledger_command
async def expire(
    plane: DataPlane,
    account: Annotated[str | None, typer.Argument(help="Only this account; all when none is named.")] = None,
    as_json: AsJson = False,
) -> None:
    """Record now which grants and reservations have expired; the app does so by itself within seconds."""
    from app.credits import account_id
    from cli.shared.progress import progress

    if account is not None:
        events = await plane.ledger.expire(account_id(account), origin=_origin(None))
    else:
        events, workers = 0, plane.expiries()
        with progress("shards") as report:
            for done, worker in enumerate(workers, start=1):
                events += await worker.look()
                report(done, len(workers))
    show({"account": account, "events": events}, f"{events} grants and reservations had expired", as_json=as_json)


@ledger_command
async def grant_all(
    plane: DataPlane,
    file: Annotated[Path, typer.Argument(help="CSV without a header: account,amount or account,amount,reason.")],
    as_json: AsJson = False,
) -> None:
    """Grant every line of a file. Repeat an interrupted run: lines that were granted count once."""
    from cli.ledger.grants import grant_lines, read_grants

    grants = list(read_grants(file))
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    repeated = await grant_lines(plane.ledger, grants, lambda grant: _origin(f"{digest}:{grant.number}"))
    show(
        {"grants": len(grants), "repeated": repeated},
        f"{len(grants)} grants are stored, {repeated} of them by an earlier run",
        as_json=as_json,
    )


def _origin(key: str | None) -> Origin:
    from app.credits import Origin

    return Origin.of(f"operator:{getpass.getuser()}", key)


def _show_posted(account: str, posted: Posted, *, as_json: bool) -> None:
    document = {
        "account": account,
        "balance": posted.balance,
        "version": posted.version,
        "repeated": posted.repeated,
        "shard": posted.place.shard,
    }
    repeated = " (done already by an earlier request with this key)" if posted.repeated else ""
    show(document, f"{account} on {posted.place.shard}: {posted.balance} available{repeated}", as_json=as_json)
