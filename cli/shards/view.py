"""The output of `fortress shards`: tables for people, JSON for programs."""

from __future__ import annotations

import asyncio
import json
import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from app.sharding import SlotMap
from app.sharding.reads import ServerState
from app.sharding.rebalance import Plan
from cli.shared.operator_context import OperatorContext
from cli.shared.output import show_table

LOOKS = 20
"""Most looks at the standbys before their lag counts as unknown."""
LOOK_SECONDS = 0.05


@dataclass(frozen=True)
class Status:
    """The shards at one moment."""

    slot_map: SlotMap
    homes: Mapping[str, str]
    """Home cloud by name of the shard, for shards that the directory lists."""
    servers: list[tuple[ServerState, bool]]
    """The state of each server, and whether it answers."""


async def look(context: OperatorContext) -> Status:
    """Read the map and ask every server; raises what reading the map raises."""
    slot_map = await context.maps.read()
    answers = await context.reads.answering()
    # The lag of a standby is known once it has everything that the primary had at the previous look.
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
            (state.server, state.role, state.home, _format_lag(state), state.circuit, "answers" if answers else "DOWN")
            for state, answers in status.servers
        ],
    )


def show_plan(plan: Plan, *, as_json: bool) -> None:
    """Print the moves of a plan, and the share of every shard before and after them."""
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
        counts = Counter((move.source, move.target) for move in plan.moves)
        show_table(("from", "to", "slots"), [(*pair, str(count)) for pair, count in sorted(counts.items())])
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
        server._asdict()
        | {"lag_seconds": server.lag_seconds if server.lag_seconds < math.inf else None, "answers": answers}
        for server, answers in status.servers
    ]
    return {"version": status.slot_map.version, "shards": shards, "moving": moving, "servers": servers}


def _format_lag(server: ServerState) -> str:
    if server.role == "primary":
        return ""
    return f"{server.lag_seconds:.1f} s" if server.lag_seconds < math.inf else "unknown"
