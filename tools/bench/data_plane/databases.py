"""The databases that the rows of one run share: our shards on one server, and the peers' beside them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from app.topology import Directory, Shard
from tools.bench.data_plane import ours, peer
from tools.bench.data_plane.server import ADMIN, Server, logged_in_as

PEERS = "peers"
SPREAD = {"three-0": [[0, 1365]], "three-1": [[1366, 2730]], "three-2": [[2731, 4095]]}


@dataclass
class BenchDatabases:
    """Databases of a run, each created on first use."""

    server: Server

    @cached_property
    def shard(self) -> Shard:
        """One shard that holds all slots."""
        return ours.make_shards(self.server, {"one-0": [[0, 4095]]}).shards[0]

    @cached_property
    def followed(self) -> Shard:
        """A shard that nobody but the tails' own test reads and writes, and that has an index for the naive one."""
        shard = ours.make_shards(self.server, {"followed-0": [[0, 4095]]}).shards[0]
        with self.server.connect(shard.database) as connection:
            connection.execute("create index events_for_naive_tails on events (position)")
        return shard

    @cached_property
    def three(self) -> Directory:
        """Three shards that hold a third of the slots each."""
        return ours.make_shards(self.server, SPREAD)

    @cached_property
    def moving(self) -> Directory:
        """Two shards whose slots move."""
        return ours.make_shards(self.server, {"moving-0": [[0, 2047]], "moving-1": [[2048, 4095]]})

    @cached_property
    def peers(self) -> dict[str, Any]:
        """libpq's parameters for the database of all that is not ours."""
        self.server.create_database(PEERS)
        parameters = self.server.parameters(PEERS, ADMIN)
        with logged_in_as(self.server, ADMIN), peer.recorder(parameters):
            pass  # it makes its table when it is made, and several at once get in each other's way
        return parameters
