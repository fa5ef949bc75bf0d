"""Making the accounts of a place in databases of decoys, before anybody asks for them.

Nothing is made when somebody asks: so the time of an answer never tells that it was the first.
"""

from __future__ import annotations

from asyncio import gather
from collections.abc import Callable, Collection, Mapping
from datetime import datetime
from typing import NamedTuple

from app.camouflage import marks
from app.camouflage.canaries import check_place
from app.camouflage.copies import Copies
from app.camouflage.habits import Habits
from app.camouflage.histories import Happened
from app.camouflage.key import CamouflageKey
from app.camouflage.marks import Database, Guard
from app.camouflage.population import Block, Population
from app.camouflage.reasons import Reasons
from app.camouflage.statements import statement
from app.camouflage.worlds import world
from app.credits import Origin, Shards
from app.credits.account import NEW, fold
from app.credits.events import PERSONAL_FIELDS
from app.credits.texts import Texts
from app.events import EventStore, Slot
from app.events.bulk_import import import_events
from app.events.import_chunk import ImportedEvent
from app.personal_data import MasterKey, PersonalData, SubjectKeys
from app.sharding import PostgresMapStore, Router
from app.topology import Directory

ACTOR = "import"
WORLDS = 4
"""Callers whose worlds are made in advance, unless said otherwise."""


class Prepared(NamedTuple):
    """How much there is now, and how much of it was made by this run."""

    accounts: int
    events: int
    made: int


class Preparation:
    """Fills the databases of decoys."""

    def __init__(
        self, directory: Directory, databases: Mapping[str, Database], key: CamouflageKey, master: MasterKey
    ) -> None:
        """`databases` are those of all shards, as their administrators use them."""
        self._databases = databases
        self._key = key
        self._map_shard = directory.map_shard.name
        stores = {name: EventStore(database) for name, database in databases.items()}  # type: ignore[arg-type]
        maps = PostgresMapStore(databases[self._map_shard], shard=self._map_shard)  # type: ignore[arg-type]
        self._router = Router(directory, stores, maps)
        keys = {name: SubjectKeys(database, master) for name, database in databases.items()}
        self._copies = Copies(Shards(self._router, databases), Guard(databases, key))
        self._texts = Texts(PersonalData(self._router, keys, PERSONAL_FIELDS))

    async def make(
        self,
        place: int,
        rows: int,
        *,
        habits: Habits,
        reasons: Reasons,
        now: datetime,
        worlds: int = WORLDS,
        progress: Callable[[int], None] = lambda _: None,
    ) -> Prepared:
        """Make the accounts of a place, `rows` of them, and their copies in `worlds`; what is there already stays, and
        so does the number of worlds.

        Can be interrupted and repeated, also with more rows. `progress` is told accounts. Raises NotADecoy,
        ImpossibleBundle, ImportRefused, DatabaseUnavailable, MasterKeyFailed.
        """
        check_place(place)
        await marks.install(self._databases, self._key, worlds)
        await self._router.refresh()
        [(until,)] = await self._databases[self._map_shard].rows(
            statement("keep_place"), {"place": place, "until": now}
        )
        [(worlds,)] = await self._databases[self._map_shard].rows(statement("read_worlds"), {})
        population = Population(self._key, place, rows, habits, reasons, until)
        accounts = events = made = 0
        for number, block in enumerate(population.blocks()):
            made += await self.store(f"camouflage {place} {number}", block)
            names = {happened.account for happened in block}
            await self._copy(names, worlds)
            accounts += len(names)
            events += len(block)
            progress(accounts)
        return Prepared(accounts, events, made)

    async def store(self, name: str, block: Block) -> int:
        """Store what happened to some accounts, once for each name; how many events. Raises as `make`."""
        imported = await self._imported(block)
        done = await gather(
            *(
                import_events(database, imported, name=name, place=self._slots_of(shard))
                for shard, database in self._databases.items()
            )
        )
        return sum(each.stored for each in done)

    async def _copy(self, accounts: Collection[str], worlds: int) -> None:
        for number in range(1, worlds + 1):
            name = world(self._key, number, ready=True)
            await gather(*(self._copies.make(account, name.stream(account)) for account in accounts))

    async def _imported(self, block: Block) -> list[ImportedEvent]:
        by_account: dict[str, list[Happened]] = {}
        for happened in block:
            by_account.setdefault(happened.account, []).append(happened)
        return [each for account in await gather(*map(self._sealed, by_account.values())) for each in account]

    async def _sealed(self, happened: list[Happened]) -> list[ImportedEvent]:
        account = happened[0].account
        origin = Origin.of(ACTOR)
        sealed = await self._texts.seal(account, [each.event for each in happened], origin)  # type: ignore[arg-type]
        due = fold((each.event for each in happened), NEW).due
        return [
            ImportedEvent(account, event, each.at, due=due) for event, each in zip(sealed.events, happened, strict=True)
        ]

    def _slots_of(self, shard: str) -> Callable[[str], Slot | None]:
        def slot(stream: str) -> Slot | None:
            place, _ = self._router.route(stream)
            return Slot(place.slot, place.epoch) if place.shard == shard else None

        return slot
