"""What `fortress shards` shows: tables for people, JSON for programs."""

from __future__ import annotations

import asyncio
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass

from app.sharding import SlotMap
from app.sharding.reads import ServerState
from app.sharding.rebalance import Plan
from cli.shared.operator_context import OperatorContext
from cli.shared.output import show_table

LOOKS = 20
LOOK_SECONDS = 0.05


@dataclass(frozen=True)
class Status:
    """The shards at one moment."""

    slot_map: SlotMap
    homes: Mapping[str, str]
    """By name of the shard; those that the directory does not list are left out."""
    servers: list[tuple[ServerState, bool]]
    """With whether each answers."""


async def look(context: OperatorContext) -> Status:
    """Ask the map, and every server once; raises what reading the map raises."""
    slot_map = await context.maps.read()
    answers = await context.reads.answering()
    # A standby is known to be fresh once it has what the primary had at the look before.
    for _ in range(LOOKS):
        await context.reads.look()
        if all(state.lag_seconds < math.inf or not answers[state.server] for state in context.reads.states()):
            break
        await asyncio.sleep(LOOK_SECONDS)
    homes = {shard.name: shard.home for shard in context.directory.shards}
    return Status(slot_map, homes, [(state, answers[state.server]) for state in context.reads.states()])


def show_status(status: Status, *, as_json: bool) -> None:
    """Print the shards, the slots on the move, and the servers."""
    if as_json:
        print(json.dumps(_document(status)))
        return
    held, leaving = status.slot_map.held, [entry.shard for entry in status.slot_map.moving]
    coming = [entry.moving_to for entry in status.slot_map.moving]
    print(f"slot map version {status.slot_map.version}\n")
    show_table(
        ("shard", "cloud", "state", "slots", "leaving", "coming"),
        [
            (
                name,
                status.homes.get(name, "NOT IN THE DIRECTORY"),
                state.value,
                str(held[name]),
                str(leaving.count(name)),
                str(coming.count(name)),
            )
            for name, state in sorted(status.slot_map.shards.items())
        ],
    )
    show_table(
        ("server", "role", "cloud", "lag", "circuit", "state"),
        [
            (each.server, each.role, each.home, _lag(each), each.circuit, "answers" if answers else "DOWN")
            for each, answers in status.servers
        ],
    )


def show_plan(plan: Plan, *, as_json: bool) -> None:
    """Print what a plan moves, and what every shard has before and after it."""
    if as_json:
        shares = {
            name: {"before": plan.before[name]._asdict(), "after": plan.after[name]._asdict()} for name in plan.after
        }
        moves = [move._asdict() for move in plan.moves]
        print(json.dumps({"moves": moves, "bytes": plan.bytes, "shards": shares}))
        return
    show_table(
        ("shard", "slots", "load", "slots after", "load after"),
        [
            (name, str(had.slots), f"{had.weight:.1%}", str(plan.after[name].slots), f"{plan.after[name].weight:.1%}")
            for name, had in sorted(plan.before.items())
        ],
    )
    if plan.moves:
        ways: dict[tuple[str, str], int] = {}
        for move in plan.moves:
            ways[move.source, move.target] = ways.get((move.source, move.target), 0) + 1
        show_table(("from", "to", "slots"), [(*way, str(count)) for way, count in sorted(ways.items())])
    print(f"{len(plan.moves)} slots are to move, about {plan.bytes / 1e6:.1f} MB")


def _document(status: Status) -> dict[str, object]:
    moving = [
        {"slot": entry.slot, "from": entry.shard, "to": entry.moving_to, "epoch": entry.epoch}
        for entry in status.slot_map.moving
    ]
    shards = [
        {"shard": name, "home": status.homes.get(name), "state": state.value, "slots": status.slot_map.held[name]}
        for name, state in sorted(status.slot_map.shards.items())
    ]
    servers = [
        # JSON knows no infinity.
        each._asdict() | {"lag_seconds": each.lag_seconds if each.lag_seconds < math.inf else None, "answers": answers}
        for each, answers in status.servers
    ]
    return {"version": status.slot_map.version, "shards": shards, "moving": moving, "servers": servers}


def _lag(server: ServerState) -> str:
    if server.role == "primary":
        return ""
    return f"{server.lag_seconds:.1f} s" if server.lag_seconds < math.inf else "unknown"
