"""The store of the authoritative slot map, changed by compare-and-set."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from app.queries import Runs, query
from app.sharding.errors import (
    LastShard,
    MapError,
    NoMap,
    SameShard,
    ShardKnown,
    ShardNotActive,
    ShardNotEmpty,
    SlotBusy,
    SlotNotMoving,
    SlotOutOfRange,
    StaleMap,
    UnknownShard,
)
from app.sharding.slot_map import ShardState, SlotEntry, SlotMap, SlotState
from app.topology import SLOTS

NOTHING_KNOWN = -1


class MapStore(Protocol):
    """The authoritative slot map. A change is durable when its call returns, or refused with a MapError.

    A change of a slot names the entry it is based on; StaleMap means that the entry has changed since. After a lost
    answer (DatabaseUnavailable), read the map again to find out whether the change was made.
    """

    async def read(self) -> SlotMap:
        """Read the whole map; raise NoMap if there is none yet."""
        ...

    async def refresh(self, known: SlotMap) -> SlotMap:
        """Return the current map; read only what has changed since `known`."""
        ...

    async def begin_move(self, known: SlotEntry, target: str) -> SlotEntry:
        """Mark a slot as moving to `target`; raise SlotBusy, SameShard, UnknownShard, ShardNotActive, StaleMap."""
        ...

    async def finish_move(self, known: SlotEntry) -> SlotEntry:
        """Give a moving slot to its target, in the next epoch; raise SlotNotMoving, StaleMap."""
        ...

    async def abort_move(self, known: SlotEntry) -> SlotEntry:
        """Leave a moving slot on its shard; raise SlotNotMoving, StaleMap."""
        ...

    async def add_shard(self, shard: str) -> None:
        """Add a shard that takes slots; raise ShardKnown."""
        ...

    async def set_shard_state(self, shard: str, state: ShardState) -> None:
        """Set whether a shard takes slots; raise UnknownShard, LastShard."""
        ...

    async def remove_shard(self, shard: str) -> None:
        """Remove a shard without slots; raise UnknownShard, LastShard, ShardNotEmpty."""
        ...


class PostgresMapStore:
    """The slot map in tables of one shard's database."""

    def __init__(self, database: Runs, *, shard: str) -> None:
        self._database = database
        self._shard = shard

    async def read(self) -> SlotMap:
        """Read the whole map; raise NoMap if there is none yet."""
        rows = await self._database.rows(query("sharding.read_map"), {"known": NOTHING_KNOWN})
        if not rows or len(rows[0][2]) != SLOTS:
            raise NoMap(self._shard)
        [(version, shards, entries)] = rows
        return SlotMap(version, tuple(map(_entry, entries)), _states(shards))

    async def refresh(self, known: SlotMap) -> SlotMap:
        """Return the current map; read only what has changed since `known`."""
        rows = await self._database.rows(query("sharding.read_map"), {"known": known.version})
        if not rows:
            return known
        [(version, shards, changed)] = rows
        if version < known.version:
            # The map was restored from a backup: its version does not tell what has changed.
            return await self.read()
        slots = list(known.slots)
        for entry in map(_entry, changed):
            slots[entry.slot] = entry
        return SlotMap(version, tuple(slots), _states(shards))

    async def begin_move(self, known: SlotEntry, target: str) -> SlotEntry:
        """Mark a slot as moving to `target`; raise SlotBusy, SameShard, UnknownShard, ShardNotActive, StaleMap."""
        return await self._change("begin_slot_move", known, target=target)

    async def finish_move(self, known: SlotEntry) -> SlotEntry:
        """Give a moving slot to its target, in the next epoch; raise SlotNotMoving, StaleMap."""
        return await self._change("end_slot_move", known, arrived=True)

    async def abort_move(self, known: SlotEntry) -> SlotEntry:
        """Leave a moving slot on its shard; raise SlotNotMoving, StaleMap."""
        return await self._change("end_slot_move", known, arrived=False)

    async def add_shard(self, shard: str) -> None:
        """Add a shard that takes slots; raise ShardKnown."""
        await self._change_shard("add_shard", shard)

    async def set_shard_state(self, shard: str, state: ShardState) -> None:
        """Set whether a shard takes slots; raise UnknownShard, LastShard."""
        await self._change_shard("set_shard_state", shard, state=state.value)

    async def remove_shard(self, shard: str) -> None:
        """Remove a shard without slots; raise UnknownShard, LastShard, ShardNotEmpty."""
        await self._change_shard("remove_shard", shard)

    async def _change(self, name: str, known: SlotEntry, *, target: str = "", **more: bool) -> SlotEntry:
        if not 0 <= known.slot < SLOTS:
            raise SlotOutOfRange(known.slot, SLOTS)
        parameters = {"slot": known.slot, "changed": known.changed, "target": target, **more}
        [(outcome, *row)] = await self._database.rows_once(query(f"sharding.{name}"), parameters)
        if row[0] is None:
            raise NoMap(self._shard)
        entry = _entry(row)
        if outcome != "done":
            raise _slot_error(outcome, known, entry, target)
        return entry

    async def _change_shard(self, name: str, shard: str, **more: str) -> None:
        [(outcome, held)] = await self._database.rows_once(query(f"sharding.{name}"), {"shard": shard, **more})
        if outcome != "done":
            raise _shard_error(outcome, shard, held)


def _entry(row: Any) -> SlotEntry:
    slot, shard, epoch, state, moving_to, changed = row
    return SlotEntry(slot, shard, epoch, SlotState(state), moving_to, changed)


def _states(shards: Mapping[str, str]) -> dict[str, ShardState]:
    return {name: ShardState(state) for name, state in shards.items()}


def _slot_error(outcome: str, known: SlotEntry, entry: SlotEntry, target: str) -> MapError:
    errors: dict[str, MapError] = {
        "stale": StaleMap(known.slot, known.changed, entry.changed),
        "moving": SlotBusy(entry.slot, entry.moving_to or ""),
        "not moving": SlotNotMoving(entry.slot),
        "same shard": SameShard(entry.slot, entry.shard),
        "not active": ShardNotActive(target),
        "unknown shard": UnknownShard(target),
    }
    return errors[outcome]


def _shard_error(outcome: str, shard: str, held: int) -> MapError:
    errors: dict[str, MapError] = {
        "known": ShardKnown(shard),
        "unknown shard": UnknownShard(shard),
        "last shard": LastShard(shard),
        "holds slots": ShardNotEmpty(shard, held),
    }
    return errors[outcome]
