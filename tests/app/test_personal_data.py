"""Personal data on real databases: who is erased is gone everywhere, and stays gone after a restore."""

from __future__ import annotations

import asyncio
import json
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg.sql import SQL, Identifier

from app.database import DatabaseUnavailable, Role, ShardDatabase
from app.events import (
    Append,
    EventStore,
    Fold,
    KeyReused,
    NewEvent,
    PastEvent,
    Slot,
    Upcasting,
    WrongEpoch,
    load,
    snapshot_due,
)
from app.events.append import content_hash
from app.personal_data import (
    Erased,
    KeyMissing,
    MasterKeyFailed,
    NotErased,
    PersonalData,
    SubjectErased,
    SubjectKeys,
    erase,
    export,
    replay_erasures,
)
from app.personal_data.erasure_log import DatabaseErasureLog, Erasure, FileErasureLog
from app.personal_data.key_file import FileMasterKey
from app.personal_data.keys import OPENED_SECONDS
from app.sharding import Router
from app.topology import Directory, Shard, slot_of
from tests.waiting import until

from .conftest import Postgres, binaries, log_in_as

pytestmark = pytest.mark.servers

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
FIELDS = {"Opened": ["holder.email", "holder.name"], "Renamed": ["name"]}
EMAIL = "anna.unmistakable@example.com"
NAME = "Anna Unmistakable"


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@dataclass
class World:
    """Three shards as an operator sees them."""

    directory: Directory
    databases: dict[str, ShardDatabase]
    master: FileMasterKey
    clock: Clock = field(default_factory=Clock)

    def __post_init__(self) -> None:
        self.stores = {name: EventStore(database) for name, database in self.databases.items()}
        self.keys = self.new_process()
        self.personal = self.personal_data(self.keys)

    def new_process(self) -> dict[str, SubjectKeys]:
        return {name: SubjectKeys(each, self.master, now=self.clock) for name, each in self.databases.items()}

    def personal_data(self, keys: dict[str, SubjectKeys]) -> PersonalData:
        return PersonalData(Router(self.directory, keys), keys, FIELDS)

    def store_of(self, subject: str) -> EventStore:
        return self.stores[self.directory.place_of(subject).shard]

    def slot_of(self, subject: str) -> Slot:
        return Slot(slot_of(subject), 1)

    async def append(self, subject: str, *events: NewEvent, key: str | None = None, **more: Any) -> Any:
        sealed = await self.personal.seal(subject, events)
        return await self.store_of(subject).append(
            Append(
                subject, sealed.events, slot=self.slot_of(subject), idempotency_key=key, content=sealed.content, **more
            )
        )

    async def read(self, subject: str) -> list[Any]:
        events = await self.personal.unseal_events(await self.store_of(subject).read(subject))
        return [event.data for event in events]


def opened(email: str = EMAIL, name: str = NAME) -> NewEvent:
    return NewEvent("Opened", {"holder": {"email": email, "name": name}, "plan": "gold"}, change=5)


@pytest.fixture
async def world(
    migrated: Directory, answering: Postgres, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> AsyncIterator[World]:
    log_in_as(monkeypatch, answering, "migrator")
    databases = {shard.name: operator_database(shard) for shard in migrated.shards}
    for database in databases.values():
        await database.open()
    yield World(migrated, databases, FileMasterKey.create(tmp_path / "master.json"))
    for database in databases.values():
        await database.close()


def operator_database(shard: Shard) -> ShardDatabase:
    return ShardDatabase(shard, size=4, kept=1, seconds=5, role=Role.ADMIN)


@pytest.fixture
def log(tmp_path: Path) -> FileErasureLog:
    return FileErasureLog(tmp_path / "erasures.jsonl")


async def test_what_is_sealed_is_read_back(world: World) -> None:
    await world.append("anna", opened(), NewEvent("Granted", {"amount": 5}))
    assert await world.read("anna") == [opened().data, {"amount": 5}]


async def test_without_personal_fields_no_key_is_made(world: World) -> None:
    await world.append("anna", NewEvent("Granted", {"amount": 5}), key="k")
    assert (await world.append("anna", NewEvent("Granted", {"amount": 5}), key="k")).repeated
    assert await world.keys[world.directory.place_of("anna").shard].find(["anna"]) == {}


async def test_processes_that_need_a_key_at_once_get_the_same(world: World) -> None:
    shard = world.directory.place_of("anna").shard
    processes = [world.new_process()[shard] for _ in range(8)]
    keys = await asyncio.gather(*(each.of("anna", world.slot_of("anna")) for each in processes))
    assert len({key.digest(b"x") for key in keys}) == 1


async def test_a_stale_writer_makes_no_key(world: World) -> None:
    keys = world.keys[world.directory.place_of("anna").shard]
    with pytest.raises(WrongEpoch):
        await keys.of("anna", Slot(slot_of("anna"), 2))
    assert await keys.find(["anna"]) == {}


async def test_erased_data_reads_as_erased_and_the_stream_replays(world: World, log: FileErasureLog) -> None:
    await world.append("anna", opened(), NewEvent("Granted", {"amount": 5}, change=2))
    assert await erase("anna", at=NOON, log=log, shards=world.keys)
    assert await world.read("anna") == [
        {"holder": {"email": Erased("anna"), "name": Erased("anna")}, "plan": "gold"},
        {"amount": 5},
    ]
    head = await world.store_of("anna").head("anna")
    assert head is not None
    assert (head.version, head.total) == (2, 7)
    assert await log.entries() == [Erasure("anna", NOON)]


async def test_who_is_erased_never_gets_a_key_again(world: World, log: FileErasureLog) -> None:
    await world.append("anna", opened())
    await erase("anna", at=NOON, log=log, shards=world.keys)
    await erase("never-had-one", at=NOON, log=log, shards=world.keys)
    for subject in ("anna", "never-had-one"):
        for keys in (world.keys, world.new_process()):
            with pytest.raises(SubjectErased):
                await world.personal_data(keys).seal(subject, [opened()])
    await world.append("anna", NewEvent("Granted", {"amount": 1}))


async def test_erasing_twice_keeps_the_first_time(world: World, log: FileErasureLog) -> None:
    await world.append("anna", opened())
    assert await erase("anna", at=NOON, log=log, shards=world.keys)
    assert not await erase("anna", at=NOON.replace(year=2027), log=log, shards=world.keys)
    assert await log.entries() == [Erasure("anna", NOON)]


async def test_others_are_not_touched(world: World, log: FileErasureLog) -> None:
    for subject in ("anna", "bert"):
        await world.append(subject, opened())
    await erase("anna", at=NOON, log=log, shards=world.keys)
    assert await world.read("bert") == [opened().data]


async def test_a_process_forgets_what_it_erases_at_once_and_others_within_seconds(
    world: World, log: FileErasureLog
) -> None:
    await world.append("anna", opened())
    other = world.personal_data(world.new_process())
    stored = await world.store_of("anna").read("anna")
    assert (await other.unseal_events(stored))[0].data == opened().data
    await erase("anna", at=NOON, log=log, shards=world.keys)
    assert (await world.personal.unseal_events(stored))[0].data["holder"]["email"] == Erased("anna")
    world.clock.now += 5
    assert (await other.unseal_events(stored))[0].data["holder"]["email"] == Erased("anna")


async def test_a_key_that_its_shard_still_has_is_not_unwrapped_again(
    world: World, log: FileErasureLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    await world.append("anna", opened())
    other, asked = world.personal_data(world.new_process()), []
    unwrap = FileMasterKey.unwrap
    monkeypatch.setattr(FileMasterKey, "unwrap", lambda *given: (asked.append(given), unwrap(*given))[1])
    stored = await world.store_of("anna").read("anna")
    for _ in range(3):
        assert (await other.unseal_events(stored))[0].data == opened().data
        world.clock.now += 5
    assert len(asked) == 1
    world.clock.now += OPENED_SECONDS
    assert (await other.unseal_events(stored))[0].data == opened().data
    assert len(asked) == 2
    await erase("anna", at=NOON, log=log, shards=world.keys)
    world.clock.now += 5
    assert (await other.unseal_events(stored))[0].data["holder"]["email"] == Erased("anna")
    assert len(asked) == 2


async def test_sealing_needs_no_lookup_and_nobody_opens_it_after_an_erasure(
    world: World, log: FileErasureLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = world.personal_data(world.new_process())
    await other.seal("anna", [opened()])
    world.clock.now += OPENED_SECONDS - 1
    with monkeypatch.context() as patch:
        patch.setattr(ShardDatabase, "rows", None)
        await other.seal("anna", [opened()])
    await erase("anna", at=NOON, log=log, shards=world.keys)
    late = await other.seal("anna", [opened()])
    assert (await other.unseal([late.events[0].data]))[0]["holder"]["email"] == Erased("anna")
    world.clock.now += 1
    with pytest.raises(SubjectErased):
        await other.seal("anna", [opened()])


async def test_lookups_at_the_same_time_share_a_statement(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    for subject in ("anna", "bert"):
        await world.append(subject, opened())
    shard = world.directory.place_of("anna").shard
    keys = world.new_process()[shard]
    asked: list[str] = []
    rows = ShardDatabase.rows

    async def counted(self: ShardDatabase, text: str, parameters: Any, **more: Any) -> Any:
        asked.append(text)
        return await rows(self, text, parameters, **more)

    monkeypatch.setattr(ShardDatabase, "rows", counted)
    answers = await asyncio.gather(*(keys.find([subject]) for subject in ("anna", "nobody") * 20))
    assert len(asked) == 1
    assert [set(answer) for answer in answers] == [{"anna"}, set()] * 20


async def test_whoever_waits_for_a_lookup_that_fails_is_told(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    keys = world.new_process()[world.directory.place_of("anna").shard]

    async def down(*_: object, **__: object) -> Any:
        raise DatabaseUnavailable("aws-0", "down")

    with monkeypatch.context() as patch:
        patch.setattr(ShardDatabase, "rows", down)
        answers = await asyncio.gather(*(keys.find([name]) for name in "ab"), return_exceptions=True)
    assert [type(answer) for answer in answers] == [DatabaseUnavailable] * 2
    assert await keys.find(["a"]) == {}


async def test_a_key_that_never_was_is_not_taken_for_an_erased_one(world: World) -> None:
    sealed = await world.personal.seal("anna", [opened()])
    with psycopg_to(world, "anna") as connection:
        connection.execute("alter table subject_keys disable trigger all; delete from subject_keys")
        connection.execute("alter table subject_keys enable always trigger subjects_stay_erased")
    world.clock.now += 5
    with pytest.raises(KeyMissing, match="anna"):
        await world.personal.unseal([sealed.events[0].data])


def psycopg_to(world: World, subject: str) -> psycopg.Connection[Any]:
    shard = world.directory.by_name[world.directory.place_of(subject).shard]
    return psycopg.connect(host=shard.host, port=shard.port, dbname=shard.database, user="migrator", autocommit=True)


class TestTheKeyedHashOfContent:
    """A plain hash would let anybody with the database try e-mail addresses until one fits."""

    async def test_the_same_content_is_a_repetition_although_it_is_sealed_anew(self, world: World) -> None:
        first = await world.append("anna", opened(), key="k")
        again = await world.append("anna", opened(), key="k")
        assert (first.repeated, again.repeated, again.version) == (False, True, first.version)

    async def test_other_personal_content_is_a_conflict(self, world: World) -> None:
        await world.append("anna", opened(), key="k")
        with pytest.raises(KeyReused):
            await world.append("anna", opened(email="other@example.com"), key="k")

    async def test_no_plain_hash_is_stored(self, world: World) -> None:
        await world.append("anna", opened(), key="k")
        plain = Append("anna", [opened()], world.slot_of("anna"), idempotency_key="k").content_hash
        bare = json.dumps([["Opened", 1, opened().data]], sort_keys=True, separators=(",", ":"))
        with psycopg_to(world, "anna") as connection:
            [(stored,)] = connection.execute("select content_hash from events where stream = 'anna'").fetchall()
        assert stored not in (plain, content_hash(bare.encode()))

    async def test_after_an_erasure_a_repetition_is_refused(self, world: World, log: FileErasureLog) -> None:
        await world.append("anna", opened(), key="k")
        await erase("anna", at=NOON, log=log, shards=world.keys)
        with pytest.raises(SubjectErased):
            await world.append("anna", opened(), key="k")


class TestNothingPersonalIsInTheClear:
    """Neither in a table nor in a file of the server: events, archive, snapshots, read models, write-ahead log."""

    async def test_not_in_any_table_or_file_and_unreadable_after_the_erasure(
        self, world: World, log: FileErasureLog, postgres: Postgres
    ) -> None:
        state = await self.live("anna", world)
        with psycopg_to(world, "anna") as connection:
            for text in (EMAIL, NAME, "Unmistakable"):
                assert tables_with(connection, text) == []
            assert "events" in tables_with(connection, "gold")[0]
        with postgres.as_operator("postgres") as connection:
            connection.execute("checkpoint")
        assert files_with(postgres.data, b"gold") != []
        assert files_with(postgres.data, b"unmistakable@example", b"Unmistakable") == []

        await erase("anna", at=NOON, log=log, shards=world.keys)
        [in_snapshot, in_model] = await world.personal.unseal([state, self.model(world)])
        assert in_snapshot == {"holder": {"email": Erased("anna"), "name": Erased("anna")}, "grants": 149}
        assert in_model == {"email": Erased("anna")}
        replayed = await load(world.store_of("anna"), "anna", FOLD)
        assert (replayed.state["grants"], replayed.version) == (150, 151)

    async def live(self, subject: str, world: World) -> Any:
        """Everything that a person's data gets into on its way."""
        await world.append(subject, opened())
        for _ in range(150):
            loaded = await load(world.store_of(subject), subject, FOLD)
            state = {**loaded.state, "grants": loaded.state["grants"] + 1}
            await world.append(
                subject,
                NewEvent("Granted", {"amount": 1}),
                expected_version=loaded.version,
                snapshot=snapshot_due(loaded, FOLD, state, 1, every=50),
            )
        with psycopg_to(world, subject) as connection:
            connection.execute(
                "create table read_model as select data #> '{holder}' as holder from events where type = 'Opened'"
            )
            [(stored,)] = connection.execute("select state from snapshots").fetchall()
        return stored

    def model(self, world: World) -> Any:
        with psycopg_to(world, "anna") as connection:
            [(holder,)] = connection.execute("select holder from read_model").fetchall()
            connection.execute("drop table read_model")
        return {"email": holder["email"]}


def apply(state: Any, event: PastEvent) -> Any:
    if event.type == "Opened":
        return {"holder": event.data["holder"], "grants": 0}
    return {**state, "grants": state["grants"] + 1}


FOLD: Fold[Any] = Fold({}, apply, Upcasting({"Opened": 1, "Granted": 1}), 1, dict, dict)


def tables_with(connection: psycopg.Connection[Any], text: str) -> list[str]:
    """Tables of the database that hold the text anywhere."""
    names = connection.execute(
        "select oid::regclass::text from pg_class where relkind in ('r', 'm') and relnamespace = 'public'::regnamespace"
    ).fetchall()
    query = SQL("select exists (select from {} as each where strpos(lower(each::text), lower(%s)) > 0)")
    return [
        name for (name,) in names if connection.execute(query.format(Identifier(name)), [text]).fetchone() == (True,)
    ]


def files_with(folder: Path, *texts: bytes) -> list[str]:
    files = [path for path in folder.rglob("*") if path.is_file()] + [folder.parent / "postgres.log"]
    return [str(path) for path in files if any(text in path.read_bytes() for text in texts)]


class Failing:
    """Keys of a shard that does not answer."""

    def __init__(self, keys: SubjectKeys) -> None:
        self.keys = keys

    async def erase(self, erasures: Any) -> Any:
        raise DatabaseUnavailable("aws-0", "it is a test")


class TestErasuresThatFailOnTheWay:
    async def test_without_the_log_nothing_is_destroyed(self, world: World, tmp_path: Path) -> None:
        await world.append("anna", opened())
        (tmp_path / "file").touch()
        with pytest.raises(OSError, match="file"):
            await erase("anna", at=NOON, log=FileErasureLog(tmp_path / "file" / "log"), shards=world.keys)
        assert await world.read("anna") == [opened().data]

    async def test_a_replay_completes_what_was_only_logged(self, world: World, log: FileErasureLog) -> None:
        await world.append("anna", opened())
        failing: Any = {name: Failing(keys) for name, keys in world.keys.items()}
        with pytest.raises(DatabaseUnavailable):
            await erase("anna", at=NOON, log=log, shards=failing)
        assert await world.read("anna") == [opened().data]
        assert await replay_erasures(log, world.keys) == (1, 1)
        world.clock.now += 5
        assert (await world.read("anna"))[0]["holder"]["email"] == Erased("anna")
        assert await replay_erasures(log, world.keys) == (1, 0)

    async def test_a_shard_that_fails_does_not_spare_the_others(self, world: World, log: FileErasureLog) -> None:
        await world.append("anna", opened())
        home = world.directory.place_of("anna").shard
        failing: Any = {name: keys if name == home else Failing(keys) for name, keys in world.keys.items()}
        with pytest.raises(DatabaseUnavailable):
            await erase("anna", at=NOON, log=log, shards=failing)
        assert (await world.read("anna"))[0]["holder"]["email"] == Erased("anna")

    async def test_a_subject_whose_slot_is_on_the_way_is_said_not_to_be_erased_yet(
        self, world: World, log: FileErasureLog
    ) -> None:
        await world.append("anna", opened())
        with psycopg_to(world, "anna") as connection:
            connection.execute("update slots set state = 'left' where slot = %s", [slot_of("anna")])
            try:
                with pytest.raises(NotErased, match="repeat it"):
                    await erase("anna", at=NOON, log=log, shards=world.keys)
            finally:
                connection.execute("update slots set state = 'owned' where slot = %s", [slot_of("anna")])
        # The copy that was there is destroyed all the same.
        assert (await world.read("anna"))[0]["holder"]["email"] == Erased("anna")

    async def test_a_key_that_is_being_made_meanwhile_is_destroyed_too(
        self, world: World, log: FileErasureLog, postgres: Postgres
    ) -> None:
        with psycopg_to(world, "anna") as maker:
            maker.execute("begin")
            maker.execute("select keep_subject_key('anna', %s::smallint, 1, 'wrapped', 'key')", [slot_of("anna")])
            erasing = asyncio.create_task(erase("anna", at=NOON, log=log, shards=world.keys))
            await until(lambda: waits_for_a_lock(postgres), "the erasure to wait for a lock")
            maker.execute("commit")
            assert await erasing
            rows = maker.execute("select wrapped from subject_keys where subject = 'anna'").fetchall()
        assert rows == [(None,)]


def waits_for_a_lock(postgres: Postgres) -> bool:
    with postgres.as_operator("postgres") as connection:
        rows = connection.execute("select from pg_stat_activity where wait_event_type = 'Lock'").fetchall()
    return len(rows) > 0


class TestRestores:
    """What a backup brings back is erased again."""

    @pytest.fixture
    def backup(self, world: World, postgres: Postgres, tmp_path: Path) -> Iterator[Any]:
        with ExitStack() as stack:
            yield lambda shard: dumped_and_restored(shard, postgres, tmp_path, stack)

    async def test_a_restored_key_is_destroyed_again_from_a_file(
        self, world: World, log: FileErasureLog, backup: Any
    ) -> None:
        await world.append("anna", opened())
        await world.append("bert", opened(name="Bert"))
        restored = await self.restored_world(world, backup, lambda: erase("anna", at=NOON, log=log, shards=world.keys))
        try:
            assert (await restored.read("anna"))[0] == opened().data, "the backup holds the key"
            assert await replay_erasures(log, restored.keys) == (1, 1)
            assert (await restored.read("anna"))[0]["holder"]["name"] == Erased("anna")
            assert (await restored.read("bert"))[0]["holder"]["name"] == "Bert"
            with pytest.raises(SubjectErased):
                await restored.personal.seal("anna", [opened()])
        finally:
            for database in restored.databases.values():
                await database.close()

    async def test_the_log_of_the_other_homes_knows_what_the_restored_one_has_lost(
        self, world: World, backup: Any
    ) -> None:
        await world.append("anna", opened())
        log = DatabaseErasureLog(list(world.databases.values()))
        restored = await self.restored_world(world, backup, lambda: erase("anna", at=NOON, log=log, shards=world.keys))
        try:
            restored_log = DatabaseErasureLog(list(restored.databases.values()))
            home = restored.databases[restored.directory.place_of("anna").shard]
            assert await DatabaseErasureLog([home]).entries() == []
            assert await replay_erasures(restored_log, restored.keys) == (1, 1)
            assert (await restored.read("anna"))[0]["holder"]["name"] == Erased("anna")
            assert await DatabaseErasureLog([home]).entries() == [Erasure("anna", NOON)]
        finally:
            for database in restored.databases.values():
                await database.close()

    async def restored_world(self, world: World, backup: Any, meanwhile: Any) -> World:
        """The world after one shard went back to where it was before `meanwhile`."""
        home = world.directory.by_name[world.directory.place_of("anna").shard]
        restore = backup(home)
        await meanwhile()
        shards = [restore() if shard is home else shard for shard in world.directory.shards]
        directory = world.directory.model_copy(update={"shards": shards})
        databases = {shard.name: operator_database(shard) for shard in shards}
        for database in databases.values():
            await database.open()
        return World(Directory.model_validate(directory.model_dump()), databases, world.master)


def dumped_and_restored(shard: Shard, postgres: Postgres, folder: Path, stack: ExitStack) -> Any:
    """Dumps a database; the function that it returns restores it under another name."""
    pair = postgres.authority.client_certificate("postgres")
    where = (
        f"host={postgres.address} port={postgres.port} user=postgres sslmode=verify-full "
        f"sslrootcert={postgres.authority.ca_certificate} sslcert={pair.certificate} sslkey={pair.key}"
    )
    dump = folder / "dump"
    subprocess.run([binaries() / "pg_dump", "-Fc", "-f", dump, "-d", f"{where} dbname={shard.database}"], check=True)

    def restore() -> Shard:
        name = f"{shard.database}_restored"
        with postgres.as_operator("postgres") as connection:
            connection.execute(f"create database {name} owner migrator strategy wal_log")
        stack.callback(drop, name)
        subprocess.run([binaries() / "pg_restore", "-d", f"{where} dbname={name}", dump], check=True)
        return shard.model_copy(update={"database": name})

    def drop(name: str) -> None:
        with postgres.as_operator("postgres") as connection:
            connection.execute(f"drop database {name} with (force)")

    return restore


class TestRotations:
    async def test_every_key_moves_to_the_new_master_key_and_opens_the_same(
        self, world: World, log: FileErasureLog, tmp_path: Path
    ) -> None:
        subjects = [f"subject-{number}" for number in range(12)]
        for subject in subjects:
            await world.append(subject, opened(name=subject))
        await erase(subjects[0], at=NOON, log=log, shards=world.keys)
        world.master = FileMasterKey.rotate(tmp_path / "master.json")
        rotated = world.new_process()
        assert sum([await keys.rewrap(batch=2) for keys in rotated.values()]) == 11
        assert sum([await keys.rewrap() for keys in rotated.values()]) == 0
        world.personal = world.personal_data(rotated)
        for subject in subjects[1:]:
            assert (await world.read(subject))[0]["holder"]["name"] == subject

    async def test_another_master_key_opens_nothing(self, world: World, tmp_path: Path) -> None:
        await world.append("anna", opened())
        world.master = FileMasterKey.create(tmp_path / "other.json")
        world.personal = world.personal_data(world.new_process())
        with pytest.raises(MasterKeyFailed):
            await world.read("anna")


class TestExports:
    async def export(self, world: World, subject: str, *, everywhere: bool = False) -> Any:
        pieces = export(subject, at=NOON, databases=world.databases, keys=world.new_process(), everywhere=everywhere)
        return json.loads(b"".join([piece async for piece in pieces]))

    async def test_everything_about_a_person_is_in_it_and_nothing_about_others(self, world: World) -> None:
        await world.append("anna", opened(), NewEvent("Granted", {"amount": 5}, metadata={"actor": "support"}))
        await world.append("bert", opened(email="bert@example.com", name="Bert"))
        about_anna = await world.personal.seal("anna", [NewEvent("Renamed", {"name": NAME})])
        about_bert = await world.personal.seal("bert", [NewEvent("Renamed", {"name": "Bert"})])
        both = NewEvent("Both", {"first": dict(about_anna.events[0].data), "second": dict(about_bert.events[0].data)})
        await world.store_of("other").append(Append("other", [both], slot=world.slot_of("other")))
        own = await self.export(world, "anna")
        assert {(event["stream"], event["version"]) for event in own["events"]} == {("anna", 1), ("anna", 2)}
        document = await self.export(world, "anna", everywhere=True)
        assert own["events"] == [event for event in document["events"] if event["stream"] == "anna"]
        assert (document["subject"], document["exported_at"]) == ("anna", "2026-05-01T12:00:00+00:00")
        assert document["key"]["erased_at"] is None
        found = {(event["stream"], event["version"]): event for event in document["events"]}
        assert set(found) == {("anna", 1), ("anna", 2), ("other", 1)}
        assert found["anna", 1]["data"] == opened().data
        assert found["anna", 2]["metadata"] == {"actor": "support"}
        withheld = {"withheld": "personal data of somebody else"}
        assert found["other", 1]["data"] == {"first": {"name": NAME}, "second": {"name": withheld}}
        assert "Bert" not in json.dumps(document)

    async def test_archived_events_are_in_it(self, world: World) -> None:
        await world.append("anna", opened(), NewEvent("Closed", {}), closes=True)
        with psycopg_to(world, "anna") as connection:
            connection.execute("select archive_events('anna', 100)")
        document = await self.export(world, "anna")
        assert [event["data"] for event in document["events"]] == [opened().data, {}]

    @pytest.mark.parametrize("everywhere", [False, True])
    async def test_streams_behind_a_slash_are_in_it_and_neighbours_are_not(
        self, world: World, everywhere: bool
    ) -> None:
        for stream in ("anna", "anna/x", "anna/", "anna-1", "anna0", "annaa", "ann"):
            await world.store_of(stream).append(Append(stream, [NewEvent("Granted", {})], slot=world.slot_of(stream)))
        document = await self.export(world, "anna", everywhere=everywhere)
        assert {event["stream"] for event in document["events"]} == {"anna", "anna/x", "anna/"}

    async def test_an_event_that_lies_on_two_shards_is_in_it_once(self, world: World) -> None:
        await world.append("anna", opened())
        twice = {**world.databases, **{f"{name} again": each for name, each in world.databases.items()}}
        pieces = export("anna", at=NOON, databases=twice, keys=world.new_process())
        document = json.loads(b"".join([piece async for piece in pieces]))
        assert [event["version"] for event in document["events"]] == [1]

    async def test_what_is_erased_says_so(self, world: World, log: FileErasureLog) -> None:
        await world.append("anna", opened())
        await erase("anna", at=NOON, log=log, shards=world.keys)
        document = await self.export(world, "anna")
        assert document["key"]["erased_at"] == "2026-05-01T12:00:00+00:00"
        erased = {"erased": True}
        assert document["events"][0]["data"] == {"holder": {"email": erased, "name": erased}, "plan": "gold"}

    async def test_of_a_stranger_there_is_nothing(self, world: World) -> None:
        document = await self.export(world, "stranger")
        assert (document["key"], document["events"]) == (None, [])


class TestRights:
    """The app makes keys and reads them wrapped; only operators destroy."""

    @pytest.mark.parametrize(
        "statement",
        [
            "select erase_subjects(array['anna'], array[1::smallint], array[now()])",
            "select rewrap_subject_key('anna', 'a', 'b', 'c')",
            "select archive_events('anna', 1)",
            "insert into subject_keys (subject, slot, wrapped, master_key) values ('x', 1, 'x', 'x')",
            "update subject_keys set wrapped = null",
            "delete from subject_keys",
            "select from erasures",
            "insert into erasures values ('anna', now())",
            "insert into events_archive select * from events",
        ],
    )
    async def test_the_app_may_not(self, world: World, postgres: Postgres, statement: str) -> None:
        with (
            postgres.connect(world.directory.shards[0].database, "ledger") as connection,
            pytest.raises(psycopg.errors.InsufficientPrivilege),
        ):
            connection.execute(statement)

    async def test_the_app_makes_keys(self, world: World, postgres: Postgres, monkeypatch: pytest.MonkeyPatch) -> None:
        log_in_as(monkeypatch, postgres, "ledger")
        shard = world.directory.shards[0]
        subject = next(name for name in map(str, range(1000)) if world.directory.place_of(name).shard == shard.name)
        database = ShardDatabase(shard, size=1, kept=1, seconds=5)
        await database.open()
        try:
            keys = SubjectKeys(database, world.master)
            assert (await keys.of(subject, world.slot_of(subject))).subject == subject
        finally:
            await database.close()

    @pytest.mark.parametrize("prelude", ["", "set session_replication_role = replica"])
    async def test_not_even_an_administrator_revives_somebody_or_rewrites_the_log(
        self, world: World, log: FileErasureLog, postgres: Postgres, prelude: str
    ) -> None:
        await world.append("anna", opened())
        await DatabaseErasureLog(list(world.databases.values())).record([Erasure("anna", NOON)])
        await erase("anna", at=NOON, log=log, shards=world.keys)
        with postgres.as_operator(
            world.directory.by_name[world.directory.place_of("anna").shard].database
        ) as connection:
            connection.execute(prelude or "select")
            for statement in (
                "update subject_keys set wrapped = 'x', master_key = 'x', erased_at = null",
                "update subject_keys set erased_at = now()",
                "delete from subject_keys",
                "update erasures set subject = 'x'",
                "delete from erasures",
                "truncate erasures",
            ):
                with pytest.raises(psycopg.errors.InsufficientPrivilege):
                    connection.execute(statement)
