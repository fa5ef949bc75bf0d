"""`fortress shards`: which shard has which slots, and moving slots."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from cli.shared.commands import shards_command
from cli.shared.options import AsJson, Yes
from cli.shared.output import show

if TYPE_CHECKING:
    from app.sharding import SlotEntry
    from app.sharding.rebalance import Loads, Plan
    from cli.shared.operator_context import OperatorContext

app = typer.Typer(no_args_is_help=True, help="Look at the shards and their slots, and move slots between them.")

Seconds = Annotated[
    float, typer.Option(min=0, max=600, help="Seconds for which the rate of writes is measured; 0 skips that.")
]
Name = Annotated[str, typer.Argument(help="Name of the shard, such as aws-0.")]
Slot = Annotated[int, typer.Argument(help="Number of the slot, 0 to 4095.")]


@shards_command(app)
async def status(context: OperatorContext, as_json: AsJson = False) -> None:
    """Show the shards, the slots on the move, and the servers that answer reads."""
    from cli.shards import view

    view.show_status(await view.look(context), as_json=as_json)


@shards_command(app)
async def plan(context: OperatorContext, seconds: Seconds = 2.0, as_json: AsJson = False) -> None:
    """Show what a rebalance would move; change nothing."""
    from app.sharding.rebalance import plan_rebalance
    from cli.shards import view

    view.show_plan(plan_rebalance(await context.maps.read(), await _loads(context, seconds)), as_json=as_json)


@shards_command(app)
async def rebalance(
    context: OperatorContext, seconds: Seconds = 2.0, yes: Yes = False, as_json: AsJson = False
) -> None:
    """Move slots until every shard has its share; a draining shard has none."""
    from app.sharding.rebalance import plan_rebalance

    planned = plan_rebalance(await context.maps.read(), await _loads(context, seconds))
    _agree(planned, yes=yes, as_json=as_json)
    await _carry_out(context, planned, as_json=as_json)


@shards_command(app)
async def add(context: OperatorContext, name: Name, as_json: AsJson = False) -> None:
    """Let a deployed and migrated shard take slots, whether it is new or was draining."""
    from app.sharding.ownership import register_shard

    await register_shard(context.maps, context.databases, name)
    show({"added": name}, f"{name} takes slots; `fortress shards rebalance` moves some to it", as_json=as_json)


@shards_command(app)
async def drain(
    context: OperatorContext, name: Name, seconds: Seconds = 0.0, yes: Yes = False, as_json: AsJson = False
) -> None:
    """Move every slot away from a shard and give it no new ones."""
    from app.sharding import ShardState
    from app.sharding.rebalance import plan_drain

    planned = plan_drain(await context.maps.read(), name, await _loads(context, seconds))
    _agree(planned, yes=yes, as_json=as_json)
    # First, so that no slot arrives while the shard is emptied.
    await context.maps.set_shard_state(name, ShardState.DRAINING)
    await _carry_out(context, planned, as_json=as_json)


@shards_command(app)
async def remove(context: OperatorContext, name: Name, as_json: AsJson = False) -> None:
    """Remove a shard without slots from the map; then its database can be undeployed."""
    from app.transfers.decommission import check_not_needed

    known = await context.maps.read()
    if name in known.shards and not known.held[name]:
        await check_not_needed(name, known.shards, context.databases)
    await context.maps.remove_shard(name)
    show({"removed": name}, f"{name} is removed from the map", as_json=as_json)


@shards_command(app)
async def move(context: OperatorContext, slot: Slot, target: Name, as_json: AsJson = False) -> None:
    """Move one slot, or continue a move of it that was interrupted."""
    entry = await _move_one(context, slot, target)
    show(
        {"slot": entry.slot, "shard": entry.shard, "epoch": entry.epoch},
        f"slot {slot} is on {entry.shard}, epoch {entry.epoch}",
        as_json=as_json,
    )


@shards_command(app)
async def abort(context: OperatorContext, slot: Slot, as_json: AsJson = False) -> None:
    """Cancel the move of a slot; it stays where it is."""
    from app.sharding.mover import abort_move

    entry = await abort_move(slot, databases=context.databases, map_store=context.maps)
    show({"slot": slot, "shard": entry.shard}, f"slot {slot} stays on {entry.shard}", as_json=as_json)


@shards_command(app)
async def resume(context: OperatorContext, as_json: AsJson = False) -> None:
    """Finish moves that were interrupted."""
    from app.sharding.mover import resume_moves

    done = await resume_moves(databases=context.databases, map_store=context.maps)
    failed = {name: str(error) for name, error in done.failed.items()}
    lines = [f"{len(done.moved)} slots moved, {len(done.aborted)} stay", *(f"{k}: {v}" for k, v in failed.items())]
    document = {"moved": done.moved, "aborted": done.aborted, "failed": failed}
    show(document, "\n".join(lines), as_json=as_json)
    if failed:
        raise typer.Exit(1)


@shards_command(app)
async def drop(
    context: OperatorContext,
    grace: Annotated[
        float, typer.Option(min=0, help="Seconds for which rows are kept after their slot has left.")
    ] = 900.0,
    as_json: AsJson = False,
) -> None:
    """Delete the rows that moved slots left behind on their old shards."""
    from app.sharding.mover import drop_departed

    slots = await drop_departed(context.databases, grace_seconds=grace)
    show({"dropped": slots}, f"the rows that {len(slots)} slots left behind are deleted", as_json=as_json)


@shards_command(app)
async def rebase(
    context: OperatorContext,
    names: Annotated[list[str] | None, typer.Argument(help="Shards; all when none is named.")] = None,
    as_json: AsJson = False,
) -> None:
    """Renumber the events of a restored dump in the order of its new cluster. Stop all writers first."""
    from app.events.tailing import rebase
    from cli.shared.progress import progress

    shards = [context.database(name) for name in names or context.databases]
    with progress("shards rebased") as report:
        for done, database in enumerate(shards):
            report(done, len(shards))
            name, events = database.shard.name, await rebase(database)
            line = f"{events} events are renumbered" if events else "its events belong to this cluster already"
            show({"shard": name, "rebased": events}, f"{name}: {line}", as_json=as_json)


@shards_command(app)
async def check(context: OperatorContext, as_json: AsJson = False) -> None:
    """Compare the slots that each shard accepts writes for with the map: after a restore, before any write."""
    from app.sharding.ownership import check_ownership

    found = await check_ownership(context.maps, context.databases)
    for shard in found:
        against = f"takes {len(shard.strangers)} slots against the map, refuses {len(shard.missing)} of its own"
        show(shard._asdict(), f"{shard.shard}: {'as the map says' if shard.agrees else against}", as_json=as_json)
    if not all(shard.agrees for shard in found):
        raise typer.Exit(1)


async def _loads(context: OperatorContext, seconds: float) -> Loads:
    from app.sharding.loads import measure

    return await measure(context.databases, seconds=seconds)


async def _carry_out(context: OperatorContext, planned: Plan, *, as_json: bool) -> None:
    """Make the planned moves one at a time, so that only one slot is ever slow."""
    from cli.shared.progress import progress

    done = 0
    with progress("slots moved") as report:
        for planned_move in planned.moves:
            report(done, len(planned.moves))
            await _move_one(context, planned_move.slot, planned_move.target)
            done += 1
    show({"moved": done, "bytes": planned.bytes}, f"{done} slots moved", as_json=as_json)


async def _move_one(context: OperatorContext, slot: int, target: str) -> SlotEntry:
    from app.sharding.mover import move_slot

    return await move_slot(slot, target, databases=context.databases, map_store=context.maps)


def _agree(planned: Plan, *, yes: bool, as_json: bool) -> None:
    """Show a plan and ask for consent; raises typer.Abort."""
    from cli.shards import view

    if not as_json:
        view.show_plan(planned, as_json=False)
    if planned.moves and not yes:
        typer.confirm(f"Move {len(planned.moves)} slots?", abort=True, err=True)
