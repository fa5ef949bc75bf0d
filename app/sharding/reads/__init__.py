"""Reads that go to the nearest server that is fresh enough: standbys under a lag limit, else the primary."""

from app.sharding.reads.build import ReplicaDatabases, read_router
from app.sharding.reads.lag import LagClock
from app.sharding.reads.metrics import ReadMetrics
from app.sharding.reads.positions import Position, WrongPosition
from app.sharding.reads.read_router import ReadLimits, ReadRouter
from app.sharding.reads.servers import ReplicaDatabase, Server, ServerState

__all__ = [
    "LagClock",
    "Position",
    "ReadLimits",
    "ReadMetrics",
    "ReadRouter",
    "ReplicaDatabase",
    "ReplicaDatabases",
    "Server",
    "ServerState",
    "WrongPosition",
    "read_router",
]
