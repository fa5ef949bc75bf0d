"""Grants from a CSV file: all lines are checked before the first is granted, and each counts once."""

from __future__ import annotations

import asyncio
import csv
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from app.credits import AccountId, Granted, Ledger, Origin, account_id
from cli.shared.progress import progress

CONCURRENT = 64


class WrongLine(ValueError):
    """A line of a file of grants cannot be read; nothing of the file was granted."""

    def __init__(self, file: Path, number: int, problem: object) -> None:
        super().__init__(f"{file}:{number}: {problem}; a line is account,amount or account,amount,reason")


class Grant(NamedTuple):
    """One line of the file."""

    number: int
    account: AccountId
    amount: int
    reason: str | None


def read_grants(file: Path) -> Iterator[Grant]:
    """Read the lines of a file; raises WrongLine at the first that is wrong."""
    with file.open(newline="") as lines:
        for number, row in enumerate(csv.reader(lines), start=1):
            try:
                name, amount, *reason = row
                [text] = reason or [""]
                granted = Granted(int(amount), text or None)
                yield Grant(number, account_id(name), granted.amount, text or None)
            except ValueError as error:
                raise WrongLine(file, number, error) from None


async def grant_lines(ledger: Ledger, grants: Sequence[Grant], origin_of: Callable[[Grant], Origin]) -> int:
    """Grant every line, many at a time; return how many an earlier run had granted already."""
    left = iter(grants)
    done = repeated = 0
    with progress("grants") as report:

        async def work() -> None:
            nonlocal done, repeated
            for grant in left:
                posted = await ledger.grant(grant.account, grant.amount, origin=origin_of(grant), reason=grant.reason)
                done, repeated = done + 1, repeated + posted.repeated
                report(done, len(grants))

        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(CONCURRENT):
                    group.create_task(work())
        except ExceptionGroup as failed:
            raise failed.exceptions[0] from None
    return repeated
