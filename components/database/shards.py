"""The ledger's shards: a PostgreSQL server for each, and the slots each one holds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pulumi

from components.common import Cloud, child_of
from components.database.endpoint import Endpoint, Home
from components.database.settings import InvalidSettings, PostgresSettings

SLOTS = 4096
"""Never changes: an account's slot is its hash modulo this."""

Range = tuple[int, int]
"""First and last slot, both included."""


class InvalidSlots(ValueError):
    """A division in which a slot has no shard, or two."""


@dataclass(frozen=True, kw_only=True)
class ShardSpec:
    """One shard of the ledger."""

    name: str
    """Within the environment, e.g. `aws-0`."""
    home: Cloud
    """Cloud it runs on, which is the home of its accounts."""
    slots: tuple[Range, ...] | None = None
    """Slots it holds. None for all shards divides them evenly, which is right only for a new ledger: on a ledger
    with accounts, move slots first, then write the new division here."""


@dataclass(frozen=True, kw_only=True)
class ShardClusterArgs:
    homes: Mapping[Cloud, Home]
    """Where databases can run."""
    shards: tuple[ShardSpec, ...]
    settings: PostgresSettings
    tags: Mapping[str, str]


class ShardCluster(pulumi.ComponentResource):
    """A PostgreSQL server for every shard, and the directory that maps accounts to shards."""

    directory: pulumi.Output[str]
    """JSON text: the number of slots, and for every shard its address, logins and slots. Holds no secret."""
    endpoints: dict[str, Endpoint]
    """By the name of the shard."""

    def __init__(self, name: str, args: ShardClusterArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("livingfortress:database:ShardCluster", name, None, opts)
        check_homes(args.shards, args.homes)
        division = divide(args.shards)
        # A parent without a class of its own: it keeps the URNs of the servers in deployed stacks.
        servers = pulumi.ComponentResource(
            "livingfortress:database:MultiCloudDatabase", name, None, child_of(self, opts)
        )
        options = child_of(servers, opts)
        self.endpoints = {
            shard.name: args.homes[shard.home].place(f"{name}-{shard.name}", args.settings, args.tags, options).endpoint
            for shard in args.shards
        }
        servers.register_outputs({"hosts": {key: endpoint.host for key, endpoint in self.endpoints.items()}})
        self.directory = describe_shards(self.endpoints, division)
        self.register_outputs({"directory": self.directory})


def plan_shards(homes: tuple[Cloud, ...], shards_per_home: int) -> tuple[ShardSpec, ...]:
    """Return `aws-0`, `azure-0`, `gcp-0`, `aws-1`, …: as many shards in every home, spread over the slots."""
    return tuple(ShardSpec(name=f"{home}-{number}", home=home) for number in range(shards_per_home) for home in homes)


def divide(shards: tuple[ShardSpec, ...]) -> dict[str, tuple[Range, ...]]:
    """Return the slots of each shard: those it names, or an even share if no shard names any."""
    even = divide_evenly([shard.name for shard in shards])
    named = {shard.name: shard.slots for shard in shards if shard.slots is not None}
    if not named:
        return even
    if len(named) != len(shards):
        unnamed = next(shard.name for shard in shards if shard.slots is None)
        raise InvalidSettings(f"shard {unnamed}: slots are missing; give slots to every shard, or to none")
    check_complete(named)
    return named


def divide_evenly(shards: Sequence[str], slots: int = SLOTS) -> dict[str, tuple[Range, ...]]:
    """Return one contiguous range a shard, in the order given; lengths differ by one slot at most."""
    count = len(shards)
    if not 1 <= count <= slots:
        raise InvalidSlots(f"{count} shards: 1 to {slots} are possible")
    if len(set(shards)) != count:
        raise InvalidSlots(f"shards: {', '.join(shards)}: each name must be unique")
    bounds = [number * slots // count for number in range(count + 1)]
    return {shard: ((bounds[number], bounds[number + 1] - 1),) for number, shard in enumerate(shards)}


def check_complete(division: Mapping[str, Sequence[Range]], slots: int = SLOTS) -> None:
    """Raise InvalidSlots unless every slot has exactly one shard."""
    owners: dict[int, str] = {}
    for shard, ranges in division.items():
        for first, last in ranges:
            if not 0 <= first <= last < slots:
                raise InvalidSlots(f"{shard}: {first} to {last} is not a range within 0 to {slots - 1}")
            for slot in range(first, last + 1):
                if slot in owners:
                    raise InvalidSlots(f"slot {slot} belongs to both {owners[slot]} and {shard}")
                owners[slot] = shard
    if len(owners) != slots:
        missing = next(slot for slot in range(slots) if slot not in owners)
        raise InvalidSlots(f"slot {missing} belongs to no shard")


def check_homes(shards: Sequence[ShardSpec], homes: Mapping[Cloud, Home]) -> None:
    """Raise InvalidSettings if a shard's home is not among `homes`."""
    for shard in shards:
        if shard.home not in homes:
            raise InvalidSettings(f"shard {shard.name}: home {shard.home} is not among {', '.join(homes) or 'none'}")


def describe_shards(endpoints: Mapping[str, Endpoint], division: Mapping[str, tuple[Range, ...]]) -> pulumi.Output[str]:
    """Return the directory as JSON text; it holds no secret."""
    shards: list[dict[str, Any]] = [
        {"name": name, **endpoint.facts(), "slots": [list(slots) for slots in division[name]]}
        for name, endpoint in endpoints.items()
    ]
    return pulumi.Output.json_dumps({"slots": SLOTS, "shards": shards}, sort_keys=True)
