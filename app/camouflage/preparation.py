"""Create the accounts of a place in decoy databases before any caller asks for them.

Nothing is created on request, so response times do not reveal a first visit.
"""

from __future__ import annotations

from asyncio import gather
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from app.camouflage import database_fingerprint
from app.camouflage.behaviour import BehaviourModel
from app.camouflage.caller_views import Copies, view_name
from app.camouflage.database_fingerprint import Database, FingerprintGuard
from app.camouflage.histories import DatedEvent, Population
from app.camouflage.reasons import Reasons
from app.canaries.key import CamouflageKey
from app.canaries.tokens import check_place
from app.credits import Origin, Shards
from app.credits.account import NEW, fold
from app.credits.events import PERSONAL_FIELDS
from app.credits.texts import Texts
from app.events import EventStore, Slot
from app.events.bulk_import import import_events
from app.events.import_chunk import ImportedEvent
from app.personal_data import MasterKey, PersonalData, SubjectKeys
from app.queries import query
from app.sharding import PostgresMapStore, Router
from app.topology import Directory

Block = Sequence[DatedEvent]
ACTOR = "import"
DEFAULT_VIEWS = 4
"""Prepared views, one for each expected caller."""


class Prepared(NamedTuple):
    """Accounts and events that exist now, and the events that this run stored."""

    accounts: int
    events: int
    made: int


class Preparation:
    """Fills decoy databases."""

    def __init__(
        self, directory: Directory, databases: Mapping[str, Database], key: CamouflageKey, master: MasterKey
    ) -> None:
        """`databases` are those of all shards, with the rights of their administrators."""
        self._databases = databases
        self._key = key
        self._map_shard = directory.map_shard.name
        stores = {name: EventStore(database) for name, database in databases.items()}  # type: ignore[arg-type]
        maps = PostgresMapStore(databases[self._map_shard], shard=self._map_shard)  # type: ignore[arg-type]
        self._router = Router(directory, stores, maps)
        keys = {name: SubjectKeys(database, master) for name, database in databases.items()}
        self._copies = Copies(Shards(self._router, databases), FingerprintGuard(databases, key))
        self._texts = Texts(PersonalData(self._router, keys, PERSONAL_FIELDS))

    async def make(
        self,
        place: int,
        rows: int,
        *,
        model: BehaviourModel,
        reasons: Reasons,
        now: datetime,
        views: int = DEFAULT_VIEWS,
        progress: Callable[[int], None] = lambda _: None,
    ) -> Prepared:
        """Create `rows` accounts of a place, and their copies in `views` views; keep what exists.

        A run can be interrupted and repeated, also with more rows; the first run decides the number of views.
        `progress` receives the number of accounts done. Raises NotADecoy, ImpossibleBundle, ImportRefused,
        DatabaseUnavailable, MasterKeyFailed.
        """
        check_place(place)
        await database_fingerprint.install(self._databases, self._key, views)
        await self._router.refresh()
        [(until,)] = await self._databases[self._map_shard].rows(
            query("camouflage.keep_place"), {"place": place, "until": now}
        )
        [(views,)] = await self._databases[self._map_shard].rows(query("camouflage.read_views"), {})
        population = Population(self._key, place, rows, model, reasons, until)
        accounts = events = made = 0
        for number, block in enumerate(population.blocks()):
            made += await self.store(f"camouflage {place} {number}", block)
            names = {dated.account for dated in block}
            await self._copy(names, views)
            accounts += len(names)
            events += len(block)
            progress(accounts)
        return Prepared(accounts, events, made)

    async def store(self, name: str, block: Block) -> int:
        """Store the events of some accounts, once for each `name`; return how many. Raises as `make`."""
        imported = await self._seal_all(block)
        done = await gather(
            *(
                import_events(database, imported, name=name, place=self._slots_of(shard))
                for shard, database in self._databases.items()
            )
        )
        return sum(result.stored for result in done)

    async def _copy(self, accounts: Collection[str], views: int) -> None:
        for number in range(1, views + 1):
            name = view_name(self._key, number, prepared=True)
            await gather(*(self._copies.make(account, name.stream(account)) for account in accounts))

    async def _seal_all(self, block: Block) -> list[ImportedEvent]:
        by_account: dict[str, list[DatedEvent]] = {}
        for dated in block:
            by_account.setdefault(dated.account, []).append(dated)
        return [event for account in await gather(*map(self._seal, by_account.values())) for event in account]

    async def _seal(self, history: list[DatedEvent]) -> list[ImportedEvent]:
        """Seal the texts of one account's events."""
        account = history[0].account
        origin = Origin.of(ACTOR)
        sealed = await self._texts.seal(account, [dated.event for dated in history], origin)  # type: ignore[arg-type]
        due = fold((dated.event for dated in history), NEW).due
        return [
            ImportedEvent(account, event, dated.at, due=due)
            for event, dated in zip(sealed.events, history, strict=True)
        ]

    def _slots_of(self, shard: str) -> Callable[[str], Slot | None]:
        def slot(stream: str) -> Slot | None:
            place, _ = self._router.route(stream)
            return Slot(place.slot, place.epoch) if place.shard == shard else None

        return slot
