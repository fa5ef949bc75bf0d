"""PostgreSQL servers over several clouds, and the ledger's shards on them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pulumi

from components.common import child_of
from components.database.endpoint import Endpoint, Home
from components.database.settings import InvalidSettings, PostgresSettings
from components.database.slots import SLOTS, Range, check_complete, divide


@dataclass(frozen=True, kw_only=True)
class Placement:
    """One server in one home."""

    name: str
    """Within the environment, e.g. `aws-0`."""
    home: str
    """aws, azure or gcp."""


@dataclass(frozen=True, kw_only=True)
class MultiCloudDatabaseArgs:
    homes: Mapping[str, Home]
    """Where databases can live, by cloud."""
    placements: tuple[Placement, ...]
    settings: PostgresSettings
    tags: Mapping[str, str]


class MultiCloudDatabase(pulumi.ComponentResource):
    """The same PostgreSQL in every home that is asked for; nothing replicates between them here."""

    endpoints: dict[str, Endpoint]
    """By the name of the placement."""

    def __init__(self, name: str, args: MultiCloudDatabaseArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("livingfortress:database:MultiCloudDatabase", name, None, opts)
        check_placements(args.placements, args.homes)
        child = child_of(self, opts)
        self.endpoints = {
            one.name: args.homes[one.home].place(f"{name}-{one.name}", args.settings, args.tags, child).endpoint
            for one in args.placements
        }
        self.register_outputs({"hosts": {key: endpoint.host for key, endpoint in self.endpoints.items()}})


@dataclass(frozen=True, kw_only=True)
class ShardSpec:
    """One shard of the ledger."""

    name: str
    """Within the environment, e.g. `aws-0`."""
    home: str
    """Cloud it lives on, which is the home of its accounts."""
    slots: tuple[Range, ...] | None = None
    """Slots it holds. None for all shards divides them evenly, which is right for a new ledger only: on one that
    holds accounts a different division must be made by moving slots, and written down here."""


@dataclass(frozen=True, kw_only=True)
class ShardClusterArgs:
    homes: Mapping[str, Home]
    shards: tuple[ShardSpec, ...]
    settings: PostgresSettings
    tags: Mapping[str, str]


class ShardCluster(pulumi.ComponentResource):
    """A PostgreSQL server for every shard, and the directory that tells the app which account is where."""

    directory: pulumi.Output[str]
    """JSON text: slots, and for every shard where it is, who logs in how, and which slots it holds."""
    endpoints: dict[str, Endpoint]

    def __init__(self, name: str, args: ShardClusterArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("livingfortress:database:ShardCluster", name, None, opts)
        division = slots_of(args.shards)
        databases = MultiCloudDatabase(
            name,
            MultiCloudDatabaseArgs(
                homes=args.homes,
                placements=tuple(Placement(name=shard.name, home=shard.home) for shard in args.shards),
                settings=args.settings,
                tags=args.tags,
            ),
            child_of(self, opts),
        )
        self.endpoints = databases.endpoints
        self.directory = directory(databases.endpoints, division)
        self.register_outputs({"directory": self.directory})


def shards_for(homes: tuple[str, ...], shards_per_home: int) -> tuple[ShardSpec, ...]:
    """`aws-0`, `azure-0`, `gcp-0`, `aws-1`, …: every home gets as many shards, spread over the slots."""
    return tuple(ShardSpec(name=f"{home}-{number}", home=home) for number in range(shards_per_home) for home in homes)


def slots_of(shards: tuple[ShardSpec, ...]) -> dict[str, tuple[Range, ...]]:
    """The slots of each shard: as they say, or evenly where none says anything."""
    even = divide([shard.name for shard in shards])
    said = {shard.name: shard.slots for shard in shards if shard.slots is not None}
    if not said:
        return even
    if len(said) != len(shards):
        silent = next(shard.name for shard in shards if shard.slots is None)
        raise InvalidSettings(f"shard {silent}: slots are missing; either every shard says its slots, or none does")
    check_complete(said)
    return said


def directory(endpoints: Mapping[str, Endpoint], division: Mapping[str, tuple[Range, ...]]) -> pulumi.Output[str]:
    """The directory as JSON text; there is no secret in it."""
    shards: list[dict[str, Any]] = [
        {"name": name, **endpoint.facts(), "slots": [list(one) for one in division[name]]}
        for name, endpoint in endpoints.items()
    ]
    return pulumi.Output.json_dumps({"slots": SLOTS, "shards": shards}, sort_keys=True)


def check_placements(placements: tuple[Placement, ...], homes: Mapping[str, Home]) -> None:
    names = [one.name for one in placements]
    if len(set(names)) != len(names):
        raise InvalidSettings(f"databases {', '.join(names)}: every name may stand there once")
    for one in placements:
        if one.home not in homes:
            raise InvalidSettings(f"database {one.name}: home {one.home} is not among {', '.join(homes) or 'none'}")
