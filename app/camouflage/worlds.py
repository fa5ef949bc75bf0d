"""Worlds: every caller finds the same accounts, and whatever they change there changes for them alone.

A decoy account is a stream of its own name. For a caller who changes it, it is copied to a stream behind a slash,
`<account>/<world>`, which has the whole history and goes on from there. Reads find the copy where there is one. It is
made as soon as a caller has read an account, after the answer: so a change that follows takes no longer than others.
"""

from __future__ import annotations

import asyncio
import random
from asyncio import gather
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import Any, cast

from app.camouflage.copies import Copies
from app.camouflage.key import CamouflageKey, mac
from app.credits import AccountId, Ledger, Origin, UnknownAccount, UnknownReservation
from app.credits.model import StatementLine
from app.database import DatabaseUnavailable
from app.tokens import Caller

KNOWN_COPIES = 100_000
BETWEEN_SECONDS = 0.05
"""From one expected copy to the next: so they are nothing that other answers wait for."""
AHEAD = 256
"""Copies that wait to be made for callers who have only read so far; whoever reads more of them gets none ahead."""
READS = frozenset({"balance", "statement", "reservations", "reservation"})
TWO_ACCOUNTS = frozenset({"transfer"})


class Worlds:
    """The worlds of all callers."""

    def __init__(
        self,
        ledger: Ledger,
        copies: Copies,
        key: CamouflageKey,
        *,
        alone: bool,
        failures: Mapping[str, float] | None = None,
        draw: Callable[[], float] = random.random,
    ) -> None:
        """`alone`: no other process makes copies, so this one can know them all. `failures` are the shares of each
        operation that end as if the account's database did not answer."""
        self._ledger = ledger
        self._failures = failures or {}
        self._draw = draw
        self._alone = alone
        self._complete = False
        self._copies = copies
        self._names = key.of("worlds")
        self._known: OrderedDict[str, None] = OrderedDict()
        self._waiting: asyncio.Queue[tuple[AccountId, AccountId]] = asyncio.Queue(AHEAD)

    def of(self, caller: Caller) -> Ledger:
        """The ledger as a caller sees it."""
        name = "/" + mac(self._names, caller.subject)[:12].hex()
        return cast(Ledger, World(self._ledger, self, name))

    def expect(self, account: AccountId, stream: AccountId) -> None:
        """Have the copy made soon, where there is room for that."""
        with suppress(asyncio.QueueFull):
            self._waiting.put_nowait((account, stream))

    async def run(self) -> None:
        """Make expected copies for ever; raises what that does, for whoever supervises it to start it again."""
        if self._alone and not self._complete:
            for stream in await self._copies.all():
                self._keep(stream)
            self._complete = len(self._known) < KNOWN_COPIES
        while True:
            await self.ensure(*await self._waiting.get())
            await asyncio.sleep(BETWEEN_SECONDS)

    def is_copied(self, stream: str) -> bool | None:
        """Whether the copy is there; None where that is not known."""
        if stream in self._known:
            return True
        return False if self._complete else None

    async def admit(self, operation: str, accounts: Sequence[AccountId]) -> None:
        """Raises NotADecoy where an account would be looked for in a database that is no decoy's, and
        DatabaseUnavailable, also where it is the operation's turn to fail."""
        for account in accounts:
            shard = await self._copies.admit(account)
        if operation in self._failures and self._draw() < self._failures[operation]:
            raise DatabaseUnavailable(shard, "as often as the ledger's")

    async def ensure(self, account: AccountId, stream: AccountId) -> None:
        """Make the copy where there is none; an account that nobody knows stays so."""
        if stream in self._known:
            return
        await self._copies.make(account, stream)
        self._keep(stream)

    def _keep(self, stream: str) -> None:
        self._known[stream] = None
        if len(self._known) > KNOWN_COPIES:
            self._known.popitem(last=False)
            self._complete = False


class World:
    """What one caller sees: the operations of a Ledger, each with the caller's own streams.

    Written once for all of them, since an operation is nothing but its name here: it takes an account (or two), and
    what it returns or raises may name a stream.
    """

    def __init__(self, ledger: Ledger, worlds: Worlds, name: str) -> None:
        self._ledger = ledger
        self._worlds = worlds
        self._name = name

    def __getattr__(self, operation: str) -> Callable[..., Awaitable[Any]]:
        return partial(self._read if operation in READS else self._change, operation)

    async def _read(self, operation: str, account: AccountId, *more: Any, **options: Any) -> Any:
        await self._worlds.admit(operation, [account])
        ask = partial(self._ask, operation)
        stream = self._stream(account)
        copied = self._worlds.is_copied(stream)
        if copied:
            return await ask(stream, *more, **options)
        if copied is None:
            # At once, so that it takes no longer to find out that there is no copy than to read one.
            both = [ask(each, *more, **options) for each in (stream, account)]
            answers: list[Any] = await gather(*both, return_exceptions=True)
            found = answers[isinstance(answers[0], UnknownAccount | UnknownReservation)]
            if isinstance(found, BaseException):
                raise found
        else:
            found = await ask(account, *more, **options)
        self._worlds.expect(account, stream)
        return found

    async def _change(self, operation: str, *accounts: Any, origin: Origin, **options: Any) -> Any:
        count = 2 if operation in TWO_ACCOUNTS else 1
        named, more = accounts[:count], accounts[count:]
        await self._worlds.admit(operation, named)
        streams = [self._stream(account) for account in named]
        await gather(*map(self._worlds.ensure, named, streams))
        return await self._ask(operation, *streams, *more, origin=_Origin.within(origin, self._name), **options)

    async def _ask(self, operation: str, *arguments: Any, **options: Any) -> Any:
        try:
            answer = await getattr(self._ledger, operation)(*arguments, **options)
        except Exception as error:
            error.args = tuple(self._shown(each) for each in error.args)
            raise
        return [self._line(each) for each in answer] if operation == "statement" else answer

    def _stream(self, account: AccountId) -> AccountId:
        return AccountId(account + self._name)

    def _shown(self, value: Any) -> Any:
        return value.replace(self._name, "") if isinstance(value, str) else value

    def _line(self, line: StatementLine) -> StatementLine:
        """With the other side of a transfer as the caller knows it."""
        return line._replace(details={name: self._shown(value) for name, value in line.details.items()})


class _Origin(Origin):
    """Gives what is made in a world the identity that it would have in the ledger: whoever knows how, can check it."""

    __slots__ = ("world",)

    world: str

    @classmethod
    def within(cls, origin: Origin, world: str) -> _Origin:
        made = cls(origin.actor, origin.key, origin.request)
        object.__setattr__(made, "world", world)
        return made

    def identity(self, *scope: str) -> str:
        return super().identity(*(part.removesuffix(self.world) for part in scope))
