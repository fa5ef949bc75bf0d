"""Which servers to ask for a key, in which order. Pure."""

from __future__ import annotations

from collections.abc import Sequence

import xxhash

from app.sharding.reads.servers import Server


def distance(server: Server, home: str) -> int:
    """0 in the same cloud, 1 elsewhere."""
    return int(server.shard.home != home)


def candidates(servers: Sequence[Server], key: str, *, home: str, now: float, lag_limit: float) -> list[Server]:
    """Servers whose data is fresh enough, best first: the nearest; of these standbys before the primary; of equal
    standbys always the same one for a key, which so finds it in its cache. The primary is always among them.
    """
    usable = [each for each in servers if each.is_primary or (each.lag(now) <= lag_limit and not each.is_open)]
    if len(usable) > 1:
        usable.sort(key=lambda each: (distance(each, home), each.is_primary, -_chance(each.name, key)))
    return usable


def _chance(server: str, key: str) -> int:
    """Rendezvous: every server draws for the key, and the highest draw wins."""
    return xxhash.xxh3_64_intdigest(f"{server}/{key}".encode())
