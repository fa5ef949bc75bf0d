"""`fortress shards`: who has which slots, and moving them."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from app.sharding import SlotEntry
    from app.sharding.rebalance import Loads, Plan
    from cli.shared.operator_context import ShardWorld

app = typer.Typer(no_args_is_help=True, help="Look at the shards and their slots, and move slots between them.")

DirectoryFile = Annotated[
    Path | None,
    typer.Option("--directory", help="File that lists the shards; default FORTRESS_DIRECTORY, else `make up`'s."),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
Seconds = Annotated[float, typer.Option(min=0, max=600, help="How long to measure the rate of writes; 0 does not.")]
Name = Annotated[str, typer.Argument(help="Name of the shard, such as aws-0.")]
Slot = Annotated[int, typer.Argument(help="Number of the slot, 0 to 4095.")]


@app.command()
def status(directory: DirectoryFile = None, as_json: AsJson = False) -> None:
    """Show the shards, what moves, and the servers that reads go to."""

    async def run(world: ShardWorld) -> None:
        from cli.shards import view

        view.show_status(await view.look(world), as_json=as_json)

    _run(directory, run)


@app.command()
def plan(directory: DirectoryFile = None, seconds: Seconds = 2.0, as_json: AsJson = False) -> None:
    """Show what a rebalance would move. Nothing is changed."""

    async def run(world: ShardWorld) -> None:
        from app.sharding.rebalance import plan_rebalance
        from cli.shards import view

        view.show_plan(plan_rebalance(await world.maps.read(), await _loads(world, seconds)), as_json=as_json)

    _run(directory, run)


@app.command()
def rebalance(
    directory: DirectoryFile = None, seconds: Seconds = 2.0, yes: Yes = False, as_json: AsJson = False
) -> None:
    """Move slots until every shard carries what it should; draining shards are emptied."""

    async def run(world: ShardWorld) -> None:
        from app.sharding.rebalance import plan_rebalance

        planned = plan_rebalance(await world.maps.read(), await _loads(world, seconds))
        _agree(planned, yes=yes, as_json=as_json)
        await _carry_out(world, planned, as_json=as_json)

    _run(directory, run)


@app.command()
def add(name: Name, directory: DirectoryFile = None, as_json: AsJson = False) -> None:
    """Let a shard that is deployed and migrated take slots, a new one or one that was draining."""

    async def run(world: ShardWorld) -> None:
        from app.sharding.ownership import register_shard

        await register_shard(world.maps, world.databases, name)
        _say({"added": name}, f"{name} takes slots; `fortress shards rebalance` gives it some", as_json=as_json)

    _run(directory, run)


@app.command()
def drain(
    name: Name, directory: DirectoryFile = None, seconds: Seconds = 0.0, yes: Yes = False, as_json: AsJson = False
) -> None:
    """Move every slot away from a shard; it gets nothing new from now on."""

    async def run(world: ShardWorld) -> None:
        from app.sharding import ShardState
        from app.sharding.rebalance import plan_drain

        planned = plan_drain(await world.maps.read(), name, await _loads(world, seconds))
        _agree(planned, yes=yes, as_json=as_json)
        # First of all: so that nothing comes to it while it is emptied.
        await world.maps.set_shard_state(name, ShardState.DRAINING)
        await _carry_out(world, planned, as_json=as_json)

    _run(directory, run)


@app.command()
def remove(name: Name, directory: DirectoryFile = None, as_json: AsJson = False) -> None:
    """Forget a shard that holds no slots; then its database can be taken out of the deployment."""

    async def run(world: ShardWorld) -> None:
        from app.transfers.decommission import check_not_needed

        known = await world.maps.read()
        if name in known.shards and not known.held[name]:
            await check_not_needed(name, known.shards, world.databases)
        await world.maps.remove_shard(name)
        _say({"removed": name}, f"{name} is no shard any more", as_json=as_json)

    _run(directory, run)


@app.command()
def move(slot: Slot, target: Name, directory: DirectoryFile = None, as_json: AsJson = False) -> None:
    """Move one slot, or go on with a move of it that broke off."""

    async def run(world: ShardWorld) -> None:
        entry = await _move_one(world, slot, target)
        _say(
            {"slot": entry.slot, "shard": entry.shard, "epoch": entry.epoch},
            f"slot {slot} is on {entry.shard}, epoch {entry.epoch}",
            as_json=as_json,
        )

    _run(directory, run)


@app.command()
def abort(slot: Slot, directory: DirectoryFile = None, as_json: AsJson = False) -> None:
    """Leave a slot that is moving where it is."""

    async def run(world: ShardWorld) -> None:
        from app.sharding.mover import abort_move

        entry = await abort_move(slot, databases=world.databases, map_store=world.maps)
        _say({"slot": slot, "shard": entry.shard}, f"slot {slot} stays on {entry.shard}", as_json=as_json)

    _run(directory, run)


@app.command()
def resume(directory: DirectoryFile = None, as_json: AsJson = False) -> None:
    """Bring moves that broke off to their end."""

    async def run(world: ShardWorld) -> None:
        from app.sharding.mover import resume_moves

        done = await resume_moves(databases=world.databases, map_store=world.maps)
        failed = {name: str(error) for name, error in done.failed.items()}
        lines = [f"{len(done.moved)} slots moved, {len(done.aborted)} stay", *(f"{k}: {v}" for k, v in failed.items())]
        document = {"moved": done.moved, "aborted": done.aborted, "failed": failed}
        _say(document, "\n".join(lines), as_json=as_json)
        if failed:
            raise typer.Exit(1)

    _run(directory, run)


@app.command()
def drop(
    grace: Annotated[float, typer.Option(min=0, help="Seconds for which rows stay where their slot has left.")] = 900.0,
    directory: DirectoryFile = None,
    as_json: AsJson = False,
) -> None:
    """Drop the rows that slots left behind on the shards they came from."""

    async def run(world: ShardWorld) -> None:
        from app.sharding.mover import drop_departed

        slots = await drop_departed(world.databases, grace_seconds=grace)
        _say({"dropped": slots}, f"what {len(slots)} slots left behind is dropped", as_json=as_json)

    _run(directory, run)


@app.command()
def rebase(
    names: Annotated[list[str] | None, typer.Argument(help="Names of shards; default all.")] = None,
    directory: DirectoryFile = None,
    as_json: AsJson = False,
) -> None:
    """After a dump was restored: give the events places in the order of their new cluster. Stop all writers first."""

    async def run(world: ShardWorld) -> None:
        from app.events.tailing import rebase
        from cli.shared.progress import progress

        shards = [world.database(name) for name in names or world.databases]
        with progress("shards rebased") as report:
            for done, database in enumerate(shards):
                report(done, len(shards))
                name, events = database.shard.name, await rebase(database)
                line = f"{events} events have new places" if events else "its events are of this cluster, nothing to do"
                _say({"shard": name, "rebased": events}, f"{name}: {line}", as_json=as_json)

    _run(directory, run)


@app.command()
def check(directory: DirectoryFile = None, as_json: AsJson = False) -> None:
    """Compare the slots that each shard takes writes for with the map: after a restore, before anybody writes."""

    async def run(world: ShardWorld) -> None:
        from app.sharding.ownership import check_ownership

        found = await check_ownership(world.maps, world.databases)
        for each in found:
            against = f"takes {len(each.strangers)} slots against the map, refuses {len(each.missing)} of its own"
            _say(each._asdict(), f"{each.shard}: {'as the map says' if each.agrees else against}", as_json=as_json)
        if not all(each.agrees for each in found):
            raise typer.Exit(1)

    _run(directory, run)


async def _loads(world: ShardWorld, seconds: float) -> Loads:
    from app.sharding.loads import measure

    return await measure(world.databases, seconds=seconds)


async def _carry_out(world: ShardWorld, planned: Plan, *, as_json: bool) -> None:
    """Move what is planned, one slot after the other: so that only one is ever slow."""
    from cli.shared.progress import progress

    done = 0
    with progress("slots moved") as report:
        for each in planned.moves:
            report(done, len(planned.moves))
            await _move_one(world, each.slot, each.target)
            done += 1
    _say({"moved": done, "bytes": planned.bytes}, f"{done} slots moved", as_json=as_json)


async def _move_one(world: ShardWorld, slot: int, target: str) -> SlotEntry:
    from app.sharding.mover import move_slot

    return await move_slot(slot, target, databases=world.databases, map_store=world.maps)


def _agree(planned: Plan, *, yes: bool, as_json: bool) -> None:
    """Show the plan before it runs, and ask; raises typer.Abort."""

    from cli.shards import view

    if not as_json:
        view.show_plan(planned, as_json=False)
    if planned.moves and not yes:
        typer.confirm(f"Move {len(planned.moves)} slots?", abort=True, err=True)


def _run(directory: Path | None, command: Callable[[ShardWorld], Awaitable[None]]) -> None:
    import asyncio

    async def run() -> None:
        from cli.shared.operator_context import shard_world

        async with shard_world(directory) as world:
            await command(world)

    asyncio.run(run())


def _say(document: dict[str, Any], line: str, *, as_json: bool) -> None:
    print(json.dumps(document) if as_json else line, flush=True)
