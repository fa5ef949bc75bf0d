"""The router: follows the map when a shard says that it is stale, and never sends anybody where there is no way in."""

from __future__ import annotations

import asyncio
import gc
import json

import pytest

from app.sharding import Router, SlotMap, SlotOutOfRange, first_map, router
from app.topology import SLOTS, Directory, NoLogin, Place, SlotNotHere, StalePlace, parse_directory, slot_of

from .memory_map import MemoryMapStore
from .test_sharding import entry

ALICE = slot_of("alice")


def directory() -> Directory:
    shards = [entry("aws-0", "aws", [0, 2000]), entry("gcp-0", "gcp", [2001, SLOTS - 1])]
    return parse_directory(json.dumps({"slots": SLOTS, "shards": shards}))


class Shard:
    """Takes calls for the slots that it has, as a database does."""

    def __init__(self, name: str, slots: dict[int, int]) -> None:
        self.name = name
        self.slots = slots
        self.asked = 0

    async def ask(self, place: Place) -> str:
        self.asked += 1
        if self.slots.get(place.slot) != place.epoch:
            raise SlotNotHere(self.name, place.slot, place.epoch)
        return self.name


class Maps(MemoryMapStore):
    """Counts how often it is asked, and may be slow."""

    def __init__(self, slot_map: SlotMap) -> None:
        super().__init__(slot_map)
        self.asked = 0
        self.answers = asyncio.Event()
        self.answers.set()

    async def refresh(self, known: SlotMap) -> SlotMap:
        self.asked += 1
        await self.answers.wait()
        return self.current


class World:
    """Two shards, the map, and a router that knows the map of the beginning."""

    def __init__(self) -> None:
        listed = directory()
        self.maps = Maps(first_map(listed.owners, list(listed.by_name)))
        self.shards = {
            name: Shard(name, {slot: 1 for slot, owner in enumerate(listed.owners) if owner == name})
            for name in listed.by_name
        }
        self.router = Router(listed, self.shards, self.maps)

    async def ask(self, key: str) -> str:
        return await self.router.routed(key, lambda place, shard: shard.ask(place))

    def leave(self, slot: int) -> None:
        """The source refuses from now on."""
        del self.shards[self.maps.current.slots[slot].shard].slots[slot]

    async def arrive(self, slot: int, target: str) -> None:
        begun = await self.maps.begin_move(self.maps.current.slots[slot], target)
        arrived = await self.maps.finish_move(begun)
        self.shards[target].slots[slot] = arrived.epoch


@pytest.fixture
def world() -> World:
    return World()


async def test_a_call_goes_where_the_key_lives(world: World) -> None:
    assert await world.ask("alice") == "aws-0"
    assert world.router.route("alice")[0] == Place(ALICE, "aws-0", "aws", 1)
    assert world.maps.asked == 0


async def test_a_stale_router_refreshes_and_finds_the_new_shard(world: World) -> None:
    world.leave(ALICE)
    await world.arrive(ALICE, "gcp-0")
    assert await world.ask("alice") == "gcp-0"
    assert world.router.route("alice")[0] == Place(ALICE, "gcp-0", "gcp", 2)
    assert world.maps.asked == 1


async def test_a_slot_in_flight_is_followed_until_it_arrives(world: World) -> None:
    world.leave(ALICE)
    asking = asyncio.create_task(world.ask("alice"))
    while world.shards["aws-0"].asked < 3:
        await asyncio.sleep(0)
    await world.arrive(ALICE, "gcp-0")
    assert await asking == "gcp-0"


async def test_a_slot_that_never_arrives_is_not_waited_for_for_ever(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(router, "STALE_SECONDS", 0.05)
    world.leave(ALICE)
    with pytest.raises(StalePlace, match=f"shard aws-0 does not have slot {ALICE} in epoch 1"):
        await world.ask("alice")


async def test_many_stale_callers_ask_for_the_map_once(world: World) -> None:
    world.leave(ALICE)
    await world.arrive(ALICE, "gcp-0")
    world.maps.answers.clear()
    asking = [asyncio.create_task(world.ask("alice")) for _ in range(20)]
    while world.shards["aws-0"].asked < 20:
        await asyncio.sleep(0)
    world.maps.answers.set()
    assert await asyncio.gather(*asking) == ["gcp-0"] * 20
    assert world.maps.asked == 1


async def test_a_caller_that_gives_up_takes_the_shared_refresh_from_nobody(world: World) -> None:
    world.maps.answers.clear()
    first, second = (asyncio.create_task(world.router.refresh()) for _ in range(2))
    await asyncio.sleep(0)
    first.cancel()
    world.maps.answers.set()
    assert await second == world.maps.current


async def test_a_refresh_that_fails_after_its_callers_left_is_not_logged(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    failing = asyncio.Event()

    async def fail(_: SlotMap) -> SlotMap:
        await failing.wait()
        raise ConnectionError("the map's database is gone")

    monkeypatch.setattr(world.maps, "refresh", fail)
    logged: list[dict[str, object]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: logged.append(context))
    caller = asyncio.create_task(world.router.refresh())
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    caller.cancel()
    await asyncio.gather(caller, return_exceptions=True)
    failing.set()
    for _ in range(3):
        await asyncio.sleep(0)
    world.router._refreshing = None
    gc.collect()
    assert caller.cancelled()
    assert logged == []


async def test_other_errors_are_not_repeated(world: World) -> None:
    calls = 0

    async def fail(*_: object) -> None:
        nonlocal calls
        calls += 1
        raise OSError

    with pytest.raises(OSError):  # noqa: PT011  (any of them passes through)
        await world.router.routed("alice", fail)
    assert calls == 1


async def test_it_never_routes_to_a_shard_it_has_no_login_for(world: World) -> None:
    await world.maps.add_shard("azure-7")
    world.leave(ALICE)
    world.shards["azure-7"] = Shard("azure-7", {})
    await world.arrive(ALICE, "azure-7")
    with pytest.raises(NoLogin, match="the directory does not list shard azure-7"):
        await world.ask("alice")
    other = Router(directory(), {"gcp-0": world.shards["gcp-0"]}, world.maps)
    with pytest.raises(NoLogin, match="aws-0"):
        other.route("alice")


async def test_without_a_map_the_directory_counts() -> None:
    world = World()
    fixed = Router(directory(), world.shards)
    world.leave(ALICE)
    with pytest.raises(StalePlace):
        await fixed.routed("alice", lambda place, shard: shard.ask(place))


async def test_the_watch_brings_changes_before_anybody_needs_them(world: World) -> None:
    await world.arrive(ALICE, "gcp-0")
    watching = asyncio.create_task(world.router.watch(0.001))
    while world.router.map != world.maps.current:
        await asyncio.sleep(0)
    watching.cancel()
    assert world.router.route("alice")[0].shard == "gcp-0"


@pytest.mark.parametrize("slot", [-1, SLOTS])
def test_a_slot_out_of_range_is_named(world: World, slot: int) -> None:
    with pytest.raises(SlotOutOfRange, match=f"slot {slot} is out of range"):
        world.router.route_slot(slot)


def test_keys_are_grouped_by_shard(world: World) -> None:
    groups = world.router.by_shard(["alice", "bob", "alice"])
    assert [key for key, _ in groups["aws-0"]] == ["alice", "alice"]
    assert groups["gcp-0"] == [("bob", world.router.route("bob")[0])]
