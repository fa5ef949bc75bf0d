"""Worlds: every caller finds the same accounts, and whatever they change there changes for them alone.

A decoy account is a stream of its own name. In a world it is a copy behind a slash, `<account>/<world>`, which has the
whole history and goes on from there. Some worlds are made in advance, and each caller gets one, for good: so nothing is
left to do when somebody comes, and no answer takes longer than another one. Who comes when all are taken reads what all
have, until the first change of an account copies it.
"""

from __future__ import annotations

import random
from asyncio import gather
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple, cast

import structlog
from psycopg.errors import DiskFull, ReadOnlySqlTransaction

from app.camouflage.copies import Copies
from app.camouflage.key import CamouflageKey, mac
from app.camouflage.statements import statement
from app.credits import AccountId, Ledger, Origin, UnknownAccount, UnknownReservation
from app.credits.model import StatementLine
from app.database import DatabaseUnavailable
from app.queries import Reads
from app.tokens import Caller

log = structlog.get_logger(__name__)

KNOWN = 100_000
READS = frozenset({"balance", "statement", "reservations", "reservation"})
TWO_ACCOUNTS = frozenset({"transfer"})


class Name(NamedTuple):
    """What the streams of a world end in."""

    ending: str
    ready: bool
    """Whether every account has its copy there."""

    def stream(self, account: str) -> AccountId:
        """The account in this world."""
        return AccountId(account + self.ending)

    def shown(self, value: Any) -> Any:
        """A text as the caller is to see it."""
        return value.replace(self.ending, "") if isinstance(value, str) else value


AS_ALL_HAVE_IT = Name("", ready=True)
"""No world: the accounts themselves, to read."""


def world(key: CamouflageKey, number: int, *, ready: bool) -> Name:
    """The name of a world, counted from 1 on."""
    return Name("/" + mac(key.of("worlds"), str(number))[:12].hex(), ready)


class Worlds:
    """The worlds of all callers."""

    def __init__(
        self,
        ledger: Ledger,
        copies: Copies,
        key: CamouflageKey,
        claims: Reads,
        *,
        failures: Mapping[str, float] | None = None,
        draw: Callable[[], float] = random.random,
    ) -> None:
        """`claims` is the database that tells who has which world. `failures` are the shares of each operation that
        end as if the account's database did not answer."""
        self._ledger = ledger
        self._copies = copies
        self._key = key
        self._callers = key.of("callers")
        self._claims = claims
        self._failures = failures or {}
        self._draw = draw
        self._worlds: OrderedDict[str, World] = OrderedDict()
        self._copied: OrderedDict[str, None] = OrderedDict()

    def of(self, caller: Caller) -> Ledger:
        """The ledger as a caller sees it."""
        known = self._worlds.get(caller.subject)
        if known is None:
            known = self._worlds[caller.subject] = World(self._ledger, self, caller.subject)
            _bound(self._worlds)
        return cast(Ledger, known)

    async def claimed(self, subject: str) -> Name:
        """The caller's world; raises DatabaseUnavailable."""
        parameters = {"caller": mac(self._callers, subject)}
        [(number, ready)] = await self._claims.rows(statement("claim_world"), parameters)
        if not ready:
            log.warning("all worlds that were prepared are taken: changes of this caller copy accounts", world=number)
        return world(self._key, number, ready=ready)

    @property
    def open(self) -> bool:
        """Whether `admit` has nothing to say any more, whoever asks for what."""
        return self._copies.guard.done and not self._failures

    async def admit(self, operation: str, accounts: Sequence[AccountId]) -> None:
        """Raises NotADecoy where an account would be looked for in a database that is no decoy's, and
        DatabaseUnavailable, also where it is the operation's turn to fail."""
        for account in accounts:
            shard = await self._copies.admit(account)
        if operation in self._failures and self._draw() < self._failures[operation]:
            raise DatabaseUnavailable(shard, "as often as the ledger's")

    def is_copied(self, name: Name, account: AccountId) -> bool:
        """Whether the caller's copy is there for sure."""
        return name.ready or name.stream(account) in self._copied

    async def ensure(self, name: Name, account: AccountId) -> None:
        """Make the caller's copy where there is none; an account that nobody knows stays so."""
        if not self.is_copied(name, account):
            await self._copies.make(account, name.stream(account))
            self._copied[name.stream(account)] = None
            _bound(self._copied)


class World:
    """What one caller sees: the operations of a Ledger, each with the caller's own streams.

    Written once for all of them, since an operation is nothing but its name here: it takes an account (or two), and
    what it returns or raises may name a stream.
    """

    def __init__(self, ledger: Ledger, worlds: Worlds, subject: str) -> None:
        self._ledger = ledger
        self._worlds = worlds
        self._subject = subject
        self._name: Name | None = None

    def __getattr__(self, operation: str) -> Callable[..., Awaitable[Any]]:
        made = partial(self._read if operation in READS else self._change, operation)
        self.__dict__[operation] = made  # found by itself from now on
        return made

    async def _read(self, operation: str, account: AccountId, *more: Any, **options: Any) -> Any:
        # Every step here is one that the ledger does not take: whoever has a quiet line would see it in the time.
        name = self._name or await self._named_to_read()
        if not self._worlds.open:
            await self._worlds.admit(operation, [account])
        if name.ready or self._worlds.is_copied(name, account):
            return await self._ask(operation, name, name.stream(account), *more, **options)
        # At once, so that it takes no longer to find out that there is no copy than to read one.
        both = [self._ask(operation, name, each, *more, **options) for each in (name.stream(account), account)]
        answers: list[Any] = await gather(*both, return_exceptions=True)
        found = answers[isinstance(answers[0], UnknownAccount | UnknownReservation)]
        if isinstance(found, BaseException):
            raise found
        return found

    async def _change(self, operation: str, *accounts: Any, origin: Origin, **options: Any) -> Any:
        count = 2 if operation in TWO_ACCOUNTS else 1
        named, more = accounts[:count], accounts[count:]
        name = self._name or await self._named()
        if not self._worlds.open:
            await self._worlds.admit(operation, named)
        if not name.ready:
            await gather(*(self._worlds.ensure(name, account) for account in named))
        streams = map(name.stream, named)
        return await self._ask(operation, name, *streams, *more, origin=_Origin.within(origin, name.ending), **options)

    async def _named(self) -> Name:
        self._name = await self._worlds.claimed(self._subject)
        return self._name

    async def _named_to_read(self) -> Name:
        """Who comes first when nothing can be written any more has changed nothing, and reads, as from the ledger."""
        try:
            return await self._named()
        except DatabaseUnavailable as error:
            # Clouds keep a server whose disk is nearly full from writing.
            if not isinstance(error.__cause__, DiskFull | ReadOnlySqlTransaction):
                raise
        return AS_ALL_HAVE_IT

    async def _ask(self, operation: str, name: Name, *arguments: Any, **options: Any) -> Any:
        try:
            answer = await getattr(self._ledger, operation)(*arguments, **options)
        except Exception as error:
            error.args = tuple(map(name.shown, error.args))
            raise
        return [_line(name, each) for each in answer] if operation == "statement" else answer


def _line(name: Name, line: StatementLine) -> StatementLine:
    """With the other side of a transfer as the caller knows it."""
    return line._replace(details={key: name.shown(value) for key, value in line.details.items()})


def _bound(known: OrderedDict[str, Any]) -> None:
    if len(known) > KNOWN:
        known.popitem(last=False)


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
