"""Caller views: every caller finds the same decoy accounts, and sees only their own changes to them.

A decoy account is a stream of its own name. In a view it is a copy named `<account>/<view>`, which has the whole
history and continues from there. Some views are prepared in advance, and each caller gets one for good, so that no
response has to wait for a copy. A caller who comes when all are taken reads the shared accounts until their first
change of an account, which copies it.
"""

from __future__ import annotations

import random
from asyncio import gather
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple, cast

import structlog
import xxhash
from psycopg.errors import DiskFull, ReadOnlySqlTransaction

from app.camouflage.database_fingerprint import FingerprintGuard
from app.canaries.key import CamouflageKey, mac
from app.credits import AccountId, Ledger, Origin, UnknownAccount, UnknownReservation
from app.credits.model import StatementLine
from app.credits.shards import Shards
from app.database import DatabaseUnavailable
from app.events import WrongEpoch
from app.queries import Reads, query
from app.tokens import Caller

log = structlog.get_logger(__name__)

CACHED = 100_000
READS = frozenset({"balance", "statement", "reservations", "reservation"})
TWO_ACCOUNTS = frozenset({"transfer"})


class ViewName(NamedTuple):
    """The suffix of a view's streams."""

    ending: str
    prepared: bool
    """True if every account has its copy in the view."""

    def stream(self, account: str) -> AccountId:
        """Return the stream of an account in this view."""
        return AccountId(account + self.ending)

    def hide_in(self, value: Any) -> Any:
        """Remove the suffix from a text, so that the caller does not see it."""
        return value.replace(self.ending, "") if isinstance(value, str) else value


SHARED_VIEW = ViewName("", prepared=True)
"""The decoy accounts themselves, for reading only."""


def view_name(key: CamouflageKey, number: int, *, prepared: bool) -> ViewName:
    """Return the name of a view; `number` starts at 1."""
    return ViewName("/" + mac(key.of("worlds"), str(number))[:12].hex(), prepared)


class Copies:
    """Copies accounts, each in one transaction of the shard that holds both streams."""

    def __init__(self, shards: Shards, guard: FingerprintGuard) -> None:
        self._shards = shards
        self.guard = guard

    async def admit(self, account: str) -> str:
        """Return the account's shard; raises NotADecoy and DatabaseUnavailable."""
        place, _ = self._shards.at(account)
        await self.guard.admit(place.shard)
        return place.shard

    async def make(self, account: str, stream: str) -> None:
        """Copy an account to a stream in its slot, unless that exists; raises DatabaseUnavailable, WrongEpoch."""
        await self._shards.router.following(lambda: self._make(account, stream))

    async def _make(self, account: str, stream: str) -> None:
        place, _ = self._shards.at(account)
        parameters = {
            "account": account,
            "stream": stream,
            # The lock that appends take: a signed bigint.
            "hash": xxhash.xxh3_64_intdigest(stream.encode()) - 2**63,
            "slot": place.slot,
            "epoch": place.epoch,
        }
        [(outcome, epoch)] = await self._shards.database(account).rows(query("camouflage.copy_account"), parameters)
        if outcome == "wrong epoch":
            raise WrongEpoch(stream, place.slot, place.epoch, epoch)


class CallerViews:
    """The views of all callers."""

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
        """`claims` is the database that assigns views to callers.

        `failures` gives, for each operation, the share of calls that fail as if the database did not answer.
        """
        self._ledger = ledger
        self._copies = copies
        self._key = key
        self._callers = key.of("callers")
        self._claims = claims
        self._failures = failures or {}
        self._draw = draw
        self._views: OrderedDict[str, CallerView] = OrderedDict()
        self._copied: OrderedDict[str, None] = OrderedDict()

    def of(self, caller: Caller) -> Ledger:
        """Return the ledger as a caller sees it."""
        view = self._views.get(caller.subject)
        if view is None:
            view = self._views[caller.subject] = CallerView(self._ledger, self, caller.subject)
            _evict_oldest(self._views)
        return cast(Ledger, view)

    async def claim(self, subject: str) -> ViewName:
        """Return the caller's view, assigned at the first call; raises DatabaseUnavailable."""
        parameters = {"caller": mac(self._callers, subject)}
        [(number, prepared)] = await self._claims.rows(query("camouflage.claim_view"), parameters)
        if not prepared:
            log.warning("all prepared views are taken: changes of this caller copy accounts", view=number)
        return view_name(self._key, number, prepared=prepared)

    @property
    def open(self) -> bool:
        """Tell whether `admit` accepts everything from now on, so that it need not be called."""
        return self._copies.guard.done and not self._failures

    async def admit(self, operation: str, accounts: Sequence[AccountId]) -> None:
        """Raise NotADecoy for an account in a database that was not prepared for decoys.

        Raises DatabaseUnavailable, also at random where `failures` names the operation.
        """
        for account in accounts:
            shard = await self._copies.admit(account)
        if operation in self._failures and self._draw() < self._failures[operation]:
            raise DatabaseUnavailable(shard, "as often as the ledger's")

    def is_copied(self, name: ViewName, account: AccountId) -> bool:
        """Tell whether the caller's copy is known to exist."""
        return name.prepared or name.stream(account) in self._copied

    async def ensure(self, name: ViewName, account: AccountId) -> None:
        """Make the caller's copy if there is none; an unknown account stays unknown."""
        if not self.is_copied(name, account):
            await self._copies.make(account, name.stream(account))
            self._copied[name.stream(account)] = None
            _evict_oldest(self._copied)


class CallerView:
    """The ledger as one caller sees it: the operations of a Ledger on the caller's own streams.

    One implementation serves all operations: each takes an account or two, and its result or error may name a stream.
    """

    def __init__(self, ledger: Ledger, views: CallerViews, subject: str) -> None:
        self._ledger = ledger
        self._views = views
        self._subject = subject
        self._name: ViewName | None = None

    def __getattr__(self, operation: str) -> Callable[..., Awaitable[Any]]:
        method = partial(self._read if operation in READS else self._change, operation)
        self.__dict__[operation] = method  # so __getattr__ runs once for each operation
        return method

    async def _read(self, operation: str, account: AccountId, *more: Any, **options: Any) -> Any:
        # The ledger takes none of these steps, and a caller on a fast connection could measure each of them.
        name = self._name or await self._claim_to_read()
        if not self._views.open:
            await self._views.admit(operation, [account])
        if name.prepared or self._views.is_copied(name, account):
            return await self._call(operation, name, name.stream(account), *more, **options)
        # Both at once, so that a missing copy costs no more time than an existing one.
        both = [self._call(operation, name, stream, *more, **options) for stream in (name.stream(account), account)]
        answers: list[Any] = await gather(*both, return_exceptions=True)
        found = answers[isinstance(answers[0], UnknownAccount | UnknownReservation)]
        if isinstance(found, BaseException):
            raise found
        return found

    async def _change(self, operation: str, *accounts: Any, origin: Origin, **options: Any) -> Any:
        count = 2 if operation in TWO_ACCOUNTS else 1
        named, more = accounts[:count], accounts[count:]
        name = self._name or await self._claim()
        if not self._views.open:
            await self._views.admit(operation, named)
        if not name.prepared:
            await gather(*(self._views.ensure(name, account) for account in named))
        streams = map(name.stream, named)
        origin = _ViewOrigin.within(origin, name.ending)
        return await self._call(operation, name, *streams, *more, origin=origin, **options)

    async def _claim(self) -> ViewName:
        self._name = await self._views.claim(self._subject)
        return self._name

    async def _claim_to_read(self) -> ViewName:
        """Claim a view; where the database takes no writes, a new caller has changed nothing and shares the reads."""
        try:
            return await self._claim()
        except DatabaseUnavailable as error:
            # Clouds make a server read-only when its disk is nearly full.
            if not isinstance(error.__cause__, DiskFull | ReadOnlySqlTransaction):
                raise
        return SHARED_VIEW

    async def _call(self, operation: str, name: ViewName, *arguments: Any, **options: Any) -> Any:
        try:
            answer = await getattr(self._ledger, operation)(*arguments, **options)
        except Exception as error:
            error.args = tuple(map(name.hide_in, error.args))
            raise
        return [_hide_view(name, line) for line in answer] if operation == "statement" else answer


def _hide_view(name: ViewName, line: StatementLine) -> StatementLine:
    """Name the other side of a transfer as the caller knows it."""
    return line._replace(details={key: name.hide_in(value) for key, value in line.details.items()})


def _evict_oldest(cache: OrderedDict[str, Any]) -> None:
    if len(cache) > CACHED:
        cache.popitem(last=False)


class _ViewOrigin(Origin):
    """Derives identities as the ledger would, without the view: callers can check them, since the code is public."""

    __slots__ = ("ending",)

    ending: str

    @classmethod
    def within(cls, origin: Origin, ending: str) -> _ViewOrigin:
        made = cls(origin.actor, origin.key, origin.request)
        object.__setattr__(made, "ending", ending)
        return made

    def identity(self, *scope: str) -> str:
        return super().identity(*(part.removesuffix(self.ending) for part in scope))
