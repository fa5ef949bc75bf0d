"""Reads that go to the nearest server that is fresh enough: standbys within a lag limit, else the primary."""

from app.sharding.reads.build import ReplicaDatabases, build_read_router, servers_of
from app.sharding.reads.log_positions import LagClock, Position, WrongPosition
from app.sharding.reads.metrics import ReadMetrics
from app.sharding.reads.read_router import ReadLimits, ReadRouter
from app.sharding.reads.servers import ReplicaDatabase, Server, ServerState, candidates

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
    "build_read_router",
    "candidates",
    "servers_of",
]
